"""A program as a folder of texts (`dsv4-opt -t pto -o DIR`), run on terms or numbers from the texts alone.

`program.json` says which kernels run on which tensors; a tensor is known by the name of its memory, and a
part of one by the elements it covers.
"""

import ast
import json
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from dsv4_passes.diagnostics import UserError
from dsv4_passes.equivalence.symbolic_memory import Ids
from dsv4_passes.formats.pto.launcher.steps import Json
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.interpreter import numerics
from dsv4_passes.interpreter.affine import Number
from dsv4_passes.interpreter.kernels import Kernel, find_kernels
from dsv4_passes.interpreter.values import Value
from dsv4_passes.source_names import base_name

from .kernels import Comparable, comparables

DESCRIPTION = "program.json"
NOT_WRITTEN = "not written"
"""What a description has of a function that is not among the files: why."""


class Domain(Protocol):
    """What the elements of tensors are, and how kernels run on them."""

    def kernel(self, program: "FolderProgram", name: str) -> Kernel:
        """The kernel of that name in the form that can be run. UserError where there is none."""
        ...

    def tensor(self, name: str, shape: Sequence[int | str], dtype: str, fact: Any) -> Any:
        """A tensor as it comes in. UserError where an extent is not known."""
        ...

    def scalar(self, name: str, dtype: str) -> Value:
        """A scalar as it comes in."""
        ...

    def fresh(self, shape: Sequence[int], dtype: str) -> Any:
        """A tensor that nobody wrote."""
        ...

    def run(self, kernel: Kernel, tensors: dict[int, Any], given: Mapping[int, Value], blocks: int) -> object:
        """Run all blocks; `tensors`, flat, by argument index, change."""
        ...

    def changed(self, before: Any, after: Any) -> Any:
        """Which elements differ."""
        ...

    def element_read(self, value: Any, dtype: str) -> Value:
        """An element of a tensor as a scalar."""
        ...

    def element_written(self, value: Value) -> Any:
        """A scalar as an element of a tensor."""
        ...

    def float_lanes(self, number: float, dtype: str) -> Value:
        """A float as a scalar."""
        ...


class Part(NamedTuple):
    """Elements of a tensor: which memory, and the place of each in it."""

    memory: str
    places: Ids


def read_folder(folder: Path) -> dict[str, str]:
    """The texts of a program by file name. UserError where it is none."""
    path = folder / DESCRIPTION
    try:
        description = json.loads(path.read_text("utf-8"))
        names = [DESCRIPTION, *(str(k["file"]) for k in description["kernels"] if NOT_WRITTEN not in k)]
        return {name: (folder / name).read_text("utf-8") for name in names}
    except OSError as error:
        raise UserError(f"no program: {error.strerror}", str(error.filename or path)) from None
    except (ValueError, LookupError, TypeError) as error:
        raise UserError(f"not the description of a program: {error}", str(path)) from None


def check_complete(description: Json) -> None:
    """UserError where something of the program is not among the files."""
    for function in (*description["kernels"], *description["orchestration"]):
        if NOT_WRITTEN in function:
            raise UserError(f"'{function['name']}' is not written: {function[NOT_WRITTEN]}", DESCRIPTION)
    if NOT_WRITTEN in description:
        names = ", ".join(f"'{name}'" for name in description[NOT_WRITTEN])
        raise UserError(f"functions that are only known as text are not written: {names}", DESCRIPTION)


class FolderProgram:
    """The program that texts make; `facts` by parameter say what is known of tensors as they come in."""

    def __init__(self, files: Mapping[str, str], facts: Mapping[str, Any] | None = None):
        self.description: Json = json.loads(files[DESCRIPTION])
        self.name: str = str(self.description["program"])
        self.facts = facts or {}
        self.kernels: dict[str, tuple[Json, Kernel]] = {}
        """What is said of each kernel, and the kernel as it stands in its text."""
        check_complete(self.description)
        for kernel in self.description["kernels"]:
            found = find_kernels(parse_text(files[kernel["file"]], kernel["file"]))
            if kernel["name"] not in found:
                raise UserError(f"there is no kernel '{kernel['name']}' in it", kernel["file"])
            self.kernels[kernel["name"]] = kernel, found[kernel["name"]]

    @cached_property
    def raised(self) -> dict[str, Comparable]:
        """The kernels in value form."""
        found: dict[str, Comparable] = {}
        for name, (_, kernel) in self.kernels.items():
            module = kernel.functions[0].parent_op()
            assert isinstance(module, ModuleOp)
            found[name] = comparables(module.clone())[name]
        return found

    @property
    def orchestration(self) -> Json:
        """The only orchestration, as it is described. UserError where there are none or several."""
        found = self.description["orchestration"]
        if len(found) != 1:
            names = ", ".join(f"'{each['name']}'" for each in found) or "none"
            kernels = ", ".join(f"'{name}'" for name in sorted(self.kernels))
            raise UserError(f"expected one orchestration, found {names}; its kernels are {kernels}")
        return found[0]

    def run(self, blocks: Domain) -> Mapping[str, Any]:
        """What the outputs hold in the end."""
        run, described = _Run(self, blocks), self.orchestration
        try:
            return run.orchestration(described)
        except (LookupError, TypeError, ValueError) as error:
            problem = f"{DESCRIPTION} cannot be followed: {type(error).__name__}: {error}"
            raise UserError(problem) from None


class _Run:
    """A run of the steps: memories by name, scalars by name."""

    def __init__(self, program: FolderProgram, domain: Domain):
        self.program = program
        self.domain = domain
        self.memory: dict[str, Any] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.dtypes: dict[str, str] = {}
        self.scalars: dict[str, Value] = {}
        self.makers: dict[str, Callable[[Json], None]] = {
            "create": self.create,
            "launch": self.launch,
            "assemble": self.assemble,
            "read": self.read,
            "write": self.write,
            "dim": self.dim,
            "for": self.loop,
            "if": self.branch,
        }

    def orchestration(self, described: Json) -> dict[str, Any]:
        outputs: list[str] = []
        for parameter in described["parameters"]:
            name, dtype = parameter["name"], parameter["dtype"]
            if "direction" not in parameter:
                self.scalars[name] = self.domain.scalar(base_name(name), dtype)
                continue
            fact = self.program.facts.get(base_name(name))
            self.declare(name, dtype, self.domain.tensor(base_name(name), parameter["shape"], dtype, fact))
            if parameter["direction"] != "in":
                outputs.append(name)
        self.steps(described["steps"])
        return {base_name(name): self.memory[name].reshape(self.shapes[name]) for name in outputs}

    def declare(self, name: str, dtype: str, elements: Any) -> None:
        self.memory[name] = elements.reshape(-1).copy()
        self.shapes[name], self.dtypes[name] = elements.shape, dtype

    # -- steps -----------------------------------------------------------------------------------

    def steps(self, steps: Sequence[Json]) -> None:
        for step in steps:
            maker = next((self.makers[word] for word in self.makers if word in step), None)
            if maker is None:
                raise UserError(f"unknown step {step}")
            maker(step)

    def create(self, step: Json) -> None:
        shape = [self.number(extent) for extent in step["shape"]]
        self.declare(step["create"], step["dtype"], self.domain.fresh(shape, step["dtype"]))

    def launch(self, step: Json) -> None:
        described, _ = self.program.kernels[step["launch"]]
        kernel = self.domain.kernel(self.program, step["launch"])
        tensors: dict[int, Any] = {}
        parts: dict[int, Part] = {}
        given: dict[int, Value] = {}
        symbols: dict[str, int] = {}
        passed = iter(step["arguments"])
        for index, argument in enumerate(described["arguments"]):
            if "hidden" in argument:
                continue
            if "direction" not in argument:
                given[index] = self.scalar(next(passed), argument["dtype"])
                continue
            parts[index] = part = self.part(next(passed))
            tensors[index] = self.memory[part.memory][part.places.reshape(-1)]
            for dim, size in zip(argument["shape"], part.places.shape, strict=True):
                if isinstance(dim, str):
                    symbols.setdefault(dim, size)
        for index, argument in enumerate(described["arguments"]):
            if argument.get("hidden") == "dim":
                given[index] = symbols[argument["name"]]
        before = {index: ids.copy() for index, ids in tensors.items()}
        self.domain.run(kernel, tensors, given, self.number(step.get("blocks", 1)))
        for index, part in parts.items():
            changed = self.domain.changed(before[index], tensors[index])
            self.memory[part.memory][part.places.reshape(-1)[changed]] = tensors[index][changed]

    def assemble(self, step: Json) -> None:
        source, into = self.part(step["assemble"]), self.part(step["into"])
        places = into.places[self.box(step["offsets"], source.places.shape, into.places.shape)]
        self.memory[into.memory][places] = self.memory[source.memory][source.places]

    def read(self, step: Json) -> None:
        part = self.part(step["read"])
        at = tuple(self.number(i) for i in step["at"])
        element = self.memory[part.memory][part.places[at]]
        self.scalars[step["as"]] = self.domain.element_read(element, self.dtypes[part.memory])

    def write(self, step: Json) -> None:
        part = self.part(step["into"])
        at, dtype = tuple(self.number(i) for i in step["at"]), self.dtypes[part.memory]
        value = self.scalar(step["write"], dtype)
        self.memory[part.memory][part.places[at]] = self.domain.element_written(value)

    def dim(self, step: Json) -> None:
        self.scalars[step["as"]] = self.part(step["dim"]).places.shape[step["axis"]]

    def loop(self, step: Json) -> None:
        low, high, by = (self.number(step[word]) for word in ("from", "to", "step"))
        carried: dict[str, Sequence[str]] = step.get("carried", {})
        self.scalars |= {name: self.expression(start) for name, (start, _) in carried.items()}
        for trip in range(low, high, by):
            self.scalars[step["for"]] = trip
            self.steps(step["steps"])
            self.scalars |= {name: self.expression(end) for name, (_, end) in carried.items()}

    def branch(self, step: Json) -> None:
        self.steps(step["then"] if self.number(step["if"]) else step.get("else", []))

    # -- tensors and scalars ---------------------------------------------------------------------

    def part(self, described: str | Json) -> Part:
        if isinstance(described, str):
            count = self.memory[described].size
            return Part(described, np.arange(count, dtype=np.int64).reshape(self.shapes[described]))
        whole = self.part(described["of"])
        shape = [self.number(extent) for extent in described["shape"]]
        if "offsets" not in described:
            return Part(whole.memory, whole.places.reshape(shape))
        return Part(whole.memory, whole.places[self.box(described["offsets"], shape, whole.places.shape)])

    def box(self, offsets: Sequence[str], sizes: Sequence[int], shape: Sequence[int]) -> tuple[slice, ...]:
        starts = [self.number(offset) for offset in offsets]
        ends = [a + size for a, size in zip(starts, sizes, strict=True)]
        if min(starts, default=0) < 0 or any(e > s for e, s in zip(ends, shape, strict=True)):
            raise UserError(f"a part at {starts} reaches outside of {tuple(shape)}")
        return tuple(map(slice, starts, ends))

    def number(self, text: str | int) -> int:
        found = text if isinstance(text, int) else self.expression(text)
        if not isinstance(found, int):
            raise UserError("the program computes with a number that is not known")
        return int(found)

    def scalar(self, text: str, dtype: str) -> Value:
        """A scalar as a kernel takes it: a number, or a float as lanes [1, 1]."""
        found = self.expression(text)
        if numerics.computes_as_float(dtype) and isinstance(found, int | float):
            return self.domain.float_lanes(found, dtype)
        return found  # pyright: ignore[reportReturnType]

    def expression(self, text: str | int) -> Value | float:
        return _evaluate(ast.parse(str(text), mode="eval").body, self.scalars)


def _floor(a: Number, b: Number) -> Number:
    return a // b


_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: _floor,
    ast.Mod: operator.mod,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _evaluate(node: ast.expr, names: Mapping[str, Value]) -> Any:
    """An expression of program text over whole numbers; floats are taken as they stand."""
    match node:
        case ast.Constant(int() | float() as value):
            return int(value) if isinstance(value, bool) else value
        case ast.Name(name):
            return names[name]
        case ast.UnaryOp(ast.USub(), operand):
            return -_evaluate(operand, names)
        case ast.BinOp(left, sign, right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_evaluate(left, names), _evaluate(right, names))
        case ast.Compare(left, [sign], [right]) if type(sign) in _OPERATORS:
            pair = _evaluate(left, names), _evaluate(right, names)
            if not all(isinstance(number, int) for number in pair):
                raise UserError(f"'{ast.unparse(node)}' has no number")
            return int(_OPERATORS[type(sign)](*pair))
        case ast.Call(ast.Attribute(ast.Name("pl"), "cast" | "const"), [value, _]):
            return _evaluate(value, names)
        case ast.Call(ast.Attribute(ast.Name("pl"), "min" | "max" as which), values):
            numbers = [_evaluate(value, names) for value in values]
            if not all(isinstance(number, int) for number in numbers):
                raise UserError(f"'{ast.unparse(node)}' has no number")
            return min(numbers) if which == "min" else max(numbers)
        case _:
            raise UserError(f"'{ast.unparse(node)}' cannot be computed here")
