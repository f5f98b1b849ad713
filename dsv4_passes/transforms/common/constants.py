"""Integer constants at the top of a function, each made once."""

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, i64
from xdsl.ir import Block, Operation, SSAValue

from dialects.pto.memory import constant_int
from dsv4_passes.xdsl_extras.insert import constant, insert_before

_TYPES = {"index": IndexType(), "i64": i64}


class Constants:
    """The constants that a function begins with, and those that are put behind them."""

    def __init__(self, body: Block):
        self._body = body
        self._known: dict[tuple[int, str], SSAValue] = {}
        self._last: Operation | None = None
        """The last of them that was made here."""
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
            behind = self._behind()
            made = insert_before(behind, constant(value, _TYPES[type_]))
            self._last = made
            self._known[key] = made.result
        return self._known[key]

    def _behind(self) -> Operation:
        """The first operation that is not a constant."""
        op = self._body.first_op if self._last is None else self._last.next_op
        while isinstance(op, arith.ConstantOp):
            op = op.next_op
        assert op is not None
        return op
