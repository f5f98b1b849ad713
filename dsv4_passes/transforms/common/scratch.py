"""The scratch operands of tile operations, which exist in buffer form only.

Raising drops them and lowering makes them as the target wants them. Where the input had another one than
the target's rule gives, it is remembered on the operation: `pto.trsqrt` with scratch memory is more precise
than without, and a larger one was larger for a reason.
"""

from xdsl.ir import SSAValue

from dialects.pto.base import REMEMBERED_SCRATCH, TileOp, is_tile, layout_of, target_arch
from dialects.pto.tiles import SubviewOp
from dialects.pto.types import DYNAMIC, TileBufType, TileLayout, TileType
from dsv4_passes.targets import LATEST, Chip, Ptoas, TileShape, scratch_type
from dsv4_passes.targets import chip as find_chip
from dsv4_passes.targets import ptoas as find_ptoas
from dsv4_passes.targets.scratch import has_rule


def remember_scratch(old: TileOp, new: TileOp) -> None:
    """Note on the raised operation what scratch the operation had, unless the target gives it the same."""
    for value in old.scratch_operands():
        if isinstance(value.type, TileBufType):
            layout = value.type.data
            layout = layout._replace(valid_rows=layout.rows, valid_cols=layout.cols)
            if scratch_layout(new, find_chip(target_arch(old)), find_ptoas(LATEST), 3) != layout:
                new.attributes[REMEMBERED_SCRATCH] = TileType(layout)


def scratch_layout(op: TileOp, chip: Chip, ptoas: Ptoas, level: int) -> TileLayout | None:
    """The scratch tile of an operation in value form; None where it gets none."""
    if "tmp?" not in op.OPERANDS.split() or not op.res:
        return None
    wanted = _wanted(op, chip, ptoas, level)
    remembered = op.attributes.get(REMEMBERED_SCRATCH)
    if not isinstance(remembered, TileType):
        return wanted
    given = remembered.data
    if wanted is None:
        return None if has_rule(op.mnemonic()) else given
    return given if given.dtype == wanted.dtype and given.bytes >= wanted.bytes else wanted


ROW_EXPAND_BYTES = 8192
"""What ptoas makes to broadcast a column, on chips that use scratch memory (makeTRowExpandTmpType)."""


def implied_scratch(op: TileOp, chip: Chip, ptoas: Ptoas) -> TileLayout | None:
    """The scratch tile that ptoas makes for an operation in buffer form where it plans the memory."""
    if op.scratch_operands() or not ptoas.implicit_scratch:
        return None
    if not chip.reads_scratch and op.mnemonic() not in _READ_EVERYWHERE:
        return None
    if op.mnemonic() in _BROADCASTS and chip.reads_scratch and any(_is_column(v) for v in op.ins):
        return TileLayout("vec", 1, ROW_EXPAND_BYTES, "i8", 1, ROW_EXPAND_BYTES)
    return _wanted(op, chip, ptoas, 3) if "tmp?" in op.OPERANDS.split() and op.outs else None


_READ_EVERYWHERE = ("ttrans", "tcolsum", "tpow", "tpows", "tsort32", "tmrgsort")
"""Operations whose scratch tile takes bytes also on a chip that reads none."""

_BROADCASTS = frozenset(f"trowexpand{what}" for what in ("add", "sub", "mul", "div", "max", "min"))


def _is_column(value: SSAValue) -> bool:
    return isinstance(value.type, TileBufType) and layout_of(value).blayout == "col_major"


def _wanted(op: TileOp, chip: Chip, ptoas: Ptoas, level: int) -> TileLayout | None:
    sources = [layout_of(v) for v in op.inputs() if is_tile(v)]
    if op.mnemonic() in ("tsel", "tsels"):
        sources = sources[1:]
    if op.mnemonic() == "ttrans" and isinstance(window := op.ins[0].owner, SubviewOp):
        sources = [layout_of(window.source)]  # ptoas 0.60 asks for as many bytes as the whole tile has
    binary = len(sources) > 1 or getattr(op, "isBinary", None) is not None
    wanted = scratch_type(
        op.mnemonic(),
        op.form(),
        [_tile(layout) for layout in sources],
        _tile(op.destination_layout()),
        chip,
        ptoas,
        level,
        saturate=bool(getattr(op, "saturates", False)),
        binary=binary,
    )
    if wanted is None:
        return None
    rows, cols, dtype = wanted
    return TileLayout("vec", rows, cols, dtype, rows, cols)


def _tile(layout: TileLayout) -> TileShape:
    rows, cols = (size if e == DYNAMIC else e for e, size in zip(layout.valid, layout.shape, strict=True))
    return TileShape(layout.rows, layout.cols, layout.dtype, (rows, cols))
