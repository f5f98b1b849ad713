"""Many cases, some at a time, in processes of their own; the folder remembers how far it came.

A worker takes a range of numbers, and ends with it: what it leaks is gone then. One that dies, or hangs
where no signal reaches it, costs the number at which it did. What stands in the folder after a stop is all
that is needed to go on.
"""

import gc
import hashlib
import json
import multiprocessing
import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

from .check import Case, Ended, OutOfTime, limited, time_limit

RANGE = 60
"""Cases of one worker."""
COLLECTED = 15
"""Cases between two collections: modules die in cycles, and looking for them all the time costs a tenth."""
MEMORY = 3 << 30
"""Bytes of address space that a worker may have."""
Make = Callable[[int], Case]
Result = tuple[int, Case | None, Ended]


def work(first: int, last: int, make: Make, seconds: float, out: "Connection[Any, Any]") -> None:
    """Run cases and send what became of each; an error of the tool itself counts as a failure."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    gc.freeze()
    gc.disable()
    for seed in range(first, last):
        if (seed - first) % COLLECTED == COLLECTED - 1:
            gc.collect()
        case: Case | None = None
        try:
            with time_limit(seconds):
                case = make(seed)
            ended = limited(case, seconds)
        except OutOfTime:
            ended = Ended(f"no case within {seconds:g} s: seed {seed}")
        except MemoryError:
            ended = Ended("gave up: MemoryError")
        except Exception as error:
            ended = Ended(f"no case: {type(error).__name__}: {str(error)[:80]}")
        out.send((seed, case if ended.failure is not None else None, ended))
        out.send(case.kind if case is not None else "none")
    out.close()


@dataclass
class Worker:
    process: ForkProcess
    results: "Connection[Any, Any]"
    next: int
    last: int
    since: float = field(default_factory=time.monotonic)


class Campaign:
    """`jobs` workers at a time, from `first` on or from where the folder says."""

    def __init__(self, folder: Path, first: int, jobs: int = 1):
        self.folder, self.jobs = folder, jobs
        folder.mkdir(parents=True, exist_ok=True)
        self.state = folder / "progress.json"
        known: dict[str, Any] = json.loads(self.state.read_text()) if self.state.exists() else {}
        self.next = int(known.get("next", first))
        self.open: list[tuple[int, int]] = [(int(a), int(b)) for a, b in known.get("open", [])]
        """Ranges that were begun, from the first number that was not run."""
        self.counts: Counter[str] = Counter({str(k): int(v) for k, v in known.get("counts", {}).items()})
        self.kinds: Counter[str] = Counter({str(k): int(v) for k, v in known.get("failures", {}).items()})
        self.workers: list[Worker] = []
        self.stop = False

    def save(self) -> None:
        left = [(w.next, w.last) for w in self.workers if w.next < w.last]
        found = {"next": self.next, "open": [*self.open, *left], "counts": dict(self.counts)}
        part = self.state.with_suffix(".part")
        part.write_text(json.dumps({**found, "failures": dict(self.kinds)}, indent=1) + "\n")
        part.replace(self.state)

    def keep(self, seed: int, case: Case, ended: Ended) -> None:
        """Keep the first failure of a kind; the others are counted."""
        assert ended.failure is not None
        kind, report, after = ended.failure
        self.kinds[kind] += 1
        place = self.folder / hashlib.sha256(kind.encode()).hexdigest()[:12]
        if place.exists():
            return
        place.mkdir()
        (place / f"before{case.suffix}").write_text(case.text)
        (place / f"after{case.suffix}").write_text(after)
        described = {"seed": seed, "passes": case.passes, "target": case.target, "ptoas": case.ptoas}
        described["number"] = case.number
        (place / "case.json").write_text(json.dumps({**described, "kind": kind}, indent=1) + "\n")
        (place / "report.txt").write_text(f"seed {seed}\npasses {case.passes}\n{report}")
        print(f"seed {seed}: {kind}: {place}", flush=True)

    def count(self, result: Result, kind: str) -> None:
        seed, case, ended = result
        self.counts["texts"] += 1
        self.counts[ended.how] += 1
        self.counts[f"{kind}: texts"] += 1
        self.counts["texts really rewritten"] += ended.rewritten > 0
        self.counts[f"{kind}: really rewritten"] += ended.rewritten > 0
        self.counts["texts written otherwise"] += ended.changed
        self.counts["sites rewritten"] += ended.rewritten
        if ended.failure is not None and case is not None:
            self.keep(seed, case, ended)

    def begin(self, make: Make, seconds: float, end: int | None) -> None:
        """Start workers while there are places and numbers."""
        while len(self.workers) < self.jobs and not self.stop:
            if self.open:
                first, last = self.open.pop(0)
            elif end is None or self.next < end:
                first = self.next
                last = self.next = first + RANGE if end is None else min(first + RANGE, end)
            else:
                return
            context = multiprocessing.get_context("fork")
            results, out = context.Pipe(duplex=False)
            process = context.Process(target=work, args=(first, last, make, seconds, out))
            process.start()
            out.close()
            self.workers.append(Worker(process, results, first, last))

    def collect(self, patience: float) -> None:
        """Take what workers sent, and let go of those that ended, died or no longer answer."""
        ready = wait([w.results for w in self.workers], timeout=1.0)
        for worker in list(self.workers):
            ended = False
            if worker.results in ready:
                try:
                    result, kind = worker.results.recv(), worker.results.recv()
                    self.count(result, kind)
                    worker.next, worker.since = result[0] + 1, time.monotonic()
                except EOFError:
                    ended = True
            elif time.monotonic() - worker.since > patience:
                worker.process.kill()
                ended = True
            if not ended:
                continue
            worker.process.join()
            self.workers.remove(worker)
            if worker.next < worker.last:
                self.counts["texts"] += 1
                self.counts["worker died"] += 1
                if worker.next + 1 < worker.last:
                    self.open.append((worker.next + 1, worker.last))

    def run(self, runs: int, seconds: float, make: Make) -> None:
        """`runs` more cases, or without end (0); stops soon after Ctrl-C, and nothing is lost."""
        before = signal.signal(signal.SIGINT, lambda *_: setattr(self, "stop", True))
        end = self.next + runs if runs else None
        saved = time.monotonic()
        try:
            self.begin(make, seconds, end)
            while self.workers and not self.stop:
                self.collect(patience=60 * seconds)
                self.begin(make, seconds, end)
                if time.monotonic() - saved > 10:
                    self.save()
                    saved = time.monotonic()
        finally:
            self.save()  # with what the workers have not done
            for worker in self.workers:
                worker.process.kill()
                worker.process.join()
            signal.signal(signal.SIGINT, before)


def processors() -> int:
    return len(os.sched_getaffinity(0))
