"""Quantisation and its inverse."""

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import BoolAttr
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from .attributes import QuantTypeAttr
from .base import TileOp, layout_of
from .rules import expect_relation, expect_vec
from .target import ChipRules
from .types import element_bits


@irdl_op_definition
class TQuantOp(TileOp):
    """Scale per row, add an offset if the type is asymmetric, and round to 8-bit integers.

    `pto.tquant ins(%src, %fp, %offset : …) outs(%dst, %tmp : …) {quant_type = #pto<quant_type INT8_ASYM>}`;
    `fp` holds the scales.
    """

    name = "pto.tquant"
    OPERANDS: ClassVar = "src fp offset? tmp?"
    TMP_IN_OUTS: ClassVar = True
    quant_type = prop_def(QuantTypeAttr)

    def operand_names(self) -> Sequence[str]:
        names = ("src", "fp", "offset", "tmp") if self.is_asymmetric else ("src", "fp", "tmp")
        return names[: len(self.ins)]

    @property
    def is_asymmetric(self) -> bool:
        return self.quant_type.data == "INT8_ASYM"

    def check(self, chip: ChipRules) -> None:
        kind, dst = self.quant_type.data, self.destination_layout()
        if kind not in ("INT8_SYM", "INT8_ASYM"):
            raise VerifyException(f"expects quant_type to be INT8_SYM or INT8_ASYM, found {kind}")
        if self.is_asymmetric and len(self.ins) < 3:
            raise VerifyException("expects an offset operand for INT8_ASYM, found none")
        if len(self.ins) > len(self.operand_names()):
            raise VerifyException("expects no offset operand for INT8_SYM, found one")
        expected = ("ui8",) if self.is_asymmetric else ("i8", "ui8", "si8")
        if dst.dtype not in expected:
            raise VerifyException(
                f"expects a destination of {' or '.join(expected)} for {kind}, found {dst.dtype}"
            )
        expect_vec([self.ins[0], *self.destinations()])
        src = layout_of(self.ins[0])
        for tmp in map(layout_of, self.scratch_operands()):
            if not chip.lifts("tquant.scratch_shape") and tmp.shape != src.shape:
                raise VerifyException(
                    f"expects {src.rows}x{src.cols} scratch memory on {chip.name}, "
                    f"found {tmp.rows}x{tmp.cols}"
                )
        expect_relation("the valid rows of the destination", dst.valid_rows, src.valid_rows)


@irdl_op_definition
class TQuantMxOp(TileOp):
    """Quantise in groups of 32 with one shared exponent each (A5).

    `outs(%dst, %exp, %max, %scaling, %exp_zz : …)`: the payload, the exponents, and what their computation
    needs or leaves: the largest magnitude and the scale of each group, the exponents in another layout.
    """

    name = "pto.tquant.mx"
    DESTINATIONS: ClassVar = "dst exp max scaling exp_zz?"
    quant_type = prop_def(QuantTypeAttr)
    quantScaleAlg = opt_prop_def()
    storeMode = opt_prop_def()
    grpAxis = opt_prop_def()
    interleave = opt_prop_def(BoolAttr)

    def check(self, chip: ChipRules) -> None:
        if (kind := self.quant_type.data) not in ("MXFP8", "MXFP4_E2M1"):
            raise VerifyException(f"expects quant_type to be MXFP8 or MXFP4_E2M1, found {kind}")
        expect_vec([*self.ins, *self.destinations()])


@irdl_op_definition
class TDequantOp(TileOp):
    """`d[i, j] = (src[i, j] - offset[i, 0]) * scale[i, 0]`."""

    name = "pto.tdequant"
    OPERANDS: ClassVar = "src scale offset"

    def check(self, chip: ChipRules) -> None:
        src, scale, offset = map(layout_of, self.ins)
        if element_bits(src.dtype) not in (8, 16) or not src.dtype.startswith("i"):
            raise VerifyException(f"expects an i8 or i16 source, found {src.dtype}")
        for what, layout in (("scale", scale), ("offset", offset), ("dst", self.destination_layout())):
            if layout.dtype != "f32":
                raise VerifyException(f"expects f32 elements for {what}, found {layout.dtype}")


@irdl_op_definition
class TGetScaleAddrOp(TileOp):
    """Make the scaling tile `dst` the place where the scales of `src` lie; nothing is moved.

    It changes what a handle means, so it exists in buffer form only.
    """

    name = "pto.tget_scale_addr"
    BUFFER_ONLY: ClassVar = True

    def check(self, chip: ChipRules) -> None:
        if (loc := self.destination_layout().loc) != "scaling":
            raise VerifyException(f"expects a destination in scaling memory, found {loc}")


OPERATIONS = [TQuantOp, TQuantMxOp, TDequantOp, TGetScaleAddrOp]
