"""Whole programs on terms: every launch with all its blocks, tensors as arrays of term ids.

The numbers of blocks, bounds and addresses are numbers here, so that kernels of other grids and orders can
be compared by what is in the tensors in the end.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue

from dialects.dsv4.attributes import SelectorAttr, TableAttr
from dialects.dsv4.functions import Parameter, argument_attributes, parameters, written
from dialects.pto.types import element_name
from dsv4_passes.diagnostics import UserError
from dsv4_passes.equivalence import budget
from dsv4_passes.equivalence.facts import WrongFact, facts_of, make_fact
from dsv4_passes.equivalence.lanes import CannotFollow, LaneContext, LaneRun
from dsv4_passes.equivalence.machine import LaneMachine
from dsv4_passes.equivalence.straight_line import Options
from dsv4_passes.equivalence.symbolic_memory import Ids, KnownArgument
from dsv4_passes.equivalence.tensor_memory import TensorHistories, TensorMemory
from dsv4_passes.interpreter import numerics, scalars
from dsv4_passes.interpreter.affine import Affine
from dsv4_passes.interpreter.domain import NotConcrete
from dsv4_passes.interpreter.kernels import Kernel, run_block
from dsv4_passes.interpreter.machine import Place
from dsv4_passes.interpreter.operation_plans import Plans
from dsv4_passes.interpreter.program import ProgramRun, choose_orchestration
from dsv4_passes.interpreter.values import NO_CONDITIONS, Value, is_lanes
from dsv4_passes.source_names import base_name

from .program_folder import FolderProgram

MAX_TRIPS = 4096
"""Loops of kernels with at most as many constant trips run as they are."""
MAX_ELEMENTS = 1 << 22
"""Elements that the tensors of a program may have together; a term of each takes about 150 bytes."""


class TooMuch(CannotFollow):
    """A program that would take more time or memory than comparing it is worth."""


@dataclass
class RunBudget:
    """CPU seconds and elements of tensors that runs may still take."""

    seconds: float
    elements: int = MAX_ELEMENTS
    allowed: budget.Budget = field(init=False)
    """Of all kernels together."""

    def __post_init__(self) -> None:
        self.allowed = budget.Budget(budget.current().memory, self.seconds)

    def check(self) -> None:
        if self.allowed.is_over():
            raise TooMuch(f"comparing the whole program takes more than {self.seconds:.0f} s")

    def take(self, elements: int) -> None:
        self.elements -= elements
        if self.elements < 0:
            raise TooMuch(f"the tensors of the program have more than {MAX_ELEMENTS} elements")


class TermBlocks:
    """Runs the blocks of kernels on tensors of term ids."""

    def __init__(self, context: LaneContext, allowance: RunBudget):
        self.context = context
        self.budget = allowance
        self.conditions: set[str] = set()
        self.inputs: list[Ids] = []
        """Tensors as they came in."""
        self.disturbed = False
        """Terms that differ need not mean different values."""
        self.resolve: Callable[[Ids], Ids] | None = None
        """Makes terms of elements that are only named so far."""
        self.most_bytes: int | None = None
        """What the terms may take, about."""

    def run(
        self, kernel: Kernel, tensors: dict[int, Ids], given: Mapping[int, Value], blocks: int
    ) -> Sequence[Any]:
        """Run all blocks in order; `tensors`, flat, by argument index, change. What the last one returns."""
        run = LaneRun(self.context)
        options = Options(MAX_TRIPS, self.budget.allowed, False, kernel.functions[0], {}, Plans())
        dtypes = {i: argument.dtype for i, argument in kernel.arguments.items()}
        histories = TensorHistories(
            self.context.domain, self.context.intern, tensors=tensors, dtypes=dtypes, resolve=self.resolve
        )

        def machine(place: Place) -> LaneMachine:
            if not kernel.mixed:
                place = place._replace(
                    subblock=Affine.symbol("subblock", 0, 1), subblocks=Affine.symbol("subblocks", 1)
                )
            return LaneMachine(run, TensorMemory(histories, run.loads), place, options)

        for block in range(blocks):
            self.budget.check()
            if self.most_bytes is not None and self.context.bytes > self.most_bytes:
                raise TooMuch(f"comparing makes terms of more than {budget.size(self.most_bytes)}")
            try:
                run_block(kernel, machine, given, block, blocks)
            except NotConcrete as error:
                raise CannotFollow(f"cannot be followed lane by lane: {error}") from None
            for effect in run.effects:
                self.conditions |= getattr(effect, "conditions", NO_CONDITIONS)
            run.effects.clear()
            run.instances.clear()
            run.bytes = 0
            run.loads.clear()
        self.disturbed |= histories.disturbed
        return []

    def leaves(self, name: str, shape: Sequence[int], dtype: str) -> Ids:
        """A tensor as it comes in."""
        count = int(np.prod(shape))
        self.budget.take(count)
        addresses = np.arange(count, dtype=np.int64)
        self.inputs.append(self.context.domain.table.loads(name, 0, (), addresses, dtype))
        return self.inputs[-1].reshape(shape)

    def is_input(self, tensor: Ids) -> bool:
        """The whole flat tensor is what one parameter held when the program began."""
        return any(np.array_equal(tensor, held) for held in self.inputs)

    def known(self, fact: KnownArgument, shape: Sequence[int], dtype: str) -> Ids:
        """A tensor of which all numbers are known."""
        numbers = np.asarray(fact.matrix).reshape(shape).astype(numerics.numpy_dtype(dtype))
        return self.context.domain.from_numbers(numbers, dtype)

    # -- a folder of texts, or what an orchestration does with elements ----------------------------

    def kernel(self, program: FolderProgram, name: str) -> Kernel:
        found = program.raised[name]
        if found.refusal is not None:
            raise found.refusal
        return found.kernel

    def tensor(self, name: str, shape: Sequence[int | str], dtype: str, fact: KnownArgument | None) -> Ids:
        extents = [extent for extent in shape if isinstance(extent, int)]
        if len(extents) < len(shape):
            raise UserError(f"'{name}' has an extent that is no number")
        return self.leaves(name, extents, dtype) if fact is None else self.known(fact, extents, dtype)

    def scalar(self, name: str, dtype: str) -> Value:
        if numerics.computes_as_float(dtype):
            return np.full((1, 1), self.context.domain.table.opaque(("argument", name), dtype), np.int64)
        return scalars.symbol(name, dtype)

    def fresh(self, shape: Sequence[int], dtype: str) -> Ids:
        self.budget.take(int(np.prod(shape)))
        term = self.context.domain.table.opaque("memory that nobody wrote", dtype)
        return np.full(shape, term, np.int64)

    def changed(self, before: Ids, after: Ids) -> NDArray[np.bool_]:
        return before != after

    def element_read(self, value: Any, dtype: str) -> Value:
        if numerics.computes_as_float(dtype):
            return np.full((1, 1), value, np.int64)
        number = self.context.domain.table.number(int(value))
        return int(number) if number is not None else scalars.symbol(f"element#{int(value)}", dtype)

    def element_written(self, value: Value) -> Any:
        if is_lanes(value):
            return value.reshape(())
        table = self.context.domain.table
        return table.int_constant(value) if isinstance(value, int) else table.opaque(("number", value), "i32")

    def float_lanes(self, number: float, dtype: str) -> Value:
        lanes = np.full((1, 1), number, numerics.numpy_dtype(dtype))
        return self.context.domain.from_numbers(lanes, dtype)


class TermProgram(ProgramRun):
    """An orchestration on terms."""

    def __init__(self, module: ModuleOp, blocks: TermBlocks, kernels: Mapping[str, Kernel]):
        super().__init__(module)
        self.domain = blocks.context.domain  # pyright: ignore[reportAttributeAccessIssue]
        self.blocks = blocks
        self.kernels = kernels

    def outputs(self) -> dict[str, Any]:
        """Run the only orchestration; the tensors that it writes, in the end, by parameter."""
        function, facts = choose_orchestration(self.module), input_facts(self.module)
        arguments: list[Any] = []
        for parameter in parameters(function):
            name = base_name(parameter.name)
            if not parameter.is_tensor:
                arguments.append(self.blocks.scalar(name, element_name(parameter.type)))
                continue
            dtype = element_name(cast("TensorType[Attribute]", parameter.type).element_type)
            arguments.append(self.tensor(name, parameter.dims, dtype, facts.get(name)))
        results = self.function(function, arguments)
        outputs = written(function)
        return {base_name(p.name): array for p, array in zip(outputs, results[: len(outputs)], strict=True)}

    def tensor(self, name: str, dims: Sequence[int | str], dtype: str, fact: KnownArgument | None) -> Any:
        """A tensor as it comes in. UserError where an extent is not known."""
        return self.blocks.tensor(name, dims, dtype, fact)

    def numbers(self, values: Sequence[SSAValue]) -> list[int]:
        found = [self.env[value] for value in values]
        if not all(isinstance(number, int) for number in found):
            raise UserError("the program computes with a number that is not known")
        return found

    def branch(self, op: scf.IfOp) -> None:
        self.numbers([op.cond])
        super().branch(op)

    def run_blocks(
        self,
        op: Operation,
        kernel: func.FuncOp,
        arrays: dict[int, Any],
        given: Mapping[int, Value],
        blocks: int,
    ) -> Sequence[Any]:
        found = self.kernels[kernel.sym_name.data]
        for value, fact in facts_of(kernel).items():
            assert isinstance(value, BlockArgument)
            held = arrays.get(value.index)
            if held is not None and self.blocks.is_input(held):
                dtype = found.arguments[value.index].dtype
                arrays[value.index] = self.blocks.known(fact, (held.size,), dtype)
        if kernel.function_type.outputs.data:
            raise UserError(f"kernel '{kernel.sym_name.data}' returns scalars", op.location)
        return self.blocks.run(found, arrays, given, blocks)

    def fresh(self, shape: tuple[int, ...], dtype: str) -> Any:
        return self.blocks.fresh(shape, dtype)

    def element_read(self, value: Any, dtype: str) -> Value:
        return self.blocks.element_read(value, dtype)

    def element_written(self, value: Value) -> Any:
        return self.blocks.element_written(value)


def check_size(function: func.FuncOp, budget: RunBudget) -> None:
    """Raises TooMuch before any term is made, where the tensors that come in have too many elements."""
    tensors = [p.dims for p in parameters(function) if p.is_tensor]
    numbers = [[d for d in dims if isinstance(d, int)] for dims in tensors]
    if sum(math.prod(dims) for dims in numbers) > budget.elements:
        raise TooMuch(f"the tensors of the program have more than {MAX_ELEMENTS} elements")


def run_program_on_terms(
    module: ModuleOp,
    kernels: Mapping[str, Kernel],
    blocks: TermBlocks,
) -> dict[str, Ids]:
    """The tensors that a program writes, in the end, by parameter. UserError where that cannot be told."""
    check_size(choose_orchestration(module), blocks.budget)
    return TermProgram(module, blocks, kernels).outputs()


def input_facts(module: ModuleOp) -> dict[str, KnownArgument]:
    """What is known of the tensors that come into the only orchestration of a module, by name."""
    function = choose_orchestration(module)
    found: dict[str, KnownArgument] = {}
    for parameter in parameters(function):
        extents = [d for d in parameter.dims if isinstance(d, int)]
        fact = _fact(function, parameter, extents) if parameter.is_tensor else None
        if fact is not None:
            found[base_name(parameter.name)] = fact
    return found


def _fact(function: func.FuncOp, parameter: Parameter, shape: Sequence[int]) -> KnownArgument | None:
    given = argument_attributes(function, parameter.index)
    for kind in ("selector", "table"):
        attr = given.get(f"dsv4.{kind}")
        if isinstance(attr, SelectorAttr | TableAttr):
            try:
                return make_fact(kind, attr.data, tuple(shape))
            except WrongFact as error:
                raise UserError(str(error), function.location) from None
    return None
