"""Runs whole programs: the orchestration statement by statement, every launch with all its blocks in order.

A tensor value is an array that is never changed; a launch works on copies of what it writes and leaves new
versions. What `dsv4.create` makes starts as zeros, and so does an output that is not among the inputs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, cast

import numpy as np
from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import DYNAMIC_INDEX, ModuleOp, StringAttr, TensorType
from xdsl.ir import Attribute, Block, Operation, OpResult, SSAValue

from dialects.dsv4.functions import (
    ORCHESTRATION,
    Parameter,
    parameters,
    program_functions,
    visible,
    written,
)
from dialects.dsv4.launch import LaunchOp
from dialects.dsv4.tensors import (
    AssembleOp,
    CreateOp,
    DimOp,
    ReadOp,
    SliceOp,
    TensorReshapeOp,
    UpdateOp,
    WriteOp,
)
from dialects.pto.types import element_name
from dsv4_passes.diagnostics import UserError
from dsv4_passes.npz import Array
from dsv4_passes.source_names import base_name

from . import scalars
from .gm import ArrayMemory
from .machine import Machine, Place, arguments_of, run_together
from .numerics import as_elements, computes_as_float, numpy_dtype
from .numpy_domain import NumpyDomain
from .operation_plans import Plans
from .values import Value, is_lanes


def run_program(
    module: ModuleOp, inputs: Mapping[str, Array], name: str | None = None, where: str = "the inputs"
) -> dict[str, Array]:
    """Run the orchestration of a module (the one of that name, where there are several).

    Arrays go by parameter names, with or without their `__ssa_v0`; bf16 is its bits in uint16, on the way
    in and out. Results: the final value of each parameter that the program writes. Arrays of other names
    are ignored. Raises UserError, naming the inputs `where` where they are wrong.
    """
    function = choose_orchestration(module, name)
    run = ProgramRun(module)
    given = _Inputs(inputs, where)
    arguments: list[Any] = []
    for parameter in parameters(function):
        arguments.append(given.tensor(parameter) if parameter.is_tensor else given.scalar(parameter))
    results = run.function(function, arguments)
    outputs = written(function)
    return {
        _key(p, outputs): _plain(array) for p, array in zip(outputs, results[: len(outputs)], strict=True)
    }


def choose_orchestration(module: ModuleOp, name: str | None = None) -> func.FuncOp:
    """The orchestration of that name, or the only one. Raises UserError saying what there is."""
    found = {f.sym_name.data: f for f in program_functions(module, ORCHESTRATION)}
    if name in found:
        return found[name]
    names = ", ".join(f"'{n}'" for n in found) or "none"
    if name is not None or len(found) != 1:
        wanted = f"orchestration '{name}'" if name is not None else "one orchestration"
        raise UserError(f"expected {wanted}, found {names}", module.location)
    return next(iter(found.values()))


def _key(parameter: Parameter, among: Sequence[Parameter]) -> str:
    """The short name of a parameter, unless another one has it too."""
    base = base_name(parameter.name)
    return base if sum(base_name(p.name) == base for p in among) == 1 else parameter.name


def _plain(array: Array) -> Array:
    return array.view(np.uint16) if array.dtype == numpy_dtype("bf16") else array


def _tensor(type_: Attribute) -> tuple[tuple[int, ...], str]:
    """Extents and element type."""
    tensor = cast(TensorType[Attribute], type_)
    return tensor.get_shape(), element_name(tensor.element_type)


class _Inputs:
    """The arrays a program is given. A symbolic extent has the value that the first array says."""

    def __init__(self, arrays: Mapping[str, Array], where: str):
        self.arrays = arrays
        self.where = where
        self.symbols: dict[str, int] = {}

    def find(self, parameter: Parameter) -> Array | None:
        for name in (parameter.name, base_name(parameter.name)):
            if name in self.arrays:
                return np.asarray(self.arrays[name])
        return None

    def missing(self, parameter: Parameter) -> UserError:
        there = ", ".join(f"'{name}'" for name in self.arrays) or "none"
        name = base_name(parameter.name)
        return UserError(f"no array for parameter '{name}'; there are {there}", self.where)

    def tensor(self, parameter: Parameter) -> Array:
        array, (_, dtype) = self.find(parameter), _tensor(parameter.type)
        target = numpy_dtype(dtype)
        if array is None:
            extents = [d if isinstance(d, int) else self.symbols.get(d) for d in parameter.dims]
            if parameter.direction == "in" or None in extents:
                raise self.missing(parameter)
            return np.zeros([e or 0 for e in extents], target)
        name = base_name(parameter.name)
        extents = [d if isinstance(d, int) else None for d in parameter.dims]
        if len(extents) != array.ndim or any(
            e not in (None, s) for e, s in zip(extents, array.shape, strict=True)
        ):
            wanted = "x".join(map(str, parameter.dims))
            found = "x".join(map(str, array.shape)) or "scalar"
            raise UserError(f"array '{name}' should be {wanted}, found {found}", self.where)
        for dim, size in zip(parameter.dims, array.shape, strict=True):
            if isinstance(dim, str) and self.symbols.setdefault(dim, size) != size:
                raise UserError(
                    f"array '{name}' has {size} for '{dim}', another one {self.symbols[dim]}", self.where
                )
        try:
            return as_elements(array, dtype, name)
        except ValueError as error:
            raise UserError(str(error), self.where) from None

    def scalar(self, parameter: Parameter) -> Value:
        array, dtype = self.find(parameter), element_name(parameter.type)
        if array is None:
            raise self.missing(parameter)
        if array.size != 1:
            raise UserError(
                f"'{base_name(parameter.name)}' is one {dtype}, found {array.size} values", self.where
            )
        if computes_as_float(dtype):
            return array.reshape(1, 1).astype(numpy_dtype(dtype))
        return int(array.reshape(-1)[0])


def last_uses(block: Block) -> dict[Operation, list[SSAValue]]:
    """By operation of a block, the values of the block that it, or what is in it, is the last to use."""
    order = {op: number for number, op in enumerate(block.ops)}
    found: dict[Operation, list[SSAValue]] = {}
    for value in chain(block.args, *(op.results for op in block.ops)):
        users = [user for use in value.uses if (user := _in_block(use.operation, block)) is not None]
        if users:
            found.setdefault(max(users, key=order.__getitem__), []).append(value)
        elif isinstance(value, OpResult):
            found.setdefault(value.op, []).append(value)
    return found


def _in_block(op: Operation, block: Block) -> Operation | None:
    """The operation of a block that is, or is around, another one."""
    current: Operation | None = op
    while current is not None and current.parent is not block:
        current = current.parent_op()
    return current


class ProgramRun:
    """Values of a running orchestration: arrays, ints, and floats as lanes [1, 1].

    What a launch does with arrays is for `run_blocks`, what elements are for `fresh`, `element_read` and
    `element_written`: other domains put theirs in.
    """

    def __init__(self, module: ModuleOp):
        self.module = module
        self.domain = NumpyDomain()
        self.env: dict[SSAValue, Any] = {}
        self.last_uses: dict[Block, dict[Operation, list[SSAValue]]] = {}
        self.handlers: dict[type[Operation], Callable[[Any], None]] = {
            LaunchOp: self.launch,
            CreateOp: self.create,
            TensorReshapeOp: self.reshape,
            SliceOp: self.slice,
            AssembleOp: self.assemble,
            UpdateOp: self.update,
            ReadOp: self.read,
            WriteOp: self.write,
            DimOp: self.dim,
            scf.ForOp: self.loop,
            scf.IfOp: self.branch,
        }

    def function(self, function: func.FuncOp, arguments: Sequence[Any]) -> list[Any]:
        self.env |= dict(zip(function.body.block.args, arguments, strict=True))
        return self.block(function.body.block)

    def block(self, block: Block) -> list[Any]:
        """The values that its terminator passes on. A version of a tensor is kept until its last use."""
        if block not in self.last_uses:
            self.last_uses[block] = last_uses(block)
        for op in block.ops:
            if isinstance(op, scf.YieldOp | func.ReturnOp):
                ends = [self.env[v] for v in op.operands]
                self.forget(block.args, *(each.results for each in block.ops))
                return ends
            if (handler := self.handlers.get(type(op))) is not None:
                handler(op)
            elif isinstance(op, arith.ConstantOp) or op.name.startswith("arith."):
                operands = [self.env[v] for v in op.operands]
                self.env[op.results[0]] = scalars.evaluate(op, operands, self.domain)
            else:
                raise UserError(f"cannot interpret {op.name}", op.location)
            self.forget(self.last_uses[block].get(op, ()))
        return []

    def forget(self, *values: Iterable[SSAValue]) -> None:
        """Release values without further uses."""
        for value in chain(*values):
            self.env.pop(value, None)

    def numbers(self, values: Sequence[SSAValue]) -> list[int]:
        return [int(self.env[v]) for v in values]

    # -- launches --------------------------------------------------------------------------------

    def launch(self, op: LaunchOp) -> None:
        """All blocks of a kernel, in order, on copies of what it writes."""
        kernel, blocks = op.function(), op.block_count
        if blocks is None:
            text = op.blocks.data if isinstance(op.blocks, StringAttr) else ""
            raise UserError(f"the number of blocks of '{op.callee}' is not known: {text}", op.location)
        shapes: dict[str, int] = {}
        arrays: dict[int, Array] = {}
        given: dict[int, Value] = {}
        inputs: dict[int, Array] = {}
        for parameter, argument in zip(visible(kernel), op.args, strict=True):
            value = self.env[argument]
            if not parameter.is_tensor:
                given[parameter.index] = value
                continue
            inputs[parameter.index] = value
            flat = value.reshape(-1)
            arrays[parameter.index] = flat.copy() if parameter.written else flat
            for dim, size in zip(parameter.dims, value.shape, strict=True):
                if isinstance(dim, str):
                    shapes.setdefault(dim, size)
        for parameter in parameters(kernel):
            if parameter.hidden == "dim":
                given[parameter.index] = shapes[parameter.name]
        results = self.run_blocks(op, kernel, arrays, given, blocks)
        versions = [arrays[p.index].reshape(inputs[p.index].shape) for p in written(kernel)]
        self.env.update(zip(op.res, [*versions, *results], strict=True))

    def run_blocks(
        self,
        op: Operation,
        kernel: func.FuncOp,
        arrays: dict[int, Array],
        given: Mapping[int, Value],
        blocks: int,
    ) -> Sequence[Any]:
        """Run a kernel on flat arrays by argument, which change; what its last block returns."""
        names = {p.index: base_name(p.name) for p in parameters(kernel)}
        gm = ArrayMemory(arrays, names)
        results: Sequence[Any] = []
        plans = Plans()
        for block in range(blocks):
            machine = Machine(self.domain, gm, Place(block, blocks), plans)
            (results,) = run_together([machine.run(kernel, arguments_of(machine, kernel, given))])
        gm.arrays = {}  # a machine and its handlers hold each other until they are collected
        return results

    # -- tensors ---------------------------------------------------------------------------------

    def shape(self, op: Operation, dims: Sequence[SSAValue]) -> tuple[tuple[int, ...], str]:
        """Extents, the dynamic ones from operands, and element type of a result."""
        extents, dtype = _tensor(op.results[0].type)
        given = iter(self.numbers(dims))
        return tuple(next(given) if e == DYNAMIC_INDEX else e for e in extents), dtype

    def create(self, op: CreateOp) -> None:
        self.env[op.res] = self.fresh(*self.shape(op, op.dims))

    def fresh(self, shape: tuple[int, ...], dtype: str) -> Array:
        """An uninitialised tensor."""
        return np.zeros(shape, numpy_dtype(dtype))

    def reshape(self, op: TensorReshapeOp) -> None:
        shape, _ = self.shape(op, op.dims)
        source: Array = self.env[op.source]
        if source.size != int(np.prod(shape)):
            raise UserError(
                f"{op.name} of {source.size} elements to {'x'.join(map(str, shape))}", op.location
            )
        self.env[op.res] = source.reshape(shape)

    def box(self, op: Operation, offsets: Sequence[SSAValue], sizes: Sequence[int], whole: Array) -> Any:
        """The slices of a box of a tensor, which must lie inside."""
        starts = self.numbers(offsets)
        ends = [start + size for start, size in zip(starts, sizes, strict=True)]
        if min(starts, default=0) < 0 or any(e > s for e, s in zip(ends, whole.shape, strict=True)):
            raise UserError(f"{op.name} at {starts} reaches outside of {whole.shape}", op.location)
        return tuple(map(slice, starts, ends))

    def slice(self, op: SliceOp) -> None:
        shape, _ = self.shape(op, op.dims)
        source: Array = self.env[op.source]
        self.env[op.res] = np.ascontiguousarray(source[self.box(op, op.offsets, shape, source)])

    def assemble(self, op: AssembleOp) -> None:
        piece: Array = self.env[op.source]
        result: Array = self.env[op.dest].copy()
        result[self.box(op, op.offsets, piece.shape, result)] = piece
        self.env[op.res] = result

    def update(self, op: UpdateOp) -> None:
        self.env[op.res] = self.env[op.view].reshape(self.env[op.dest].shape)

    def element(self, op: Operation, tensor: Array, indices: Sequence[SSAValue]) -> tuple[int, ...]:
        at = tuple(self.numbers(indices))
        if any(not 0 <= i < size for i, size in zip(at, tensor.shape, strict=True)):
            raise UserError(f"{op.name} at {list(at)} is outside of {tensor.shape}", op.location)
        return at

    def read(self, op: ReadOp) -> None:
        source: Array = self.env[op.source]
        value = source[self.element(op, source, op.indices)]
        self.env[op.res] = self.element_read(value, element_name(op.res.type))

    def element_read(self, value: Any, dtype: str) -> Value:
        """An element of a tensor as a scalar."""
        return np.full((1, 1), value, numpy_dtype(dtype)) if computes_as_float(dtype) else int(value)

    def write(self, op: WriteOp) -> None:
        result: Array = self.env[op.dest].copy()
        result[self.element(op, result, op.indices)] = self.element_written(self.env[op.value])
        self.env[op.res] = result

    def element_written(self, value: Value) -> Any:
        """A scalar as an element of a tensor."""
        return value.reshape(()) if is_lanes(value) else value

    def dim(self, op: DimOp) -> None:
        self.env[op.res] = self.env[op.source].shape[op.axis.value.data]

    # -- loops and branches ----------------------------------------------------------------------

    def loop(self, op: scf.ForOp) -> None:
        low, high, step = self.numbers([op.lb, op.ub, op.step])
        if step <= 0:
            raise UserError(f"scf.for expects a positive step, found {step}", op.location)
        carried = [self.env[v] for v in op.iter_args]
        block = op.body.block
        for trip in range(low, high, step):
            self.env.update(zip(block.args, [trip, *carried], strict=True))
            carried = self.block(block)
        self.env.update(zip(op.results, carried, strict=True))

    def branch(self, op: scf.IfOp) -> None:
        region = op.true_region if self.env[op.cond] else op.false_region
        results = self.block(region.block) if region.blocks else []
        self.env.update(zip(op.results, results, strict=True))
