"""What following lanes may cost: memory by an estimate before a run, memory and time by looking during it.

A run makes a term for every lane of every tile operation of every trip, about `BYTES_PER_LANE` each. So a
function is measured first (`lanes`), and loops run once with a symbol instead of trip by trip until it fits
(`fitting_trips`). What does not fit even so, or takes longer, is an `OverBudget`: a refusal like any other.
"""

import re
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from xdsl.dialects import func, scf
from xdsl.ir import Block, Operation

from dialects.pto.memory import constant_int
from dialects.pto.types import TileType
from dsv4_passes.diagnostics import UserError

MEMORY = 2 << 30
"""Bytes that the terms of one file may take, unless told otherwise."""
SECONDS = 60.0
"""Seconds of CPU that following the lanes of one file may take, unless told otherwise."""
BYTES_PER_LANE = 220
"""A term with two operands: its key in the index, its entries in three lists, the integers in between; and
its id in the tile. Measured on CPython 3.11 over a million products of loads.
"""
SHARE = 4
"""A run may take one part in so many of the memory before loops become symbolic: proving a rewrite runs a
function several times, and what is new in each run stays."""


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

    def check(self, used: int, op: Operation) -> None:
        """Raise OverBudget where `used` bytes are too many or the time is over."""
        if used > self.memory:
            raise OverBudget(f"it needs more than {size(self.memory)} (--max-memory)", op.location)
        if time.process_time() - self.started > self.seconds:
            raise OverBudget(f"it takes longer than {self.seconds:g} s (--max-seconds)", op.location)


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


def lanes(functions: Sequence[func.FuncOp], trips: int) -> int:
    """How many lanes a run computes that goes through loops of at most `trips` constant trips one by one."""
    return sum(_lanes(function.body.block, trips) for function in functions)


def _lanes(block: Block, trips: int) -> int:
    total = 0
    for op in block.ops:
        for result in op.results:
            if isinstance(result.type, TileType):
                total += result.type.data.rows * result.type.data.cols
        if op.regions:
            inside = sum(_lanes(inner, trips) for region in op.regions for inner in region.blocks)
            total += inside * (_trips(op, trips) if isinstance(op, scf.ForOp) else 1)
    return total


def _trips(op: scf.ForOp, limit: int) -> int:
    bounds = [constant_int(v) for v in (op.lb, op.ub, op.step)]
    low, high, step = bounds
    if low is None or high is None or step is None or step <= 0:
        return 1
    count = len(range(low, high, step))
    return count if count <= limit else 1


def fitting_trips(functions: Sequence[func.FuncOp], trips: int, memory: int) -> int:
    """The largest number up to `trips` with which a run takes its share of the memory at most.

    OverBudget where not even one trip of each loop fits into the whole of it.
    """
    while trips and lanes(functions, trips) * BYTES_PER_LANE > memory // SHARE:
        trips //= 2
    needed = lanes(functions, trips) * BYTES_PER_LANE
    if needed > memory:
        raise OverBudget(
            f"it needs about {size(needed)}, and {size(memory)} are allowed (--max-memory)",
            functions[0].location,
        )
    return trips


def size(count: int) -> str:
    """Bytes as people write them."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} bytes"


def bytes_of(text: str) -> int:
    """The number that `2G`, `512M`, `100K` or plain bytes stand for; ValueError for anything else."""
    if (found := re.fullmatch(r"(\d+(?:\.\d*)?)([KMG]?)(?:i?B)?", text.strip(), re.IGNORECASE)) is None:
        raise ValueError(f"not a size: {text}")
    return round(float(found[1]) * 1024 ** ("", "K", "M", "G").index(found[2].upper()))
