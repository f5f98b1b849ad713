"""One application of a tile operation: its operands as lanes, and the errors that reading them can raise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np

from dialects.pto.base import TileOp
from dialects.pto.types import TileLayout, element_name
from dsv4_passes.diagnostics import UserError
from dsv4_passes.interpreter.affine import Number
from dsv4_passes.interpreter.domain import Domain, Lanes, NotConcrete
from dsv4_passes.interpreter.values import (
    Extent,
    Known,
    Tile,
    Value,
    box,
    is_lanes,
)


class Masked(NamedTuple):
    """Lanes of which some may be unknown: what a move of a partly written tile gives."""

    lanes: Lanes
    known: Known


Result: TypeAlias = Lanes | Masked
Semantics: TypeAlias = "Callable[[TileCall], Result | list[Result]]"
"""From operands to the lanes of the destination (of each destination, where there are several).

What the lanes cover, from the first row and column on, is written; all other lanes become unknown. Most
operations return as many lanes as are valid, scatters all of the physical tile.
"""


@dataclass
class TileCall:
    """Operands by the names of the operation's family, and where the results go."""

    op: TileOp
    domain: Domain
    operands: Mapping[str, Value]
    destinations: list[tuple[TileLayout, Extent]]
    symbolic: Callable[[Number, str], Lanes]
    """Lanes [1, 1] of an integer without a value; only a domain of terms has them."""
    conditions: set[str] = field(default_factory=set[str])
    """Side conditions of every tile that was read."""

    @property
    def layout(self) -> TileLayout:
        """Of the first destination."""
        return self.destinations[0][0]

    @property
    def dtype(self) -> str:
        return self.layout.dtype

    @property
    def extent(self) -> tuple[int, int]:
        """Rows and columns to compute: the destination's valid ones."""
        return box(*self.destinations[0])

    def has(self, name: str) -> bool:
        return name in self.operands

    def tile(self, name: str) -> Tile:
        """An operand as it stands; nothing is read."""
        tile = self.operands[name]
        assert isinstance(tile, Tile)
        return tile

    def fixed(self, name: str) -> tuple[int, int]:
        """The valid extent of an operand whose lanes beyond it would change the result.

        Raises NotConcrete where the extent has no number.
        """
        rows, cols = self.tile(name).valid
        if isinstance(rows, int) and isinstance(cols, int):
            return rows, cols
        raise NotConcrete(f"operand '{name}' is valid in {rows}x{cols} lanes")

    def moved(self, name: str) -> tuple[int, int]:
        """The extent of an operand whose rows are moved one by one.

        Where it shows only while running how many of them are valid, and as many are in the destination,
        all rows count: what lies beyond is undefined on both sides. Raises NotConcrete otherwise.
        """
        (rows, cols), layout = self.tile(name).valid, self.tile(name).layout
        alike = rows == self.destinations[0][1][0] and layout.rows == self.layout.rows
        if isinstance(cols, int) and not isinstance(rows, int) and alike:
            return layout.rows, cols
        return self.fixed(name)

    def columns(self, name: str) -> int:
        """The valid columns of an operand. Raises NotConcrete where their number is not known."""
        cols = self.tile(name).valid[1]
        if isinstance(cols, int):
            return cols
        raise NotConcrete(f"operand '{name}' is valid in {cols} columns")

    def lanes(self, name: str, rows: int | None = None, cols: int | None = None) -> Lanes:
        """The first `rows` x `cols` lanes (the destination's extent if not given), all of them written."""
        extent = self.extent
        rows, cols = extent[0] if rows is None else rows, extent[1] if cols is None else cols
        return self.lanes_at(name, (slice(0, rows), slice(0, cols)), (rows, cols))

    def lanes_at(self, name: str, at: tuple[slice, slice], shape: tuple[int, int]) -> Lanes:
        """The lanes that a pair of slices selects, which must be `shape` lanes, all of them written."""
        lanes, known = self.masked(name, at, shape)
        if not known.all():
            r, c = (int(x) for x in np.argwhere(~known)[0])
            raise self.poison(name, _position(at[0], r), _position(at[1], c))
        return lanes

    def masked(self, name: str, at: tuple[slice, slice], shape: tuple[int, int]) -> Masked:
        """The same for an operation that only moves lanes: uninitialised lanes stay uninitialised."""
        tile = self.tile(name)
        lanes, known = tile.data[at], tile.known[at]
        if lanes.shape != shape:
            raise self.error(
                f"expects {shape[0]}x{shape[1]} lanes in operand {self.spell(name)}, "
                f"found {tile.layout.rows}x{tile.layout.cols}"
            )
        self.conditions |= tile.conditions
        return Masked(lanes, known)

    def flat_lanes(self, name: str, index: Lanes) -> Lanes:
        """Lanes by flat index over the physical tile, row-major; indices must lie inside."""
        tile = self.tile(name)
        self.check_index(index, tile.layout)
        known = tile.known.reshape(-1)[index]
        if not known.all():
            r, c = divmod(int(index[~known][0]), tile.layout.cols)
            raise self.poison(name, r, c)
        self.conditions |= tile.conditions
        return tile.data.reshape(-1)[index]

    def check_index(self, index: Lanes, layout: TileLayout) -> None:
        """Hardware does not check a flat index; here one outside of the tile is an error."""
        size = layout.rows * layout.cols
        wrong = (index < 0) | (index >= size)
        if wrong.any():
            raise self.error(f"has index {int(index[wrong][0])}, outside of the tile's {size} lanes")

    def scalar(self, name: str, dtype: str | None = None) -> Lanes:
        """A scalar operand as lanes [1, 1] of `dtype` (the destination's if not given)."""
        wanted = dtype or self.dtype
        value = self.operands[name]
        operand = self.op.operand(name)
        assert operand is not None
        given = element_name(operand.type)
        if not is_lanes(value):
            if not isinstance(value, int):
                return self.symbolic(value, wanted)
            value = self.domain.constant(value, given, (1, 1))
        return value if given == wanted else self.domain.convert(value, given, wanted, "NONE", False)

    def index(self, name: str) -> int:
        """An index operand. Raises NotConcrete where it has no value."""
        value = self.operands[name]
        if not isinstance(value, int):
            raise NotConcrete(f"operand '{name}' is {value}")
        return value

    def spell(self, name: str) -> str:
        """`#1 (%x)`: how messages name an operand."""
        position = self.op.operand_names().index(name)
        hint = self.op.ins[position].name_hint
        return f"#{position} (%{hint})" if hint else f"#{position}"

    def error(self, message: str) -> UserError:
        return UserError(f"{self.op.name} {message}", self.op.location)

    def poison(self, name: str, row: int, col: int) -> UserError:
        return UserError(
            f"reads lanes that nobody wrote: {self.op.name} operand {self.spell(name)}, lane [{row}, {col}]",
            self.op.location,
        )


def _position(at: slice, i: int) -> int:
    return (at.start or 0) + i * (at.step or 1)
