"""Addresses for buffers that are alive at different times.

Buffers are placed one after another, each where it fits, in several orders; the plan with the lowest peak,
bytes from address 0 to the highest one used, is taken. A peak cannot be lower than what is alive at once, so
a plan that reaches that is not improved any more. Plans are made per memory space.

A buffer may hold values of different sizes at different times, all from its first byte on: a tile that is
converted in place to a narrower type leaves its upper half to others.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from dsv4_passes.transforms.common.live_ranges import LiveRange

SMALL = 384
"""Up to this many buffers orders other than by time are tried, which takes quadratic time."""

EFFORT = 20_000
"""How often two buffers may be compared to improve a plan."""


@dataclass
class LiveBuffer:
    """A buffer that needs bytes at a multiple of `align` while it is live; `parts` are sizes over time.

    `address` is where it has to be, if that is given.
    """

    name: str
    align: int
    parts: list[tuple[int, LiveRange]]
    address: int | None = None

    def __post_init__(self) -> None:
        self.size = max(size for size, _ in self.parts)
        self.start = min(live.start for _, live in self.parts)
        self.end = max(live.end for _, live in self.parts)


@dataclass
class AddressPlan:
    """Addresses for `buffers`, in their order, and the highest byte used."""

    buffers: Sequence[LiveBuffer]
    addresses: list[int]
    peak: int

    def table(self) -> list[str]:
        """The plan for people: one line per buffer, by address."""
        rows = sorted(zip(self.addresses, self.buffers, strict=True), key=lambda row: row[0])
        return [
            f"{address:>8} .. {address + buffer.size:<8} {buffer.size:>7} bytes  {buffer.name}"
            for address, buffer in rows
        ]


Placed = tuple[int, int, LiveRange]
"""First byte, end, and when. Lists of them are sorted by the first byte."""

Fit = Callable[[LiveBuffer, Sequence[Placed]], int]
"""Where to place a buffer beside others."""


def plan(buffers: Sequence[LiveBuffer]) -> AddressPlan:
    """The best of several plans."""
    fixed = [i for i, b in enumerate(buffers) if b.address is not None]
    free = [i for i, b in enumerate(buffers) if b.address is None]
    least = alive_at_once(buffers)
    best: AddressPlan | None = None
    for attempt in _attempts(buffers, fixed, free):
        made = attempt()
        if best is None or made.peak < best.peak:
            best = made
        if best.peak <= least:
            break
    assert best is not None
    return best if best.peak <= least else _improved(buffers, best, fixed, least)


def _improved(buffers: Sequence[LiveBuffer], best: AddressPlan, fixed: list[int], least: int) -> AddressPlan:
    """Place what stuck out in the best plan first, again and again, for as long as the time allows."""
    order = sorted(set(range(len(buffers))) - set(fixed), key=lambda i: best.addresses[i])
    made = best
    for _ in range(EFFORT // max(1, len(buffers)) ** 2):
        top = [i for i in order if made.addresses[i] + buffers[i].size == made.peak]
        order = [*top, *(i for i in order if i not in top)]
        made = _in_order(buffers, [*fixed, *order], first_fit)
        if made.peak < best.peak:
            best = made
        if best.peak <= least:
            break
    return best


def _attempts(
    buffers: Sequence[LiveBuffer], fixed: list[int], free: list[int]
) -> Iterable[Callable[[], AddressPlan]]:
    """Ways to make a plan, the quick ones first."""
    in_time = [*fixed, *sorted(free, key=lambda i: (buffers[i].start, -buffers[i].size))]
    yield lambda: _in_time(buffers, in_time, first_fit)
    yield lambda: _in_time(buffers, in_time, best_fit)
    if len(buffers) > SMALL:
        return
    keys: list[Callable[[LiveBuffer], tuple[int, ...]]] = [
        lambda b: (-b.size, b.start),
        lambda b: (b.start - b.end, -b.size),
        lambda b: (-b.size * (b.end - b.start + 1),),
        lambda b: (-b.end, -b.size),
    ]
    for key in keys:
        order = [*fixed, *sorted(free, key=lambda i, key=key: key(buffers[i]))]
        for fit in (first_fit, best_fit):
            yield lambda order=order, fit=fit: _in_order(buffers, order, fit)


def alive_at_once(buffers: Sequence[LiveBuffer]) -> int:
    """The most bytes that are alive at one position: no plan can do with less."""
    events: list[tuple[int, int]] = []
    for buffer in buffers:
        spans = sorted((start, end, size) for size, live in buffer.parts for start, end in live.segments)
        for (start, end, size), following in zip(spans, [*spans[1:], None], strict=True):
            until = end + 1 if following is None else min(end + 1, following[0])
            events += (start, size), (until, -size)
    now = most = 0
    for _, change in sorted(events):
        now += change
        most = max(most, now)
    return most


def _in_time(buffers: Sequence[LiveBuffer], order: Sequence[int], fit: Fit) -> AddressPlan:
    """Place in order of start; only what has not ended yet is in the way."""
    addresses = [0] * len(buffers)
    placed: list[Placed] = []
    limit = 0
    for index in order:
        buffer = buffers[index]
        if len(placed) > limit:  # what has ended is not in the way, but takes time to pass by
            placed = [p for p in placed if p[2].end >= buffer.start]
            limit = 2 * len(placed) + 16
        _place(buffer, index, addresses, placed, fit)
    return _made(buffers, addresses)


def _in_order(buffers: Sequence[LiveBuffer], order: Sequence[int], fit: Fit) -> AddressPlan:
    """Place in any order."""
    addresses = [0] * len(buffers)
    placed: list[Placed] = []
    for index in order:
        _place(buffers[index], index, addresses, placed, fit)
    return _made(buffers, addresses)


def place_in_order(buffers: Sequence[LiveBuffer]) -> int:
    """The highest byte used where each buffer in turn goes to the lowest free address."""
    return _in_order(buffers, range(len(buffers)), first_fit).peak


def _place(buffer: LiveBuffer, index: int, addresses: list[int], placed: list[Placed], fit: Fit) -> None:
    at = fit(buffer, placed) if buffer.address is None else buffer.address
    addresses[index] = at
    for size, live in buffer.parts:
        insort(placed, (at, at + size, live), key=itemgetter(0))


def _taken(buffer: LiveBuffer, placed: Sequence[Placed]) -> Iterable[tuple[int, int]]:
    """(a, b) where the buffer cannot begin: at no address between a and b, both excluded; by address."""
    taken = ((lo - size, hi) for size, live in buffer.parts for lo, hi, when in placed if when.overlaps(live))
    return taken if len(buffer.parts) == 1 else sorted(taken)


def _gaps(buffer: LiveBuffer, placed: Sequence[Placed]) -> Iterable[tuple[int, int | None]]:
    """(first address, last address) where the buffer can begin; the last gap has no end."""
    at = 0
    for lo, hi in _taken(buffer, placed):
        if lo >= at:
            yield at, lo
        at = max(at, -(-hi // buffer.align) * buffer.align)
    yield at, None


def first_fit(buffer: LiveBuffer, placed: Sequence[Placed]) -> int:
    """The lowest free address."""
    return next(iter(_gaps(buffer, placed)))[0]


def best_fit(buffer: LiveBuffer, placed: Sequence[Placed]) -> int:
    """The smallest gap that is large enough."""

    def room(gap: tuple[int, int | None]) -> tuple[bool, int]:
        return gap[1] is None, 0 if gap[1] is None else gap[1] - gap[0]

    return min(_gaps(buffer, placed), key=room)[0]


def _made(buffers: Sequence[LiveBuffer], addresses: list[int]) -> AddressPlan:
    peak = max((a + b.size for a, b in zip(addresses, buffers, strict=True)), default=0)
    return AddressPlan(buffers, addresses, peak)
