"""Remarks about the forms of lane operations, and decisions for reports."""

from collections.abc import Collection

from xdsl.dialects import func

from dialects.pto.matmul import MatmulOp
from dsv4_passes.diagnostics import note, refused, rewritten
from dsv4_passes.equivalence.facts import facts_of
from dsv4_passes.targets import Cost, wait
from dsv4_passes.transforms.common.cost import FunctionCost, function_cost
from dsv4_passes.transforms.common.decisions import Alternative, Decision, decide
from dsv4_passes.transforms.common.origin import given

from .form_choice import Choice
from .ways import Lowered

BEST = "already the best form"
PROOF = "every stored lane is proved equal"


def say_chosen(lowered: Lowered, before: FunctionCost | None) -> None:
    """The form of every operation, and what the function costs now; `before` where it was something else."""
    after = function_cost(lowered.function, lowered.way.target.chip)
    name = lowered.function.sym_name.data
    if lowered.rows is not None:
        text = f"'{name}' works on {lowered.rows} rows at a time, which fit into vector memory"
        rewritten(lowered.function, text)
    for choice in lowered.choices:
        decision = _decision(choice, name, lowered.directions, given(lowered.function))
        decide(decision)
        rewritten(choice.op, _choice_text(choice, decision, asked_for=bool(lowered.way.style.forms)))
    if before is not None:
        note(lowered.function, _change_text(name, before, after))


def say_best_already(function: func.FuncOp, spent: FunctionCost, lowered: Lowered) -> None:
    """The function stays as it was, because nothing is cheaper."""
    name = function.sym_name.data
    text = f"'{name}' has the best form already: {spent.cycles} cycles by the model"
    text = f"{text}, and {lowered.cost} in the next best"
    counted = wait(lowered.way.target.chip, "task_hand_over").cycles
    if not counted and any(isinstance(op, MatmulOp) for op in function.walk()):
        text = f"{text}; what tasks wait for its products is not counted (--assume task_hand_over=…)"
    sites = max(1, len(lowered.choices))
    if any(value.uses for value in facts_of(function)):
        refused(function, text, BEST, sites)  # a fact was stated, so the user expects an answer
    else:
        note(function, text, BEST, sites)
    others = tuple(
        Alternative(choice.form.name, lowered.cost, "not cheaper in all") for choice in lowered.choices[:1]
    )
    layout = lowered.choices[0].layout if lowered.choices else None
    rows, lanes, dtype = (layout.rows, layout.cols, layout.dtype) if layout else (0, 0, "")
    proof = "nothing was changed"
    decide(
        Decision(
            name, function.location, "lane moves", rows, lanes, dtype, "", spent.cycles, proof, (), others
        )
    )


def _decision(
    choice: Choice, function: str, directions: Collection[str], conditions: Collection[str]
) -> Decision:
    layout = choice.layout
    others = tuple(
        Alternative(name, found, _why_not(choice, found))
        if isinstance(found, Cost)
        else Alternative(name, None, found)
        for name, found in choice.others
    )
    shape = layout.rows, layout.cols, layout.dtype
    form = choice.form.name
    return Decision(
        function,
        choice.op.location,
        choice.op.name,
        *shape,
        form,
        choice.cost,
        PROOF,
        tuple(sorted(conditions)),
        others,
        ", ".join(sorted(directions)),
    )


def _why_not(choice: Choice, cost: Cost) -> str:
    if choice.cost.surely_below(cost):
        return "dearer"
    if cost.surely_below(choice.cost):
        return "another form was asked for"
    shared = sorted({*cost.estimates, *choice.cost.estimates})
    return f"dearer in the middle of the readings of {', '.join(shared)}" if shared else "not cheaper"


def _choice_text(choice: Choice, decision: Decision, asked_for: bool) -> str:
    layout = choice.layout
    rests = [] if asked_for else decision.rests_on
    estimates = f", if the estimates for {', '.join(rests)} hold" if rests else ""
    others = [
        f"{name} {why} cycles" if isinstance(why, Cost) else f"no {name}: {why}"
        for name, why in choice.others
    ]
    turned = f" ({decision.direction} rotation)" if decision.direction else ""
    on = f", given {', '.join(decision.conditions)}" if decision.conditions else ""
    return (
        f"'{choice.op.name}' of {layout.rows}x{layout.cols}x{layout.dtype}{turned} -> {choice.form.name}, "
        f"{choice.cost} cycles by the model{estimates}; {PROOF}{on} ({'; '.join(others)})"
    )


def _change_text(name: str, before: FunctionCost, after: FunctionCost) -> str:
    moved = f"{after.moved:.0f} bytes from and to GM, {before.moved:.0f} before"
    return f"'{name}' takes {after.cycles} cycles by the model, {before.cycles} before; it moves {moved}"
