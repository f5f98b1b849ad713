"""Names of operations in older assemblers; each is read under its current name.

ptoas renamed or merged these between April and August 2026.
"""

from typing import Any

from xdsl.dialects.builtin import DenseArrayBase, i64
from xdsl.ir import Operation
from xdsl.parser import Parser

from .fill import TFillPadOp
from .memory import TStoreOp, constant_int
from .moves import TExtractOp, TInsertOp, TMovOp
from .syntax import parse_index_list, segment_sizes
from .tiles import SubviewOp
from .types import AnyTileType


class SubsetOp(Operation):
    """`%s = pto.subset %t[%r, %c] sizes [8, 64] : T`: a subview without a written type, all of it valid."""

    name = "pto.subset"

    @classmethod
    def parse(cls, parser: Parser) -> Any:
        source = parser.parse_unresolved_operand()
        offsets = parse_index_list(parser)
        parser.parse_keyword("sizes")
        sizes = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        position = parser.pos
        type_ = parser.parse_type()
        if not isinstance(type_, AnyTileType) or len(sizes) != 2 or len(offsets) != 2:
            parser.raise_error("expected two offsets, two sizes and a tile type", position)
        rows, cols = sizes
        starts = [constant_int(offset) or 0 for offset in offsets]
        valid = [
            extent if extent < 0 else max(0, min(size, extent - start))
            for extent, size, start in zip(type_.data.valid, sizes, starts, strict=True)
        ]
        result = type_.with_(rows=rows, cols=cols, valid_rows=valid[0], valid_cols=valid[1])
        return SubviewOp.create(
            operands=[parser.resolve_operand(source, type_), *offsets],
            result_types=[result],
            properties={
                "operandSegmentSizes": segment_sizes(1, len(offsets), 0),
                "sizes": DenseArrayBase.from_list(i64, sizes),
            },
            attributes=attributes,
        )


def _older(name: str, newer: type[Operation]) -> type[Operation]:
    """The operation `name`, whose text is that of `newer`."""

    def parse(cls: type[Operation], parser: Parser) -> Operation:
        return newer.parse(parser)

    return type("OlderOp", (Operation,), {"name": f"pto.{name}", "parse": classmethod(parse)})


OPERATIONS: list[type[Operation]] = [
    SubsetOp,
    *(_older(name, TMovOp) for name in ("tmov.fp", "tmov_fp")),
    *(_older(name, TStoreOp) for name in ("tstore.fp", "tstore_fp")),
    *(_older(name, TFillPadOp) for name in ("tfillpad_inplace", "tfillpad_expand")),
    *(_older(name, newer) for name, newer in (("textract_fp", TExtractOp), ("tinsert_fp", TInsertOp))),
]
