"""Choose a form for every lane operation of a function, and build it."""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import func, scf
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

from dialects.dsv4.lanes import InterleaveOp, RotatePairsOp
from dialects.pto.attributes import RoundModeAttr
from dialects.pto.base import layout_of
from dialects.pto.convert import TCvtOp
from dialects.pto.types import TileLayout
from dsv4_passes.targets import Cost, total
from dsv4_passes.transforms.common.cleanup import eliminate_dead_code
from dsv4_passes.transforms.common.cost import op_cost
from dsv4_passes.xdsl_extras.loops import trips

from . import rotation
from .builder import Builder, CannotBuild, valid_of
from .forms.form import Built, Form, Target, Widened
from .forms.scatter_pair import drop_zeros_added_twice
from .full_vectors import use_full_vectors
from .narrow import LANE_OPERATIONS, MovingOp, converts_to_f32, drop_round_trips, narrow, widen_first


@dataclass(frozen=True)
class Choice:
    """What an operation became: the form, its cycles, and the others with theirs or why not."""

    op: MovingOp
    """The operation that was replaced."""
    layout: TileLayout
    form: Form
    cost: Cost
    others: Sequence[tuple[str, Cost | str]]


class NoForm(Exception):
    """A lane operation that no form can do on the target, with the reason of each."""

    def __init__(self, op: Operation, reasons: Sequence[str]):
        super().__init__("; ".join(dict.fromkeys(reasons)))
        self.op = op


def lower(
    function: func.FuncOp,
    target: Target,
    width: rotation.Width,
    narrowed: bool,
    wanted: Sequence[str],
    forms: Sequence[Form],
) -> list[Choice]:
    """Replace every lane operation of a function, and give what works lane by lane full vectors.

    Rotations are taken in one width, lanes moved in the narrowest type or as f32 where they end as such. Of
    the forms the cheapest is taken, among those that are wanted where one of them is legal. Raises NoForm.
    """
    for op in [op for op in function.walk() if isinstance(op, RotatePairsOp)]:
        builder = target.builder(op)
        try:
            rotated = rotation.expand(builder, op, width)
        except CannotBuild as stuck:
            raise NoForm(op, [str(stuck)]) from None
        Rewriter.replace_op(op, [], [rotated])
    (narrow if narrowed else widen_first)(function)
    eliminate_dead_code(function)
    sites = [op for op in function.walk() if isinstance(op, LANE_OPERATIONS)]
    choices = [_replace(op, target, wanted, forms) for op in sites]
    drop_round_trips(function)
    drop_zeros_added_twice(function)
    use_full_vectors(function)
    eliminate_dead_code(function)
    return choices


def whole_layout(op: MovingOp) -> TileLayout:
    """The layout of the tile with whole pairs."""
    return layout_of(op.res[0] if isinstance(op, InterleaveOp) else op.ins[0])


def _replace(op: MovingOp, target: Target, wanted: Sequence[str], forms: Sequence[Form]) -> Choice:
    layout, name = whole_layout(op), op.name.removeprefix("dsv4.")
    costs: list[tuple[Form, Cost]] = []
    others: list[tuple[str, Cost | str]] = []
    for form in forms:
        if form.operation != name:
            continue
        if (why := form.refuse(target, layout)) is not None:
            others.append((form.name, why))
            continue
        builder = target.builder(op)
        try:
            built = form.build(builder, op.ins)
        except CannotBuild as stuck:
            others.append((form.name, str(stuck)))
        else:
            spent = _cost(builder, op, built)
            costs.append((form, spent))
            others.append((form.name, spent))
        builder.undo()
    if not costs:
        raise NoForm(op, [f"{name}: {why}" for name, why in others if isinstance(why, str)])
    named = [pair for pair in costs if pair[0].name in wanted]
    form, spent = min(named or costs, key=lambda pair: pair[1].cycles)
    builder = target.builder(op)
    results = [
        _short(builder, old, new) for old, new in zip(op.results, form.build(builder, op.ins), strict=True)
    ]
    Rewriter.replace_op(op, [], results)
    return Choice(op, layout, form, spent, _best_of_each(others, form.name))


def _best_of_each(others: Sequence[tuple[str, Cost | str]], chosen: str) -> list[tuple[str, Cost | str]]:
    """Each form once, with its lowest cost, or why not."""
    best: dict[str, Cost | str] = {}
    for name, found in others:
        known = best.get(name)
        better = isinstance(found, Cost) and not (isinstance(known, Cost) and known.cycles <= found.cycles)
        if name != chosen and (known is None or better):
            best[name] = found
    return list(best.items())


def _cost(builder: Builder, op: MovingOp, built: Sequence[Built]) -> Cost:
    """Cycles of what was built, and of the conversions that widen its results."""
    assert builder.chip is not None
    ops = [inner for made in builder.made for inner in made.walk()]
    for old, new in zip(op.results, built, strict=True):
        users = [use.operation for use in old.uses]
        if not isinstance(new, Widened):
            ops += filter(converts_to_f32, users)
        elif not all(map(converts_to_f32, users)):
            ops.append(_shortened(builder, old, new))
    return total(op_cost(one, builder.chip).times(_runs(one)) for one in ops)


def _runs(op: Operation) -> int:
    """How often an operation runs; a loop of unknown length counts once."""
    count, parent = 1, op.parent_op()
    while parent is not None:
        if isinstance(parent, scf.ForOp):
            count *= trips(parent) or 1
        parent = parent.parent_op()
    return count


def _short(builder: Builder, old: SSAValue, new: Built) -> SSAValue:
    """What takes the place of a result: users that widen it get it widened."""
    if not isinstance(new, Widened):
        return new
    for use in list(old.uses):
        if converts_to_f32(use.operation):
            Rewriter.replace_op(use.operation, [], [new.wide])
    return _shortened(builder, old, new).res[0] if list(old.uses) else new.wide


def _shortened(builder: Builder, old: SSAValue, new: Widened) -> TCvtOp:
    """The 16-bit numbers that were widened; exact in any mode."""
    rounding = {"rmode": RoundModeAttr("RINT")}
    op = TCvtOp([new.wide], result=old.type, valid=valid_of(new.wide), properties=rounding)
    builder.add(op)
    return op
