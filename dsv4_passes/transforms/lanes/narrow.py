"""Move lanes in the narrowest type: 16-bit numbers are moved before they are widened, after they are rounded.

    dsv4.deinterleave (tcvt %x : bf16 -> f32)        =>    tcvt (dsv4.deinterleave %x) : bf16 -> f32
    tcvt (dsv4.interleave %e, %o) : f32 -> bf16      =>    dsv4.interleave (tcvt %e), (tcvt %o)
    tcvt (tadds (dsv4.interleave %e, %o), +0)        =>    dsv4.interleave (tcvt (tadds %e, +0)), …

and so for swaps. A conversion works lane by lane, so it commutes with moving lanes. A result that is rounded
is moved in the short type only if all uses round it in the same way. f32 numbers that are known to be short
(widened, negated, or copied from such) are moved as what they were widened from. Lanes that are looked at in
rows of another length are widened before that, next to the move.
"""

from xdsl.dialects import func
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import Rewriter

from dialects.dsv4.lanes import DeinterleaveOp, InterleaveOp, SwapPairsOp
from dialects.pto.attributes import RoundModeAttr
from dialects.pto.base import TileOp, layout_of
from dialects.pto.convert import TCvtOp
from dialects.pto.tiles import ReshapeOp
from dialects.pto.types import TileType, element_bits

from .adjacent_tiles import only_user
from .builder import WIDENED, Builder, valid_of
from .forms.short import adds_zero, short_type, shortened_from
from .forms.words import seen_as

LANE_OPERATIONS = (DeinterleaveOp, InterleaveOp, SwapPairsOp)
MovingOp = DeinterleaveOp | InterleaveOp | SwapPairsOp


def narrow(function: func.FuncOp) -> None:
    """Bring every lane operation of a function to the narrowest type that its values have."""
    for op in [op for op in function.walk() if isinstance(op, InterleaveOp)]:
        _round_halves(op)
    for op in [op for op in function.walk() if isinstance(op, LANE_OPERATIONS)]:
        if not _by_results(op):
            _by_operands(op)
    for op in function.walk():
        if isinstance(op, LANE_OPERATIONS):
            for result in op.results:
                _widen_before_views(result)


def _round_halves(op: InterleaveOp) -> None:
    """What is done to every lane behind an interleave, up to a last rounding, is done to the halves: here a
    half that is rounded, widened and freed from -0 stays a short number.
    """
    chain: list[TileOp] = []
    value: SSAValue = op.results[0]
    short = 0
    while isinstance(user := only_user(value), TileOp) and (isinstance(user, TCvtOp) or adds_zero(user)):
        chain.append(user)
        value = user.res[0]
        if element_bits(layout_of(value).dtype) == 16:
            short = len(chain)
    if not any(adds_zero(each) for each in chain[:short]):
        return
    last = chain[short - 1]
    builder = Builder(last)  # behind what the chain takes
    halves = list(op.ins)
    for each in chain[:short]:
        for lane, half in enumerate(halves):
            layout = layout_of(half)._replace(dtype=layout_of(each.res[0]).dtype)
            properties = {n: a for n, a in each.properties.items() if n != "operandSegmentSizes"}
            again = type(each)(
                [half, *each.ins[1:]], result=TileType(layout), valid=valid_of(half), properties=properties
            )
            builder.add(again)
            halves[lane] = again.res[0]
    whole = InterleaveOp(halves, valid=op.valid)
    builder.add(whole)
    Rewriter.replace_op(last, [], [whole.res[0]])
    for dead in (*reversed(chain[: short - 1]), op):
        dead.detach()
        dead.erase()


def widen_first(function: func.FuncOp) -> None:
    """The other way: lanes that are widened once they have been moved are moved as f32 numbers."""
    for op in [op for op in function.walk() if isinstance(op, (DeinterleaveOp, SwapPairsOp))]:
        for result in op.results:
            _widen_before_views(result)
        users = [use.operation for result in op.results for use in result.uses]
        if layout_of(op.x).dtype not in WIDENED or not users or not all(map(converts_to_f32, users)):
            continue
        builder = Builder(op)
        moved = type(op)([widen(builder, op.x)], valid=op.valid)
        builder.add(moved)
        for old, new in zip(op.results, moved.results, strict=True):
            for user in [use.operation for use in old.uses]:
                Rewriter.replace_op(user, [], [new])
        Rewriter.erase_op(op)


def converts_to_f32(op: Operation) -> bool:
    return isinstance(op, TCvtOp) and layout_of(op.res[0]).dtype == "f32"


def _widen_before_views(result: SSAValue) -> None:
    """`widen (reshape x)` is `reshape (widen x)`."""
    for view in [use.operation for use in result.uses if isinstance(use.operation, ReshapeOp)]:
        for user in [use.operation for use in view.res.uses]:
            if converts_to_f32(user):
                builder = Builder(view)
                again = ReshapeOp(widen(builder, result), user.results[0].type)
                builder.add(again)
                Rewriter.replace_op(user, [], [again.res])
        if not list(view.res.uses):
            Rewriter.erase_op(view)


def _by_operands(op: MovingOp) -> None:
    """All operands are short numbers: move those, widen what comes out."""
    shorts = {short_type(value) for value in op.ins}
    if len(shorts) != 1 or (dtype := shorts.pop()) is None:
        return
    builder = Builder(op)
    operands = [as_short(builder, value, dtype) for value in op.ins]
    moved = type(op)(operands, valid=op.valid)
    builder.add(moved)
    results = [widen(builder, result) for result in moved.res]
    Rewriter.replace_op(op, [], results)


def _by_results(op: MovingOp) -> bool:
    """All uses round the result alike: round the operands."""
    uses = [use.operation for result in op.results for use in result.uses]
    first = next(iter(uses), None)
    if not isinstance(first, TCvtOp) or element_bits(layout_of(first.res[0]).dtype) != 16:
        return False
    key = layout_of(first.res[0]).dtype, first.properties.get("rmode"), first.properties.get("satmode")
    for use in uses:
        if not isinstance(use, TCvtOp) or key != (
            layout_of(use.res[0]).dtype,
            use.properties.get("rmode"),
            use.properties.get("satmode"),
        ):
            return False
    builder = Builder(op)

    def rounded(value: SSAValue) -> SSAValue:
        new = TCvtOp(
            [value],
            result=_with_dtype(value, key[0]),
            valid=valid_of(value),
            properties=_options(first),
        )
        builder.add(new)
        return new.res[0]

    moved = type(op)([rounded(value) for value in op.ins], valid=op.valid)
    builder.add(moved)
    for old, new in zip(op.results, moved.results, strict=True):
        for use in [use.operation for use in old.uses]:
            Rewriter.replace_op(use, [], [new])
    Rewriter.erase_op(op)
    return True


def _options(op: TCvtOp) -> dict[str, Attribute | None]:
    return {name: op.properties[name] for name in ("rmode", "satmode") if name in op.properties}


def _with_dtype(value: SSAValue, dtype: str) -> TileType:
    return TileType(layout_of(value)._replace(dtype=dtype))


def widen(builder: Builder, value: SSAValue) -> SSAValue:
    return converted(builder, value, "f32")


def converted(builder: Builder, value: SSAValue, dtype: str) -> SSAValue:
    """An exact conversion, for which any mode will do."""
    op = TCvtOp(
        [value],
        result=_with_dtype(value, dtype),
        valid=valid_of(value),
        properties={"rmode": RoundModeAttr("RINT")},
    )
    builder.add(op)
    return op.res[0]


def as_short(builder: Builder, value: SSAValue, dtype: str) -> SSAValue:
    """The short numbers behind an f32 tile: what was widened, else an exact conversion."""
    op = value.owner
    while isinstance(op, ReshapeOp):
        op = op.source.owner
    if isinstance(op, TCvtOp):
        return seen_as(builder, op.ins[0], layout_of(value)._replace(dtype=dtype))
    return converted(builder, value, dtype)


def drop_round_trips(function: func.FuncOp) -> None:
    """`widen (shorten x)` is x where x is known to be short."""
    for op in [op for op in function.walk() if isinstance(op, TCvtOp) and op.res]:
        if layout_of(op.res[0]).dtype != "f32" or layout_of(op.ins[0]).dtype not in WIDENED:
            continue
        if layout_of(op.ins[0]).dtype == "bf16" and (wide := shortened_from(op.ins[0])) is not None:
            Rewriter.replace_op(op, [], [seen_as(Builder(op), wide, layout_of(op.res[0]))])
