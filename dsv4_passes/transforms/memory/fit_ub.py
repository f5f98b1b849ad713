"""`dsv4-fit-ub`: tiles of a row-wise kernel are worked on in chunks of rows that fit into vector memory.

    %x = pto.tload ins(%x[0, 0] 128x64)               scf.for %k = 0 to 128 step 32 {
    %y = pto.tmul ins(%x, %x)                   =>      %x = pto.tload ins(%x[%k, 0] 32x64)
    pto.tstore ins(%y) outs(%y[0, 0] 128x64)            %y = pto.tmul ins(%x, %x)
                                                        pto.tstore ins(%y) outs(%y[%k, 0] 32x64) }

Chunks are the largest power of two that fits. Legal because the stored lanes are proved to be the same
terms; a kernel in which rows meet (a sum over rows, a transposition) is not equal, and is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import DenseArrayBase, IndexType, ModuleOp, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import VerifyException

from dialects.pto.base import TileOp, layout_of
from dialects.pto.forms import is_buffer_form
from dialects.pto.memory import PartitionViewOp, TLoadOp, TStoreOp, constant_int
from dialects.pto.tiles import InsertOp, ReshapeOp, SubviewOp
from dialects.pto.types import PartitionTensorViewType, TileType, ViewShape
from dsv4_passes.diagnostics import UserError, refused, rewritten
from dsv4_passes.equivalence.lanes import MAX_TRIPS, lane_difference
from dsv4_passes.equivalence.unknown_ops import is_unknown
from dsv4_passes.targets import LATEST, chip_for
from dsv4_passes.transforms.common.cleanup import eliminate_dead_code
from dsv4_passes.transforms.common.origin import Level, functions_of, level_of
from dsv4_passes.transforms.lowering.dry_run import memory_problem
from dsv4_passes.xdsl_extras.insert import index_before, insert_before

from . import pypto_plan

MIN_ROWS = 8
"""A column of f32 of fewer rows would not fill a 32-byte block of vector memory."""


class NotRowWise(Exception):
    """The reason why the rows of some tiles cannot be processed separately."""


def too_large(
    function: func.FuncOp,
    chip: str,
    ptoas: str | float = LATEST,
    for_pypto: bool = False,
    level: Level = "level3",
) -> str | None:
    """Why a kernel in value form does not fit into vector memory, in one line; None if it does.

    At `level2` it has to fit as ptoas plans it.
    With `for_pypto` it has to fit as pypto plans it, too. What else stands in the way of a plan (a kernel for
    both cores is not split yet) is left to who lowers.
    """
    try:
        problem = memory_problem(function, chip, ptoas, level)
    except UserError:
        return None
    if problem is not None and problem.space == "vec":
        return problem.why
    return pypto_plan.too_large(function, chip) if for_pypto else None


def fitted(
    function: func.FuncOp,
    chip: str,
    ptoas: str | float = LATEST,
    for_pypto: bool = False,
    level: Level = "level3",
) -> tuple[func.FuncOp, int] | None:
    """For a function that does not fit, a copy that does, and the rows of its chunks; None if none is found.

    Raises NotRowWise where its rows cannot be worked on apart.
    """
    reasons: list[str] = []
    for trial, size in chunkings(function, reasons):
        if too_large(trial, chip, ptoas, for_pypto, level) is None:
            return trial, size
    if reasons:
        raise NotRowWise(reasons[0])
    return None


def chunkings(function: func.FuncOp, reasons: list[str]) -> Iterator[tuple[func.FuncOp, int]]:
    """Copies that work on less at a time, and the rows of their chunks: block by block, ever smaller ones.

    Why a block cannot be cut is added to `reasons`.
    """
    for number, rows in _candidates(function):
        size = rows & -rows if rows & (rows - 1) else rows // 2
        while size >= MIN_ROWS and rows // size <= MAX_TRIPS:
            trial = function.clone()
            block = list(_blocks(trial))[number]
            try:
                _Chunks(block, rows, size).build()
                _check_equal(function, trial)
            except (NotRowWise, UserError, VerifyException) as problem:
                reasons.append(str(problem))
                break
            eliminate_dead_code(trial)
            yield trial, size
            size //= 2


def _blocks(function: func.FuncOp) -> Iterator[Block]:
    """The body and the bodies of all loops."""
    yield function.body.block
    for op in function.walk():
        if isinstance(op, scf.ForOp):
            yield op.body.block


def _candidates(function: func.FuncOp) -> list[tuple[int, int]]:
    """Blocks by number, those with most bytes of tiles first, and the rows of their tallest tiles."""
    found: list[tuple[int, int, int]] = []
    for number, block in enumerate(_blocks(function)):
        tiles = [layout_of(r) for op in block.ops for r in op.results if isinstance(r.type, TileType)]
        rows = max((t.rows for t in tiles), default=1)
        if rows > 1:
            found.append((sum(t.bytes for t in tiles), number, rows))
    return [(number, rows) for _, number, rows in sorted(found, reverse=True)]


def _check_equal(before: func.FuncOp, after: func.FuncOp) -> None:
    after.verify()
    if (difference := lane_difference(before, after)) is not None:
        raise NotRowWise(f"its rows meet: {difference}")


class _Chunks:
    """The operations of one block on tiles of `rows` rows, in a loop over chunks of `size` rows."""

    def __init__(self, block: Block, rows: int, size: int):
        self.block, self.rows, self.size = block, rows, size
        self.axes = self._axes()
        """Tile values that are cut, and the axis along which: 1 for a row that becomes a column."""
        self.ops = [op for op in block.ops if self._is_cut(op)]

    def _axes(self) -> dict[SSAValue, int]:
        values = [r for op in self.block.ops for r in op.results if isinstance(r.type, TileType)]
        axes: dict[SSAValue, int] = {v: 0 for v in values if layout_of(v).rows == self.rows}
        pending = [
            v
            for op in self.block.ops
            if isinstance(op, ReshapeOp)
            for v, other in ((op.source, op.res), (op.res, op.source))
            if layout_of(v).shape == (1, self.rows) and axes.get(other) == 0
        ]
        while pending:
            value = pending.pop()
            if value in axes:
                continue
            axes[value] = 1
            users = [use.operation for use in value.uses]
            for op in [*users, value.owner]:
                if isinstance(op, TileOp) and not isinstance(op, TLoadOp | TStoreOp):
                    alike = [v for v in (*op.ins, *op.res) if isinstance(v.type, TileType)]
                    pending += [v for v in alike if layout_of(v).shape == (1, self.rows)]
        return axes

    def _is_cut(self, op: Operation) -> bool:
        inside = [v for o in op.walk() for v in (*o.operands, *o.results)]
        if not any(v in self.axes for v in inside):
            return False
        if op.regions or op is self.block.last_op:
            raise NotRowWise(f"tiles of {self.rows} rows go into or out of a loop or branch")
        if not isinstance(op, TStoreOp) and not any(r in self.axes for r in op.results):
            raise NotRowWise(f"its rows meet in '{op.name}'")
        return True

    def build(self) -> None:
        last = self.ops[-1]
        low, high, step = (index_before(last, n) for n in (0, self.rows, self.size))
        body = Block(arg_types=[IndexType()])
        body.args[0].name_hint = "chunk"
        end = scf.YieldOp()
        body.add_op(end)
        loop = scf.ForOp(low, high, step, [], Region(body))
        insert_before(last, loop)
        mapping: dict[SSAValue, SSAValue] = {}
        for op in self.ops:
            self._cut(op, mapping, end)
        for op in reversed(self.ops):
            Rewriter.erase_op(op)

    def _cut(self, op: Operation, mapping: dict[SSAValue, SSAValue], end: Operation) -> None:
        """One operation in the loop, on a chunk."""
        if is_unknown(op):
            raise NotRowWise(f"nothing is known of '{op.name}'")
        operands = [mapping.get(v, v) for v in op.operands]
        if isinstance(op, TLoadOp | TStoreOp):
            tile = op.res[0] if isinstance(op, TLoadOp) else op.ins[0]
            view = op.ins[0] if isinstance(op, TLoadOp) else op.outs[0]
            operands[list(op.operands).index(view)] = self._view(view, self.axes[tile], end)
        if isinstance(op, SubviewOp | InsertOp):
            self._check_window(op)
        properties = dict(op.properties)
        if isinstance(op, SubviewOp):
            properties["sizes"] = DenseArrayBase.from_list(i64, self._shape(op.res))
        new = type(op).create(
            operands=operands,
            result_types=[self._type(r) for r in op.results],
            properties=properties,
            attributes=dict(op.attributes),
        )
        new.location = op.location
        for old, result in zip(op.results, new.results, strict=True):
            result.name_hint = old.name_hint
            mapping[old] = result
        Rewriter.insert_op(new, InsertPoint.before(end))

    def _shape(self, value: SSAValue) -> tuple[int, int]:
        rows, cols = layout_of(value).shape
        return (self.size, cols) if self.axes[value] == 0 else (rows, self.size)

    def _type(self, value: SSAValue) -> Attribute:
        layout = layout_of(value)
        if layout.valid != layout.shape:
            raise NotRowWise("not all of a tile is valid")
        rows, cols = self._shape(value)
        return TileType(layout._replace(rows=rows, cols=cols, valid_rows=rows, valid_cols=cols))

    def _check_window(self, op: SubviewOp | InsertOp) -> None:
        """A window must be all rows."""
        row = op.offsets[0] if isinstance(op, SubviewOp) else op.row
        if self.axes.get(op.source) != 0 or constant_int(row) != 0:
            raise NotRowWise(f"'{op.name}' takes some rows of a tile of {self.rows}")

    def _view(self, value: SSAValue, axis: int, end: Operation) -> SSAValue:
        """The box of GM that belongs to a chunk."""
        op = value.owner
        if not isinstance(op, PartitionViewOp) or not isinstance(value.type, PartitionTensorViewType):
            raise NotRowWise("a tile is loaded or stored without a box")
        sizes = [constant_int(v) for v in op.sizes]
        order = (-2, -1) if axis == 0 else (-1, -2)
        at = next((len(sizes) + i for i in order if -i <= len(sizes) and sizes[i] == self.rows), None)
        if at is None or any(size != 1 for size in sizes[:-2]):
            raise NotRowWise("a tile's rows are not one dimension of a tensor")
        loop = end.parent_block()
        assert loop is not None
        offset = arith.AddiOp(op.offsets[at], loop.args[0])
        insert_before(end, offset)
        offsets, extents = list(op.offsets), list(op.sizes)
        offsets[at], extents[at] = offset.result, index_before(end, self.size)
        dims = tuple(self.size if i == at else d for i, d in enumerate(value.type.data.dims))
        type_ = PartitionTensorViewType(ViewShape(dims, value.type.data.dtype))
        new = PartitionViewOp(op.source, offsets, extents, type_)
        insert_before(end, new)
        new.res.name_hint = value.name_hint
        return new.res


def fit_function(function: func.FuncOp, chip: str, ptoas: str | float = LATEST) -> bool:
    """Replace a function that does not fit by one that does; whether it was."""
    if is_buffer_form(function):
        return False
    level = level_of(function)
    if (why := too_large(function, chip, ptoas, level=level)) is None:
        return False
    try:
        found = fitted(function, chip, ptoas, level=level)
    except NotRowWise as problem:
        refused(function, f"{why}, and it cannot work on less at a time: {problem}", "does not fit")
        return False
    if found is None:
        refused(function, f"{why}, and chunks of its rows do not fit either", "does not fit")
        return False
    new, rows = found
    Rewriter.replace_op(function, new)
    rewritten(new, f"'{new.sym_name.data}' works on {rows} rows at a time, which fit into vector memory")
    return True


@dataclass(frozen=True)
class FitUbPass(ModulePass):
    """Chunk the rows of kernels in value form that do not fit into vector memory.

    `chip` is taken from the module's `pto.target_arch` unless given; scratch memory is that of `ptoas`.
    """

    name = "dsv4-fit-ub"
    chip: str | None = None
    ptoas: str | float = LATEST

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in functions_of(op):
            fit_function(function, chip_for(function, self.chip).name, self.ptoas)
