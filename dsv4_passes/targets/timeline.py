"""When operations run: each pipe of a core takes its operations in order, and waits for what they need.

This is the machine that the cost model of a whole kernel assumes: loads, vector operations and stores overlap
where no data is handed from one to the other. Not modelled: the latency of GM, conflicts between memory
banks, scalar code, and other cores.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

SIMULATED_TRIPS = 3
"""Trips of a loop that are followed one by one; the others take as long as the last of them."""


@dataclass
class Timeline:
    """The state of a core: when each pipe is free, and when each place was last written and read."""

    pipes: dict[Hashable, float] = field(default_factory=dict[Hashable, float])
    written: dict[Hashable, float] = field(default_factory=dict[Hashable, float])
    read: dict[Hashable, float] = field(default_factory=dict[Hashable, float])

    @property
    def end(self) -> float:
        """When the last pipe is done."""
        return max(self.pipes.values(), default=0)

    def issue(
        self, pipe: str, cycles: float, reads: Iterable[Hashable], writes: Iterable[Hashable]
    ) -> tuple[float, float]:
        """Run an operation as early as the pipe and the places allow; from when to when."""
        reads, writes = tuple(reads), tuple(writes)
        start = self.pipes.get(pipe, 0)
        for place in reads:
            start = max(start, self.written.get(place, 0))
        for place in writes:
            start = max(start, self.written.get(place, 0), self.read.get(place, 0))
        end = start + cycles
        self.pipes[pipe] = end
        for place in reads:
            self.read[place] = max(self.read.get(place, 0), end)
        for place in writes:
            self.written[place] = end
        return start, end

    def hand(self, sources: Iterable[Hashable], targets: Iterable[Hashable]) -> None:
        """The targets hold from now on what the sources hold: a value passed on at no cost."""
        ready = max((self.written.get(place, 0) for place in sources), default=0)
        for place in targets:
            self.written[place] = ready

    def loop(self, trips: int, trip: Callable[[int], None]) -> None:
        """Call `trip` for the first trips of a loop, and move on by what the others take."""
        before = self
        for number in range(min(trips, SIMULATED_TRIPS)):
            before = self._copy()
            trip(number)
        if trips > SIMULATED_TRIPS:
            # Pipes that the loop does not use may be busy for long: they say nothing about a trip.
            steps = [time - before.pipes.get(pipe, 0) for pipe, time in self.pipes.items()]
            self._advance(before, (trips - SIMULATED_TRIPS) * max(steps, default=0))

    def branches(self, bodies: Iterable[Callable[[], None]]) -> None:
        """Run alternatives from the same state and continue with the maximum of each time."""
        before, after = self._copy(), list[Timeline]()
        for body in bodies:
            self._become(before)
            body()
            after.append(self._copy())
        for state in after:
            for mine, its in zip(self._tables(), state._tables(), strict=True):
                for key, time in its.items():
                    mine[key] = max(mine.get(key, 0), time)

    def _tables(self) -> tuple[dict[Hashable, float], ...]:
        return self.pipes, self.written, self.read

    def _copy(self) -> "Timeline":
        return Timeline(dict(self.pipes), dict(self.written), dict(self.read))

    def _become(self, other: "Timeline") -> None:
        self.pipes, self.written, self.read = dict(other.pipes), dict(other.written), dict(other.read)

    def _advance(self, before: "Timeline", cycles: float) -> None:
        """Shift what has changed since `before`."""
        for mine, old in zip(self._tables(), before._tables(), strict=True):
            for key, time in mine.items():
                if old.get(key) != time:
                    mine[key] = time + cycles
