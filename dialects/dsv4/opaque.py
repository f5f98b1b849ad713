"""What the program level adds inside a kernel, and the text that everything came from.

`dsv4.move` is a move that pypto leaves unsaid: a tile made by one core and read by the other. On the chip
it is a push into a channel and a pop; as a value it is the same lanes in another memory.
"""

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import DenseArrayBase, StringAttr, TensorType, i64
from xdsl.interfaces import HasFolderInterface
from xdsl.ir import Attribute, Data, Operation, SSAValue, TypeAttribute
from xdsl.irdl import (
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.traits import EffectInstance, MemoryEffect, MemoryEffectKind, Pure
from xdsl.utils.exceptions import VerifyException

from dialects.pto.base import MEMORY_TYPES, layout_of
from dialects.pto.types import TileType


@irdl_attr_definition
class TextType(Data[str], TypeAttribute):
    """A type that is only known as program text: `!dsv4.text<"pl.Array[4, pl.INT32]">`."""

    name = "dsv4.text"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> str:
        with parser.in_angle_brackets():
            return parser.parse_str_literal()

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.data)


@irdl_op_definition
class CoreMoveOp(IRDLOperation, HasFolderInterface):
    """The lanes of a tile in another memory, across cores if need be. Shape and elements stay."""

    name = "dsv4.move"
    source = operand_def(TileType)
    res = result_def(TileType)
    traits = traits_def(Pure())
    assembly_format = "$source attr-dict `:` type($source) `->` type($res)"

    def __init__(self, source: SSAValue, result_type: Attribute):
        super().__init__(operands=[source], result_types=[result_type])

    def verify_(self) -> None:
        source, result = layout_of(self.source), layout_of(self.res)
        if (source.shape, source.dtype) != (result.shape, result.dtype):
            raise VerifyException(
                f"expects a result of {source.rows}x{source.cols}x{source.dtype}, "
                f"found {result.rows}x{result.cols}x{result.dtype}"
            )

    def fold(self) -> Sequence[SSAValue | Attribute] | None:
        return [self.source] if self.source.type == self.res.type else None


class OpaqueEffects(MemoryEffect):
    """Without an operand that denotes memory it is pure; with one, anything may happen to it."""

    MEMORY: ClassVar = (*MEMORY_TYPES, TensorType, TextType)

    @classmethod
    def get_effects(cls, op: Operation) -> set[EffectInstance]:
        memory = [v for v in op.operands if isinstance(v.type, cls.MEMORY)]
        effects = {EffectInstance(MemoryEffectKind.READ, v) for v in memory}
        if not op.results and not memory:
            effects.add(EffectInstance(MemoryEffectKind.WRITE))
        return effects | {EffectInstance(MemoryEffectKind.WRITE, v) for v in memory}


@irdl_op_definition
class TextCallOp(IRDLOperation):
    """A call that is not understood, kept as text: `{0}` in it stands for the first operand.

    `%r = dsv4.opaque "pl.tile.sort32({0}, {1})" as "pl.Tile[[1, 64], pl.FP32, pl.Mem.Vec]"(%a, %b) : …`

    A kernel's tensors are memory: where the call yields a new version of one, there is no result for that,
    and `dsv4.versions` numbers, part by part of what it yields, the operand it is a version of, or has -1.
    """

    name = "dsv4.opaque"
    text = prop_def(StringAttr)
    annotation = prop_def(StringAttr)
    args = var_operand_def()
    res = var_result_def()
    traits = traits_def(OpaqueEffects())
    assembly_format = "$text `as` $annotation `(` $args `)` attr-dict `:` functional-type($args, $res)"

    def __init__(self, text: str, annotation: str, args: Sequence[SSAValue], results: Sequence[Attribute]):
        super().__init__(
            operands=[args],
            result_types=[results],
            properties={"text": StringAttr(text), "annotation": StringAttr(annotation)},
        )

    @property
    def versions(self) -> Sequence[SSAValue | None]:
        """By part of what the call yields, the tensor it is a new version of, or None for a result."""
        attr = self.attributes.get("dsv4.versions")
        if not isinstance(attr, DenseArrayBase):
            return [None] * len(self.res)
        return [self.args[int(n)] if n >= 0 else None for n in attr.get_values()]

    def set_versions(self, tensors: Sequence[SSAValue | None]) -> None:
        if any(v is not None for v in tensors):
            args = list(self.args)
            numbers = [-1 if v is None else args.index(v) for v in tensors]
            self.attributes["dsv4.versions"] = DenseArrayBase.from_list(i64, numbers)


@irdl_op_definition
class SourceOp(IRDLOperation):
    """The text a function was read from, and a fingerprint of what was read.

    A function that still has that fingerprint is written back as this text. The one without a function
    name is what stands around the functions, with `{}` in their place.
    """

    name = "dsv4.source"
    function = prop_def(StringAttr)
    fingerprint = prop_def(StringAttr)
    text = prop_def(StringAttr)
    assembly_format = "$function $fingerprint $text attr-dict"

    def __init__(self, function: str, fingerprint: str, text: str):
        super().__init__(
            properties={
                "function": StringAttr(function),
                "fingerprint": StringAttr(fingerprint),
                "text": StringAttr(text),
            }
        )


OPERATIONS: list[type[Operation]] = [CoreMoveOp, TextCallOp, SourceOp]
