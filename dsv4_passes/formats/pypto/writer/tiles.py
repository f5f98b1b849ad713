"""Tile operations as program text: the rows of the table read backwards, and the rest by hand."""

from collections.abc import Callable
from math import prod

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation, SSAValue

from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.base import TileOp, is_tile, layout_of
from dialects.pto.broadcast import TCiOp, TExpandsOp
from dialects.pto.matmul import TMatmulAccOp, TMatmulOp
from dialects.pto.memory import constant_int
from dialects.pto.moves import TExtractOp, TMovOp, TTransOp
from dialects.pto.tiles import (
    BitcastOp,
    InsertOp,
    ReinterpretOp,
    ReshapeOp,
    SetValidShapeOp,
    SubviewOp,
    TransposeOp,
    UndefOp,
)
from dialects.pto.types import DYNAMIC, TileLayout
from dsv4_passes.formats.pypto.grammar.table import Row, keyword_text, row_of, spelled
from dsv4_passes.formats.pypto.grammar.tile_text import TileTexts, extents, is_implicit, is_left_out
from dsv4_passes.formats.pypto.grammar.types import DTYPE_NAMES, MEMORY_NAMES, partial_axis

from .text import FunctionText


class TileWriter(FunctionText):
    """Lines that make tiles."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = TileTexts()
        self.spent: set[SSAValue] = set()
        """Destinations that a scatter of the text has used up."""

    def tile_name(self, value: SSAValue) -> str:
        """What a tile is called; a move or reshape that the text leaves out is called as its source."""
        while value not in self.values:
            owner = value.owner
            assert isinstance(owner, Operation)
            assert is_implicit(owner)
            value = owner.operands[0]
        return self.values[value]

    def annotation(self, value: SSAValue) -> str:
        text = self.texts.text(value)
        layout = layout_of(value)
        if layout.full:
            return text.text()
        dynamic = iter(extents(value) or ())
        rows, cols = (next(dynamic, None) if e == DYNAMIC else e for e in layout.valid)
        if rows is None or cols is None:
            return text.text()
        words = list(map(str, text.shape))
        words[-1] = self.extent(cols)
        if (axis := partial_axis(text.shape)) is not None:
            inner = prod(text.shape[axis + 1 : -1])
            words[axis] = str(rows // inner) if isinstance(rows, int) else self.extent(rows)
        return text.text(f"[{', '.join(words)}]")

    def extent(self, extent: int | SSAValue) -> str:
        return str(extent) if isinstance(extent, int) else self.scalar(extent)

    def tile(self, value: SSAValue, text: str) -> None:
        """A line that makes a tile."""
        annotation = self.annotation(value)
        self.line(f"{self.name(value, 't__tile')}: {annotation} = {text}")


def write_tile_op(text: TileWriter, op: Operation) -> None:
    """An operation of the table."""
    row = row_of(op) if isinstance(op, TileOp) else None
    if row is None or not isinstance(op, TileOp) or len(op.res) != 1:
        text.fail(op, f"there is no word for {op.name}")
    result, operands = op.res[0], list(op.ins)
    if works_on_rows(op):
        (use,) = result.uses
        result = use.operation.results[0]
        operands = [_unreshaped(v) for v in operands]
    names = [text.tile_name(v) if is_tile(v) else text.scalar(v) for v in operands]
    if (layout := scratch_layout(op)) is not None:
        names.append(scratch(text, layout))
    if row.drops:
        names.insert(0, destination(text, op, row))
    dtypes = [DTYPE_NAMES[layout_of(v).dtype] for v in (result, op.ins[0]) if is_tile(v)]
    names += keyword_text(op, dtypes[0], dtypes[-1])
    text.tile(result, f"pl.tile.{spelled(row.name)}({', '.join(names)})")


_SCRATCH_LIKE = {"txor": 0, "txors": 0, "trowsum": 0, "trowmax": 0, "trowmin": 0, "tgather.index": 1}
"""Operations whose text names a scratch tile, and the operand that it is like (pypto's tile_ops.py)."""


def scratch_layout(op: TileOp) -> TileLayout | None:
    """The scratch tile that the text must name and the operation lacks."""
    form = f"{op.mnemonic()}.{op.form()}" if op.form() else op.mnemonic()
    if op.operand("tmp") is not None:
        return None
    if op.mnemonic() in ("tsel", "tsels"):
        return TileLayout("vec", 1, 32, "ui8", 1, 32)
    if form not in _SCRATCH_LIKE:
        return None
    layout = layout_of(op.ins[_SCRATCH_LIKE[form]])
    return TileLayout("vec", layout.rows, layout.cols, layout.dtype, layout.rows, layout.cols)


def scratch(text: TileWriter, layout: TileLayout) -> str:
    """The name of a new tile."""
    name, dtype = text.names.fresh("tmp_tile"), DTYPE_NAMES[layout.dtype]
    shape = f"[{layout.rows}, {layout.cols}]"
    made = f"pl.tile.create({shape}, dtype=pl.{dtype}, target_memory=pl.Mem.Vec)"
    text.line(f"{name}: pl.Tile[{shape}, pl.{dtype}, pl.Mem.Vec] = {made}")
    return name


def works_on_rows(op: TileOp) -> bool:
    """The text does this on columns: everything around it is reshaped, unsaid."""
    if len(op.res) != 1 or not op.res[0].has_one_use():
        return False
    (use,) = op.res[0].uses
    sources = [v.owner for v in op.ins if is_tile(v)]
    return all(_unsaid_reshape(o) for o in (use.operation, *sources))


def _unreshaped(value: SSAValue) -> SSAValue:
    return value.owner.source if isinstance(value.owner, ReshapeOp) else value


def _unsaid_reshape(op: object) -> bool:
    return isinstance(op, ReshapeOp) and is_implicit(op)


def destination(text: TileWriter, op: TileOp, row: Row) -> str:
    """A destination tile for the text: an unused one, or a new one.

    pypto writes a scatter's result into it, so it must not be read elsewhere; an expansion only looks at its
    shape.
    """
    expands = row.name.endswith("expand")
    block, wanted = op.parent, op.res[0].type
    candidate = op.prev_op
    while block is not None:
        while candidate is not None:
            value = candidate.results[0] if candidate.results else None
            if isinstance(candidate, TExpandsOp | UndefOp) and value is not None and value.type == wanted:
                unused = not any(True for _ in value.uses) and value not in text.spent
                if value in text.values and (expands or (unused and candidate.parent is op.parent)):
                    if not expands:
                        text.spent.add(value)
                    return text.values[value]
            candidate = candidate.prev_op
        parent = block.parent_op()
        block, candidate = (parent.parent, parent.prev_op) if parent is not None else (None, None)
    name = text.names.fresh(f"{row.name}_zero")
    shape, dtype = _shape(text, op.res[0])
    call = f"pl.tile.full({shape}, dtype=pl.{dtype}, value={'0' if 'INT' in dtype else '0.0'})"
    text.line(f"{name}: {text.annotation(op.res[0])} = {call}")
    return name


def full(text: TileWriter, op: TExpandsOp) -> None:
    if layout_of(op.res[0]).loc != "vec":
        text.fail(op, "a fill of other than vector memory")
    shape, dtype = _shape(text, op.res[0])
    value = text.scalar(op.ins[0], bare=True)
    text.tile(op.res[0], f"pl.tile.full({shape}, dtype=pl.{dtype}, value={value})")


def iota(text: TileWriter, op: TCiOp) -> None:
    shape, dtype = _shape(text, op.res[0])
    descending = op.properties.get("descending")
    down = isinstance(descending, IntegerAttr) and descending.value.data != 0
    start = text.scalar(op.ins[0])
    text.tile(op.res[0], f"pl.tile.ci({start}, {shape}, dtype=pl.{dtype}, descending={down})")


def create(text: TileWriter, op: UndefOp) -> None:
    uses = list(op.res.uses)
    if uses and all(use.index == 1 and _beside(use.operation) for use in uses):
        return
    shape, dtype = _shape(text, op.res)
    memory = MEMORY_NAMES[layout_of(op.res).loc]
    text.tile(op.res, f"pl.tile.create({shape}, dtype=pl.{dtype}, target_memory=pl.Mem.{memory})")


def _shape(text: TileWriter, value: SSAValue) -> tuple[str, str]:
    found = text.texts.text(value)
    return f"[{', '.join(map(str, found.shape))}]", DTYPE_NAMES[found.dtype]


def product(text: TileWriter, op: TMatmulOp | TMatmulAccOp) -> None:
    word = "matmul_acc" if isinstance(op, TMatmulAccOp) else "matmul"
    if len(text.texts.text(op.res[0]).shape) > 2:
        word = f"batch_{word}"
    operands = ", ".join(text.tile_name(v) for v in op.ins)
    text.tile(op.res[0], f"pl.tile.{word}({operands})")


def reshape(text: TileWriter, op: ReshapeOp) -> None:
    if is_implicit(op) and (_all_on_rows(op) or _made_on_rows(op)):
        return
    shape, _ = _shape(text, op.res)
    text.tile(op.res, f"pl.tile.reshape({text.tile_name(op.source)}, {shape})")


def _all_on_rows(op: ReshapeOp) -> bool:
    """Every user is written on columns."""
    users = [u.operation for u in op.res.uses]
    return bool(users) and all(isinstance(u, TileOp) and works_on_rows(u) for u in users)


def _made_on_rows(op: ReshapeOp) -> bool:
    return isinstance(op.source.owner, TileOp) and works_on_rows(op.source.owner)


def slice_(text: TileWriter, op: SubviewOp) -> None:
    shape, _ = _shape(text, op.res)
    offsets = text.index_list(op.offsets)
    layout = layout_of(op.res)
    if op.valid:
        valid = text.index_list(op.valid)
    else:
        valid = f"[{', '.join(map(str, layout.valid))}]"
    text.tile(op.res, f"pl.tile.slice({text.tile_name(op.source)}, {shape}, {offsets}, {valid})")


def assemble(text: TileWriter, op: InsertOp) -> None:
    """Two tiles that fill a new one side by side are one call: pypto copies a tile into a window of columns
    by an operation that newer assemblers reject."""
    if _beside(op):
        return
    if isinstance(left := op.dest.owner, InsertOp) and _beside(left):
        text.tile(op.res, f"pl.tile.concat({text.tile_name(left.source)}, {text.tile_name(op.source)})")
        return
    names = f"{text.tile_name(op.dest)}, {text.tile_name(op.source)}"
    text.tile(op.res, f"pl.tile.assemble({names}, [{text.scalar(op.row)}, {text.scalar(op.col)}])")


def _beside(left: Operation) -> bool:
    """The left one of two tiles that fill a new one side by side, and are put there one after the other."""
    if not isinstance(left, InsertOp) or not left.res.has_one_use():
        return False
    right = next(iter(left.res.uses)).operation
    if (
        not isinstance(right, InsertOp)
        or right.dest is not left.res
        or not isinstance(left.dest.owner, UndefOp)
    ):
        return False
    whole, parts = layout_of(right.res), (layout_of(left.source), layout_of(right.source))
    places = [constant_int(v) for insert in (left, right) for v in (insert.row, insert.col)]
    plain = (whole.loc, whole.blayout, whole.slayout) == ("vec", "row_major", "none_box")
    fills = parts[0].cols + parts[1].cols == whole.cols and all(
        p.full and p.rows == whole.rows for p in parts
    )
    return plain and whole.full and fills and places == [0, 0, 0, parts[0].cols]


def set_validshape(text: TileWriter, op: SetValidShapeOp) -> None:
    if is_implicit(op) or op.res is None:
        return
    rows, cols = text.scalar(op.valid_row), text.scalar(op.valid_col)
    text.tile(op.res, f"pl.tile.set_validshape({text.tile_name(op.source)}, {rows}, {cols})")


def transpose(text: TileWriter, op: TTransOp) -> None:
    """pypto transposes in place: what is read otherwise is copied first, by a gather of all lanes."""
    source, *scratch = (text.tile_name(v) for v in op.ins)
    if _read_otherwise(op) and layout_of(op.ins[0]).dtype in ("f32", "f16", "i32", "i16"):
        copy = text.names.fresh("copy__tile")
        text.line(f"{copy}: {text.annotation(op.ins[0])} = pl.tile.gather_mask({source}, mask_pattern=7)")
        source = copy
    text.tile(op.res[0], f"pl.tile.transpose({', '.join([source, '0', '1', *scratch])})")


_VIEWS = (SubviewOp, ReshapeOp, BitcastOp, ReinterpretOp, SetValidShapeOp)


def _read_otherwise(op: TTransOp) -> bool:
    """Something else uses the bytes of what is transposed."""
    value = op.ins[0]
    while isinstance(owner := value.owner, _VIEWS):
        value = owner.source
    seen, pending, readers = {value}, [value], 0
    while pending:
        for use in pending.pop().uses:
            if isinstance(view := use.operation, _VIEWS):
                pending += [r for r in view.results if r not in seen]
                seen.update(view.results)
            else:
                readers += 1
    return readers > 1 or not isinstance(value.owner, Operation)


def transpose_view(text: TileWriter, op: TransposeOp) -> None:
    text.tile(op.res, f"pl.tile.transpose_view({text.tile_name(op.source)})")


def reinterpret(text: TileWriter, op: BitcastOp | ReinterpretOp) -> None:
    """pypto takes whole tiles only, and a shape only where all of the tile is valid."""
    if (window := _window(op.source)) is not None:
        text.fail(op, f"{op.name} of a part of a tile has no word, %{window.res.name_hint or 'it'} is one")
    source, result = layout_of(op.source), layout_of(op.res)
    words = [text.tile_name(op.source), f"dtype=pl.{DTYPE_NAMES[result.dtype]}"]
    shape, _ = _shape(text, op.res)
    if isinstance(op, ReinterpretOp) and (source.rows != result.rows or source.dtype == result.dtype):
        words.append(f"shape={shape}")
    text.tile(op.res, f"pl.tile.reinterpret_view({', '.join(words)})")


def _window(value: SSAValue) -> SubviewOp | None:
    """The slice that a view of a tile is a view of."""
    while isinstance(owner := value.owner, SubviewOp | ReshapeOp | BitcastOp | ReinterpretOp):
        if isinstance(owner, SubviewOp):
            return owner
        value = owner.source
    return None


def move(text: TileWriter, op: TMovOp | CoreMoveOp) -> None:
    if is_left_out(op):
        return
    source, result = op.operands[0], op.results[0]
    memory = MEMORY_NAMES[layout_of(result).loc]
    words = [text.tile_name(source), f"target_memory=pl.Mem.{memory}"]
    given, wanted = text.texts.layout(source), text.texts.layout(result)
    if layout_of(result).loc == "vec" and given.slayout != wanted.slayout:
        # pypto gives a vector tile the layout of what is moved unless told otherwise
        words += [f"{key}=pl.TileLayout.{getattr(wanted, key)}" for key in ("blayout", "slayout")]
    text.tile(result, f"pl.tile.move({', '.join(words)})")


def extract(text: TileWriter, op: TExtractOp) -> None:
    source, row, col = op.ins[0], *(text.scalar(v) for v in op.ins[1:3])
    shape, _ = _shape(text, op.res[0])
    memory = MEMORY_NAMES[layout_of(op.res[0]).loc]
    arguments = f"{text.tile_name(source)}, {row}, {col}, {shape}, target_memory=pl.Mem.{memory}"
    text.tile(op.res[0], f"pl.tile.extract({arguments})")


TILE_TEXTS: dict[type[Operation], Callable[[TileWriter, Operation], None]] = {
    TExpandsOp: full,
    TCiOp: iota,
    UndefOp: create,
    TMatmulOp: product,
    TMatmulAccOp: product,
    ReshapeOp: reshape,
    SubviewOp: slice_,
    InsertOp: assemble,
    SetValidShapeOp: set_validshape,
    TTransOp: transpose,
    TransposeOp: transpose_view,
    BitcastOp: reinterpret,
    ReinterpretOp: reinterpret,
    TMovOp: move,
    CoreMoveOp: move,
    TExtractOp: extract,
}  # pyright: ignore[reportAssignmentType]
