"""Integer constants at the top of a function, each made once."""

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerAttr, i64
from xdsl.ir import Block, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.pto.memory import constant_int

_TYPES = {"index": IndexType(), "i64": i64}


class Constants:
    """The constants that a function begins with, and those that are put behind them."""

    def __init__(self, body: Block):
        self._body = body
        self._known: dict[tuple[int, str], SSAValue] = {}
        for op in body.ops:
            if not isinstance(op, arith.ConstantOp):
                break
            if (number := constant_int(op.result)) is not None:
                self._known.setdefault((number, str(op.result.type)), op.result)

    def index(self, value: int) -> SSAValue:
        return self._get(value, "index")

    def address(self, value: int) -> SSAValue:
        """Bytes, as an i64."""
        return self._get(value, "i64")

    def _get(self, value: int, type_: str) -> SSAValue:
        key = value, type_
        if key not in self._known:
            behind = next(op for op in self._body.ops if not isinstance(op, arith.ConstantOp))
            constant = arith.ConstantOp(IntegerAttr(value, _TYPES[type_]))
            constant.location = behind.location
            constant.result.name_hint = f"c{value}_{type_}"
            Rewriter.insert_op(constant, InsertPoint.before(behind))
            self._known[key] = constant.result
        return self._known[key]
