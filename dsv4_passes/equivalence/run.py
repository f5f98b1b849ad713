"""What a run of a kernel on terms found."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from xdsl.dialects import func
from xdsl.ir import Operation, SSAValue

from dsv4_passes.interpreter.affine import Number
from dsv4_passes.interpreter.values import Box, Tile, Value

from .budget import Budget
from .effects import Effect, Opaque, Store
from .partly_valid import UndefinedTerms
from .symbolic_memory import Ids, Interner
from .term_domain import TermDomain
from .trip_limit import fitting_trips

MAX_TRIPS = 64
"""Loops with at most as many constant trips run as they are, where that is not too much (`budget`)."""


class Applied(NamedTuple):
    """An operation without a formula: all that decides what it yields but for its operands, and these."""

    what: Hashable
    operands: tuple[Value, ...]


@dataclass
class LaneContext:
    """What runs that are to be compared share: one table of terms, one naming of unknown things."""

    domain: TermDomain = field(default_factory=TermDomain)
    intern: Interner = field(default_factory=Interner)
    trips: int = MAX_TRIPS
    """Loops of at most as many constant trips run as they are. Runs that are compared must agree on it."""
    without_formula: dict[int, str] = field(default_factory=dict[int, str])
    """Which operation made the leaves of a number, and where it stands."""
    applied: dict[int, Applied] = field(default_factory=dict[int, Applied])
    """That operation, where it is one on tiles, and what it was given."""
    kept: int = 0
    """Bytes of those operands."""
    undefined: UndefinedTerms = field(default_factory=UndefinedTerms)

    @property
    def bytes(self) -> int:
        """What terms and keys take, about."""
        return self.domain.bytes + self.intern.bytes + self.kept

    def note(self, number: int, call: Applied) -> None:
        """Keep what an operation without a formula was given, by the number of what it yields."""
        if number not in self.applied:
            self.applied[number] = call
            tiles = [value for value in call.operands if isinstance(value, Tile)]
            self.kept += sum(tile.data.nbytes + tile.known.nbytes for tile in tiles)

    def fit(self, functions: Sequence[func.FuncOp], budget: Budget) -> None:
        """Have longer loops run once with a symbol where the functions would cost too much. OverBudget."""
        self.trips = fitting_trips(functions, self.trips, budget.memory)


@dataclass
class LaneRun:
    """What a run found."""

    context: LaneContext
    effects: list[Effect] = field(default_factory=list[Effect])
    """Stores, pushes, and everything else that is seen from outside, in order."""
    instances: dict[SSAValue, list[Tile]] = field(default_factory=dict[SSAValue, list[Tile]])
    """Every tile that a value has been, in order: one per visit of its operation."""
    loads: list[tuple[Operation, Box]] = field(default_factory=list[tuple[Operation, Box]])
    """What each load reads of GM, in order."""
    numbers: dict[SSAValue, Number] = field(default_factory=dict[SSAValue, Number])
    """The last value of every integer."""
    symbolic: set[Operation] = field(default_factory=set[Operation])
    """Loops that were run once, with a symbol for their induction variable."""
    finite: dict[str, SSAValue] = field(default_factory=dict[str, SSAValue])
    """The value that a condition `FIN(…)` speaks of."""
    bytes: int = 0
    """Of all tiles, as far as the run has come."""
    carried: dict[Hashable, int] = field(default_factory=dict[Hashable, int])
    """Counts region values per key; disambiguates equal initial values."""

    def tile(self, value: SSAValue) -> Tile | None:
        """What the value was when last computed."""
        found = self.instances.get(value)
        return found[-1] if found else None

    def lanes(self, value: SSAValue) -> Ids | None:
        """Term ids [rows, cols] of the whole tile; ids of uninitialised lanes have no meaning."""
        tile = self.tile(value)
        return None if tile is None else tile.data

    def conditions(self, value: SSAValue) -> frozenset[str]:
        """The side conditions that the lanes of a value rest on."""
        return frozenset[str]().union(*(tile.conditions for tile in self.instances.get(value, ())))

    def is_followed(self, argument: int) -> bool:
        """All that touches a GM argument is among the loads and stores."""
        return not any(isinstance(e, Opaque) and argument in e.touched for e in self.effects)

    @property
    def stores(self) -> Iterator[Store]:
        return (effect for effect in self.effects if isinstance(effect, Store))
