"""How often an operation issues an instruction: the loops of the libraries, as arithmetic on shapes.

A walk maps the shape of an operation to (calls, repeats) of one instruction; a repeat is 256 bytes. Where
the libraries loop how is read from pto-isa include/pto/npu/a2a3 (TBinOp.hpp, TGather.hpp, TScatter.hpp,
TTrans.hpp, TSel.hpp, …) and include/pto/npu/a5.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

REPEAT_BYTES = 256
MAX_REPEATS = 255
"""Of one call in normal mode; count mode has no limit and sets four registers."""

SHORT_ROW = 4


@dataclass(frozen=True)
class WalkShape:
    """The tile that an operation walks over."""

    rows: int
    cols: int
    width: int
    """Bytes of an element, of the wider one in a conversion."""
    stride: int = 0
    """Elements from one row to the next; 0 where the rows are contiguous."""

    @property
    def lanes(self) -> int:
        return self.rows * self.cols

    @property
    def bytes(self) -> int:
        return self.lanes * self.width

    @property
    def contiguous(self) -> bool:
        return self.stride in (0, self.cols) or self.rows == 1

    @property
    def in_row(self) -> int:
        """Repeats for a single row."""
        return ceil(self.cols * self.width / REPEAT_BYTES)

    @property
    def narrow(self) -> bool:
        """A row fills less than a repeat, which then holds a row all the same."""
        return self.cols * self.width < REPEAT_BYTES and self.rows > 1


AccessWalk = Callable[[WalkShape], tuple[float, float]]


def pairwise(shape: WalkShape) -> tuple[float, float]:
    """Two tiles: as `whole`, but a row that fills less than a vector takes one all the same."""
    return (1, shape.rows) if shape.narrow else whole(shape)


def whole(shape: WalkShape) -> tuple[float, float]:
    """One tile: full vectors where it is contiguous, otherwise whole vectors of each row."""
    return flat(shape) if shape.contiguous else restarted(shape)


def pairwise_registers(shape: WalkShape) -> tuple[float, float]:
    """What `pairwise` sets besides: a mask for narrow rows, otherwise as `whole`."""
    return (0, 2) if shape.narrow else whole_registers(shape)


def whole_registers(shape: WalkShape) -> tuple[float, float]:
    """Count mode for a contiguous tile that is long or whose rows are no whole vectors."""
    wide = shape.cols * shape.width
    unaligned = wide > REPEAT_BYTES and wide % REPEAT_BYTES != 0
    return 0, 4 if shape.contiguous and (unaligned or flat(shape)[1] > MAX_REPEATS) else 0


def flat(shape: WalkShape) -> tuple[float, float]:
    """Full vectors in count mode, whatever the rows are."""
    return 1, ceil(shape.bytes / REPEAT_BYTES)


def restarted(shape: WalkShape) -> tuple[float, float]:
    """One call that starts a new repeat in every row."""
    return 1, shape.rows * shape.in_row


def per_row(shape: WalkShape) -> tuple[float, float]:
    """A call for every row."""
    return shape.rows, shape.rows * shape.in_row


def short_rows(shape: WalkShape) -> tuple[float, float]:
    """`per_row`, for rows of up to four repeats."""
    return per_row(shape) if shape.in_row <= SHORT_ROW else (0, 0)


def long_rows(shape: WalkShape) -> tuple[float, float]:
    """`per_row`, for rows of more than four repeats."""
    return per_row(shape) if shape.in_row > SHORT_ROW else (0, 0)


def row_calls(shape: WalkShape) -> tuple[float, float]:
    """A call of one repeat for every row."""
    return shape.rows, shape.rows


def filled(shape: WalkShape) -> tuple[float, float]:
    """The destination of a scatter that spreads its source over twice as many lanes."""
    return 1, ceil(2 * shape.bytes / REPEAT_BYTES)


def lanes(shape: WalkShape) -> tuple[float, float]:
    return 1, shape.lanes


def rows(shape: WalkShape) -> tuple[float, float]:
    """Once for every row, without a repeat of its own."""
    return 0, shape.rows


def ceil_rows(shape: WalkShape) -> tuple[float, float]:
    """A call for each eight rows: a broadcast of one element per 32-byte block."""
    return ceil(shape.rows / 8), ceil(shape.rows / 8)


def times(count: float) -> AccessWalk:
    """A fixed number of repeats."""
    return lambda shape: (0, count)


def per_row_times(count: float) -> AccessWalk:
    return lambda shape: (0, count * shape.rows)


def calls(count: int) -> AccessWalk:
    """A fixed number of calls of one repeat."""
    return lambda shape: (count, count)


def blocks(shape: WalkShape) -> tuple[float, float]:
    """A transposition: a call for each 32-byte column of blocks, a repeat for each 16 rows of it."""
    across = ceil(shape.cols * shape.width / 32)
    return across, across * ceil(shape.rows / 16)


def block_registers(shape: WalkShape) -> tuple[float, float]:
    """Four address registers for each call of `blocks`, and a barrier."""
    return 0, 4 * ceil(shape.cols * shape.width / 32) + 1


def share(shape: WalkShape) -> tuple[float, float]:
    """The bytes in repeats, broken ones too."""
    return 0, shape.bytes / REPEAT_BYTES


def whole_tile(shape: WalkShape) -> tuple[float, float]:
    """`share`, where one copy takes the whole tile."""
    return share(shape) if shape.contiguous and shape.rows > 1 else (0, 0)


def row_by_row(shape: WalkShape) -> tuple[float, float]:
    """`share`, where every row is copied by itself."""
    return (0, 0) if shape.contiguous and shape.rows > 1 else (1, share(shape)[1])
