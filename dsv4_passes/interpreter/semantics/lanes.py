"""Gathers, scatters, moves and matrix products: what puts values into other lanes."""

import numpy as np

from dialects.pto.lanes import LANES, MaskedOp
from dsv4_passes.interpreter.domain import Lanes, NotConcrete

from .call import Masked, Result, Semantics, TileCall


def _masked(c: TileCall) -> tuple[MaskedOp, slice, bool]:
    """The operation, the lanes its pattern selects, and whether it selects columns."""
    op = c.op
    assert isinstance(op, MaskedOp)
    assert op.pattern is not None
    first, step = LANES[op.pattern]
    return op, slice(first, None, step), op.along == "row"


def _gather(c: TileCall) -> Lanes:
    form = c.op.form()
    if form == "mask":
        return _mask_gather(c)
    if form == "compare":
        raise c.error("has a compare form that no tool defines")
    index = c.domain.concrete(c.lanes("idx"), c.tile("idx").layout.dtype)
    return c.flat_lanes("src", index.astype(np.int64))


def _mask_gather(c: TileCall) -> Lanes:
    """The selected lanes of the source's valid extent, which must fill the destination's."""
    _, lanes, columns = _masked(c)
    rows, cols = c.tile("src").box
    at = (slice(0, rows), _within(lanes, cols)) if columns else (_within(lanes, rows), slice(0, cols))
    data = c.tile("src").data[at]
    if data.shape != c.extent:
        raise c.error(
            f"selects {data.shape[0]}x{data.shape[1]} lanes for a destination of {c.extent[0]}x{c.extent[1]}"
        )
    picked, source = c.lanes_at("src", at, c.extent), c.tile("src").layout.dtype
    return picked if source == c.dtype else c.domain.bitcast(picked, source, c.dtype)


def _within(lanes: slice, extent: int) -> slice:
    return slice(lanes.start, extent, lanes.step)


def _scatter(c: TileCall) -> Lanes:
    """All lanes of the physical destination: +0 where nothing is put (pto-isa npu/*/TScatter.hpp)."""
    layout = c.layout
    out = c.domain.constant(0, c.dtype, layout.shape)
    columns = c.op.form() != "mask" or _masked(c)[2]
    rows, cols = c.moved("src") if columns else c.fixed("src")
    source = c.lanes("src", rows, cols)
    if c.op.form() == "mask":
        _, lanes, _ = _masked(c)
        room = out[:rows, lanes][:, :cols] if columns else out[lanes, :cols][:rows]
        if room.shape != source.shape:
            raise c.error(f"has no room for {rows}x{cols} lanes in {layout.rows}x{layout.cols}")
        room[...] = source
        return out
    index = c.domain.concrete(c.lanes("idx", rows, cols), c.tile("idx").layout.dtype).astype(np.int64)
    c.check_index(index, layout)
    if (
        not isinstance(c.tile("src").valid[0], int)
        and (index // layout.cols != np.arange(rows)[:, None]).any()
    ):
        raise NotConcrete("its rows are not put into rows of their own, and how many there are is not known")
    out.reshape(-1)[index.reshape(-1)] = source.reshape(-1)  # row by row, so the last of equal indices stays
    return out


def _moved(c: TileCall, at: tuple[slice, slice]) -> Result:
    """Lanes elsewhere. Out of an accumulator the type may change: one rounding to nearest even."""
    source = c.tile("src").layout.dtype
    if source == c.dtype:
        return c.masked("src", at, c.extent)
    return c.domain.convert(c.lanes_at("src", at, c.extent), source, c.dtype, "RINT", False)


def plain_move(c: TileCall) -> None:
    """Refuse the options of a move that scale or clip its lanes."""
    relu = c.op.properties.get("reluPreMode")
    if relu is not None and "no_relu" not in str(relu):
        raise c.error(f"has {relu}, which has no semantics here")
    for name in ("fp", "pre_quant"):
        if c.has(name):
            raise c.error(f"has a quantisation operand '{name}', which has no semantics here")


def _mov(c: TileCall) -> Result:
    plain_move(c)
    rows, cols = c.extent
    return _moved(c, (slice(0, rows), slice(0, cols)))


def _extract(c: TileCall) -> Result:
    plain_move(c)
    (row, col), (rows, cols) = (c.index("row"), c.index("col")), c.extent
    return _moved(c, (slice(row, row + rows), slice(col, col + cols)))


def _insert(c: TileCall) -> Result:
    """The former content with the source's valid lanes in the box at [row, col]."""
    plain_move(c)
    (row, col), (rows, cols) = (c.index("row"), c.index("col")), c.fixed("src")
    source, old = c.tile("src").layout.dtype, c.tile("old")
    lanes, known = c.masked("src", (slice(0, rows), slice(0, cols)), (rows, cols))
    if source != c.dtype:
        lanes = c.domain.convert(c.lanes("src", rows, cols), source, c.dtype, "RINT", False)
    at = slice(row, row + rows), slice(col, col + cols)
    if old.data[at].shape != lanes.shape:
        raise c.error(f"has no room for {rows}x{cols} lanes at [{row}, {col}]")
    data, written = old.data.copy(), old.known.copy()
    data[at], written[at] = lanes, known
    c.conditions |= old.conditions
    return Masked(data, written)


def _concat(c: TileCall) -> Lanes:
    rows = c.extent[0]
    left, right = (c.lanes(name, rows, c.columns(name)) for name in ("lhs", "rhs"))
    return np.concatenate([left, right], axis=1)


def _trans(c: TileCall) -> Lanes:
    rows, cols = c.extent
    return c.lanes("src", cols, rows).T


def _matmul(c: TileCall) -> Lanes:
    """`[M, K] x [K, N]`: M and K are the left operand's valid extent, N the right one's columns."""
    (m, k), n = c.fixed("lhs"), c.fixed("rhs")[1]
    lhs, rhs = c.lanes("lhs", m, k), c.lanes("rhs", k, n)
    acc = c.lanes("acc", m, n) if c.has("acc") else None
    out = c.domain.dot(lhs, rhs, acc, c.tile("lhs").layout.dtype, c.dtype)
    if c.has("bias"):
        out = c.domain.binary("add", out, c.lanes("bias", 1, n), c.dtype)
    return out


TABLE: dict[str, Semantics] = {
    "tgather": _gather,
    "tscatter": _scatter,
    "tmov": _mov,
    "tinsert": _insert,
    "textract": _extract,
    "tconcat": _concat,
    "ttrans": _trans,
    **{f"{kind}{form}": _matmul for kind in ("tmatmul", "tgemv") for form in ("", ".acc", ".bias")},
}
