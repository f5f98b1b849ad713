"""Views of GM, and the loads and stores between GM and on-chip memory."""

from collections.abc import Sequence
from typing import ClassVar, Self

from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from .attributes import LayoutAttr
from .base import TileOp, is_tile, layout_of
from .pointers import LoadScalarOp as LoadScalarOp
from .pointers import StoreScalarOp as StoreScalarOp
from .syntax import parse_listed, print_conversion, print_listed, segment_sizes
from .target import ChipRules
from .types import DYNAMIC, PartitionTensorViewType, PtrType, TensorViewType, ViewShape, element_bits


def constant_int(value: SSAValue) -> int | None:
    """The number a value is, if `arith.constant` says so."""
    owner = value.owner
    if isinstance(owner, Operation) and owner.name == "arith.constant":
        attr = owner.properties.get("value")
        if isinstance(attr, IntegerAttr):
            return attr.value.data
    return None


def same_index(a: SSAValue, b: SSAValue) -> bool:
    """One value, or equal constants."""
    return a is b or (constant_int(a) is not None and constant_int(a) == constant_int(b))


def constant_or_dynamic(value: SSAValue) -> int:
    """The number a value is, `DYNAMIC` where that is not known."""
    number = constant_int(value)
    return DYNAMIC if number is None else number


@irdl_op_definition
class MakeTensorViewOp(IRDLOperation):
    """A strided view of a whole GM tensor. Shape and strides are in elements.

    `%v = pto.make_tensor_view %arg0, shape = [%c16, %c64], strides = [%c64, %c1]
    {layout = #pto.layout<nd>} : !pto.tensor_view<?x?xf32>`
    """

    name = "pto.make_tensor_view"
    ptr = operand_def(PtrType)
    shape = var_operand_def(IndexType)
    strides = var_operand_def(IndexType)
    layout = opt_prop_def(LayoutAttr)
    res = result_def(TensorViewType)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(Pure())

    def __init__(
        self,
        ptr: SSAValue,
        shape: Sequence[SSAValue],
        strides: Sequence[SSAValue],
        layout: Attribute | None = None,
    ):
        assert isinstance(ptr.type, PtrType)
        super().__init__(
            operands=[[ptr], shape, strides],
            properties={"layout": layout},
            result_types=[TensorViewType(ViewShape((DYNAMIC,) * len(shape), ptr.type.data.dtype))],
        )

    def verify_(self) -> None:
        rank = len(self.result_type.data.dims)
        if not len(self.shape) == len(self.strides) == rank:
            raise VerifyException(
                f"expects {rank} extents and {rank} strides for its result type, "
                f"found {len(self.shape)} and {len(self.strides)}"
            )
        assert isinstance(self.ptr.type, PtrType)
        if self.ptr.type.data.dtype != self.result_type.data.dtype:
            raise VerifyException(
                f"expects a view of {self.ptr.type.data.dtype} elements, found {self.result_type.data.dtype}"
            )

    @property
    def result_type(self) -> TensorViewType:
        assert isinstance(self.res.type, TensorViewType)
        return self.res.type

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        ptr = parser.parse_unresolved_operand()
        shape = parse_listed(parser, "shape")
        strides = parse_listed(parser, "strides")
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        position = parser.pos
        result = parser.parse_type()
        if not isinstance(result, TensorViewType):
            parser.raise_error("expected a !pto.tensor_view type", position)
        pointer = ptr.operand_name in parser.ssa_values
        known = parser.ssa_values[ptr.operand_name][ptr.index].type if pointer else None
        if not isinstance(known, PtrType):
            parser.raise_error(
                f"expected %{ptr.operand_name} to be a !pto.ptr, found {known or 'no definition'}", ptr.span
            )
        layout = attributes.pop("layout", None)
        op = cls.create(
            operands=[parser.resolve_operand(ptr, known), *shape, *strides],
            result_types=[result],
            properties={"operandSegmentSizes": segment_sizes(1, len(shape), len(strides))}
            | ({"layout": layout} if layout else {}),
            attributes=attributes,
        )
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.ptr)
        print_listed(printer, "shape", self.shape)
        print_listed(printer, "strides", self.strides)
        shown = {"layout": self.layout} if self.layout else {}
        printer.print_op_attributes(shown | self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.res.type)


@irdl_op_definition
class PartitionViewOp(IRDLOperation):
    """A box of a view: offsets and sizes in elements, one per dimension.

    `%p = pto.partition_view %v, offsets = [%0, %c0], sizes = [%c4, %c32] :
    !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<4x32xf32>`
    """

    name = "pto.partition_view"
    source = operand_def(TensorViewType)
    offsets = var_operand_def(IndexType)
    sizes = var_operand_def(IndexType)
    res = result_def(PartitionTensorViewType)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(Pure())

    def __init__(
        self,
        source: SSAValue,
        offsets: Sequence[SSAValue],
        sizes: Sequence[SSAValue],
        result_type: Attribute,
    ):
        super().__init__(operands=[[source], offsets, sizes], result_types=[result_type])

    def verify_(self) -> None:
        assert isinstance(self.source.type, TensorViewType)
        assert isinstance(self.res.type, PartitionTensorViewType)
        rank = len(self.source.type.data.dims)
        if not len(self.offsets) == len(self.sizes) == rank:
            raise VerifyException(
                f"expects {rank} offsets and {rank} sizes for its source, "
                f"found {len(self.offsets)} and {len(self.sizes)}"
            )
        dims = self.res.type.data.dims
        for axis, (offset, size) in enumerate(zip(self.offsets, self.sizes, strict=True)):
            if (number := constant_int(offset)) is not None and number < 0:
                raise VerifyException(f"expects offset {axis} to be at least 0, found {number}")
            if (number := constant_int(size)) is None:
                continue
            if number <= 0:
                raise VerifyException(f"expects size {axis} to be positive, found {number}")
            if len(dims) == rank and dims[axis] not in (number, DYNAMIC):
                raise VerifyException(
                    f"expects size {axis} to be {dims[axis]} as in its result type, found {number}"
                )

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        source = parser.parse_unresolved_operand()
        offsets = parse_listed(parser, "offsets")
        sizes = parse_listed(parser, "sizes")
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        position = parser.pos
        source_type = parser.parse_type()
        if not isinstance(source_type, TensorViewType):
            parser.raise_error("expected a !pto.tensor_view type", position)
        if parser.parse_optional_punctuation("->") is not None:
            result = parser.parse_type()
        else:
            # ptoas leaves out a result type that the constant sizes already say
            extents = [constant_int(size) for size in sizes]
            result = PartitionTensorViewType(
                ViewShape(tuple(DYNAMIC if e is None else e for e in extents), source_type.data.dtype)
            )
        return cls.create(
            operands=[parser.resolve_operand(source, source_type), *offsets, *sizes],
            result_types=[result],
            properties={"operandSegmentSizes": segment_sizes(1, len(offsets), len(sizes))},
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.source)
        print_listed(printer, "offsets", self.offsets)
        print_listed(printer, "sizes", self.sizes)
        print_conversion(printer, self.attributes, self.source, self.res)


@irdl_op_definition
class TLoadOp(TileOp):
    """Copy a box of GM into a tile. In value form the view stays an operand: GM is memory."""

    name = "pto.tload"
    layout = opt_prop_def()

    def check(self, chip: ChipRules) -> None:
        view, tile = self.ins[0].type, self.destination_layout()
        if not isinstance(view, PartitionTensorViewType):
            raise VerifyException(f"expects to load from a partition_tensor_view, found {view}")
        if tile.loc not in ("vec", "mat"):
            raise VerifyException(f"expects to load into vec or mat memory, found {tile.loc}")
        if element_bits(view.data.dtype) != element_bits(tile.dtype):
            raise VerifyException(
                f"expects elements of one width, found {view.data.dtype} in GM and {tile.dtype} in the tile"
            )


@irdl_op_definition
class TStoreOp(TileOp):
    """Copy a tile to a box of GM. From an accumulator the store may convert (f32 to bf16: a rounding)."""

    name = "pto.tstore"
    OPERANDS: ClassVar = "src fp? pre_quant?"
    DESTINATIONS: ClassVar = ""
    CLAUSES: ClassVar = {"fp": " fp ", "pre_quant": ", "}
    stPhase = opt_prop_def()
    atomicType = opt_prop_def()
    reluPreMode = opt_prop_def()

    def check(self, chip: ChipRules) -> None:
        if len(self.outs) != 1 or not isinstance(self.outs[0].type, PartitionTensorViewType):
            raise VerifyException("expects to store to one partition_tensor_view")
        if not is_tile(self.ins[0]):
            raise VerifyException(f"expects to store a tile, found {self.ins[0].type}")
        view, tile = self.outs[0].type.data, layout_of(self.ins[0])
        stored = chip.moves("tstore")
        if stored is not None and (tile.loc, "gm") not in stored:
            raise VerifyException(f"cannot store from {tile.loc} memory on {chip.name}")
        if tile.loc != "acc" and element_bits(view.dtype) != element_bits(tile.dtype):
            raise VerifyException(
                f"expects elements of one width, found {tile.dtype} in the tile and {view.dtype} in GM"
            )
        if DYNAMIC not in (*view.dims, *tile.valid) and 0 not in tile.valid and self.operand("fp") is None:
            stored, room = tile.valid_rows * tile.valid_cols, 1
            for dim in view.dims:
                room *= dim
            if stored != room:
                raise VerifyException(
                    "expects as many valid elements as the view has, "
                    f"found {stored} in the tile and {room} in GM"
                )

    def element_type(self) -> str | None:
        """What arrives in GM, as an accumulator may be converted on its way; else what the tile has."""
        view, tile = self.outs[0].type, layout_of(self.ins[0])
        return (
            view.data.dtype if tile.loc == "acc" and isinstance(view, PartitionTensorViewType) else tile.dtype
        )

    def element_form(self) -> str:
        return layout_of(self.ins[0]).loc

    def operand_names(self) -> Sequence[str]:
        """What `fp` and `pre_quant` are, their types say."""
        return ["src", *("fp" if is_tile(value) else "pre_quant" for value in self.ins[1:])]


OPERATIONS: list[type[Operation]] = [
    MakeTensorViewOp,
    PartitionViewOp,
    TLoadOp,
    TStoreOp,
]
