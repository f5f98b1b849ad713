"""Two kernels on terms: whether they store the same, and if not, which lane differs."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from dsv4_passes.diagnostics import UserError
from dsv4_passes.equivalence.budget import current
from dsv4_passes.equivalence.comparison import (
    Difference,
    compare_effects,
    effect_conditions,
    undefined_store,
)
from dsv4_passes.equivalence.effects import Effect, Store
from dsv4_passes.equivalence.lanes import CannotFollow, LaneContext, LaneRun
from dsv4_passes.equivalence.source_text import line_of
from dsv4_passes.equivalence.symbolic_memory import Ids
from dsv4_passes.equivalence.term_text import describe
from dsv4_passes.equivalence.terms import TermTable

from .kernels import Comparable, pair_arguments
from .rounding import DroppedRoundings
from .verdict import ROUNDING, ZERO_SIGN, Allowed, Lane, Verdict, VerdictOutcome

MOST_SHOWN = 3
"""Operations without a formula that a message names."""


def compare_kernels(
    before: Comparable, after: Comparable, allowed: Allowed = Allowed(), *, in_order: bool = True
) -> Verdict:
    """Whether `after` stores what `before` does, for any block and any arguments that the facts allow."""
    context = LaneContext()
    try:
        context.fit(before.kernel.functions, current())
        context.fit(after.kernel.functions, current())
        first = before.run(context)
    except UserError as error:
        return Verdict(before.name, "undecided", reason=error.message)
    try:
        numbers = pair_arguments(before.kernel, after.kernel, in_order=in_order)
        runs = first, after.run(context, numbers)
    except UserError as error:
        return Verdict(before.name, *broken(error))
    names = {i: argument.name for i, argument in before.kernel.arguments.items()}
    outputs, lanes = _stored(runs[0], names)
    conditions = {*effect_conditions(*runs)}
    difference = compare_effects(*runs)
    if difference is not None:
        more, difference = up_to(allowed, *runs, difference)
        conditions |= more
    if difference is None and (store := undefined_store(runs[0])) is not None:
        reason = f"{line_of(store.op)} stores lanes of which it is not known what they hold"
        return Verdict(before.name, "undecided", (), reason, None, outputs, lanes, without_formula=True)
    if difference is None:
        return Verdict(before.name, "proved", tuple(sorted(conditions)), outputs=outputs, lanes=lanes)
    lane = _lane(context, names, difference)
    if lane is not None and lane.terms is not None and unknown_in_both(context.domain.table, lane.terms):
        reason = f"{_reason(difference, names)}, and rests on {without_formula(context, lane.terms)}"
        return Verdict(before.name, "undecided", (), reason, lane, outputs, lanes, without_formula=True)
    return Verdict(before.name, "different", (), _reason(difference, names), lane, outputs, lanes)


def broken(error: UserError) -> tuple[VerdictOutcome, tuple[str, ...], str]:
    """Outcome and reason where the second of two can no longer be run although the first one could.

    Reading uninitialised lanes, beyond a tensor or from overlapping tiles counts as a difference.
    """
    if isinstance(error, CannotFollow):
        return "undecided", (), error.message
    return "different", (), f"it can be run no longer: {error.message}"


def without_formula(context: LaneContext, terms: tuple[int, int]) -> str:
    """What two terms rest on of which terms only say that equal operands give equal results."""
    table = context.domain.table
    leaves = [_unknown(table, term) for term in terms]
    numbers = sorted({cast("int", table.head(leaf)[2]) for leaf in leaves[0] ^ leaves[1]})
    found = dict.fromkeys(context.without_formula.get(number, "an unknown store") for number in numbers)
    shown = [*list(found)[:MOST_SHOWN], *(["others"] if len(found) > MOST_SHOWN else [])]
    return f"{', '.join(shown)}: there is no formula for that, and it is given other terms before and after"


def unknown_in_both(table: TermTable, terms: tuple[int, int]) -> bool:
    """Each of two terms rests on something without a formula that the other does not.

    Such things are named by the operation and all that it was given: another name need not be another value.
    """
    ours, theirs = (_unknown(table, term) for term in terms)
    return bool(ours - theirs) and bool(theirs - ours)


def _unknown(table: TermTable, term: int) -> set[int]:
    return {leaf for leaf in table.leaves([term]) if table.head(leaf)[:2] == ("load", "unknown")}


def up_to(
    allowed: Allowed, before: LaneRun, after: LaneRun, difference: Difference
) -> tuple[set[str], Difference | None]:
    """Compare again without what may differ: the conditions that make both equal, or the difference."""
    domain = before.context.domain
    if allowed.zero_sign and compare_effects(*_without(domain.strip_zero, before, after)) is None:
        return {ZERO_SIGN}, None
    if allowed.rounding:
        if compare_effects(before, _restored(before, after)) is None:
            return {ROUNDING}, None
    return set(), difference


def _restored(before: LaneRun, after: LaneRun) -> LaneRun:
    """The second run, with what it stores as before where only roundings were dropped."""
    restored, effects = DroppedRoundings(after.context).restored, list(after.effects)
    stores = [[(i, e) for i, e in enumerate(run.effects) if isinstance(e, Store)] for run in (before, after)]
    for (_, ours), (i, theirs) in zip(*stores, strict=False):
        effects[i] = replace(theirs, ids=restored(ours.ids, theirs.ids))
    return replace(after, effects=effects)


def _without(strip: Callable[[Ids], Ids], *runs: LaneRun) -> list[LaneRun]:
    def bare(effect: Effect) -> Effect:
        return replace(effect, ids=strip(effect.ids)) if isinstance(effect, Store) else effect

    return [replace(run, effects=list(map(bare, run.effects))) for run in runs]


def _stored(run: LaneRun, names: dict[int, str]) -> tuple[tuple[str, ...], int]:
    stores = [e for e in run.effects if isinstance(e, Store)]
    outputs = dict.fromkeys(names.get(s.box.argument, f"arg{s.box.argument}") for s in stores)
    return tuple(outputs), sum(s.ids.size for s in stores)


def _lane(context: LaneContext, names: dict[int, str], difference: Difference) -> Lane | None:
    if difference.a is None or difference.b is None:
        return None
    table = context.domain.table
    before, after = (_named(describe(table, term), names) for term in (difference.a, difference.b))
    return Lane(
        names.get(difference.argument, "") if difference.argument is not None else "",
        difference.element or 0,
        before,
        after,
        (difference.a, difference.b),
    )


def _named(text: str, names: dict[int, str]) -> str:
    """Loads are written `0[5]`: the name of the argument instead of its number."""
    return re.sub(r"(?<![\w.@\[+%])(\d+)(?=(@\d+)?\[)", lambda m: names.get(int(m[1]), m[1]), text)


def _reason(difference: Difference, names: dict[int, str]) -> str:
    return re.sub(r"argument (\d+)", lambda m: f"'{names.get(int(m[1]), f'arg{m[1]}')}'", difference.message)
