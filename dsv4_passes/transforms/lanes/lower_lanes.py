"""`dsv4-lower-lanes`: each lane operation in the cheapest form that is legal on the target.

    %e, %o = dsv4.deinterleave %x : 32x64xbf16        shifts of words (forms/bits_apart.py), or
                                               =>     mask gathers (forms/mask_gather.py), or
                                                      transposes (forms/transposes.py), …

Rotations are taken in halves or on whole rows, whichever is cheaper in all; then lane operations go to the
narrowest type (narrow.py), each takes the form that costs least by the chip's cost model, and what works
lane by lane is given full vectors (full_vectors.py).

Legal because each form moves the bits that the operation moves (each says why), and because what is made is
compared, term by term, with what was there: it is kept only if every stored lane is equal.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from dialects.dsv4.lanes import LaneOp
from dialects.pto.base import TileOp, layout_of
from dsv4_passes.diagnostics import UserError, note, refused
from dsv4_passes.equivalence.lanes import CannotFollow, lane_difference
from dsv4_passes.targets import LATEST, Chip, Cost, chip_for
from dsv4_passes.targets import ptoas as find_ptoas
from dsv4_passes.targets import pypto as find_pypto
from dsv4_passes.transforms.common.cost import FunctionCost, function_cost
from dsv4_passes.transforms.common.origin import (
    Before,
    LevelOption,
    functions_of,
    given,
    level_of,
    mark_rewritten,
    note_given,
    origin_of,
    put_back,
    take_before,
)
from dsv4_passes.transforms.lowering.lower_tiles import lower_function

from .form_choice import NoForm
from .form_report import say_best_already, say_chosen
from .forms.form import Target, target_for
from .ways import STYLES, FormName, Lowered, ways, where_it_goes


def lower_lane_operations(function: func.FuncOp, target: Target, wanted: FormName = "auto") -> func.FuncOp:
    """Replace a function by the cheapest form of it; the function that is there now.

    If it was no costlier before its lane operations were found, or in the form that is asked for, it is that
    again; a function that was written with lane operations cannot be that. Where a lane operation has no form
    on the target the function stays, with a remark.
    """
    before = take_before(function)
    if before is not None and _moves_lanes(before.function):
        function, before = _cheaper_start(function, before, target, wanted), None
    spent = function_cost(before.function, target.chip) if before is not None else None
    if not _moves_lanes(function):
        return function if before is None else _keep_cheaper(function, before, target, wanted)
    reasons: list[str] = []
    for lowered in _lowered(function, target, wanted, reasons):
        if wanted == "auto" and before is not None and spent is not None:
            worse = _costlier_as_written(function, before, lowered)
            if spent.cycles.cycles <= lowered.cost.cycles or worse is not None:
                function = put_back(function, before)
                read, written = worse or (spent, lowered.cost)
                say_best_already(function, read, replace(lowered, cost=written))
                return function
        if before is not None and alike(before.function, lowered.function, target.chip):
            function = put_back(function, before)
            note(function, f"'{function.sym_name.data}' is in that form already")
            return function
        try:
            difference = lane_difference(function, lowered.function)
        except CannotFollow as problem:
            if before is None:
                raise  # there is nothing to go back to, and lane operations cannot be written
            reasons.append(problem.message)
            continue
        if difference is None:
            mark_rewritten(function)
            note_given(lowered.function, given(function))
            Rewriter.replace_op(function, lowered.function)
            say_chosen(lowered, spent or _as_read(lowered.function, target))
            return lowered.function
        reasons.append(f"the lowered function is not equal: {difference}")
    why = "; ".join(dict.fromkeys(reasons))
    if before is not None:
        function = put_back(function, before)
        refused(function, f"'{function.sym_name.data}' stays as it is: {why}", "no form")
        return function
    site = next(op for op in function.walk() if isinstance(op, LaneOp))
    refused(site, f"'{site.name}' stays: it has no form on {target.chip.name}: {why}", "no form")
    return function


def _cheaper_start(function: func.FuncOp, before: Before, target: Target, wanted: FormName) -> func.FuncOp:
    """The function, or what it was before lane operations were found beside those that it was written with,
    whichever costs less once it is lowered.
    """
    if wanted != "auto":
        return function
    now, written = (next(_lowered(one, target, wanted, []), None) for one in (function, before.function))
    if written is None or (now is not None and now.cost.cycles <= written.cost.cycles):
        return function
    return put_back(function, before)


def _lowered(
    function: func.FuncOp, target: Target, wanted: FormName, reasons: list[str]
) -> Iterator[Lowered]:
    """The function lowered in each way that fits into memory, the best first; else why not.

    Where the form that is asked for does not do the whole function, it is taken where it goes.
    """
    found: list[Lowered] = []
    for style in (*STYLES[wanted], where_it_goes(wanted)):
        if found and style.fallback:
            break
        for way in ways(function, target, style):
            try:
                found.append(way.lower(function))
            except NoForm as problem:
                reasons.append(str(problem))
    for one in sorted(found, key=lambda one: one.rank):
        if (fitting := one.way.fitting(function, one)) is not None:
            yield fitting
        else:
            reasons.append(f"{one.way.too_large(one.function)}, and chunks of its rows do not fit either")


def cannot_lower(function: func.FuncOp, target: Target) -> str | None:
    """Why no form of a function's lane operations fits into memory; None if one does, or there are none."""
    reasons: list[str] = []
    if not _moves_lanes(function):
        return None
    found = next(_lowered(function, target, "auto", reasons), None)
    return None if found is not None else "; ".join(dict.fromkeys(reasons))


def _moves_lanes(function: func.FuncOp) -> bool:
    """Some lane operation is in the function."""
    return any(isinstance(op, LaneOp) for op in function.walk())


ALIKE = 0.98
"""Functions of the same operations are alike if one costs no less than this part of the other."""


def alike(one: func.FuncOp, other: func.FuncOp, chip: Chip) -> bool:
    """Two functions do their work by the same tile operations on as many lanes, at nearly the same cost: what
    differs is the order, or the rows in which some lanes are seen.
    """
    costs = sorted(function_cost(function, chip).cycles.cycles for function in (one, other))
    return costs[0] >= ALIKE * costs[1] and _work(one) == _work(other)


def _work(function: func.FuncOp) -> Counter[tuple[str, str, str, int]]:
    return Counter(
        (op.name, op.form(), layout.dtype, prod(layout.shape))
        for op in function.walk()
        if isinstance(op, TileOp)
        for layout in map(layout_of, op.res)
    )


def _costlier_as_written(
    function: func.FuncOp, before: Before, lowered: Lowered
) -> tuple[FunctionCost, Cost] | None:
    """What was read and what would be written cost in buffers that share addresses, if that is no gain."""
    origin, target = origin_of(function), lowered.way.target
    if origin is None or (as_read := origin.as_read) is None or before.rewritten:
        return None
    trial = lowered.function.clone()
    try:
        lower_function(trial, target.chip.name, target.ptoas.version, origin.level)
    except UserError:
        return None  # said by whoever lowers it
    read, written = function_cost(as_read, target.chip), function_cost(trial, target.chip).cycles
    return (read, written) if read.cycles.cycles <= written.cycles else None


def _keep_cheaper(function: func.FuncOp, before: Before, target: Target, wanted: FormName) -> func.FuncOp:
    """The cheaper of a function whose lane moves were folded away and its original."""
    spent, now = (function_cost(f, target.chip).cycles.cycles for f in (before.function, function))
    if wanted == "auto" and spent <= now:
        return put_back(function, before)
    mark_rewritten(function)
    return function


def _as_read(function: func.FuncOp, target: Target) -> FunctionCost | None:
    """What a function cost as it was read, if it was one function."""
    origin = origin_of(function)
    as_read = None if origin is None else origin.as_read
    return None if as_read is None else function_cost(as_read, target.chip)


@dataclass(frozen=True)
class LowerLanesPass(ModulePass):
    """Lower every lane operation.

    `form` asks for one form by name; operations that it does not do take the cheapest. `chip` is taken from
    the module's `pto.target_arch` unless given; `pypto` is the version that goes on compiling the result, if
    one does.
    """

    name = "dsv4-lower-lanes"
    form: FormName = "auto"
    chip: str | None = None
    ptoas: str | float = LATEST
    pypto: str | None = None
    """the version of pypto that goes on compiling a program text, as 2026-06-15; -t pypto says it"""
    level: LevelOption = "auto"
    """the level that functions will be lowered to; auto is that of the text that was read"""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        try:
            ptoas = find_ptoas(self.ptoas)
            pypto = None if self.pypto is None else find_pypto(self.pypto)
        except ValueError as error:
            raise UserError(str(error)) from None
        for function in functions_of(op):
            target = target_for(function, chip_for(function, self.chip), ptoas, pypto)
            target = replace(target, level=level_of(function, self.level))
            lower_lane_operations(function, target, self.form)
