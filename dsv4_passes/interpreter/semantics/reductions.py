"""Reductions, tiles of different valid extents put together, padding, triangles and sorting."""

import numpy as np

from dialects.pto.types import TileLayout
from dsv4_passes.interpreter import numerics
from dsv4_passes.interpreter.domain import Domain, Lanes, NotConcrete

from .call import Masked, Result, Semantics, TileCall

_ROW, _COL = 1, 0


def _reduce(name: str, axis: int) -> Semantics:
    """One lane per row (axis 1) or per column (axis 0) over the source's valid extent, first lane first."""

    def apply(c: TileCall) -> Lanes:
        op, extent = c.op, c.tile("src").valid[axis]
        binary = op.properties.get("isBinary")
        if binary is not None and "true" in str(binary):
            raise c.error("adds as a tree, in an order that is not known here")
        if not isinstance(extent, int):
            raise NotConcrete(f"the reduced extent is {extent}")
        kept = c.extent[1 - axis]
        shape = (kept, extent) if axis == _ROW else (extent, kept)
        source = c.lanes("src", *shape)
        out = c.domain.reduce(name, source, axis, c.tile("src").layout.dtype)
        return out if c.dtype != "ui32" or "arg" not in name else c.domain.bitcast(out, "i32", "ui32")

    return apply


def _part(name: str) -> Semantics:
    """`a op b` where both operands are valid, else the one that is."""

    def apply(c: TileCall) -> Result:
        rows, cols = c.extent
        lhs, rhs = c.fixed("lhs"), c.fixed("rhs")
        out = c.domain.constant(0, c.dtype, (rows, cols))
        known = np.zeros((rows, cols), np.bool_)
        for operand, (r, c_) in (("lhs", lhs), ("rhs", rhs)):
            at = min(r, rows), min(c_, cols)
            out[: at[0], : at[1]] = c.lanes(operand, *at)
            known[: at[0], : at[1]] = True
        r, c_ = min(lhs[0], rhs[0], rows), min(lhs[1], rhs[1], cols)
        out[:r, :c_] = c.domain.binary(name, c.lanes("lhs", r, c_), c.lanes("rhs", r, c_), c.dtype)
        return Masked(out, known)

    return apply


def pad_lanes(layout: TileLayout, domain: Domain) -> Lanes:
    """A tile full of its pad value: 1 zero, 2 the largest and 3 the smallest number (of floats, ±Inf)."""
    if layout.pad == 1:
        return domain.constant(0, layout.dtype, layout.shape)
    if numerics.computes_as_float(layout.dtype):
        number = float("inf") if layout.pad == 2 else float("-inf")
    else:
        info = np.iinfo(numerics.numpy_dtype(layout.dtype))
        number = int(info.max if layout.pad == 2 else info.min)
    return domain.constant(number, layout.dtype, layout.shape)


def _fillpad(c: TileCall) -> Lanes:
    """The source's valid lanes; everything else in the physical destination is the pad value."""
    if c.op.properties.get("padValue") is not None or not c.layout.pad:
        raise c.error("has a pad value that is not part of the destination's type")
    rows, cols = c.fixed("src")
    source = c.lanes("src", rows, cols)
    dtype = c.tile("src").layout.dtype
    out = pad_lanes(c.layout, c.domain).copy()
    out[:rows, :cols] = source if dtype == c.dtype else c.domain.bitcast(source, dtype, c.dtype)
    return out


def _tri(c: TileCall) -> Lanes:
    """Ones where column - row <= diagonal (lower) or >= diagonal (upper), zeros elsewhere."""
    upper = "1" in str(c.op.properties.get("upperOrLower", "")).split(":")[0]
    row, col = np.indices(c.extent)
    inside = col - row >= c.index("diagonal") if upper else col - row <= c.index("diagonal")
    one, zero = (c.domain.constant(number, c.dtype, c.extent) for number in (1, 0))
    return np.where(inside, one, zero)


def _setval(c: TileCall) -> Result:
    """One lane of the former content replaced; the offset is flat over the physical tile."""
    old, offset = c.tile("old"), c.index("offset")
    c.check_index(np.array([offset]), c.layout)
    at = divmod(offset, c.layout.cols)
    data, known = old.data.copy(), old.known.copy()
    data[at], known[at] = c.scalar("value")[0, 0], True
    c.conditions |= old.conditions
    return Masked(data, known)


def _sort32(c: TileCall) -> Lanes:
    """Each block of 32 lanes in descending order, value and index side by side; equal values keep their
    order, which hardware does not promise.
    """
    rows, cols = c.fixed("src")
    if c.dtype != "f32" or cols % 32:
        raise c.error(f"has semantics for blocks of 32 f32 lanes only, found {cols} of {c.dtype}")
    values = c.domain.concrete(c.lanes("src", rows, cols), "f32")
    index = c.lanes("idx", rows, cols)
    order = np.argsort(-values.reshape(rows, -1, 32), axis=2, kind="stable")
    order = (order + 32 * np.arange(cols // 32)[None, :, None]).reshape(rows, cols)
    out = c.domain.constant(0, c.dtype, (rows, 2 * cols))
    out[:, 0::2] = np.take_along_axis(c.lanes("src", rows, cols), order, axis=1)
    bits = c.domain.bitcast(index, c.tile("idx").layout.dtype, "f32")
    out[:, 1::2] = np.take_along_axis(bits, order, axis=1)
    return out


def _mrgsort(c: TileCall) -> Lanes:
    """Four neighbouring runs of `block_len` lanes (value and index pairs) merged into one, descending."""
    if c.op.form() != "one" or c.dtype != "f32":
        raise c.error("has semantics for one source of f32 pairs only")
    cols, run = c.fixed("src")[1], 4 * c.index("block_len")
    if run <= 0 or cols % run:
        raise c.error(f"expects whole groups of 4 runs, found {cols} lanes for groups of {run}")
    source = c.lanes("src", 1, cols)
    values = c.domain.concrete(source[:, 0::2], "f32").reshape(-1, run // 2)
    order = np.argsort(-values, axis=1, kind="stable")
    order = (order + (run // 2) * np.arange(len(order))[:, None]).reshape(1, -1)
    return source.reshape(-1, 2)[order.reshape(-1)].reshape(1, cols)


_PART = ("add", "mul", "max", "min")
_REDUCTIONS = ("sum", "max", "min", "prod", "argmax", "argmin")

TABLE: dict[str, Semantics] = {
    **{f"trow{name}": _reduce(name, _ROW) for name in _REDUCTIONS},
    **{f"tcol{name}": _reduce(name, _COL) for name in _REDUCTIONS},
    **{f"tpart{name}": _part(name) for name in _PART},
    "tfillpad": _fillpad,
    "ttri": _tri,
    "tsetval": _setval,
    "tsort32": _sort32,
    "tmrgsort": _mrgsort,
}
