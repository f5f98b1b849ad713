"""Two kernels on numpy, from their texts as they stand: whether there is an input on which they differ.

Nothing is raised here: what a text in buffer form does to its bytes is what counts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from dsv4_passes.diagnostics import UserError
from dsv4_passes.equivalence.symbolic_memory import KnownArgument
from dsv4_passes.interpreter import numerics
from dsv4_passes.interpreter.kernels import Argument, Kernel, asks_for_block, run_kernel
from dsv4_passes.interpreter.program import run_program
from dsv4_passes.interpreter.values import Value
from dsv4_passes.npz import write_npz

from .awkward import Array, array, bits, without_zero_sign
from .kernels import Comparable
from .verdict import Allowed

UNKNOWN_SIZE = 1 << 14
"""Elements of an argument whose size no view says."""
BLOCKS = (4, 2, 1)
COUNTED = 10
"""Scalars count up to here, one an input, so that branches on them go both ways."""
Inputs = dict[str, Array]
Run = Callable[[Inputs], Mapping[str, Array]]
Shapes = Mapping[str, tuple[tuple[int, ...], str]]
"""Extents and element type of each input; a scalar has no extents."""


@dataclass(frozen=True)
class Counterexample:
    """An input on which two kernels store different bits, and the first element that differs."""

    output: str
    row: int
    lane: int
    before: str
    after: str
    inputs: Inputs
    blocks: int = 1

    def save(self, path: Path) -> None:
        """Write the input as `dsv4-run` takes it."""
        arrays = {
            name: values.view(np.uint16) if values.dtype.name == "bfloat16" else values
            for name, values in self.inputs.items()
        }
        write_npz(path, arrays)

    def __str__(self) -> str:
        return (
            f"'{self.output}' row {self.row} lane {self.lane} is {self.before} before and {self.after} after"
        )


@dataclass
class RunPair:
    """Two things that run on the same inputs."""

    before: Run
    after: Run
    shapes: Shapes
    facts: Mapping[str, KnownArgument]
    allowed: Allowed = field(default_factory=Allowed)
    finite: bool = True
    """Inf and NaN are excluded from inputs, because proofs assume finite rows."""
    blocks: int = 1
    tried: int = field(default=0)

    def difference(self, inputs: Inputs) -> Counterexample | None:
        """What differs on these inputs; UserError where the first of the two does not run on them."""
        ours = self.before(inputs)
        self.tried += 1
        try:
            theirs = self.after(inputs)
        except UserError as error:
            return Counterexample(next(iter(ours), ""), 0, 0, "a number", error.message, inputs, self.blocks)
        for name, values in ours.items():
            if (other := theirs.get(name)) is None or other.size != values.size:
                return Counterexample(name, 0, 0, "stored", "not stored", inputs, self.blocks)
            a, b = values.reshape(-1), other.reshape(-1)
            x, y = (without_zero_sign(v) for v in (a, b)) if self.allowed.zero_sign else (a, b)
            wrong = np.flatnonzero(bits(x) != bits(y))
            if wrong.size:
                at = int(wrong[0])
                row, lane = divmod(at, self.width(name, values))
                return Counterexample(name, row, lane, str(a[at]), str(b[at]), inputs, self.blocks)
        return None

    def width(self, name: str, values: Array) -> int:
        shape = self.shapes[name][0] if name in self.shapes else values.shape
        return max(1, shape[-1] if shape else 1)

    def mixed(self, seed: int) -> Inputs:
        """One input with labels, ties and awkward numbers beside one another; facts hold in it."""
        random = np.random.default_rng(seed)
        labels, ties, awkward = (self.given(kind, seed, random) for kind in (0, 1, 2))
        return {
            name: values if name in self.facts else _one_of(values, ties[name], awkward[name], random)
            for name, values in labels.items()
        }

    def inputs(self, trials: int, seed: int = 0) -> Iterator[Inputs]:
        """Labels, ties and awkward numbers first, then random ones; facts hold in all."""
        for trial in range(trials):
            kind = trial if trial < 3 else 2 + trial % 2
            yield self.given(kind, trial, np.random.default_rng((seed, trial)))

    def given(self, kind: int, number: int, random: "np.random.Generator") -> Inputs:
        """Numbers of a kind in all arrays, and a number in all integer scalars."""
        found: Inputs = {}
        for name, (shape, dtype) in self.shapes.items():
            if name in self.facts:
                numbers = np.asarray(self.facts[name].matrix).reshape(shape)
                found[name] = numbers.astype(numerics.numpy_dtype(dtype))
            elif not shape and not numerics.computes_as_float(dtype):
                found[name] = np.array(number % COUNTED, numerics.numpy_dtype(dtype))
            else:
                count = int(np.prod(shape))
                found[name] = array(dtype, count, random, kind, self.finite).reshape(shape)
        return found

    def search(self, trials: int, seed: int = 0) -> Counterexample | None:
        """A small input on which the two differ, if one of `trials` does. UserError if none of them ran."""
        problem: UserError | None = None
        for inputs in self.inputs(trials, seed):
            try:
                found = self.difference(inputs)
            except UserError as error:
                problem = error
                continue
            if found is not None:
                return self.smaller(found)
        if not self.tried and problem is not None:
            raise problem
        return None

    def smaller(self, found: Counterexample, runs: int = 8) -> Counterexample:
        """The same with zeros for as much of the inputs as may be: for other rows, then in halves."""
        found = self._still(self._one_row(found)) or found
        pieces = [
            (name, 0, values.size)
            for name, values in found.inputs.items()
            if name not in self.facts and values.ndim
        ]
        while pieces and runs:
            name, low, high = pieces.pop(0)
            values = found.inputs[name].copy()
            nonzero = low + np.flatnonzero(values.reshape(-1)[low:high])
            if not nonzero.size:
                continue
            values.reshape(-1)[nonzero] = 0
            runs -= 1
            if (again := self._still({**found.inputs, name: values})) is not None:
                found = again
            elif nonzero.size > 1:
                middle = int(nonzero[nonzero.size // 2])
                pieces += [(name, low, middle), (name, middle, high)]
        return found

    def _still(self, inputs: Inputs) -> Counterexample | None:
        """What differs on these inputs, if they can be run at all."""
        try:
            return self.difference(inputs)
        except UserError:
            return None

    def _one_row(self, found: Counterexample) -> Inputs:
        """The inputs with zeros in all rows but that one which differs, where tensors have as many rows."""
        shape = self.shapes[found.output][0] if found.output in self.shapes else ()
        kept: Inputs = {}
        for name, values in found.inputs.items():
            kept[name] = values
            if name not in self.facts and values.ndim > 1 and values.shape[:-1] == shape[:-1]:
                kept[name] = np.zeros_like(values)
                rows, into = (array.reshape(-1, values.shape[-1]) for array in (values, kept[name]))
                into[found.row] = rows[found.row]
        return kept


def kernel_pair(before: Comparable, after: Comparable, numbers: Mapping[int, int], **how: object) -> RunPair:
    """Two kernels, of which `numbers` says which argument of `after` is which of `before`.

    What `after` takes beside them is an input by its own name.
    """
    ours, theirs = before.kernel.arguments, after.kernel.arguments
    names = {b: ours[a].name if a in ours else theirs[b].name for b, a in numbers.items()}
    shapes: dict[str, tuple[tuple[int, ...], str]] = {}
    same = {a: theirs[b] for b, a in numbers.items()}
    for index, argument in ours.items():
        shapes[argument.name] = _shape(argument, same.get(index))
    for index, name in names.items():
        shapes.setdefault(name, _shape(theirs[index], None))
    facts = {names[b]: fact for b, fact in after.facts.items()}
    facts |= {ours[a].name: fact for a, fact in before.facts.items()}

    def run(kernel: Kernel, named: Mapping[int, str]) -> Run:
        def runs(inputs: Inputs) -> Mapping[str, Array]:
            arrays: dict[int, Array] = {}
            scalars: dict[int, Value] = {}
            for index, argument in kernel.arguments.items():
                values = inputs[named[index]]
                if argument.pointer:
                    arrays[index] = values.reshape(-1).astype(numerics.numpy_dtype(argument.dtype))
                elif numerics.computes_as_float(argument.dtype):
                    scalars[index] = values.reshape(1, 1)
                else:
                    scalars[index] = int(values.reshape(()))
            run_kernel(kernel, arrays, scalars, pair.blocks)
            return {named[i]: arrays[i] for i, argument in kernel.arguments.items() if argument.stored}

        return runs

    first = run(before.kernel, {i: argument.name for i, argument in ours.items()})
    pair = RunPair(first, run(after.kernel, names), shapes, facts, **how)  # pyright: ignore[reportArgumentType]
    pair.blocks = _blocks(pair, before.kernel)
    return pair


def _shape(argument: Argument, other: Argument | None) -> tuple[tuple[int, ...], str]:
    if not argument.pointer:
        return (), argument.dtype
    size = max(argument.size, other.size if other is not None else 0) or UNKNOWN_SIZE
    fits = argument.shape is not None and int(np.prod(argument.shape)) == size
    return (argument.shape or () if fits else (size,)), argument.dtype


def _one_of(a: Array, b: Array, c: Array, random: "np.random.Generator") -> Array:
    """Each element from one of three arrays."""
    which = random.integers(0, 3, a.shape)
    return np.where(which == 0, a, np.where(which == 1, b, c))


def _blocks(pair: RunPair, kernel: Kernel) -> int:
    """How many blocks the first kernel runs in without reaching beyond its tensors."""
    if not asks_for_block(kernel):
        return 1
    for blocks in BLOCKS:
        pair.blocks = blocks
        try:
            pair.before(next(pair.inputs(1)))
        except UserError:
            continue
        return blocks
    return 1


def program_run(module: ModuleOp, shapes: Shapes) -> Run:
    """Run a program that is a module; what its outputs hold in the end, by name."""

    def run(inputs: Inputs) -> Mapping[str, Array]:
        return {
            name: values.view(numerics.numpy_dtype("bf16"))
            if name in shapes and shapes[name][1] == "bf16"
            else values
            for name, values in run_program(module, inputs).items()
        }

    return run
