"""Products with select matrices: which values are such, and what is not known about their factors."""

import re
from collections.abc import Iterable, Iterator

from xdsl.dialects import func, scf
from xdsl.ir import BlockArgument, Operation, SSAValue

from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.base import layout_of
from dialects.pto.elementwise import TAddOp
from dialects.pto.matmul import MatmulOp
from dialects.pto.moves import TMovOp
from dialects.pto.tiles import InsertOp, UndefOp
from dsv4_passes.argument_names import argument_name
from dsv4_passes.equivalence.facts import argument_shape, facts_of, loaded_argument
from dsv4_passes.transforms.facts.given import given_instead, wanted_fact

from .builder import Builder, CannotBuild
from .constant_reachability import KnownLanes

MAX_SELECTED = 128
"""As many lanes as one head rotates, at most."""
_NAMED_AFTER_LANES = re.compile("sel|even|odd|perm|leave", re.IGNORECASE)
_NUMBERED = re.compile(r"arg\d+")


def is_site(value: SSAValue) -> bool:
    """A product that leaves the cube, or a sum of such."""
    op = value.owner
    if layout_of(value).loc == "acc" and not isinstance(op, (UndefOp, InsertOp, TMovOp, CoreMoveOp)):
        return any(not isinstance(use.operation, MatmulOp) for use in value.uses)
    return isinstance(op, TAddOp) and any(_from_cube(v) for v in op.ins)


def _from_cube(value: SSAValue) -> bool:
    op = value.owner
    return isinstance(op, (TMovOp, CoreMoveOp)) and layout_of(op.operands[0]).loc == "acc"


def products(value: SSAValue) -> Iterator[MatmulOp]:
    """The products that a value in the accumulator was summed up from, in order.

    On the right a selector moves lanes; on the left it would move rows, which no form here does.
    """
    op = value.owner
    while isinstance(op, (TMovOp, CoreMoveOp)):
        value, op = op.operands[0], op.operands[0].owner
    if isinstance(op, MatmulOp):
        if (acc := op.operand("acc")) is not None:
            yield from products(acc)
        yield op
    elif isinstance(op, TAddOp):
        for operand in op.ins:
            yield from products(operand)
    elif isinstance(op, (scf.ForOp, scf.IfOp)):
        number = list(op.results).index(value)  # pyright: ignore[reportArgumentType]
        for region in op.regions:
            if isinstance(last := region.block.last_op, scf.YieldOp):
                yield from products(last.operands[number])


def sums_of(value: SSAValue) -> Iterator[Operation]:
    """The sums that a product goes into."""
    for use in value.uses:
        op = use.operation
        if isinstance(op, TAddOp):
            yield op
        elif isinstance(op, (TMovOp, CoreMoveOp)):
            yield from sums_of(op.results[0])


def loaded_by(operand: SSAValue) -> BlockArgument | None:
    """The argument that an operand of a product was loaded from as it is; none for what a loop carries."""
    if not isinstance(operand.owner, Operation):
        return None
    try:
        return loaded_argument(Builder(operand.owner).load_behind(operand))
    except CannotBuild:
        return None


def may_select(function: func.FuncOp) -> bool:
    """A factor of some product may hold known numbers."""
    lanes = KnownLanes(function)
    return any(lanes.possible(*op.inputs()) for op in function.walk() if isinstance(op, MatmulOp))


def unknown(function: func.FuncOp, value: SSAValue) -> tuple[str, str] | None:
    """What is not known, or known to be of no use, about the matrices that a value is a product with, in a
    sentence and in few words; None where that is not what keeps the product.
    """
    summed = list(products(value))
    if given := given_instead(function, (loaded_by(product.rhs) for product in summed)):
        return given, "no selector"
    if rows := _row_selectors(function, summed):
        why = "is a selector on the left, which moves rows: no form does that"
        return f"{', '.join(rows)} {why}", "moves rows"
    if missing := missing_facts(function, value):
        return wanted_fact(missing, "a select matrix"), "no fact about a selector"
    return None


def missing_facts(function: func.FuncOp, value: SSAValue) -> list[str]:
    """Arguments of a selector's shape that the products behind `value` load and nothing is known of."""
    known = facts_of(function)
    names: list[str] = []
    for product in products(value):
        argument = loaded_by(product.rhs)
        if argument is None or argument in known:
            continue
        shape = argument_shape(argument)
        name = argument_name(function, argument.index)
        if shape and len(shape) == 2 and may_be_selector(name, *shape):
            names.append(name)
    return list(dict.fromkeys(names))


def may_be_selector(name: str, rows: int, cols: int) -> bool:
    """Worth asking whether a matrix of that name and shape is a select matrix: weights are not."""
    named = _NAMED_AFTER_LANES.search(name) or (_NUMBERED.fullmatch(name) and max(rows, cols) <= MAX_SELECTED)
    return bool(named) and (rows == 2 * cols or cols == 2 * rows)


def _row_selectors(function: func.FuncOp, products: Iterable[MatmulOp]) -> list[str]:
    """Selectors that products have on the left."""
    known = facts_of(function)
    found = (loaded_by(product.lhs) for product in products)
    names = [f"'{argument_name(function, a.index)}'" for a in found if a is not None and a in known]
    return list(dict.fromkeys(names))
