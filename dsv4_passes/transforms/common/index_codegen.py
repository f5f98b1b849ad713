"""Write sums over a block number and loop trips (transforms/common/quasi_affine.py) as operations.

The digit `x // 8 % 4` is written `x // 8 - 4 * (x // 32)`: a remainder would be an opaque number to whoever
follows addresses, while the quotients here cancel against those in other addresses.
"""

from collections.abc import Sequence

from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IndexType, IntegerType, LocationAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.pto.memory import constant_int
from dsv4_passes.xdsl_extras.insert import constant

from .quasi_affine import Digit, Sum


class IndexCodegen:
    """Numbers in terms of some loops' trips and the block number, each made once, in front of one place."""

    def __init__(
        self,
        block: SSAValue | None,
        loops: Sequence[scf.ForOp],
        before: Operation,
        location: LocationAttr,
    ):
        """`block` is the argument that holds the block number (None where there is one block)."""
        self.before, self.location = before, location
        self.known: dict[object, SSAValue] = {}
        self.variables = [self._block(block), *(self._trip(loop) for loop in loops)]

    def insert(self, op: Operation) -> SSAValue:
        op.location = self.location
        Rewriter.insert_op(op, InsertPoint.before(self.before))
        return op.results[0]

    def constant(self, value: int, type_: Attribute) -> SSAValue:
        key = value, type_
        if key not in self.known:
            self.known[key] = self.insert(constant(value, type_))
        return self.known[key]

    def number(self, number: Sum, type_: Attribute) -> SSAValue | None:
        """The value of a sum; None for a single bit that depends on something."""
        if not number.parts:
            return self.constant(number.constant, type_)
        if isinstance(type_, IndexType):
            return self._sum(number)
        if type_ == IntegerType(1):
            return None
        key = number, type_
        if key not in self.known:
            self.known[key] = self.insert(arith.IndexCastOp(self._sum(number), type_))
        return self.known[key]

    def _block(self, argument: SSAValue | None) -> SSAValue:
        if argument is None:
            return self.constant(0, IndexType())
        value = self.insert(arith.IndexCastOp(argument, IndexType()))
        value.name_hint = "block"
        return value

    def _trip(self, loop: scf.ForOp) -> SSAValue:
        """The number of a trip, from 0 on."""
        variable: SSAValue = loop.body.block.args[0]
        if constant_int(loop.lb) != 0:
            variable = self.insert(arith.SubiOp(variable, loop.lb))
        if constant_int(loop.step) != 1:
            variable = self.insert(arith.DivSIOp(variable, loop.step))
        return variable

    def _index(self, value: int) -> SSAValue:
        return self.constant(value, IndexType())

    def _sum(self, number: Sum) -> SSAValue:
        if not number.parts:
            return self._index(number.constant)
        if number in self.known:
            return self.known[number]
        if number.constant:
            rest = self._sum(number._replace(constant=0))
            value = self.insert(arith.AddiOp(rest, self._index(number.constant)))
        else:
            *others, (digit, coefficient) = number.parts
            value = self._digit(digit)
            if coefficient != 1:
                value = self.insert(arith.MuliOp(value, self._index(coefficient)))
            if others:
                value = self.insert(arith.AddiOp(self._sum(number._replace(parts=tuple(others))), value))
        self.known[number] = value
        return value

    def _digit(self, digit: Digit) -> SSAValue:
        if digit not in self.known:
            value = self._quotient(digit.axis, digit.stride)
            if not digit.whole:
                above = self._quotient(digit.axis, digit.stride * digit.size)
                above = self.insert(arith.MuliOp(above, self._index(digit.size)))
                value = self.insert(arith.SubiOp(value, above))
            self.known[digit] = value
        return self.known[digit]

    def _quotient(self, axis: int, divisor: int) -> SSAValue:
        if divisor == 1:
            return self.variables[axis]
        key = "//", axis, divisor
        if key not in self.known:
            self.known[key] = self.insert(arith.DivSIOp(self.variables[axis], self._index(divisor)))
        return self.known[key]
