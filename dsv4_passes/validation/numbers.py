"""A written text against the module that was read, on numbers: to tell or to show what differs.

Both run as they stand, in whatever form they are in.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.interpreter.kernels import Kernel, find_kernels

from .kernels import Comparable, comparables, pair_arguments
from .programs import is_program_module
from .runs import Counterexample, RunPair, kernel_pair
from .sources import Question
from .verdict import Allowed, Verdict

SMALL = 8.0
"""Where Inf and NaN do not count, numbers are no larger: sums of products of them are finite."""


def pairs(before: ModuleOp, text: str, allowed: Allowed, finite: bool) -> list[tuple[str, RunPair]]:
    """By name, what of a module and of a text runs on the same inputs; `before` has its facts.

    Raises UserError where the two have no such pairs.
    """
    with collect():
        if is_program_module(before):
            pair = Question(allowed, finite).program_runs(before, parse_program(text, "the output"))
            return [] if pair is None else [("the program", pair)]
        after = parse_text(text, "the output")
        written = find_kernels(before.clone()), find_kernels(after.clone())
        raised = comparables(before), comparables(after)
    found: list[tuple[str, RunPair]] = []
    for name in raised[0].keys() & raised[1].keys():
        numbers = pair_arguments(raised[0][name].kernel, raised[1][name].kernel)
        sides = [
            Kernel(name, texts[name].functions, known[name].kernel.arguments)
            for texts, known in zip(written, raised, strict=True)
        ]
        first = Comparable(sides[0], raised[0][name].facts)
        pair = kernel_pair(first, Comparable(sides[1]), numbers, allowed=allowed, finite=finite)
        found.append((name, pair))
    return found


def counterexample(pair: RunPair, trials: int, *, smallest: bool = False) -> Counterexample | None:
    """What differs on one of some inputs, if anything does. UserError where the first one does not run."""
    for inputs in pair.inputs(trials):
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
    verdicts: list[Verdict], before: ModuleOp, text: str, allowed: Allowed, trials: int
) -> list[Verdict]:
    """Verdicts in which what rests on things without a formula was tried on numbers.

    It is different if they show it, and else stays undecided.
    """
    if not any(v.without_formula for v in verdicts):
        return verdicts
    try:
        known = dict(pairs(before, text, allowed, finite=True))
    except UserError:
        return verdicts
    found: list[Verdict] = []
    for verdict in verdicts:
        pair = (known.get(verdict.name) or known.get("the program")) if verdict.without_formula else None
        found.append(verdict if pair is None else _told(verdict, pair, trials))
    return found


def _told(verdict: Verdict, pair: RunPair, trials: int) -> Verdict:
    try:
        shown = counterexample(pair, trials)
    except UserError:
        return verdict
    if shown is not None:
        return replace(verdict, outcome="different", reason=f"{verdict.reason}; {shown}")
    return replace(verdict, reason=f"{verdict.reason}; {trials} inputs give the same bits")
