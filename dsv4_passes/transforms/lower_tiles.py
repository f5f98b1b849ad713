"""`pto-lower`: from tiles as values back to tiles in memory; the inverse of `pto-raise`.

    %0 = pto.tload ins(%p : …) -> T                     %a = pto.alloc_tile addr = %c0 … : TB
    %1 = pto.tadd ins(%0, %0 : T, T) -> T        =>     pto.tload ins(%p : …) outs(%a : TB)
                                                        pto.tadd ins(%a, %a : TB, TB) outs(%a : TB)

Values get buffers (`analysis/webs`: what must share one does, a lane-wise result may take over a dying
operand), buffers get addresses from their live ranges (`level3`), or none for `ptoas` to plan
(`level2`). A piece that is inserted into a tile is written straight into its window; scratch operands
that the chip and the assembler want are added. If the plan does not fit the chip's usable memory, that
is an error which shows the plan.

Legal because a buffer holds one value at a time: webs are joined only where no two members are alive
together, and two buffers share bytes only where they are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from xdsl.context import Context
from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, LocationAttr, ModuleOp, i64
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.transforms.dead_code_elimination import dce

from dialects.pto.base import TileOp, segment_sizes, target_arch
from dialects.pto.memory import constant_int
from dialects.pto.moves import TMovOp
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
from dsv4_passes.analysis.liveness import Live
from dsv4_passes.analysis.memory_plan import Buffer, plan
from dsv4_passes.analysis.webs import VIEWS, Webs, is_slot, root_of
from dsv4_passes.diagnostics import UserError
from dsv4_passes.targets import Tile, scratch_type
from dsv4_passes.targets import chip as find_chip
from dsv4_passes.targets import ptoas as find_ptoas

Level = Literal["level2", "level3"]


class DoesNotFit(UserError):
    """The memory plan needs more of `space` than the chip has; vector memory is planned first."""

    def __init__(self, message: str, location: LocationAttr | None, space: str):
        super().__init__(message, location)
        self.space = space


@dataclass(frozen=True)
class Place:
    """Where a value's bytes are: in the buffer of a web, at an offset in bytes if addressed."""

    web: SSAValue
    offset: int = 0


class _Lower:
    """Lower one function in place."""

    def __init__(self, function: func.FuncOp, chip: str, ptoas: str, level: Level):
        self.function, self.level = function, level
        self.chip, self.ptoas = find_chip(chip), find_ptoas(ptoas)
        self.entry = function.body.block
        self.constants: dict[tuple[int, str], SSAValue] = {}
        self._collect_constants()
        self._materialise_odd_views()
        self.webs = Webs(function, narrowing=level == "level3")
        self.pieces = self._pieces_written_in_place()
        self.buffers: dict[SSAValue, Buffer] = {}
        self.addresses: dict[SSAValue, int] = {}
        self.scratch: dict[TileOp, tuple[SSAValue | None, TileLayout]] = {}
        self._plan()
        self.handles: dict[SSAValue, SSAValue] = {}
        self.retired: list[Operation] = []
        self._lower_block(self.entry)
        for op in self.retired:
            op.drop_all_references()

    # -- constants ---------------------------------------------------------------------------------

    def _collect_constants(self) -> None:
        for op in self.entry.ops:
            if isinstance(op, arith.ConstantOp) and (number := constant_int(op.result)) is not None:
                self.constants.setdefault((number, str(op.result.type)), op.result)

    def constant(self, value: int, type_: str = "index") -> SSAValue:
        """A constant at the top of the function; each is made once."""
        key = (value, type_)
        if key not in self.constants:
            attr = IntegerAttr(value, IndexType() if type_ == "index" else i64)
            op = arith.ConstantOp(attr)
            op.result.name_hint = f"c{value}_{type_}"
            first = self.entry.first_op
            assert first is not None
            Rewriter.insert_op(op, InsertPoint.before(first))
            self.constants[key] = op.result
        else:
            self._hoist(self.constants[key])
        return self.constants[key]

    def _hoist(self, value: SSAValue) -> None:
        """Constants are pure: one that is needed earlier than it stands goes to the top."""
        op, first = value.owner, self.entry.first_op
        if isinstance(op, Operation) and first is not None and op is not first:
            op.detach()
            Rewriter.insert_op(op, InsertPoint.before(first))

    # -- preparation -------------------------------------------------------------------------------

    def _materialise_odd_views(self) -> None:
        """A reshape of a window that is not contiguous needs the window's lanes in a tile of their own."""
        for op in list(self.function.walk()):
            if isinstance(op, (ReshapeOp, TransposeOp)) and self._offset(op.source) is None:
                copy = TMovOp([op.source], result=op.source.type)
                copy.location = op.location
                Rewriter.insert_op(copy, InsertPoint.before(op))
                op.operands[0] = copy.res[0]

    def _offset(self, value: SSAValue) -> int | None:
        """Bytes from the start of the root to this view, if it is a contiguous stretch of it."""
        op = value.owner
        if not isinstance(op, VIEWS):
            return 0
        offset = self._offset(op.source)
        if offset is None or not isinstance(op, SubviewOp):
            return offset
        row, col = (constant_int(v) for v in op.offsets)
        if row == col == 0 and op.static_sizes == _layout(op.source).shape:
            return offset
        source = _layout(op.source)
        rows, cols = op.static_sizes
        if (
            self.level == "level2"
            or row is None
            or col is None
            or source.slayout != "none_box"
            or source.blayout != "row_major"
            or not (rows == 1 or (cols == source.cols and col == 0))
        ):
            return None
        start = offset + (row * source.cols + col) * element_bits(source.dtype) // 8
        return start if start % 32 == 0 else None

    def _pieces_written_in_place(self) -> dict[SSAValue, InsertOp]:
        """Values whose producer can write straight into the window they are inserted at.

        Between the producer and the insert nothing may read the tile's old value, and the window's
        offsets must be known before the producer.
        """
        pieces: dict[SSAValue, InsertOp] = {}
        for op in self.function.walk():
            if not isinstance(op, InsertOp):
                continue
            piece = op.source
            producer = piece.owner
            if not isinstance(producer, TileOp) or producer.parent is not op.parent:
                continue
            if len(list(piece.uses)) != 1 or len(producer.res) != 1 or producer.TIED:
                continue
            if producer.reads_destination() or producer.name == "pto.tscatter":
                continue
            dest = root_of(op.dest)
            assert dest is not None
            web = self.webs.find(dest)
            between = producer
            clean = True
            while between is not op:
                clean &= all(
                    (root := root_of(v)) is None or self.webs.find(root) is not web for v in between.operands
                )
                clean &= not between.regions
                nxt = between.next_op
                assert nxt is not None
                between = nxt
            if clean and all(self._known_before(v, producer) for v in (op.row, op.col)):
                if not isinstance(op.dest.owner, Operation) or self._known_before(op.dest, producer):
                    pieces[piece] = op
        return pieces

    def _known_before(self, value: SSAValue, op: Operation) -> bool:
        owner = value.owner
        if isinstance(owner, Block) or owner.parent is not op.parent:
            return True
        return self.webs.position.get(owner, -1) < self.webs.position.get(op, 0)

    # -- the plan ----------------------------------------------------------------------------------

    def _plan(self) -> None:
        sizes: dict[SSAValue, list[SSAValue]] = {}
        for root in list(self.webs.roots()):
            if root not in self.pieces and not is_slot(root):
                sizes.setdefault(self.webs.find(root), []).append(root)
        for web, roots in sizes.items():
            layouts = [_layout(root) for root in roots]
            loc = layouts[0].loc
            name = next((r.name_hint for r in roots if r.name_hint), "tile")
            size = max(layout.bytes for layout in layouts)
            self.buffers[web] = Buffer(name, size, self.chip.memory(loc).align, self._live(web))
        extra = self._scratch_buffers()
        if self.level == "level2":
            return
        spaces: dict[str, list[tuple[SSAValue | TileOp, Buffer]]] = {}
        for web, buffer in self.buffers.items():
            spaces.setdefault(_layout(web).loc, []).append((web, buffer))
        for op, buffer in extra:
            spaces.setdefault("vec", []).append((op, buffer))
        for space, rows in sorted(spaces.items(), key=lambda item: item[0] != "vec"):
            self._plan_space(space, rows)

    def _plan_space(self, space: str, rows: list[tuple[SSAValue | TileOp, Buffer]]) -> None:
        slots = [
            Buffer(f"pipe slots ({size} bytes)", size, 1, Live([(0, 1 << 60)]), base)
            for base, size in self._reserved(space)
        ]
        made = plan([*slots, *(buffer for _, buffer in rows)])
        usable = self.chip.memory(space).usable
        if made.peak > usable:
            raise DoesNotFit(
                f"'{self.function.sym_name.data}' needs {made.peak} bytes of {space} memory, "
                f"{self.chip.name} has {usable} usable; the plan is:\n" + "\n".join(made.table()),
                self.function.location,
                space,
            )
        for (key, _), address in zip(rows, made.addresses[len(slots) :], strict=True):
            if isinstance(key, TileOp):
                self.scratch[key] = (self.constant(address, "i64"), self.scratch[key][1])
            else:
                self.addresses[key] = address

    def _live(self, web: SSAValue) -> Live:
        """When the buffer is in use: through the write of an operation that reads it last, because a
        result may take over an operand's bytes exactly, as one web, but never overlap them partly."""
        return Live([(start, end | 1) for start, end in self.webs.live[web].segments])

    def _reserved(self, space: str) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for op in self.entry.walk():
            if op.name == "pto.reserve_buffer":
                given = op.properties | op.attributes
                if getattr(given.get("location"), "data", None) != space:
                    continue
                base, size = given.get("base"), given.get("size")
                if isinstance(base, IntegerAttr) and isinstance(size, IntegerAttr):
                    found.append((base.value.data, size.value.data))
        return found

    def _scratch_buffers(self) -> list[tuple[TileOp, Buffer]]:
        made: list[tuple[TileOp, Buffer]] = []
        for op in self.function.walk():
            if not isinstance(op, TileOp) or op.scratch_operands():
                continue
            if (layout := self._scratch_layout(op)) is None:
                continue
            at = 2 * self.webs.position[op]
            self.scratch[op] = (None, layout)
            made.append((op, Buffer(f"scratch of {op.name}", layout.bytes, 32, Live([(at, at + 1)]))))
        return made

    def _scratch_layout(self, op: TileOp) -> TileLayout | None:
        if "tmp" not in op.OPERANDS or not op.res:
            return None
        sources = [_layout(v) for v in op.ins if isinstance(v.type, TileType)]
        wanted = scratch_type(
            op.mnemonic(),
            op.form(),
            [_scratch_tile(t) for t in sources],
            _scratch_tile(op.destination_layout()),
            self.chip,
            self.ptoas,
            int(self.level[-1]),
            saturate=getattr(op, "saturates", False),
            binary=len(sources) > 1,
        )
        if wanted is None:
            return None
        return TileLayout("vec", wanted.rows, wanted.cols, wanted.dtype, wanted.rows, wanted.cols)

    # -- rewriting ---------------------------------------------------------------------------------

    def _lower_block(self, block: Block) -> None:
        for op in list(block.ops):
            if isinstance(op, scf.ForOp):
                self._lower_loop(op)
            elif isinstance(op, scf.IfOp):
                self._lower_branch(op)
            elif isinstance(op, (*VIEWS, UndefOp)) and isinstance(op.results[0].type, TileType):
                self.retire(op)
            elif isinstance(op, InsertOp):
                self._lower_insert(op)
                self.retire(op)
            elif isinstance(op, TileOp):
                self._lower_tile_op(op)
            else:
                self._lower_other(op)
                for region in op.regions:
                    for inner in region.blocks:
                        self._lower_block(inner)

    def _lower_tile_op(self, op: TileOp) -> None:
        ins = [self.handle(v, op) for v in op.inputs()]
        if not op.res:
            op.operands = [*ins, *op.outs]
            op.properties["operandSegmentSizes"] = segment_sizes(len(ins), len(op.outs), 0)
            return
        ins = self._with_scratch(op, ins)
        outs = [self.destination(result, op) for result in op.res]
        if op.TIED == "old":
            ins.pop(op.operand_names().index("old"))
        elif op.TIED:
            ins[op.operand_names().index(op.TIED)] = outs[0]
        properties = dict(op.properties)
        properties["operandSegmentSizes"] = segment_sizes(len(ins), len(outs), 0)
        new = type(op).create(operands=[*ins, *outs], properties=properties, attributes=op.attributes)
        new.location = op.location
        Rewriter.insert_op(new, InsertPoint.before(op))
        self.retire(op)

    def _with_scratch(self, op: TileOp, ins: list[SSAValue]) -> list[SSAValue]:
        if op not in self.scratch:
            return ins
        address, layout = self.scratch[op]
        handle = self._allocate(op, layout, address, None, "tmp")
        names = op.OPERANDS.split()
        at = len(ins) if names[-1] == "tmp?" else names.index("tmp?")
        return [*ins[:at], handle, *ins[at:]]

    def _lower_insert(self, op: InsertOp) -> None:
        if op.source in self.pieces:
            return
        window = self._window(op, op)
        move = TMovOp([self.handle(op.source, op)], outs=[window])
        move.location = op.location
        Rewriter.insert_op(move, InsertPoint.before(op))

    def _window(self, insert: InsertOp, before: Operation) -> SSAValue:
        """The window of an insert as a handle."""
        base = self.handle(insert.dest, before)
        piece = _layout(insert.source)
        assert isinstance(base.type, TileBufType)
        layout = base.type.data._replace(
            rows=piece.rows, cols=piece.cols, valid_rows=piece.valid_rows, valid_cols=piece.valid_cols
        )
        valid: list[SSAValue] = []
        if layout.valid != layout.shape:
            extents = self._extents(insert.source)
            valid = [e if isinstance(e, SSAValue) else self.constant(e) for e in extents]
        op = SubviewOp(base, [insert.row, insert.col], piece.shape, TileBufType(layout), valid)
        if not valid:
            op = SubviewOp(
                base,
                [insert.row, insert.col],
                piece.shape,
                TileBufType(layout),
                [self.constant(piece.rows), self.constant(piece.cols)],
            )
        op.location = insert.location
        Rewriter.insert_op(op, InsertPoint.before(before))
        return op.res

    def _lower_other(self, op: Operation) -> None:
        for index, value in enumerate(op.operands):
            if isinstance(value.type, TileType):
                op.operands[index] = self.handle(value, op)
        for result in list(op.results):
            if isinstance(result.type, TileType):
                layout = result.type.data
                if op.name.startswith("pto.tpop"):
                    layout = layout._replace(
                        valid_rows=DYNAMIC if op.operands else layout.valid_rows,
                        valid_cols=DYNAMIC if op.operands else layout.valid_cols,
                    )
                new = Rewriter.replace_value_with_new_type(result, TileBufType(layout))
                self.handles[new] = new

    def _lower_loop(self, op: scf.ForOp) -> None:
        block = op.body.block
        kept = [i for i, v in enumerate(op.iter_args) if not isinstance(v.type, TileType)]
        self._lower_block(block)
        end = block.last_op
        assert isinstance(end, scf.YieldOp)
        Rewriter.insert_op(scf.YieldOp(*(end.operands[i] for i in kept)), InsertPoint.before(end))
        self.retire(end)
        op.body.detach_block(block)
        inits = [op.iter_args[i] for i in kept]
        for index in reversed(range(len(op.iter_args))):
            if index not in kept:
                block.erase_arg(block.args[index + 1], safe_erase=False)
        new = scf.ForOp(op.lb, op.ub, op.step, inits, Region(block))
        new.attributes |= op.attributes
        self._replace_structured(op, new, kept)

    def _lower_branch(self, op: scf.IfOp) -> None:
        kept = [i for i, r in enumerate(op.results) if not isinstance(r.type, TileType)]
        regions: list[Region] = []
        for region in op.regions:
            if not region.blocks:
                regions.append(Region())
                continue
            block = region.block
            self._lower_block(block)
            end = block.last_op
            assert isinstance(end, scf.YieldOp)
            Rewriter.insert_op(scf.YieldOp(*(end.operands[i] for i in kept)), InsertPoint.before(end))
            self.retire(end)
            region.detach_block(block)
            regions.append(Region(block))
        if len(regions) == 2 and regions[1].blocks and len(list(regions[1].block.ops)) == 1 and not kept:
            regions[1] = Region()
        types = [op.results[i].type for i in kept]
        new = scf.IfOp(op.cond, types, regions[0], regions[1])
        self._replace_structured(op, new, kept)

    def _replace_structured(self, op: scf.ForOp | scf.IfOp, new: Operation, kept: Sequence[int]) -> None:
        new.location = op.location
        Rewriter.insert_op(new, InsertPoint.before(op))
        for index, result in zip(kept, new.results, strict=True):
            result.name_hint = op.results[index].name_hint
            op.results[index].replace_all_uses_with(result)
        self.retire(op)

    def retire(self, op: Operation) -> None:
        """Take an operation out; its results are still the keys under which handles are known."""
        op.detach()
        self.retired.append(op)

    # -- handles -----------------------------------------------------------------------------------

    def destination(self, result: SSAValue, op: Operation) -> SSAValue:
        """Where an operation writes its result: its buffer, or the window it is inserted at."""
        if (insert := self.pieces.get(result)) is not None:
            return self._window(insert, op)
        return self.handle(result, op)

    def handle(self, value: SSAValue, before: Operation) -> SSAValue:
        """The handle of a tile value, made in front of `before` where there is none that reaches it."""
        if not isinstance(value.type, TileType):
            return value
        known = self.handles.get(value)
        if known is not None and _reaches(known, before):
            return known
        made = self._make_handle(value, before)
        self.handles[value] = made
        return made

    def _make_handle(self, value: SSAValue, before: Operation) -> SSAValue:
        op = value.owner
        layout = _layout(value)
        if isinstance(op, VIEWS):
            root = root_of(value)
            assert root is not None
            if self.level == "level3" and not is_slot(root) and root not in self.pieces:
                offset = self._offset(value)
                if offset is not None:
                    address = self.addresses[self.webs.find(root)] + offset
                    return self._allocate(before, layout, self.constant(address, "i64"), value, None)
            return self._view(op, value, before)
        web = self.webs.find(value)
        if self.level == "level3":
            address = self.constant(self.addresses[web], "i64")
            return self._allocate(before, layout, address, value, None)
        if (shared := self.handles.get(web)) is None or not _reaches(shared, before):
            first = self.entry.first_op
            assert first is not None
            shared = self._allocate(before, _layout(web), None, web, None, at_top=True)
            self.handles[web] = shared
        assert isinstance(shared.type, TileBufType)
        if _plain(shared.type.data) == _plain(layout):
            return shared
        cast = TReshapeOp(shared, TileBufType(layout))
        Rewriter.insert_op(cast, InsertPoint.before(before))
        return cast.res

    def _view(self, op: Operation, value: SSAValue, before: Operation) -> SSAValue:
        """A view as an operation on its source's handle."""
        assert isinstance(op, VIEWS)
        source = self.handle(op.source, before)
        layout = _layout(value)
        if isinstance(op, (SubviewOp, SetValidShapeOp)):
            offsets = list(op.offsets) if isinstance(op, SubviewOp) else [self.constant(0)] * 2
            valid = [e if isinstance(e, SSAValue) else self.constant(e) for e in self._extents(value)]
            new: Operation = SubviewOp(source, offsets, layout.shape, TileBufType(layout), valid)
        elif isinstance(op, BitcastOp):
            new = BitcastOp(source, TileBufType(_layout_like(source, layout)))
        else:
            new = TReshapeOp(source, TileBufType(layout))
        new.location = op.location
        Rewriter.insert_op(new, InsertPoint.before(before))
        new.results[0].name_hint = value.name_hint
        return new.results[0]

    def _allocate(
        self,
        before: Operation,
        layout: TileLayout,
        address: SSAValue | None,
        value: SSAValue | None,
        name: str | None,
        at_top: bool = False,
    ) -> SSAValue:
        """A handle as pypto writes it: `?` extents in the type, their numbers as operands."""
        extents = self._extents(value) if value is not None and not at_top else layout.shape
        operands = [e if isinstance(e, SSAValue) else self.constant(e) for e in extents]
        type_ = TileBufType(layout._replace(valid_rows=DYNAMIC, valid_cols=DYNAMIC))
        op = AllocTileOp(type_, address, *operands)
        op.location = before.location
        op.res.name_hint = name or (value.name_hint if value is not None else None)
        point = InsertPoint.before(before)
        if at_top:
            last = [o for o in self.entry.ops if isinstance(o, (arith.ConstantOp, AllocTileOp))]
            point = InsertPoint.after(last[-1]) if last else point
        Rewriter.insert_op(op, point)
        return op.res

    def _extents(self, value: SSAValue) -> tuple[int | SSAValue, int | SSAValue]:
        """The valid extent of a value: numbers, or the operands its producer names."""
        layout, owner = _layout(value), value.owner
        dynamic: list[SSAValue] = []
        if isinstance(owner, TileOp):
            dynamic = list(owner.valid)
        elif isinstance(owner, SetValidShapeOp):
            pair = (owner.valid_row, owner.valid_col)
            dynamic = [v for v, e in zip(pair, layout.valid, strict=True) if e == DYNAMIC]
        elif isinstance(owner, SubviewOp) and owner.valid:
            dynamic = [v for v, e in zip(owner.valid, layout.valid, strict=True) if e == DYNAMIC]
        elif isinstance(owner, VIEWS):
            extents = self._extents(owner.source)
            if isinstance(owner, TransposeOp) or _layout(owner.source).shape != layout.shape:
                extents = extents[::-1]
            dynamic = [v for v in extents if isinstance(v, SSAValue)]
        given = iter(dynamic)
        rows, cols = (
            next(given, size) if e == DYNAMIC else e
            for e, size in zip(layout.valid, layout.shape, strict=True)
        )
        return rows, cols


def _layout(value: SSAValue) -> TileLayout:
    assert isinstance(value.type, TileType)
    return value.type.data


def _layout_like(source: SSAValue, layout: TileLayout) -> TileLayout:
    """The layout with the source's way of writing the valid extent, as `pto.bitcast` wants it."""
    assert isinstance(source.type, TileBufType)
    return source.type.data._replace(dtype=layout.dtype)


def _scratch_tile(layout: TileLayout) -> Tile:
    rows, cols = (size if e == DYNAMIC else e for e, size in zip(layout.valid, layout.shape, strict=True))
    return Tile(layout.rows, layout.cols, layout.dtype, (rows, cols))


def _plain(layout: TileLayout) -> TileLayout:
    return layout._replace(valid_rows=0, valid_cols=0)


def _reaches(handle: SSAValue, op: Operation) -> bool:
    """The handle is defined in the block of `op`, or in one around it (and then before it)."""
    block = handle.owner if isinstance(handle.owner, Block) else handle.owner.parent
    current: Operation | None = op
    while current is not None:
        if current.parent is block:
            return True
        current = current.parent_op()
    return False


def lower_function(function: func.FuncOp, chip: str, ptoas: str, level: Level) -> None:
    """Lower one function; functions without tile values stay as they are."""
    if not any(isinstance(r.type, TileType) for op in function.walk() for r in op.results):
        return
    _Lower(function, chip, ptoas, level)


@dataclass(frozen=True)
class PtoLowerPass(ModulePass):
    """Lower every function in value form.

    `chip` is taken from the module's `pto.target_arch` unless given; `level` is `level3` (addresses
    assigned here) or `level2` (left to the assembler).
    """

    name = "pto-lower"
    chip: str | None = None
    ptoas: str = "0.60"
    level: Level = "level3"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        dce(op)
        for function in [f for f in op.walk() if isinstance(f, func.FuncOp)]:
            lower_function(function, self.chip or target_arch(op), self.ptoas, self.level)
        dce(op)
