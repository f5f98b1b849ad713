"""What following lanes may cost: memory by an estimate before a run, memory and time by looking during it.

A function is measured before it is run (`trip_limit`). What does not fit, or takes longer, is `OverBudget`,
a refusal like any other.
"""

import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from xdsl.ir import Operation

from dsv4_passes.diagnostics import UserError

MEMORY = 2 << 30
"""Bytes that the terms of one file may take, unless told otherwise."""
SECONDS = 60.0
"""Seconds of CPU that following the lanes of one file may take, unless told otherwise."""

LOOK_AGAIN = 0.05
"""Seconds between two looks at the CPU time."""


class CannotFollow(UserError):
    """A function that does what terms cannot express."""


class OverBudget(CannotFollow):
    """Following the lanes of a function costs more than is allowed."""


@dataclass
class Budget:
    """What may be spent from now on; seconds of CPU of this process."""

    memory: int = MEMORY
    seconds: float = SECONDS
    started: float = field(default_factory=time.process_time)
    looked: float = field(default=float("-inf"), repr=False)
    """When the CPU time was last asked for, by the clock that costs nothing to read."""

    def check(self, used: int, op: Operation) -> None:
        """Raise OverBudget where `used` bytes are too many or the time is over."""
        if used > self.memory:
            raise OverBudget(f"it needs more than {size(self.memory)} (--max-memory)", op.location)
        if self.is_over():
            raise OverBudget(f"it takes longer than {self.seconds:g} s (--max-seconds)", op.location)

    def is_over(self) -> bool:
        """Whether the time is used up; CPU time passes no faster than that on the wall, so it is asked for
        rarely, because that is a call into the system."""
        now = time.perf_counter()
        if now - self.looked < min(LOOK_AGAIN, self.seconds / 8):
            return False
        self.looked = now
        return time.process_time() - self.started > self.seconds


_CURRENT: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def limited(budget: Budget) -> Generator[Budget]:
    """Let all runs inside the `with` share one budget; outside of one, each run has its own."""
    token = _CURRENT.set(budget)
    try:
        yield budget
    finally:
        _CURRENT.reset(token)


def current() -> Budget:
    """The budget of a run that begins now."""
    return _CURRENT.get() or Budget()


def size(count: int) -> str:
    """Bytes as people write them."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} bytes"


def parse_size(text: str) -> int:
    """The number that `2G`, `512M`, `100K` or plain bytes stand for; ValueError for anything else."""
    if (found := re.fullmatch(r"(\d+(?:\.\d*)?)([KMG]?)(?:i?B)?", text.strip(), re.IGNORECASE)) is None:
        raise ValueError(f"not a size: {text}")
    return round(float(found[1]) * 1024 ** ("", "K", "M", "G").index(found[2].upper()))
