"""Lane operations of the `dsv4` dialect: pairs taken apart, put together, exchanged, rotated.

Uninitialised lanes stay uninitialised where lanes are only moved.
"""

import numpy as np

from dialects.dsv4.lanes import RotatePairsOp
from dsv4_passes.interpreter.domain import Lanes

from .call import Masked, Result, Semantics, TileCall


def _whole(c: TileCall, name: str) -> Masked:
    """The valid rows of an operand, all columns of it."""
    rows, cols = c.extent[0], c.tile(name).layout.cols
    return c.masked(name, (slice(0, rows), slice(0, cols)), (rows, cols))


def _deinterleave(c: TileCall) -> list[Result]:
    lanes, known = _whole(c, "x")
    return [Masked(lanes[:, first::2], known[:, first::2]) for first in (0, 1)]


def _woven(even: Lanes, odd: Lanes) -> Lanes:
    """`even` and `odd` lane by lane."""
    return np.stack([even, odd], axis=-1).reshape(len(even), -1)


def _interleave(c: TileCall) -> Result:
    even, odd = _whole(c, "even"), _whole(c, "odd")
    return Masked(_woven(even.lanes, odd.lanes), _woven(even.known, odd.known))


def _swap(c: TileCall) -> Result:
    lanes, known = _whole(c, "x")
    order = np.arange(lanes.shape[1], dtype=np.int64) ^ 1
    return Masked(lanes[:, order], known[:, order])


def _rotate(c: TileCall) -> Lanes:
    op = c.op
    assert isinstance(op, RotatePairsOp)
    x, ((rows, cols), table) = c.lanes("x"), (c.extent, c.tile("cos").layout)
    table_rows = 1 if table.rows == 1 else rows
    cos, sin = (c.lanes(name, table_rows, table.cols) for name in ("cos", "sin"))
    step = 2 if op.full_width else 1

    def product(a: Lanes, b: Lanes, lane: int) -> Lanes:
        return c.domain.binary("mul", a, b[:, lane::2] if step == 2 else b, c.dtype)

    pairs = x[:, 0::2], x[:, 1::2]
    turned: list[Lanes] = []
    for lane, minus in enumerate(op.signs):
        this, other = product(pairs[lane], cos, lane), product(pairs[1 - lane], sin, lane)
        turned.append(c.domain.binary("sub" if minus else "add", this, other, c.dtype))
    return _woven(*turned).reshape(rows, cols)


TABLE: dict[str, Semantics] = {
    "dsv4.deinterleave": _deinterleave,
    "dsv4.interleave": _interleave,
    "dsv4.swap_pairs": _swap,
    "dsv4.rotate_pairs": _rotate,
}
