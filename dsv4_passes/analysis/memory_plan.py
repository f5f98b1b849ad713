"""Addresses for buffers that are alive at different times: first fit, tried in two orders.

A plan fits when its peak, bytes from address 0 to the highest one used, is within the chip's usable
memory. Plans are made per memory space.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from .liveness import Live

SMALL = 256
"""Up to this many buffers the second, quadratic order is tried as well."""


@dataclass
class Buffer:
    """Something that wants `size` bytes at a multiple of `align` while it is alive."""

    name: str
    size: int
    align: int
    live: Live
    address: int | None = None


@dataclass
class Plan:
    """Addresses for `buffers`, in their order, and the highest byte used."""

    buffers: Sequence[Buffer]
    addresses: list[int]
    peak: int

    def table(self) -> list[str]:
        """The plan for people: one line per buffer, by address."""
        rows = sorted(zip(self.addresses, self.buffers, strict=True), key=lambda row: row[0])
        return [
            f"{address:>8} .. {address + buffer.size:<8} {buffer.size:>7} bytes  {buffer.name}"
            for address, buffer in rows
        ]


@dataclass
class _Placed:
    lo: int
    hi: int
    live: Live
    end: int = field(init=False)

    def __post_init__(self) -> None:
        self.end = self.live.end


def _first_fit(buffers: Sequence[Buffer], order: Sequence[int], in_time: bool) -> Plan:
    """Place in `order`, each at the lowest free address; `in_time` says the order is by start."""
    addresses = [0] * len(buffers)
    placed: list[_Placed] = []
    peak = 0
    for index in order:
        buffer = buffers[index]
        if in_time:
            placed = [p for p in placed if p.end >= buffer.live.start]
        taken = sorted((p.lo, p.hi) for p in placed if p.live.overlaps(buffer.live))
        at = buffer.address if buffer.address is not None else 0
        if buffer.address is None:
            for lo, hi in taken:
                if at + buffer.size <= lo:
                    break
                at = max(at, -(-hi // buffer.align) * buffer.align)
        addresses[index] = at
        placed.append(_Placed(at, at + buffer.size, buffer.live))
        peak = max(peak, at + buffer.size)
    return Plan(buffers, addresses, peak)


def plan(buffers: Sequence[Buffer]) -> Plan:
    """The better of two first-fit plans: in order of start, and largest buffers first."""
    fixed = [i for i, b in enumerate(buffers) if b.address is not None]
    free = [i for i, b in enumerate(buffers) if b.address is None]
    by_start = sorted(free, key=lambda i: buffers[i].live.start)
    if len(buffers) > SMALL:
        return _first_fit(buffers, sorted([*fixed, *free], key=lambda i: buffers[i].live.start), True)
    by_size = sorted(free, key=lambda i: (-buffers[i].size, buffers[i].live.start))
    plans = [_first_fit(buffers, [*fixed, *order], False) for order in (by_start, by_size)]
    return min(plans, key=lambda p: p.peak)
