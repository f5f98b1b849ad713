"""Tile operations of the program text that are one `pto` operation each: one row per name.

The importer and the printer read the same rows. What needs more than a row (loads, shapes, products) is in
`memory_ops` and `tile_ops`, and what has neither is kept as text.
"""

from collections.abc import Sequence
from typing import NamedTuple

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute

from dialects.pto import PTO
from dialects.pto.attributes import CmpAttr, MaskPatternAttr, RoundModeAttr
from dialects.pto.base import TileOp

from .types import PADS

PATTERNS = ("P0101", "P1010", "P0001", "P0010", "P0100", "P1000", "P1111")
"""Mask patterns by the number (from 1) that pypto has for them."""

COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
"""Comparisons by pypto's number, from 0."""

MODES = {
    mode.lower(): mode for mode in ("NONE", "RINT", "ROUND", "FLOOR", "CEIL", "TRUNC", "ODD", "CAST_RINT")
}


class Row(NamedTuple):
    """`name(arguments)` is the operation `mnemonic` with these operands.

    `like` is the argument whose shape and layout the result has. A row that `drops` names its destination
    in the first argument, which the value form does not need: the operation writes all of it.
    """

    name: str
    mnemonic: str
    like: int = 0
    drops: bool = False
    shape: str = "like"
    """How the shape follows: `like`, `column` (one number per row), `row`, `packed` bits, `beside` (columns
    add up), `mask` (compressed by the mask pattern), `index` (that of the second argument), `pairs` (a value
    and its index side by side)."""

    def scalars(self, count: int) -> set[int]:
        """Which of `count` arguments are scalars."""
        if self.name == "sels":
            return {count - 1}
        return {1} if self.name in _SCALAR or self.name in ("cmps", "mrgsort_format1") else set()


_BINARY = {"maximum": "max", "minimum": "min"} | {
    name: name for name in "add sub mul div and or xor rem fmod shl shr".split()
}
_SCALAR = {"maximums": "maxs", "minimums": "mins"} | {
    name: name for name in "adds subs muls divs ands ors xors rems fmods shls shrs".split()
}
_UNARY = "neg abs exp log sqrt rsqrt recip relu not"
_KINDS = "add sub mul div max min expdif"

ROWS = [
    *(Row(name, f"t{word}") for name, word in (_BINARY | _SCALAR).items()),
    *(Row(name, f"t{name}") for name in _UNARY.split()),
    *(
        Row(f"{axis}_expand_{kind}", f"t{axis}expand{kind}")
        for axis in ("row", "col")
        for kind in _KINDS.split()
    ),
    *(
        Row(f"row_{kind}", f"trow{kind}", shape="column")
        for kind in ("sum", "max", "min", "prod", "argmax", "argmin")
    ),
    *(
        Row(f"col_{kind}", f"tcol{kind}", shape="row")
        for kind in ("sum", "max", "min", "prod", "argmax", "argmin")
    ),
    Row("cast", "tcvt"),
    Row("cmp", "tcmp", shape="packed"),
    Row("cmps", "tcmps", shape="packed"),
    Row("sel", "tsel", like=1),
    Row("sels", "tsels", like=1),
    Row("fillpad", "tfillpad"),
    Row("sort32", "tsort32", shape="pairs"),
    Row("mrgsort_format1", "tmrgsort"),
    Row("concat", "tconcat", shape="beside"),
    Row("gather", "tgather", shape="index"),
    Row("gather_mask", "tgather", shape="mask"),
    Row("col_expand", "tcolexpand", drops=True),
    Row("row_expand", "trowexpand", drops=True),
    Row("scatter", "tscatter", drops=True),
    Row("scatter_mask", "tscatter", drops=True),
]

BY_NAME = {row.name: row for row in ROWS}
KEYWORDS = {
    "cast": {"target_type", "mode"},
    "cmp": {"cmp_type"},
    "cmps": {"cmp_type"},
    "fillpad": {"pad_value"},
    "gather_mask": {"mask_pattern", "output_dtype"},
    "scatter_mask": {"mask_pattern"},
}
"""Keyword arguments that a row understands."""

OPERATIONS: dict[str, type[TileOp]] = {op.mnemonic(): op for op in PTO.operations if issubclass(op, TileOp)}
"""Tile operations of the dialect by mnemonic."""

_BY_MNEMONIC = {(row.mnemonic, row.name.endswith("_mask")): row for row in ROWS}


def row_of(op: TileOp) -> Row | None:
    """The row that a tile operation is printed by."""
    return _BY_MNEMONIC.get((op.mnemonic(), op.form() == "mask"))


def spelled(name: str) -> str:
    """Python keeps some names to itself: `pl.tile.and_`."""
    return f"{name}_" if name in ("and", "or", "not") else name


def unspelled(name: str) -> str:
    return name.removesuffix("_")


def masked_columns(columns: int, pattern: str) -> int:
    return columns // (1 if pattern == "P1111" else 2 if pattern in ("P0101", "P1010") else 4)


def packed_columns(columns: int) -> int:
    """Bytes for one bit a lane, in blocks of 32 (pypto src/ir/op/tile_ops/elementwise.cpp)."""
    return -(-(-(-columns // 8)) // 32) * 32


def mask_properties(pattern: str) -> dict[str, Attribute]:
    return {"maskPattern": MaskPatternAttr(pattern), "axis": StringAttr("row")}


def keyword_text(op: TileOp, dtype: str, source_dtype: str) -> Sequence[str]:
    """The keyword arguments that say what the properties of `op` say; element types by pypto's names."""
    found: list[str] = []
    if op.mnemonic() == "tcvt":
        mode = op.properties.get("rmode")
        word = mode.data if isinstance(mode, RoundModeAttr) else "CAST_RINT"
        found += [f"target_type=pl.{dtype}", f"mode='{word.lower()}'"]
    if isinstance(comparison := op.properties.get("cmpMode"), CmpAttr) and op.mnemonic() in ("tcmp", "tcmps"):
        found.append(f"cmp_type={COMPARISONS.index(comparison.data)}")
    if op.mnemonic() == "tfillpad":
        found.append(f"pad_value=pl.PadValue.{PADS[op.destination_layout().pad]}")
    if isinstance(pattern := op.properties.get("maskPattern"), MaskPatternAttr):
        found.append(f"mask_pattern={PATTERNS.index(pattern.data) + 1}")
        if dtype != source_dtype:
            found.append(f"output_dtype=pl.{dtype}")
    return found
