"""What was written against what was read, on numbers: to tell or to show what differs.

Both run as they stand, in whatever form they are in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from dsv4_passes.diagnostics import UserError
from dsv4_passes.interpreter.kernels import find_kernels

from .kernels import Comparable, facts_by_index, pair_arguments
from .program_folder import FolderProgram
from .programs import is_program_module
from .runs import Counterexample, Inputs, RunPair, kernel_pair
from .sources import Question
from .verdict import Allowed, Verdict

SMALL = 8.0
"""Where Inf and NaN do not count, numbers are no larger: sums of products of them are finite."""


def pairs(
    before: ModuleOp, after: ModuleOp | FolderProgram, allowed: Allowed, finite: bool
) -> list[tuple[str, RunPair]]:
    """By name, what of both runs on the same inputs; `before` has its facts.

    Raises UserError where the two have no such pairs.
    """
    if isinstance(after, FolderProgram) or is_program_module(before):
        return [("the program", Question(allowed, finite).runs(before, after))]
    ours, theirs = find_kernels(before), find_kernels(after)
    found: list[tuple[str, RunPair]] = []
    for name in ours.keys() & theirs.keys():
        numbers = pair_arguments(ours[name], theirs[name])
        first = Comparable(ours[name], facts_by_index(ours[name]))
        pair = kernel_pair(first, Comparable(theirs[name]), numbers, allowed=allowed, finite=finite)
        found.append((name, pair))
    return found


def counterexample(
    pair: RunPair, trials: Iterable[Inputs], *, smallest: bool = False
) -> Counterexample | None:
    """What differs on one of some inputs, if anything does. UserError where the first one does not run."""
    for inputs in trials:
        for name, values in inputs.items() if pair.finite else ():
            if values.dtype.kind not in "iub" and name not in pair.facts:
                inputs[name] = np.clip(values.astype(np.float32), -SMALL, SMALL).astype(values.dtype)
        found = pair.difference(inputs)
        if found is None or (pair.finite and {found.before, found.after} & {"nan", "inf", "-inf"}):
            continue
        return pair.smaller(found) if smallest else found
    return None


def conditions_on_finite(verdicts: Sequence[Verdict]) -> bool:
    """Whether what was proved rests on numbers being finite."""
    return any(c.startswith("FIN") for v in verdicts for c in v.conditions)


def tell(
    verdicts: list[Verdict],
    before: ModuleOp,
    after: ModuleOp | FolderProgram,
    allowed: Allowed,
    trials: int,
) -> list[Verdict]:
    """Verdicts in which what rests on things without a formula was tried on numbers.

    It is different if they show it, and else stays undecided.
    """
    try:
        known = dict(pairs(before, after, allowed, finite=True))
    except UserError:
        return verdicts
    found: list[Verdict] = []
    for verdict in verdicts:
        pair = (known.get(verdict.name) or known.get("the program")) if verdict.without_formula else None
        found.append(verdict if pair is None else _told(verdict, pair, trials))
    return found


def _told(verdict: Verdict, pair: RunPair, trials: int) -> Verdict:
    try:
        shown = counterexample(pair, pair.inputs(trials))
    except UserError:
        return verdict
    if shown is not None:
        return replace(verdict, outcome="different", reason=f"{verdict.reason}; {shown}")
    return replace(verdict, reason=f"{verdict.reason}; {trials} inputs give the same bits")
