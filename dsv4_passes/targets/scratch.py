"""The scratch tiles that operations need beside their destination.

Shapes are those that ptoas 0.60 itself would make (PTOMaterializeImplicitTmp.cpp), which are what its
verifiers ask for (PTO.cpp). What decides whether the operand is written at all:

* before 0.58 most of these operations have it in their syntax, on every chip and level; `tci` and `tcvt`
  need none;
* from 0.58 on ptoas adds it where it assigns addresses (level1, level2), and at level3 refuses A2/A3 text
  without;
* A5 reads most of them not at all. At level3 such a one is still written, of 32 bytes: ptoas would
  otherwise make a tile without an address.

The trowexpand… operations may go without at every level: then a column operand is broadcast through a range
that the chip reserves (`Chip.reserved`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .chips import Chip
from .elements import element_bytes
from .toolchains import Ptoas

PLACEHOLDER_BYTES = 32


@dataclass(frozen=True)
class TileShape:
    """What a scratch tile's shape depends on: physical shape, element type, static valid extent."""

    rows: int
    cols: int
    dtype: str
    valid: tuple[int, int] | None = None
    """None means the whole tile; a negative number is an extent known only at run time."""

    @property
    def valid_rows(self) -> int:
        return self.rows if self.valid is None else self.valid[0]

    @property
    def valid_cols(self) -> int:
        return self.cols if self.valid is None else self.valid[1]

    @property
    def bytes(self) -> int:
        return self.rows * self.cols * element_bytes(self.dtype)


class ScratchTile(NamedTuple):
    """A row-major vec tile, valid throughout."""

    rows: int
    cols: int
    dtype: str


ScratchShape = Callable[[Sequence[TileShape], TileShape], ScratchTile]


def _like_source(srcs: Sequence[TileShape], dst: TileShape) -> ScratchTile:
    return ScratchTile(srcs[0].rows, srcs[0].cols, srcs[0].dtype)


def _like_dst(srcs: Sequence[TileShape], dst: TileShape) -> ScratchTile:
    return ScratchTile(dst.rows, dst.cols, dst.dtype)


def _rows_of_dst(rows: int) -> ScratchShape:
    return lambda srcs, dst: ScratchTile(rows, dst.cols, dst.dtype)


def _tprelu(srcs: Sequence[TileShape], dst: TileShape) -> ScratchTile:
    """A packed predicate per row, padded to 32 bytes, and one row more."""
    return ScratchTile(dst.valid_rows + 1, max(32, _round_up(_ceil_div(dst.valid_cols, 8), 32)), "i8")


def _ttrans(srcs: Sequence[TileShape], dst: TileShape) -> ScratchTile:
    """The whole source where both sides divide into transposable blocks, else a placeholder."""
    src = srcs[0]
    width = element_bytes(src.dtype)
    block = 32 // width
    rows_fit = dst.cols % (32 if width == 1 else 16) == 0
    if rows_fit and src.cols % block == 0 and src.cols // block <= 255:
        return ScratchTile(src.rows, src.cols, src.dtype)
    return ScratchTile(1, block, src.dtype)


def _tcolsum(srcs: Sequence[TileShape], dst: TileShape) -> ScratchTile:
    """Half the rows: the first step of a sum by halves."""
    return ScratchTile(_ceil_div(srcs[0].valid_rows, 2), srcs[0].cols, srcs[0].dtype)


def _tmrgsort(srcs: Sequence[TileShape], dst: TileShape) -> ScratchTile:
    return ScratchTile(1, max(sum(src.cols for src in srcs), dst.cols), srcs[0].dtype)


def _tci(srcs: Sequence[TileShape], dst: TileShape) -> ScratchTile:
    """768 bytes for 4-byte elements, 1792 for 2-byte ones."""
    return ScratchTile(1, 448 if element_bytes(dst.dtype) == 2 else 192, "f32")


def _tcvt(srcs: Sequence[TileShape], dst: TileShape) -> ScratchTile:
    return ScratchTile(1, tcvt_scratch_bytes(srcs[0], dst), "i8")


def tcvt_scratch_bytes(src: TileShape, dst: TileShape) -> int:
    """Bytes that a narrowing tcvt asks for, a multiple of 32 (makeTCvtTmpType)."""
    rows, cols = dst.valid_rows, dst.valid_cols
    size = 0
    if src.dtype == "f32" and rows > 0 and cols > 0:
        head = 4 * 64 * min(cols // 64, 255)
        rest = cols % 64
        tail = 32 * ((min(rows, 255) - 1) * (src.cols // 8) + _ceil_div(rest, 8)) if rest else 0
        size = max(head, tail)
    elif src.dtype == "f16" and cols > 0:
        width = min(cols, 64)
        size = 32 * _ceil_div(width, 8)
        if element_bytes(dst.dtype) == 1:
            size = max(size, 128 + 32 * _ceil_div(width, 16))
    return max(32, _round_up(size, 32))


# In the syntax of ptoas before 0.58, on every chip.
_IN_SYNTAX: dict[str, ScratchShape] = {
    **dict.fromkeys("trowsum trowmax trowmin trowprod trowargmax trowargmin".split(), _like_source),
    **dict.fromkeys("tcolargmax tcolargmin".split(), _like_source),
    **dict.fromkeys("txor txors".split(), _like_dst),
    "trem": _rows_of_dst(2),
    "trems": _rows_of_dst(1),
    "tsels": lambda srcs, dst: ScratchTile(1, dst.cols, dst.dtype),
    "tprelu": _tprelu,
    "ttrans": _ttrans,
}

# Known to ptoas from 0.58 on, read on A2/A3 only.
_SINCE_IMPLICIT: dict[str, ScratchShape] = {
    "tci": _tci,
    "tcvt": _tcvt,
    "tquant": lambda srcs, dst: ScratchTile(srcs[0].rows, srcs[0].cols, "f32"),
}

# Read on every chip where the operation is of the kind that `_reads_everywhere` tells.
_EVERYWHERE: dict[str, ScratchShape] = {
    "tcolsum": _tcolsum,
    "tpow": _like_dst,
    "tpows": _like_dst,
    "tsort32": _like_source,
    "tmrgsort": _tmrgsort,
}


def scratch_type(
    mnemonic: str,
    form: str,
    srcs: Sequence[TileShape],
    dst: TileShape,
    chip: Chip,
    ptoas: Ptoas,
    level: int = 3,
    *,
    saturate: bool = False,
    binary: bool = False,
) -> ScratchTile | None:
    """The scratch operand to write for an operation, or None where none is to be written.

    `srcs` are the tile operands in order (tsel and tsels: without the mask; an index gather: source, index).
    `level` is that of ptoas: 3 where the text assigns addresses. `saturate` is tcvt's, `binary` is tcolsum's
    `isBinary` and tmrgsort's second form.

    With a scratch operand, ptoas takes tcvt and tcolsum only where the valid extents in the types are static.
    """
    if mnemonic == "tgather":
        return _gather_scratch(form, srcs)
    if mnemonic == "tsel":
        return _tsel_scratch(chip, ptoas, level)
    if (shape := _EVERYWHERE.get(mnemonic)) is not None:
        if not _reads_everywhere(mnemonic, srcs, dst, binary) or not _written(ptoas, level):
            return None
        return shape(srcs, dst)
    if (shape := _SINCE_IMPLICIT.get(mnemonic)) is not None:
        if not chip.reads_scratch or level < 3 or not ptoas.implicit_scratch:
            return None
        return shape(srcs, dst) if mnemonic != "tcvt" or _narrows(srcs[0], dst, saturate) else None
    # what ptoas makes itself for ttrans it makes only where the source has its extents in the type
    if (shape := _IN_SYNTAX.get(mnemonic)) is not None and (_written(ptoas, level) or mnemonic == "ttrans"):
        # before 0.58 the verifiers ask the same of every chip
        needed = chip.reads_scratch or not ptoas.implicit_scratch
        return shape(srcs, dst) if needed else _placeholder(mnemonic, dst)
    return None


def has_rule(mnemonic: str) -> bool:
    """Whether `scratch_type` decides about the scratch operand; else what the program has is as good."""
    return mnemonic in {"tgather", "tsel", *_EVERYWHERE, *_SINCE_IMPLICIT, *_IN_SYNTAX}


def _gather_scratch(form: str, srcs: Sequence[TileShape]) -> ScratchTile | None:
    """An index gather has one like its index, on every chip: A5 code does not compile without."""
    return ScratchTile(srcs[1].rows, srcs[1].cols, srcs[1].dtype) if form == "index" else None


def _tsel_scratch(chip: Chip, ptoas: Ptoas, level: int) -> ScratchTile | None:
    """Room for the address of a mask row (pto-isa npu/a2a3/TSel.hpp); before 0.58 as pypto has it."""
    if not _written(ptoas, level):
        return None
    if not ptoas.implicit_scratch:
        return ScratchTile(1, PLACEHOLDER_BYTES, ptoas.tsel_tmp)
    return ScratchTile(1, 16 if chip.reads_scratch else 8, "i32")


def _written(ptoas: Ptoas, level: int) -> bool:
    return level >= 3 or not ptoas.implicit_scratch


def _placeholder(mnemonic: str, dst: TileShape) -> ScratchTile:
    dtype = "i8" if mnemonic == "tprelu" else dst.dtype
    return ScratchTile(1, PLACEHOLDER_BYTES // element_bytes(dtype), dtype)


def _reads_everywhere(mnemonic: str, srcs: Sequence[TileShape], dst: TileShape, binary: bool) -> bool:
    if mnemonic in ("tcolsum", "tmrgsort"):
        return binary
    if mnemonic == "tsort32":
        return srcs[0].valid_cols < 0 or srcs[0].valid_cols % 32 != 0
    return "f" in dst.dtype


def _narrows(src: TileShape, dst: TileShape, saturate: bool) -> bool:
    """The conversions that compute in a wider type first (PTO.cpp TCvtOp::verify)."""
    to = dst.dtype.removeprefix("u")
    return not saturate and (src.dtype, to) in (("f32", "i16"), ("f16", "i16"), ("f16", "i8"))


def _ceil_div(value: int, by: int) -> int:
    return -(-value // by)


def _round_up(value: int, to: int) -> int:
    return _ceil_div(value, to) * to
