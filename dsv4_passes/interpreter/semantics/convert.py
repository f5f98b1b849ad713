"""Conversion, comparison and selection. Predicates are packed, eight lanes a byte."""

from dialects.pto.convert import CompareOp, TCvtOp
from dsv4_passes.interpreter.domain import Lanes

from .call import Semantics, TileCall


def _cvt(c: TileCall) -> Lanes:
    op = c.op
    assert isinstance(op, TCvtOp)
    return c.domain.convert(c.lanes("src"), c.tile("src").layout.dtype, c.dtype, op.mode, op.saturates)


def _compare(first: str, second: str) -> Semantics:
    """Compare the valid lanes of the first operand; the destination's extent counts bytes."""

    def apply(c: TileCall) -> Lanes:
        op = c.op
        assert isinstance(op, CompareOp)
        tile = c.tile(first)
        rows, cols = tile.box
        a = c.lanes(first, rows, cols)
        dtype = tile.layout.dtype
        b = c.scalar(second, dtype) if second == "scalar" else c.lanes(second, rows, cols)
        return c.domain.pack_bits(c.domain.compare(op.mode, a, b, dtype))

    return apply


def _bits(c: TileCall) -> Lanes:
    rows, cols = c.extent
    dtype = c.tile("mask").layout.dtype
    if dtype not in ("ui8", "i8"):
        raise c.error(f"expects a mask of bytes, found {dtype}")
    packed = c.lanes("mask", rows, -(-cols // 8))
    if dtype == "i8":
        packed = c.domain.bitcast(packed, "i8", "ui8")
    return c.domain.unpack_bits(packed, cols)


def _sel(c: TileCall) -> Lanes:
    return c.domain.select(_bits(c), c.lanes("src0"), c.lanes("src1"))


def _sels(c: TileCall) -> Lanes:
    return c.domain.select(_bits(c), c.lanes("src"), c.scalar("scalar"))


TABLE: dict[str, Semantics] = {
    "tcvt": _cvt,
    "tcmp": _compare("lhs", "rhs"),
    "tcmps": _compare("src", "scalar"),
    "tsel": _sel,
    "tsels": _sels,
}
