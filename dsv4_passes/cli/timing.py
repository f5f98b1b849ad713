"""How long passes took, on stderr at the end, as mlir-opt says it under `--mlir-timing`."""

import sys
import time

from xdsl.passes import ModulePass


class PassTimes:
    """Wall time by pass, summed over all inputs; what is between passes (verification) is not counted."""

    def __init__(self, active: bool):
        self.active = active
        self.begun = self.since = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def between(self, previous: ModulePass | None) -> None:
        """A pass has ended, or with None the first one is about to begin."""
        if previous is not None:
            spent = time.perf_counter() - self.since
            self.seconds[previous.name] = self.seconds.get(previous.name, 0.0) + spent

    def go_on(self) -> None:
        """The next pass begins."""
        self.since = time.perf_counter()

    def report(self) -> None:
        """Print a table: seconds, share of all, name; the rest is reading, checking and writing."""
        if not self.active:
            return
        total = time.perf_counter() - self.begun
        rows = [*self.seconds.items(), ("Rest", total - sum(self.seconds.values())), ("Total", total)]
        lines = [f"  {spent:8.4f} ({100 * spent / total:5.1f}%)  {name}" for name, spent in rows]
        rule = f"===-{'-' * 73}-==="
        head = ["... Execution time report ...".center(81).rstrip(), rule]
        head += [f"  Total Execution Time: {total:.4f} seconds", "", "  ----Wall Time----  ----Name----"]
        print("\n".join([rule, *head, *lines]), file=sys.stderr)
