"""GM tensors as values.

A tensor value is one version of a piece of GM. Whatever writes a tensor yields its new version, and the
old one is not used again; a view (`reshape`, `slice`) that was written goes back into its source the same
way. So def-use is dependence here, also where the program text went on under an old name.
"""

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import DYNAMIC_INDEX, I64, IndexType, IntegerAttr, StringAttr, TensorType, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException


def _expect_same_element(a: SSAValue, b: SSAValue) -> None:
    left, right = cast(TensorType[Attribute], a.type), cast(TensorType[Attribute], b.type)
    if left.element_type != right.element_type:
        raise VerifyException(f"expects tensors of one element type, found {left} and {right}")


def _expect_indices(tensor: SSAValue, indices: Sequence[SSAValue]) -> None:
    rank = len(cast(TensorType[Attribute], tensor.type).get_shape())
    if len(indices) != rank:
        raise VerifyException(f"expects {rank} indices, found {len(indices)}")


@irdl_op_definition
class CreateOp(IRDLOperation):
    """A new tensor in GM with uninitialised elements; operands are its dynamic extents."""

    name = "dsv4.create"
    dims = var_operand_def(IndexType)
    layout = opt_prop_def(StringAttr)
    res = result_def(TensorType)
    assembly_format = "(`[` $dims^ `]`)? (`layout` $layout^)? attr-dict `:` type($res)"

    def __init__(self, result: Attribute, dims: Sequence[SSAValue] = (), layout: str | None = None):
        super().__init__(
            operands=[dims],
            result_types=[result],
            properties={"layout": StringAttr(layout) if layout else None},
        )

    def verify_(self) -> None:
        dynamic = self.res.type.get_shape().count(DYNAMIC_INDEX)
        if dynamic != len(self.dims):
            raise VerifyException(f"expects {dynamic} dynamic extents, found {len(self.dims)}")


@irdl_op_definition
class TensorReshapeOp(IRDLOperation):
    """The same elements in row-major order under another shape: a view, nothing moves."""

    name = "dsv4.reshape"
    source = operand_def(TensorType)
    dims = var_operand_def(IndexType)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "$source (`[` $dims^ `]`)? attr-dict `:` type($source) `->` type($res)"

    def __init__(self, source: SSAValue, result: Attribute, dims: Sequence[SSAValue] = ()):
        super().__init__(operands=[source, dims], result_types=[result])

    def verify_(self) -> None:
        _expect_same_element(self.source, self.res)


@irdl_op_definition
class SliceOp(IRDLOperation):
    """A box of a tensor: a view, nothing moves. Offsets in elements, then the dynamic extents."""

    name = "dsv4.slice"
    source = operand_def(TensorType)
    offsets = var_operand_def(IndexType)
    dims = var_operand_def(IndexType)
    res = result_def(TensorType)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(Pure())
    assembly_format = (
        "$source `[` $offsets `]` (`sizes` `[` $dims^ `]`)? attr-dict `:` type($source) `->` type($res)"
    )

    def __init__(
        self,
        source: SSAValue,
        offsets: Sequence[SSAValue],
        result: Attribute,
        dims: Sequence[SSAValue] = (),
    ):
        super().__init__(operands=[source, offsets, dims], result_types=[result])

    def verify_(self) -> None:
        _expect_same_element(self.source, self.res)
        _expect_indices(self.source, self.offsets)


@irdl_op_definition
class AssembleOp(IRDLOperation):
    """`dest` with the box at the offsets replaced by `source`."""

    name = "dsv4.assemble"
    source = operand_def(TensorType)
    dest = operand_def(TensorType)
    offsets = var_operand_def(IndexType)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$source `into` $dest `[` $offsets `]` attr-dict `:` type($source) `into` type($dest) `->` type($res)"
    )

    def __init__(self, source: SSAValue, dest: SSAValue, offsets: Sequence[SSAValue]):
        super().__init__(operands=[source, dest, offsets], result_types=[dest.type])

    def verify_(self) -> None:
        _expect_same_element(self.source, self.res)
        _expect_indices(self.dest, self.offsets)
        if self.dest.type != self.res.type:
            raise VerifyException(f"expects a result of type {self.dest.type}, found {self.res.type}")


@irdl_op_definition
class UpdateOp(IRDLOperation):
    """`dest` behind a change made through `view`, a reshape of it: the elements are those of `view`."""

    name = "dsv4.update"
    view = operand_def(TensorType)
    dest = operand_def(TensorType)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = "$dest `from` $view attr-dict `:` type($dest) `from` type($view) `->` type($res)"

    def __init__(self, view: SSAValue, dest: SSAValue):
        super().__init__(operands=[view, dest], result_types=[dest.type])

    def verify_(self) -> None:
        _expect_same_element(self.view, self.res)
        if self.dest.type != self.res.type:
            raise VerifyException(f"expects a result of type {self.dest.type}, found {self.res.type}")


@irdl_op_definition
class ReadOp(IRDLOperation):
    """One element of a tensor."""

    name = "dsv4.read"
    source = operand_def(TensorType)
    indices = var_operand_def(IndexType)
    res = result_def()
    traits = traits_def(Pure())
    assembly_format = "$source `[` $indices `]` attr-dict `:` type($source) `->` type($res)"

    def __init__(self, source: SSAValue, indices: Sequence[SSAValue], result: Attribute):
        super().__init__(operands=[source, indices], result_types=[result])

    def verify_(self) -> None:
        _expect_indices(self.source, self.indices)


@irdl_op_definition
class WriteOp(IRDLOperation):
    """`dest` with one element replaced."""

    name = "dsv4.write"
    value = operand_def()
    dest = operand_def(TensorType)
    indices = var_operand_def(IndexType)
    res = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$value `into` $dest `[` $indices `]` attr-dict `:` type($value) `into` type($dest) `->` type($res)"
    )

    def __init__(self, value: SSAValue, dest: SSAValue, indices: Sequence[SSAValue]):
        super().__init__(operands=[value, dest, indices], result_types=[dest.type])

    def verify_(self) -> None:
        _expect_indices(self.dest, self.indices)


@irdl_op_definition
class DimOp(IRDLOperation):
    """An extent of a tensor. `symbol` is the name of a symbolic extent that the text uses as it is."""

    name = "dsv4.dim"
    source = operand_def(TensorType)
    axis = prop_def(IntegerAttr[I64])
    symbol = opt_prop_def(StringAttr)
    res = result_def(IndexType)
    traits = traits_def(Pure())
    assembly_format = "$source `,` $axis (`symbol` $symbol^)? attr-dict `:` type($source)"

    def __init__(self, source: SSAValue, axis: int, symbol: str | None = None):
        super().__init__(
            operands=[source],
            properties={
                "axis": IntegerAttr(axis, i64),
                "symbol": StringAttr(symbol) if symbol else None,
            },
            result_types=[IndexType()],
        )

    def verify_(self) -> None:
        rank, axis = len(cast(TensorType[Attribute], self.source.type).get_shape()), self.axis.value.data
        if not 0 <= axis < rank:
            raise VerifyException(f"expects an axis below {rank}, found {axis}")


OPERATIONS: list[type[Operation]] = [
    CreateOp,
    TensorReshapeOp,
    SliceOp,
    AssembleOp,
    UpdateOp,
    ReadOp,
    WriteOp,
    DimOp,
]
