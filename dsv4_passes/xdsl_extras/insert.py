"""Insert operations with the location of others, and constants with their usual names."""

from typing import Any, TypeVar, cast

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

AnyOp = TypeVar("AnyOp", bound=Operation)


def insert_before(before: Operation, op: AnyOp, like: Operation | None = None) -> AnyOp:
    """Insert an operation in front of another one, with the location of that or of `like`."""
    op.location = (like or before).location
    Rewriter.insert_op(op, InsertPoint.before(before))
    return op


def result_before(before: Operation, op: Operation) -> SSAValue:
    """The first result of an operation that is inserted in front of another one."""
    return insert_before(before, op).results[0]


def constant(value: int, type_: Attribute) -> arith.ConstantOp:
    """An integer or index constant that is called `c16_index`."""
    integer: IntegerAttr[Any] = IntegerAttr(value, cast(Any, type_))
    op = arith.ConstantOp(integer)
    op.result.name_hint = f"c{value}_{type_}"
    return op


def index_before(before: Operation, value: int) -> SSAValue:
    """An index constant in front of an operation."""
    return insert_before(before, constant(value, IndexType())).result
