"""Kernels of a module: what their arguments are called, what shape they have, and running all blocks.

A kernel is one function, or the pair `X_aic` / `X_aiv` of a mixed one, which share their arguments.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from numpy.typing import NDArray
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from dialects.pto.memory import MakeTensorViewOp, constant_int
from dialects.pto.types import PtrType, element_name
from dsv4_passes.argument_names import argument_names, argument_spellings
from dsv4_passes.diagnostics import UserError
from dsv4_passes.xdsl_extras.functions import functions_in

from . import scalars
from .affine import Number
from .channels import Channels
from .gm import ArrayMemory
from .machine import (
    SPMD_PARAMETERS,
    Machine,
    Place,
    Steps,
    arguments_of,
    run_together,
)
from .numpy_domain import NumpyDomain
from .operation_plans import Plans
from .values import Value

MachineT = TypeVar("MachineT", bound=Machine)


@dataclass
class Argument:
    """A parameter as its uses describe it.

    `shape` is that of its plain view (None where an extent is no constant), `size` in elements the least that
    the views need.
    """

    index: int
    name: str
    dtype: str
    pointer: bool
    shape: tuple[int, ...] | None = None
    size: int = 0
    loaded: bool = False
    stored: bool = False
    spellings: set[str] = field(default_factory=set[str])
    """All names that mean it."""


@dataclass
class Kernel:
    """The functions of a kernel and its arguments by index; block numbers are not among them."""

    name: str
    functions: list[func.FuncOp]
    arguments: dict[int, Argument] = field(default_factory=dict[int, Argument])

    @property
    def mixed(self) -> bool:
        return len(self.functions) > 1


def find_kernels(module: ModuleOp) -> dict[str, Kernel]:
    """All kernels of a module by name; functions that others call are not kernels."""
    functions = {f.sym_name.data: f for f in functions_in(module) if f.body.blocks}
    called = {op.callee.root_reference.data for op in module.walk() if isinstance(op, func.CallOp)}
    kernels: dict[str, Kernel] = {}
    for name, function in functions.items():
        base = name.removesuffix("_aic").removesuffix("_aiv")
        pair = [functions[f"{base}{side}"] for side in ("_aic", "_aiv") if f"{base}{side}" in functions]
        if len(pair) == 2 and name != base:
            kernels.setdefault(base, Kernel(base, pair))
        elif name not in called:
            kernels[name] = Kernel(name, [function])
    for kernel in kernels.values():
        kernel.arguments = _arguments(kernel.functions)
    return kernels


def choose_kernel(kernels: Mapping[str, Kernel], name: str | None, where: str) -> Kernel:
    """The kernel of that name, or the only one. UserError otherwise, saying what there is."""
    names = ", ".join(f"'{n}'" for n in kernels) or "none"
    if name is None:
        if len(kernels) != 1:
            raise UserError(f"expected one kernel, found {names}; choose one with --func", where)
        return next(iter(kernels.values()))
    base = name.removesuffix("_aic").removesuffix("_aiv")
    for candidate in (name, base):
        if candidate in kernels:
            return kernels[candidate]
    raise UserError(f"no kernel '{name}', found {names}", where)


def _arguments(functions: list[func.FuncOp]) -> dict[int, Argument]:
    arguments: dict[int, Argument] = {}
    for function in functions:
        names = argument_names(function)
        for index, arg in enumerate(function.body.block.args):
            if arg.name_hint in SPMD_PARAMETERS:
                continue
            pointer = isinstance(arg.type, PtrType)
            dtype = arg.type.data.dtype if isinstance(arg.type, PtrType) else element_name(arg.type)
            found = Argument(index, names[index], dtype, pointer)
            known = arguments.setdefault(index, found)
            known.spellings |= set(argument_spellings(function, index))
            if known is not found and known.name == f"arg{index}":
                known.name = found.name
            if pointer:
                _follow(arg, known)
    return arguments


def _follow(value: SSAValue, argument: Argument) -> None:
    """Collect what the uses of a pointer or a view say of the argument."""
    for use in value.uses:
        op = use.operation
        if isinstance(op, MakeTensorViewOp):
            _measure(op, argument)
        if op.name in ("pto.make_tensor_view", "pto.partition_view", "pto.addptr"):
            _follow(op.results[0], argument)
        elif op.name == "func.call":
            argument.loaded = argument.stored = True
        elif op.name in ("pto.tstore", "pto.store_scalar"):
            argument.stored = True
        elif op.name in ("pto.tload", "pto.load_scalar"):
            argument.loaded = True


def known_int(value: SSAValue) -> int | None:
    """An integer that follows from constants, also where it is computed from them."""
    op = value.owner
    if not isinstance(op, Operation) or not op.name.startswith("arith."):
        return None
    if op.name == "arith.constant":
        return constant_int(value)
    operands = [known_int(v) for v in op.operands]
    if None in operands or not scalars.is_integer(value.type):
        return None
    try:
        found = scalars.evaluate(op, operands, NumpyDomain())
    except UserError:
        return None
    return found if isinstance(found, int) else None


def _measure(op: MakeTensorViewOp, argument: Argument) -> None:
    sizes, strides = ([known_int(v) for v in values] for values in (op.shape, op.strides))
    extents = [size for size in sizes if size is not None]
    if len(extents) < len(sizes):
        return
    steps = [stride or 0 for stride in strides]
    last = sum((size - 1) * stride for size, stride in zip(extents, steps, strict=True))
    argument.size = max(argument.size, last + 1)
    plain = steps == sorted(steps, reverse=True)
    if plain or argument.shape is None:
        # A view of a matrix that is loaded transposed has its strides the other way round: the array has not.
        order = sorted(range(len(steps)), key=lambda axis: -steps[axis])
        argument.shape = tuple(extents[axis] for axis in order)


def run_kernel(
    kernel: Kernel, arrays: Mapping[int, NDArray[Any]], scalars: Mapping[int, Value], blocks: int
) -> None:
    """Run all blocks in order; `arrays` by argument index, flat, of the element types, change in place.

    The vector side of a mixed kernel runs once per sub-block if it asks which one it is.
    """
    gm = ArrayMemory(arrays, {i: argument.name for i, argument in kernel.arguments.items()})
    plans = Plans()
    for block in range(blocks):
        run_block(kernel, lambda place: Machine(NumpyDomain(), gm, place, plans), scalars, block, blocks)


def run_block(
    kernel: Kernel,
    machine: Callable[[Place], MachineT],
    scalars: Mapping[int, Value],
    block: Number,
    blocks: Number,
) -> list[MachineT]:
    """Run one block on machines made by `machine(place)`; the machines, cube side first."""
    subblocks = 2 if kernel.mixed and asks_for_subblock(kernel.functions[-1]) else 1
    channels = Channels(subblocks)
    machines: list[MachineT] = []
    sides: list[Steps] = []
    for function in kernel.functions:
        vector = kernel.mixed and function is kernel.functions[-1]
        for subblock in range(subblocks if vector else 1):
            core = machine(Place(block, blocks, subblock, subblocks, channels))
            machines.append(core)
            sides.append(core.run(function, arguments_of(core, function, scalars)))
    try:
        run_together(sides, channels)
    finally:
        for core in machines:
            core.retire()
    return machines


def asks_for_block(kernel: Kernel) -> bool:
    """Whether the blocks of a kernel may do different things."""
    names, asking = ("block_idx", "block_num"), ("pto.get_block_idx", "pto.get_block_num", "func.call")
    for function in kernel.functions:
        given = [a for a in function.body.block.args if SPMD_PARAMETERS.get(a.name_hint or "") in names]
        if any(argument.first_use is not None for argument in given):
            return True
        if any(op.name in asking for op in function.walk()):
            return True
    return False


def asks_for_subblock(function: func.FuncOp) -> bool:
    """Whether the two vector sub-blocks of a cube core do different things here."""
    if any(SPMD_PARAMETERS.get(arg.name_hint or "") == "subblock_idx" for arg in function.body.block.args):
        return True
    return any(op.name == "pto.get_subblock_idx" or _splits(op) for op in function.walk())


def _splits(op: Any) -> bool:
    attribute = op.properties.get("split", op.attributes.get("split"))
    return attribute is not None and attribute.value.data != 0
