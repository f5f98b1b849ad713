"""What passes decided at sites, for reports: what was found, what became of it, and what else was possible.

A pass calls `decide`; whoever wants the decisions runs it in `record`. Without one, nothing is kept.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from xdsl.dialects.builtin import LocationAttr

from dsv4_passes.targets import Cost


@dataclass(frozen=True)
class Alternative:
    """A form that was not chosen: its cost where it could be built, and why it was not taken."""

    form: str
    cost: Cost | None
    why: str = ""


@dataclass(frozen=True)
class Decision:
    """One site: lanes that move, and the form in which they do now."""

    function: str
    location: LocationAttr | None
    found: str
    """What moved the lanes, in words or as the name of the lane operation."""
    rows: int
    lanes: int
    dtype: str
    form: str
    """The form that was chosen; empty where the site stays as it is."""
    cost: Cost
    proof: str
    """Why the result is equal."""
    conditions: tuple[str, ...] = ()
    """What the proof takes for granted of the data, as `FIN(x)`."""
    alternatives: tuple[Alternative, ...] = ()
    direction: str = ""
    """`forward`, `inverse` or `signed`: which way the pairs are turned, where they are."""

    @property
    def rests_on(self) -> list[str]:
        """The estimates without which another form, of other operations, might have been the cheapest."""
        others = [a.cost for a in self.alternatives if a.cost and a.cost != self.cost]
        near = [cost for cost in others if not self.cost.surely_below(cost)]
        return sorted({name for cost in near for name in (*cost.estimates, *self.cost.estimates)})


@dataclass
class Decisions:
    """In the order in which they were made."""

    entries: list[Decision] = field(default_factory=list[Decision])


_RECORDED: ContextVar[Decisions | None] = ContextVar("decisions", default=None)


@contextmanager
def record() -> Generator[Decisions]:
    """Collect the decisions that passes make within."""
    found = Decisions()
    token = _RECORDED.set(found)
    try:
        yield found
    finally:
        _RECORDED.reset(token)


def decide(decision: Decision) -> None:
    """Record a decision at a site; equal decisions are kept once."""
    if (recorded := _RECORDED.get()) is not None and decision not in recorded.entries:
        recorded.entries.append(decision)
