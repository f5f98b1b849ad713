"""Unroll loops with few constant trips, so that what happens in a trip can be seen from outside.

    scf.for %i = %c0 to %c32 step %c16 { f(%i) }    =>    f(%c0); f(%c16)

Legal because the trips run in order and each gets what the one before yielded. What is a number then is
written as one, and of a branch whose condition is known the body that runs is left.
"""

from collections.abc import Callable
from typing import Any, cast

from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.pto.memory import constant_int
from dsv4_passes.diagnostics import UserError
from dsv4_passes.interpreter.numpy_domain import NumpyDomain
from dsv4_passes.interpreter.scalars import evaluate, is_integer
from dsv4_passes.xdsl_extras.insert import constant
from dsv4_passes.xdsl_extras.loops import trips


def unroll_loops(function: func.FuncOp, wanted: Callable[[scf.ForOp], bool], limit: int = 8) -> int:
    """Unroll the wanted loops of at most `limit` trips, inner ones first; how many were unrolled."""
    loops = [op for op in function.walk() if isinstance(op, scf.ForOp)]
    count = 0
    for loop in reversed(loops):
        number = trips(loop)
        counted = isinstance(loop.lb.type, IndexType)
        if counted and number is not None and number <= limit and wanted(loop):
            unroll(loop, number)
            count += 1
    if count:
        fold_numbers(function.body.block)
    return count


def unroll(loop: scf.ForOp, number: int) -> None:
    """Put `number` copies of the body in the loop's place."""
    lower, step = constant_int(loop.lb), constant_int(loop.step)
    assert lower is not None
    assert step is not None
    block = loop.body.block
    carried: list[SSAValue] = list(loop.iter_args)
    for trip in range(number):
        iv = constant(lower + trip * step, IndexType())
        Rewriter.insert_op(iv, InsertPoint.before(loop))
        mapping: dict[SSAValue, SSAValue] = dict(zip(block.args, [iv.result, *carried], strict=True))
        for op in block.ops:
            if isinstance(op, scf.YieldOp):
                carried = [mapping.get(v, v) for v in op.operands]
                break
            copy = op.clone(mapping)
            _keep_places(op, copy)
            Rewriter.insert_op(copy, InsertPoint.before(loop))
    for result, value in zip(loop.results, carried, strict=True):
        result.replace_all_uses_with(value)
    Rewriter.erase_op(loop)


def fold_numbers(block: Block) -> None:
    """Write integers that follow from constants as constants, and take the branches they decide."""
    op = block.first_op
    while op is not None:
        following = op.next_op
        if isinstance(op, scf.IfOp) and (taken := constant_int(op.cond)) is not None:
            following = _take_branch(op, bool(taken)) or following
        elif (number := _number(op)) is not None:
            _keep_name(constant := arith.ConstantOp(number), number)
            constant.location = op.location
            Rewriter.replace_op(op, constant)
        elif (value := _other_operand(op)) is not None:
            Rewriter.replace_op(op, [], [value])
        else:
            for region in op.regions:
                for inner in region.blocks:
                    fold_numbers(inner)
        op = following


def _number(op: Operation) -> IntegerAttr[Any] | None:
    """The value of an operation on integer constants."""
    if not op.name.startswith("arith.") or isinstance(op, arith.ConstantOp) or len(op.results) != 1:
        return None
    type_ = op.results[0].type
    numbers = [constant_int(v) for v in op.operands]
    if not is_integer(type_) or None in numbers:
        return None
    try:
        value = evaluate(op, list(numbers), NumpyDomain())
    except UserError:  # a division by zero stays what it is
        return None
    return IntegerAttr(value, cast(IndexType, type_)) if isinstance(value, int) else None


_NEUTRAL = {"arith.addi": 0, "arith.muli": 1}


def _other_operand(op: Operation) -> SSAValue | None:
    """The operand to which a sum adds 0 and which a product multiplies by 1."""
    if (neutral := _NEUTRAL.get(op.name)) is None:
        return None
    left, right = op.operands
    if constant_int(right) == neutral:
        return left
    return right if constant_int(left) == neutral else None


def _keep_name(constant: arith.ConstantOp, number: IntegerAttr[Any]) -> None:
    if isinstance(number.type, IndexType):
        constant.result.name_hint = f"c{number.value.data}_index"


def _take_branch(op: scf.IfOp, taken: bool) -> Operation | None:
    """Put the body of a branch in its place; the first operation of it."""
    region = op.true_region if taken else op.false_region
    first: Operation | None = None
    values: list[SSAValue] = []
    if region.blocks:
        block = region.block
        last = block.last_op
        if isinstance(last, scf.YieldOp):
            values = list(last.operands)
            Rewriter.erase_op(last)
        first = block.first_op
        Rewriter.inline_block(block, InsertPoint.before(op))
    Rewriter.replace_op(op, [], values)
    return first


def _keep_places(old: Operation, new: Operation) -> None:
    """A clone keeps the locations of its original."""
    for a, b in zip(old.walk(), new.walk(), strict=True):
        b.location = a.location
