"""`pto-raise`: from tiles in memory to tiles as values.

    %a = pto.alloc_tile addr = %c0 …                    %0 = pto.tload ins(%p : …) -> T
    pto.tload ins(%p : …) outs(%a : TB)          =>     %1 = pto.tadd ins(%0, %0 : T, T) -> T
    %b = pto.alloc_tile addr = %c0 …
    pto.tadd ins(%b, %b : TB, TB) outs(%a : TB)

Every read becomes the value that last wrote those bytes: reaching definitions over byte ranges, because
the same bytes appear under several names with no operation between them. A range that is read as
another type becomes a reshape, a zero-copy transpose or a bitcast; a piece written into a tile an
insert; bytes that travel around a loop or out of a branch become iteration arguments and results.

Legal because a value is used only where the bytes it stands for are proved to hold it. A function in
which that cannot be proved (a dynamic address, tiles that overlap partly, an operation that is not
understood) stays as it is, with a remark. `pto-lower` is the way back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.pto.base import TileOp, segment_sizes
from dialects.pto.tiles import (
    AllocTileOp,
    BitcastOp,
    InsertOp,
    ReshapeOp,
    SetValidShapeOp,
    SubviewOp,
    TransposeOp,
    TReshapeOp,
    UndefOp,
)
from dialects.pto.types import DYNAMIC, TileBufType, TileLayout, TileType, element_bits
from dsv4_passes.analysis.tile_bytes import (
    Access,
    CannotRaise,
    Extent,
    Handle,
    Space,
    TileBytes,
    trips,
    updates,
)
from dsv4_passes.diagnostics import refused, warning

_VIEWS = (AllocTileOp, SubviewOp, TReshapeOp, BitcastOp)


@dataclass(frozen=True, eq=False)
class Cell:
    """Bytes `[lo, hi)` hold those of `value`, which starts at byte `start`."""

    lo: int
    hi: int
    value: SSAValue
    start: int


State = dict[Space, list[Cell]]


class _Raise:
    """Raise one function body in place; raises CannotRaise and leaves a wreck, so work on a clone."""

    def __init__(self, body: Block):
        self.bytes = TileBytes(body)
        self.state: State = {}
        self.extents: dict[SSAValue, tuple[Extent, Extent]] = {}
        self.dead: list[Operation] = []
        self.block(body)
        for op in reversed(self.dead):
            op.detach()
            op.erase()

    # -- walking ---------------------------------------------------------------------------------

    def block(self, block: Block) -> None:
        for op in list(block.ops):
            if isinstance(op, scf.ForOp):
                self.loop(op)
            elif isinstance(op, scf.IfOp):
                self.branch(op)
            elif op.name == "pto.opaque":
                raise CannotRaise(op, "unknown operation", "it is not understood and may touch any tile")
            elif isinstance(op, _VIEWS):
                if isinstance(op.res.type, TileBufType):
                    self.dead.append(op)
            elif isinstance(op, SetValidShapeOp):
                self.set_valid(op)
            elif isinstance(op, TileOp):
                self.tile_op(op)
            else:
                self.other(op)
                for region in op.regions:
                    for inner in region.blocks:
                        self.block(inner)

    def tile_op(self, op: TileOp) -> None:
        outs = [self.bytes.handles.get(v) for v in op.outs]
        tiles = [h for h in outs if h is not None]
        if (
            any(h.is_null for h in tiles)
            or (not tiles and self.reads_nothing(op))
            or self.bytes.moves_onto_itself(op)
        ):
            self.dead.append(op)
            return
        ins = [self.operand(op, value) for value in op.inputs()]
        if not tiles:
            kept = [v for v in op.outs]
            op.operands = [*ins, *kept]
            op.properties["operandSegmentSizes"] = segment_sizes(len(ins), len(kept), 0)
            return
        if updates(op):
            ins.append(self.read(op, tiles[0].root if tiles[0].window else tiles[0], quiet=True))
        types = [value_type(h.layout, h.valid) for h in tiles]
        valid = [e for h in tiles for e in h.valid if isinstance(e, SSAValue)]
        properties = dict(op.properties)
        properties["operandSegmentSizes"] = segment_sizes(len(ins), 0, len(valid))
        new = type(op).create(
            operands=[*ins, *valid],
            result_types=types,
            properties=properties,
            attributes=op.attributes,
        )
        self.insert_before(op, new)
        for handle, result, out in zip(tiles, new.results, op.outs, strict=True):
            result.name_hint = out.name_hint
            self.extents[result] = handle.valid
            self.write(op, handle, result)
        self.dead.append(op)

    def reads_nothing(self, op: TileOp) -> bool:
        """All tile operands are null: a store in the mirrored branch of the other sub-block."""
        handles = [h for v in op.ins if (h := self.bytes.handles.get(v)) is not None]
        return bool(handles) and all(h.is_null for h in handles)

    def other(self, op: Operation) -> None:
        """Pushes, pops and everything else that is not a tile operation with destinations."""
        for index, value in enumerate(op.operands):
            if value in self.bytes.handles:
                op.operands[index] = self.operand(op, value)
        for result in list(op.results):
            if isinstance(result.type, TileBufType):
                handle = self.bytes.handles[result]
                layout, valid = (
                    handle.layout,
                    tuple(
                        size if e is None else e
                        for e, size in zip(handle.valid, handle.layout.shape, strict=True)
                    ),
                )
                new = Rewriter.replace_value_with_new_type(result, value_type(layout, (valid[0], valid[1])))
                self.bytes.handles[new] = handle
                self.extents[new] = (valid[0], valid[1])
                self.state[handle.space] = [Cell(0, handle.layout.bytes, new, 0)]

    def set_valid(self, op: SetValidShapeOp) -> None:
        """In buffer form the handle changes what it says from here on."""
        if (handle := self.bytes.handles.get(op.source)) is None:
            return
        if _block_of(op.source) is not op.parent:
            raise CannotRaise(op, "set_validshape in a branch", "it changes a handle from outside its block")
        from dialects.pto.memory import constant_int

        rows, cols = (v if (n := constant_int(v)) is None else n for v in (op.valid_row, op.valid_col))
        self.bytes.handles[op.source] = Handle(
            handle.space, handle.lo, handle.layout, (rows, cols), handle.window
        )
        self.dead.append(op)

    # -- loops and branches ----------------------------------------------------------------------

    def loop(self, op: scf.ForOp) -> None:
        block = op.body.block
        summary, live = self.bytes.blocks[block], self.bytes.live_after[op]
        first, may_skip = self.bytes.first_trip[op], (trips(op) or 0) == 0
        written = summary.written
        needed = [a for a in summary.exposed if any(_overlap(a, w) for w in written)]
        needed += [w for w in reversed(written) if live.touches(*w.range)]
        keys = choose_keys(op, needed, [*summary.exposed, *written])
        before = self.state
        inits = [
            self.key_value(op, key, exact=first.touches(*key.range))
            if first.touches(*key.range) or (may_skip and live.touches(*key.range))
            else self.undef(op, key)
            for key in keys
        ]
        outside = without(before, written)
        self.state = {space: list(cells) for space, cells in outside.items()}
        op.body.detach_block(block)
        for key in keys:
            argument = block.insert_arg(key_type(key), len(block.args))
            self.define(self.state, key, argument)
        self.block(block)
        end = block.last_op
        assert isinstance(end, scf.YieldOp)
        carried = [self.key_value(end, key) for key in keys]
        Rewriter.replace_op(end, scf.YieldOp(*end.operands, *carried))
        new = scf.ForOp(op.lb, op.ub, op.step, [*op.iter_args, *inits], Region(block))
        new.attributes |= op.attributes
        self.replace_structured(op, new, keys, outside)

    def branch(self, op: scf.IfOp) -> None:
        live = self.bytes.live_after[op]
        blocks = [region.block for region in op.regions if region.blocks]
        written = [w for block in blocks for w in self.bytes.blocks[block].written]
        needed = [w for w in reversed(written) if live.touches(*w.range)]
        keys = choose_keys(op, needed, written)
        before = self.state
        if keys and not op.false_region.blocks:
            block = Block([scf.YieldOp()])
            op.false_region.add_block(block)
        regions: list[Region] = []
        for region in op.regions:
            if not region.blocks:
                regions.append(Region())
                continue
            self.state = {space: list(cells) for space, cells in before.items()}
            block = region.block
            self.block(block)
            end = block.last_op
            assert isinstance(end, scf.YieldOp)
            results = [self.key_value(end, key) for key in keys]
            Rewriter.replace_op(end, scf.YieldOp(*end.operands, *results))
            region.detach_block(block)
            regions.append(Region(block))
        types = [*(r.type for r in op.results), *map(key_type, keys)]
        new = scf.IfOp(op.cond, types, regions[0], regions[1])
        self.replace_structured(op, new, keys, without(before, written))

    def replace_structured(
        self, op: scf.ForOp | scf.IfOp, new: Operation, keys: Sequence[Access], outside: State
    ) -> None:
        """Put the loop or branch with tile results in place; after it, its keys hold those results."""
        new.location = op.location
        self.insert_before(op, new)
        scalars = len(op.results)
        for old, result in zip(op.results, new.results[:scalars], strict=True):
            result.name_hint = old.name_hint
            old.replace_all_uses_with(result)
        op.detach()
        op.erase()
        self.state = outside
        for key, result in zip(keys, new.results[scalars:], strict=True):
            self.define(self.state, key, result)

    def define(self, state: State, key: Access, value: SSAValue) -> None:
        put(state, key.space, Cell(key.lo, key.hi, value, key.lo))
        layout = value.type.data if isinstance(value.type, TileType) else key.layout
        rows, cols = (None if e == DYNAMIC else e for e in layout.valid)
        self.extents[value] = (rows, cols)

    def key_value(self, op: Operation, key: Access, exact: bool = False) -> SSAValue:
        """The value of a loop's or branch's key in front of `op`, with exactly the key's type.

        Bytes of another kind than the key, which nobody may read as such, count as undefined.
        """
        target = key_type(key)
        try:
            value = self.find(op, key.space, key.lo, key.layout, quiet=True)
        except CannotRaise:
            if exact and not key.partial:
                raise
            value = None
        if value is None:
            return self.undef(op, key)
        return self.retype(op, value, target)

    def retype(self, op: Operation, value: SSAValue, target: TileType) -> SSAValue:
        """Make a value of the key's layout have exactly its type: only the valid extent may differ."""
        if value.type == target:
            return value
        rows, cols = (
            e if isinstance(e, SSAValue) else self.index(op, size if e is None else e)
            for e, size in zip(self.extents[value], target.data.shape, strict=True)
        )
        new = SetValidShapeOp(value, rows, cols, target)
        self.insert_before(op, new)
        assert new.res is not None
        return new.res

    # -- reading and writing bytes -----------------------------------------------------------------

    def operand(self, op: Operation, value: SSAValue) -> SSAValue:
        """The value that a tile operand denotes here; anything else stays as it is."""
        if (handle := self.bytes.handles.get(value)) is None:
            return value
        if handle.is_null:
            undef = UndefOp(value_type(handle.layout, handle.valid))
            self.insert_before(op, undef)
            return undef.res
        return self.read(op, handle)

    def read(self, op: Operation, handle: Handle, quiet: bool = False) -> SSAValue:
        if handle.window is None:
            value = self.find(op, handle.space, handle.lo, handle.layout, quiet)
            if value is None:
                undef = UndefOp(value_type(handle.layout, handle.valid))
                self.insert_before(op, undef)
                value = undef.res
                self.extents[value] = handle.valid
        else:
            parent = self.read(op, handle.window.parent, quiet)
            type_ = value_type(handle.layout, handle.valid)
            window = SubviewOp(
                parent,
                [handle.window.row, handle.window.col],
                handle.layout.shape,
                type_,
                [e if isinstance(e, SSAValue) else self.index(op, e or 0) for e in handle.valid]
                if DYNAMIC in type_.data.valid
                else [],
            )
            self.insert_before(op, window)
            value = window.res
            self.extents[value] = handle.valid
        return self.with_valid(op, value, handle.valid)

    def with_valid(self, op: Operation, value: SSAValue, valid: tuple[Extent, Extent]) -> SSAValue:
        """A reader whose handle has another valid extent than the value sees it through a view."""
        current = self.extents[value]
        if None in valid or all(
            a is b or (isinstance(a, int) and a == b) for a, b in zip(valid, current, strict=True)
        ):
            return value
        assert isinstance(value.type, TileType)
        rows, cols = (e if isinstance(e, SSAValue) else self.index(op, e or 0) for e in valid)
        new = SetValidShapeOp(value, rows, cols, value_type(value.type.data, valid))
        self.insert_before(op, new)
        assert new.res is not None
        self.extents[new.res] = valid
        return new.res

    def find(self, op: Operation, space: Space, lo: int, layout: TileLayout, quiet: bool) -> SSAValue | None:
        """The value of the bytes `[lo, lo + layout.bytes)` as a tile of that layout; None if unwritten."""
        hi = lo + layout.bytes
        cells = [c for c in self.state.get(space, ()) if c.lo < hi and lo < c.hi]
        if len(cells) == 1 and cells[0].lo <= lo and hi <= cells[0].hi:
            return self.adapt(op, cells[0], lo, layout)
        if not cells:
            if not quiet:
                warning(op, f"reads {layout.bytes} bytes of {layout.loc} memory that nobody wrote")
            return None
        return self.assemble(op, cells, lo, layout, quiet)

    def adapt(self, op: Operation, cell: Cell, lo: int, layout: TileLayout) -> SSAValue:
        """See a value, or a contiguous part of it, as another layout."""
        value = cell.value
        assert isinstance(value.type, TileType)
        have = value.type.data
        size = layout.bytes
        if have.dtype != layout.dtype and element_bits(have.dtype) == element_bits(layout.dtype):
            value = self.view(op, BitcastOp, value, have._replace(dtype=layout.dtype))
            have = have._replace(dtype=layout.dtype)
        if (cell.start, have.bytes) == (lo, size) and _same_place(have, layout):
            return value
        if (cell.start, have.bytes) == (lo, size) and _is_transpose(have, layout):
            return self.view(
                op,
                TransposeOp,
                value,
                layout._replace(valid_rows=have.valid_cols, valid_cols=have.valid_rows),
            )
        if have.dtype != layout.dtype or not (_is_flat(have) and _is_flat(layout)):
            raise CannotRaise(
                op,
                "bytes of another kind",
                f"it reads {describe(layout)} where {describe(have)} was written",
            )
        if (cell.start, have.bytes) != (lo, size):
            return self.extract(op, value, lo - cell.start, layout)
        return self.reshape(op, value, layout)

    def extract(self, op: Operation, value: SSAValue, offset: int, layout: TileLayout) -> SSAValue:
        """A contiguous part of a row-major tile: rows of it, or a stretch of its lanes."""
        assert isinstance(value.type, TileType)
        have, width = value.type.data, element_bits(layout.dtype) // 8
        row, col = divmod(offset // width, have.cols)
        if not (layout.cols == have.cols and col == 0) and not (
            layout.rows == 1 and col + layout.cols <= have.cols
        ):
            value = self.reshape(op, value, _flat(have))
            have, row, col = _flat(have), 0, offset // width
            piece = layout._replace(rows=1, cols=layout.rows * layout.cols)
        else:
            piece = layout
        piece = have._replace(rows=piece.rows, cols=piece.cols)
        piece = piece._replace(valid_rows=piece.rows, valid_cols=piece.cols)
        part = SubviewOp(value, [self.index(op, row), self.index(op, col)], piece.shape, TileType(piece))
        self.insert_before(op, part)
        self.extents[part.res] = piece.shape
        return part.res if _same_place(piece, layout) else self.reshape(op, part.res, layout)

    def assemble(
        self, op: Operation, cells: list[Cell], lo: int, layout: TileLayout, quiet: bool
    ) -> SSAValue:
        """Put a tile together from values that hold parts of its bytes."""
        hi, width = lo + layout.bytes, element_bits(layout.dtype) // 8
        covered = sum(min(c.hi, hi) - max(c.lo, lo) for c in cells)
        if covered < hi - lo and not quiet:
            warning(op, f"reads {hi - lo - covered} of {hi - lo} bytes that nobody wrote")
        whole = _flat(layout)
        undef = UndefOp(TileType(whole))
        self.insert_before(op, undef)
        value: SSAValue = undef.res
        self.extents[value] = whole.shape
        for cell in cells:
            start, end = max(cell.lo, lo), min(cell.hi, hi)
            if (start - lo) % width or (end - start) % width:
                raise CannotRaise(op, "tiles overlap partly", "it reads a part of an element")
            count = (end - start) // width
            part = layout._replace(rows=1, cols=count, valid_rows=1, valid_cols=count)
            piece = self.adapt(op, cell, start, _flat(part))
            insert = InsertOp(piece, value, self.index(op, 0), self.index(op, (start - lo) // width))
            self.insert_before(op, insert)
            value = insert.res
            self.extents[value] = whole.shape
        return self.reshape(op, value, layout)

    def reshape(self, op: Operation, value: SSAValue, layout: TileLayout) -> SSAValue:
        """Row-major lanes in another shape. A full tile stays full; `[R, 1]` and `[1, R]` swap extents."""
        assert isinstance(value.type, TileType)
        have, (rows, cols) = value.type.data, self.extents[value]
        if have.shape == layout.shape:
            valid: tuple[Extent, Extent] = (rows, cols)
        elif have.valid == have.shape:
            valid = layout.shape
        elif have.shape == layout.shape[::-1] and 1 in have.shape:
            valid = (cols, rows)
        else:
            valid = layout.shape
        return self.view(op, ReshapeOp, value, value_type(layout, valid).data, valid)

    def view(
        self,
        op: Operation,
        kind: type[ReshapeOp | TransposeOp | BitcastOp],
        value: SSAValue,
        layout: TileLayout,
        valid: tuple[Extent, Extent] | None = None,
    ) -> SSAValue:
        rows, cols = self.extents[value]
        new = kind(value, TileType(layout))
        self.insert_before(op, new)
        new.res.name_hint = value.name_hint
        swapped = kind is TransposeOp
        self.extents[new.res] = valid or ((cols, rows) if swapped else (rows, cols))
        return new.res

    def write(self, op: Operation, handle: Handle, value: SSAValue) -> None:
        root, space = handle.root, handle.root.space
        while handle.window is not None:
            parent = handle.window.parent
            base = self.read(op, parent, quiet=True) if parent.window is not None else self.base(op, parent)
            insert = InsertOp(value, base, handle.window.row, handle.window.col)
            self.insert_before(op, insert)
            insert.res.name_hint = base.name_hint
            self.extents[insert.res] = self.extents[base]
            value, handle = insert.res, parent
        put(self.state, space, Cell(root.lo, root.hi, value, root.lo))

    def base(self, op: Operation, parent: Handle) -> SSAValue:
        """What a piece is written into: the tile's value, or nothing where other bytes lie there."""
        try:
            return self.read(op, parent, quiet=True)
        except CannotRaise:
            undef = UndefOp(value_type(parent.layout, parent.valid))
            self.insert_before(op, undef)
            self.extents[undef.res] = parent.valid
            return undef.res

    # -- small things ------------------------------------------------------------------------------

    def undef(self, op: Operation, key: Access) -> SSAValue:
        new = UndefOp(key_type(key))
        self.insert_before(op, new)
        self.extents[new.res] = key.valid
        return new.res

    def index(self, op: Operation, value: int) -> SSAValue:
        constant = arith.ConstantOp(IntegerAttr(value, IndexType()))
        self.insert_before(op, constant)
        constant.result.name_hint = f"c{value}_index"
        return constant.result

    def insert_before(self, op: Operation, new: Operation) -> None:
        new.location = op.location
        Rewriter.insert_op(new, InsertPoint.before(op))


def value_type(layout: TileLayout, valid: tuple[Extent, Extent]) -> TileType:
    """The value type of a handle: a constant valid extent stands in the type."""
    rows, cols = (e if isinstance(e, int) else DYNAMIC for e in valid)
    return TileType(layout._replace(valid_rows=rows, valid_cols=cols))


def key_type(key: Access) -> TileType:
    return value_type(key.layout, key.valid)


def choose_keys(op: Operation, needed: Sequence[Access], known: Sequence[Access]) -> list[Access]:
    """The ranges that become results: the largest of those needed, each once.

    A range's valid extent is static where all accesses to exactly that range agree on it.
    """
    keys: list[Access] = []
    for access in sorted(needed, key=lambda a: a.lo - a.hi):
        if any(k.space == access.space and k.lo <= access.lo and access.hi <= k.hi for k in keys):
            continue
        if any(_overlap(k, access) for k in keys):
            raise CannotRaise(op, "tiles overlap partly", "tiles that overlap partly pass through it")
        same = [a for a in known if a.range == access.range and _same_place(a.layout, access.layout)]
        valid = tuple(
            access.valid[axis]
            if all(a.valid[axis] == access.valid[axis] for a in same) and isinstance(access.valid[axis], int)
            else None
            for axis in (0, 1)
        )
        keys.append(access._replace(valid=(valid[0], valid[1])))
    return keys


def _overlap(a: Access, b: Access) -> bool:
    return a.space == b.space and a.lo < b.hi and b.lo < a.hi


def put(state: State, space: Space, new: Cell) -> None:
    """Overwrite bytes; what is left of older values stays as fragments."""
    cells: list[Cell] = []
    for cell in state.get(space, ()):
        if cell.hi <= new.lo or new.hi <= cell.lo:
            cells.append(cell)
            continue
        if cell.lo < new.lo:
            cells.append(Cell(cell.lo, new.lo, cell.value, cell.start))
        if new.hi < cell.hi:
            cells.append(Cell(new.hi, cell.hi, cell.value, cell.start))
    cells.append(new)
    state[space] = cells


def without(state: State, written: Sequence[Access]) -> State:
    """The state with everything gone that may have been overwritten."""
    result = {space: list(cells) for space, cells in state.items()}
    for access in written:
        if access.space not in result:
            continue
        kept: list[Cell] = []
        for cell in result[access.space]:
            if cell.hi <= access.lo or access.hi <= cell.lo:
                kept.append(cell)
                continue
            if cell.lo < access.lo:
                kept.append(Cell(cell.lo, access.lo, cell.value, cell.start))
            if access.hi < cell.hi:
                kept.append(Cell(access.hi, cell.hi, cell.value, cell.start))
        result[access.space] = kept
    return result


def _same_place(a: TileLayout, b: TileLayout) -> bool:
    """Equal up to the valid extent and the padding value: every lane is at the same byte."""
    return a._replace(valid_rows=0, valid_cols=0, pad=0) == b._replace(valid_rows=0, valid_cols=0, pad=0)


def _is_transpose(a: TileLayout, b: TileLayout) -> bool:
    """One is the other with rows and columns exchanged, boxes included: NZ seen as ZN."""
    return (
        a.shape == b.shape[::-1]
        and (a.blayout, a.slayout) != (b.blayout, b.slayout)
        and "none_box" not in (a.slayout, b.slayout)
        and a.blayout == b.slayout
        and a.slayout == b.blayout
        and (a.dtype, a.fractal) == (b.dtype, b.fractal)
    )


def _is_flat(layout: TileLayout) -> bool:
    """Lanes lie in memory in row-major order."""
    return layout.slayout == "none_box" and (layout.blayout == "row_major" or 1 in layout.shape)


def _flat(layout: TileLayout) -> TileLayout:
    count = layout.rows * layout.cols
    return layout._replace(rows=1, cols=count, valid_rows=1, valid_cols=count, blayout="row_major")


def describe(layout: TileLayout) -> str:
    """A tile in a message: `64x32xf32` and its boxing where it has one."""
    boxed = "" if layout.slayout == "none_box" else f" ({layout.blayout} of {layout.slayout} boxes)"
    return f"{layout.rows}x{layout.cols}x{layout.dtype}{boxed}"


def _block_of(value: SSAValue) -> Block | None:
    owner = value.owner
    return owner if isinstance(owner, Block) else owner.parent


def raise_function(function: func.FuncOp) -> func.FuncOp | None:
    """Raise one function and return what took its place.

    None where there is nothing to raise, or where it cannot be done: then the function is left as it is,
    with a remark.
    """
    if not function.body.blocks or not any(isinstance(op, AllocTileOp) for op in function.walk()):
        return None
    clone = function.clone()
    try:
        _Raise(clone.body.block)
    except CannotRaise as problem:
        refused(
            problem.op,
            f"'{function.sym_name.data}' stays in buffer form because of '{problem.op.name}': {problem.why}",
            problem.reason,
        )
        return None
    Rewriter.replace_op(function, clone)
    return clone


@dataclass(frozen=True)
class PtoRaisePass(ModulePass):
    """Raise every function of the module that can be raised."""

    name = "pto-raise"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in [f for f in op.walk() if isinstance(f, func.FuncOp)]:
            raise_function(function)
