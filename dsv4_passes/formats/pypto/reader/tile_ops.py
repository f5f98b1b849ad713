"""Tile operations that compute: the rows of the table, fills, iotas and products."""

import ast
from collections.abc import Sequence

from xdsl.dialects.builtin import BoolAttr, UnrealizedConversionCastOp, i32
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.exceptions import VerifyException

from dialects.pto.attributes import CmpAttr, RoundModeAttr
from dialects.pto.base import TileOp, is_tile, layout_of
from dialects.pto.broadcast import TCiOp, TExpandsOp
from dialects.pto.elements import ELEMENT_TYPES, element_bits
from dialects.pto.elementwise import EitherOrderScalarOp, ScalarOp
from dialects.pto.matmul import TMatmulAccOp, TMatmulOp
from dialects.pto.tiles import ReshapeOp
from dsv4_passes.formats.pypto.grammar.table import (
    BY_NAME,
    COMPARISONS,
    KEYWORDS,
    MODES,
    OPERATIONS,
    PATTERNS,
    Row,
    mask_properties,
    masked_columns,
    packed_columns,
    unspelled,
)
from dsv4_passes.formats.pypto.grammar.tile_text import mark_implicit
from dsv4_passes.formats.pypto.grammar.types import PADS, TileText, implicit_layout

from .body import Bound
from .function import Handler, Keep, TextCall, TileReader
from .memory_ops import count, known


def read_row(reader: TileReader, call: TextCall) -> Bound | None:
    """An operation of the table; anything else is not known here."""
    row = BY_NAME.get(unspelled(call.op.removeprefix("tile."))) if call.op.startswith("tile.") else None
    kind = OPERATIONS.get(row.mnemonic) if row is not None else None
    if row is None or kind is None:
        raise Keep("it is not understood")
    given = reader.source.keywords(call.node)
    known(call, given, KEYWORDS.get(row.name, set()))
    names = kind.OPERANDS.split()
    most = 1 if row.name.endswith("_mask") else len(names)
    least = 1 if row.name.endswith("_mask") else sum(not n.endswith("?") for n in names)
    if row.name in ("gather", "scatter", "mrgsort_format1"):
        least = 2
    if row.name == "mrgsort_format1":
        most = 2
    count(reader, call, least + row.drops, most + row.drops)
    operands = arguments(reader, call, row)
    properties = row_properties(reader, call, row, given)
    shape = row_shape(reader, call, row, operands, properties)
    first = layout_of(operands[row.like])
    dtype = "ui8" if row.shape == "packed" else first.dtype
    for keyword in ("target_type", "output_dtype"):
        dtype = reader.types.dtype(given[keyword]) if keyword in given else dtype
    text = reader.result(call, shape, dtype, "vec")
    used = [reader.to(v, "vec", call.node) if is_tile(v) else v for v in operands[row.drops :]]
    return build(reader, call, kind, used, properties, text)


def arguments(reader: TileReader, call: TextCall, row: Row) -> list[SSAValue]:
    """Positional arguments: tiles, and numbers in the element type of the first tile."""
    scalars = row.scalars(len(call.args))
    tiles = [None if i in scalars else reader.tile(node) for i, node in enumerate(call.args)]
    first = next(t for t in tiles if t is not None)
    hint = ELEMENT_TYPES[layout_of(first).dtype.removeprefix("u")]
    if row.name == "mrgsort_format1":
        hint = i32  # a number of lanes
    return [
        reader.scalar(node, hint) if tile is None else tile
        for tile, node in zip(tiles, call.args, strict=True)
    ]


def row_properties(
    reader: TileReader, call: TextCall, row: Row, given: dict[str, ast.expr]
) -> dict[str, Attribute]:
    """Properties that the keyword arguments say."""
    if "pad_value" in given:
        pad = reader.source.word(given["pad_value"], "pl.PadValue")
        declared = call.declared.layout.pad if isinstance(call.declared, TileText) else 0
        if pad not in PADS or PADS.index(pad) != declared:
            raise Keep("its type has another padding than it says")
        return {}
    for name in KEYWORDS.get(row.name, set()) - {"output_dtype"}:
        if name not in given:
            reader.fail(call.node, f"expected {name}= for pl.{call.op}")
    if "mode" in given:
        mode = reader.source.string(given["mode"])
        if mode not in MODES:
            reader.fail(given["mode"], f"unknown rounding mode '{mode}'")
        return {"rmode": RoundModeAttr(MODES[mode])}
    for name, words in (("cmp_type", COMPARISONS), ("mask_pattern", ("", *PATTERNS))):
        if name in given:
            number = reader.source.integer(given[name])
            if not 0 <= number < len(words) or not words[number]:
                reader.fail(given[name], f"unknown {name} {number}")
            word = words[number]
            return mask_properties(word) if name == "mask_pattern" else {"cmpMode": CmpAttr(word)}
    return {}


def row_shape(
    reader: TileReader,
    call: TextCall,
    row: Row,
    operands: Sequence[SSAValue],
    properties: dict[str, Attribute],
) -> tuple[int, ...]:
    """The shape of the result, by the rule of the row."""
    like = operands[row.like]
    shape = reader.shape(like)
    *leading, last = shape
    match row.shape:
        case "column":
            return (*leading, 1)
        case "row":
            return (1, last)
        case "packed":
            return (*leading, packed_columns(last))
        case "mask":
            pattern = properties["maskPattern"]
            return (*leading, masked_columns(last, getattr(pattern, "data", "P1111")))
        case "index":
            return reader.shape(operands[1])
        case "pairs":
            return (*leading, last * (64 // element_bits(layout_of(like).dtype)))
        case "beside":
            return (*leading, last + reader.shape(operands[1])[-1])
        case _:
            if row.name in _SAME_SHAPE:
                return broadcast(reader, call, [reader.shape(v) for v in operands[:2]])
            return shape


_SAME_SHAPE = set("add sub mul div maximum minimum and or xor rem fmod shl shr".split())


def broadcast(reader: TileReader, call: TextCall, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The common shape of two tiles, of which one may have one row or column for all."""
    left, right = shapes
    if len(left) == len(right) and all(a == b or 1 in (a, b) for a, b in zip(left, right, strict=True)):
        return tuple(map(max, left, right))
    reader.fail(call.node, f"'{call.op}' cannot combine tiles of {list(left)} and {list(right)}")


def build(
    reader: TileReader,
    call: TextCall,
    kind: type[TileOp],
    operands: Sequence[SSAValue],
    properties: dict[str, Attribute],
    text: TileText,
) -> SSAValue:
    """The operation, directly or, where columns stand in the way, on rows. Raises VerifyException."""
    valid, dynamic = reader.valid(text)
    columns = any(map(is_column, operands)) and not dynamic
    if columns and issubclass(kind, ScalarOp | EitherOrderScalarOp):  # pypto does, though ptoas takes them
        value = on_rows(reader, call, kind, operands, properties, text)
    else:
        mark = reader.block.last_op
        op = kind(operands, result=text.tile_type(valid), valid=dynamic, properties=properties)
        try:
            value = reader.verified(op, call.node, call.name)
        except VerifyException:
            if not columns:
                raise
            reader.undo(mark)
            value = on_rows(reader, call, kind, operands, properties, text)
    reader.texts.note(value, text)
    return value


def is_column(value: SSAValue) -> bool:
    """`[R, 1]` in vector memory, whose lanes lie in memory like those of `[1, R]`."""
    if not is_tile(value):
        return False
    layout = layout_of(value)
    return layout.loc == "vec" and layout.cols == 1 and layout.rows > 1 and layout.full


def on_rows(
    reader: TileReader,
    call: TextCall,
    kind: type[TileOp],
    operands: Sequence[SSAValue],
    properties: dict[str, Attribute],
    text: TileText,
) -> SSAValue:
    """Do it on `[1, R]`, as pypto's pass ResolveBackendOpLayouts will."""
    used: list[SSAValue] = []
    for operand in operands:
        if is_column(operand):
            layout = layout_of(operand)
            row = TileText((1, layout.rows), layout.dtype, "vec", implicit_layout((1, layout.rows), "vec"))
            reshape = mark_implicit(ReshapeOp(operand, row.tile_type()))
            operand = reader.emit_value(reshape, call.node)
        used.append(operand)
    shape = (1, text.flat_shape[0])
    row = TileText(shape, text.dtype, "vec", implicit_layout(shape, "vec"))
    value = reader.verified(kind(used, result=row.tile_type(), properties=properties), call.node)
    back = mark_implicit(ReshapeOp(value, text.tile_type()))
    return reader.emit_value(back, call.node, call.name)


def scalar_of(reader: TileReader, node: ast.expr, dtype: str) -> SSAValue:
    """A number in a tile's element type. Arithmetic is signless: for an unsigned type its bits are cast."""
    wanted = ELEMENT_TYPES[dtype]
    value = reader.scalar(node, ELEMENT_TYPES[dtype.removeprefix("u")])
    if value.type == wanted:
        return value
    return reader.emit_value(UnrealizedConversionCastOp.get([value], [wanted]), node)


def full(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.full([shape], dtype=, value=)`."""
    count(reader, call, 1)
    given = reader.source.keywords(call.node)
    known(call, given, {"dtype", "value"})
    for name in ("dtype", "value"):
        if name not in given:
            reader.fail(call.node, f"expected {name}= for pl.tile.full")
    dtype = reader.types.dtype(given["dtype"])
    shape = [reader.source.integer(n) for n in reader.source.elements(call.args[0])]
    text = reader.result(call, shape, dtype, "vec")
    value = scalar_of(reader, given["value"], dtype)
    return build(reader, call, TExpandsOp, [value], {}, text)


def iota(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.ci(start, [shape], dtype=, descending=)`."""
    count(reader, call, 2)
    given = reader.source.keywords(call.node)
    known(call, given, {"dtype", "descending"})
    dtype = reader.types.dtype(given["dtype"]) if "dtype" in given else "i32"
    shape = [reader.source.integer(n) for n in reader.source.elements(call.args[1])]
    text = reader.result(call, shape, dtype, "vec")
    start = scalar_of(reader, call.args[0], dtype)
    descending = "descending" in given and reader.source.boolean(given["descending"])
    return build(reader, call, TCiOp, [start], {"descending": BoolAttr.from_bool(descending)}, text)


def matmul(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.matmul(lhs, rhs)`: the moves to the cube's operand memories are left unsaid.

    A `batch_matmul` of one matrix each, [1, M, K] or [M, K] and [1, K, N] or [K, N], is the same product.
    """
    count(reader, call, 2)
    known(call, reader.source.keywords(call.node), set())
    return product(reader, call, TMatmulOp, None, *call.args)


def matmul_acc(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.matmul_acc(acc, lhs, rhs)`."""
    if len(call.args) == 4:
        raise Keep("a condition for the accumulator")
    count(reader, call, 3)
    known(call, reader.source.keywords(call.node), set())
    return product(reader, call, TMatmulAccOp, *call.args)


def product(
    reader: TileReader,
    call: TextCall,
    kind: type[TMatmulOp | TMatmulAccOp],
    acc_node: ast.expr | None,
    lhs_node: ast.expr,
    rhs_node: ast.expr,
) -> SSAValue:
    acc = [reader.tile(acc_node)] if acc_node is not None else []
    lhs, rhs = reader.tile(lhs_node), reader.tile(rhs_node)
    left, right = reader.shape(lhs), reader.shape(rhs)
    batch = call.op.startswith("tile.batch_")
    ranks = (2, 3) if batch else (2,)
    if len(left) not in ranks or len(right) not in ranks:
        raise Keep(f"a product of tiles that are not {'three' if batch else 'two'}-dimensional")
    leading = max(left[:-2], right[:-2])
    if any(extent != 1 for extent in (*left[:-2], *right[:-2])):
        raise Keep("a product of several matrices at once")
    if left[-1] != right[-2]:
        reader.fail(call.node, f"'{call.op}' cannot multiply tiles of {list(left)} and {list(right)}")
    shape = (*leading, left[-2], right[-1])
    # What a loop carries has its rows and columns only.
    if acc and reader.shape(acc[0]) not in (shape, shape[-2:]):
        reader.fail(
            call.node, f"expected an accumulator of {list(shape)}, found {list(reader.shape(acc[0]))}"
        )
    dtype = "i32" if layout_of(lhs).dtype in ("i8", "ui8") else "f32"
    text = reader.result(call, shape, dtype, "acc")
    if text.memory != "acc":
        raise Keep(f"a product in {text.memory} memory")
    operands = [reader.to(v, "acc", call.node) for v in acc]
    operands += [reader.to(lhs, "left", call.node), reader.to(rhs, "right", call.node)]
    return build(reader, call, kind, operands, {}, text)


TILE_OPS: dict[str, Handler] = {
    "tile.full": full,
    "tile.ci": iota,
    "tile.matmul": matmul,
    "tile.matmul_acc": matmul_acc,
    "tile.batch_matmul": matmul,
    "tile.batch_matmul_acc": matmul_acc,
}
