"""What a comparison came to."""

from dataclasses import dataclass
from typing import Literal

VerdictOutcome = Literal["unchanged", "proved", "different", "undecided"]

ZERO_SIGN = "SZ"
"""Condition: a stored zero may have the other sign."""
ROUNDING = "rounding"
"""Condition: roundings to the nearest bf16 were dropped (relative 2^-8)."""


@dataclass(frozen=True)
class Allowed:
    """What may differ: what the passes of a pipeline were told that they may change."""

    zero_sign: bool = False
    rounding: bool = False


@dataclass(frozen=True)
class Lane:
    """The first lane that differs: which argument, where, and what both kernels store there."""

    output: str
    element: int
    before: str
    after: str
    terms: tuple[int, int] | None = None


@dataclass(frozen=True)
class Verdict:
    """How one kernel, or a whole program, compares.

    `unchanged`: the text is what it was. `proved`: every stored lane has the same term, under `conditions`.
    `different`: `reason` says where, `lane` which lane if it is one. `undecided`: terms cannot say, `reason`
    says why.
    """

    name: str
    outcome: VerdictOutcome
    conditions: tuple[str, ...] = ()
    reason: str = ""
    lane: Lane | None = None
    outputs: tuple[str, ...] = ()
    lanes: int = 0
    """How many stored lanes were compared."""
    without_formula: bool = False
    """Undecided because both sides rest on things without a formula: numbers may tell."""

    @property
    def fine(self) -> bool:
        return self.outcome in ("unchanged", "proved")
