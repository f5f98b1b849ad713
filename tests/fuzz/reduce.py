"""Make a failing text small: without every line that its failure does not need."""

import re
from collections.abc import Callable
from dataclasses import replace

from .check import Case, limited


def fails_alike(case: Case, kind: str, seconds: float) -> bool:
    failure = limited(case, seconds).failure
    return failure is not None and failure.kind == kind


def reduced(case: Case, kind: str, seconds: float) -> Case:
    """The case with as few lines as still fail in that way, and as few passes."""

    def fails(lines: list[str]) -> bool:
        return fails_alike(replace(case, text="\n".join(lines)), kind, seconds)

    def fails_with(passes: list[str]) -> bool:
        return fails_alike(replace(case, passes=",".join(passes)), kind, seconds)

    passes = without(re.split(r",(?![^{]*})", case.passes), fails_with)  # commas outside of braces
    case = replace(case, passes=",".join(passes))
    while True:
        lines = without(case.text.split("\n"), fails)
        if len(lines) == case.text.count("\n") + 1:
            return case
        case = replace(case, text="\n".join(lines))


def without(parts: list[str], fails: Callable[[list[str]], bool]) -> list[str]:
    """The parts without what is not needed, many at once and then one by one."""
    size = max(1, len(parts) // 2)
    while True:
        at, dropped = 0, False
        while at < len(parts) and len(parts) > 1:
            trial = parts[:at] + parts[at + size :]
            if trial and fails(trial):
                parts, dropped = trial, True
            else:
                at += size
        if size == 1 and not dropped:
            return parts
        size = max(1, size // 2)
