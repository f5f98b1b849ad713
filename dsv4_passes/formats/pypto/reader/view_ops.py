"""Tile operations that show or move lanes: reshapes, slices, transposes, moves between memories."""

from xdsl.ir import Operation, SSAValue

from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.base import layout_of
from dialects.pto.elements import element_bits
from dialects.pto.moves import TExtractOp, TMovOp, TTransOp
from dialects.pto.tiles import (
    BitcastOp,
    InsertOp,
    ReinterpretOp,
    ReshapeOp,
    SetValidShapeOp,
    SubviewOp,
    TransposeOp,
    is_contiguous,
)
from dialects.pto.types import DYNAMIC, TileType
from dsv4_passes.formats.pypto.grammar.types import TileText

from .body import Bound
from .function import Handler, Keep, TextCall, TileReader
from .memory_ops import count, index, indices, known
from .tile_ops import build


def noted(reader: TileReader, call: TextCall, op: Operation, text: TileText) -> SSAValue:
    """Emit an operation and keep the parts of its annotation that the IR type lacks."""
    value = reader.verified(op, call.node, call.name)
    reader.texts.note(value, text)
    return value


def reshape(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.reshape(tile, [shape])`."""
    count(reader, call, 2)
    known(call, reader.source.keywords(call.node), set())
    source = reader.tile(call.args[0])
    shape = [reader.source.integer(n) for n in reader.source.elements(call.args[1])]
    layout = layout_of(source)
    text = reader.result(call, shape, layout.dtype, layout.loc)
    rows, cols = text.flat_shape
    if rows * cols != layout.rows * layout.cols:
        reader.fail(
            call.node,
            f"cannot reshape {list(reader.shape(source))} to {shape}: the numbers of elements differ",
        )
    if layout.slayout != "none_box" and (rows, cols) != layout.shape:
        raise Keep("a reshape of boxed memory")
    valid, _ = reader.valid(text)
    if not layout.full and text.valid is None:
        raise Keep("a reshape of a partly valid tile")
    return noted(reader, call, ReshapeOp(source, text.tile_type(valid)), text)


def slice_(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.slice(tile, [sizes], [offsets], [valid])`; an accumulator moves to vector memory unsaid."""
    if len(call.args) > 4:
        raise Keep("a slice that drops dimensions")
    count(reader, call, 3, 4)
    known(call, reader.source.keywords(call.node), set())
    source = reader.tile(call.args[0])
    layout, shape = layout_of(source), reader.shape(source)
    sizes = [reader.source.integer(n) for n in reader.source.elements(call.args[1])]
    if len(shape) != 2 or len(sizes) != 2:
        raise Keep("a slice of a tile that is not two-dimensional")
    text = reader.result(call, sizes, layout.dtype, layout.loc)
    if (layout.loc, text.memory) == ("acc", "vec"):
        source = reader.to(source, "vec", call.node)
        layout = layout_of(source)
    offsets = indices(reader, call.args[2], 2)
    if len(call.args) == 4 and text.valid is None:
        given = [reader.fixed(n) for n in reader.source.elements(call.args[3])]
        if given != sizes:
            raise Keep("a slice with a valid shape that its type does not have")
    valid, dynamic = reader.valid(text)
    if DYNAMIC in valid:
        extents = iter(dynamic)
        dynamic = [next(extents) if e == DYNAMIC else reader.index(e, call.node) for e in valid]
    plain = text.tile_type(valid).data
    type_ = TileType(
        plain._replace(blayout=layout.blayout, slayout=layout.slayout, fractal=layout.fractal, pad=layout.pad)
    )
    return noted(reader, call, SubviewOp(source, offsets, sizes, type_, dynamic), text)


def assemble(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.assemble(target, piece, [offsets])`."""
    count(reader, call, 3)
    known(call, reader.source.keywords(call.node), set())
    target, piece = reader.tile(call.args[0]), reader.tile(call.args[1])
    if len(reader.shape(target)) != 2 or len(reader.shape(piece)) != 2:
        raise Keep("a tile that is not two-dimensional")
    layout = layout_of(target)
    text = reader.result(call, reader.shape(target), layout.dtype, layout.loc)
    row, col = indices(reader, call.args[2], 2)
    piece = reader.to(piece, layout.loc, call.node)
    valid, dynamic = reader.valid(text)
    if dynamic:
        raise Keep("a valid shape that is only known later")
    op = InsertOp(piece, target, row, col, target.type if valid == layout.valid else text.tile_type(valid))
    return noted(reader, call, op, text)


def set_validshape(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.set_validshape(tile, rows, columns)`."""
    count(reader, call, 3)
    source = reader.tile(call.args[0])
    shape = reader.shape(source)
    if len(shape) != 2:
        raise Keep("a tile that is not two-dimensional")
    layout = layout_of(source)
    text = reader.result(call, shape, layout.dtype, layout.loc)
    rows, cols = (index(reader, n) for n in call.args[1:])
    fixed = [reader.fixed(n) for n in call.args[1:]]
    first, second = (DYNAMIC if f is None else f for f in fixed)
    op = SetValidShapeOp(source, rows, cols, TileType(layout._replace(valid_rows=first, valid_cols=second)))
    return noted(reader, call, op, text)


def transpose(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.transpose(tile, 0, 1, scratch)`: the lanes really move."""
    count(reader, call, 3, 4)
    known(call, reader.source.keywords(call.node), set())
    source = reader.tile(call.args[0])
    shape = reader.shape(source)
    axes = {reader.source.integer(n) % len(shape) for n in call.args[1:3]}
    if len(shape) != 2 or axes != {0, 1}:
        raise Keep("an exchange of other axes than rows and columns")
    layout = layout_of(source)
    text = reader.result(call, shape[::-1], layout.dtype, "vec")
    operands = [reader.to(source, "vec", call.node)]
    if len(call.args) == 4:
        operands.append(reader.tile(call.args[3]))
    return build(reader, call, TTransOp, operands, {}, text)


def transpose_view(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.transpose_view(tile)`: the same bytes with rows and columns exchanged."""
    count(reader, call, 1)
    source = reader.tile(call.args[0])
    layout = layout_of(source)
    text = reader.result(call, reader.shape(source)[::-1], layout.dtype, layout.loc)
    return noted(reader, call, TransposeOp(source, text.tile_type()), text)


def reinterpret_view(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.reinterpret_view(tile, dtype=, shape=)`: the same bytes as another element type, and in
    another shape. Without a shape the rows stay, and their columns are as many as there is room for.
    """
    count(reader, call, 1)
    given = reader.source.keywords(call.node)
    known(call, given, {"dtype", "shape"})
    source = reader.tile(call.args[0])
    layout, shape = layout_of(source), list(reader.shape(source))
    dtype = reader.types.dtype(given["dtype"]) if "dtype" in given else layout.dtype
    same_width = element_bits(dtype) == element_bits(layout.dtype)
    if "shape" in given:
        shape = [reader.source.integer(n) for n in reader.source.elements(given["shape"])]
    else:
        shape[-1], rest = divmod(shape[-1] * element_bits(layout.dtype), element_bits(dtype))
        if rest:
            reader.fail(call.node, f"rows of {reader.shape(source)[-1]} {layout.dtype} are no whole {dtype}")
    if not same_width and not is_contiguous(layout):
        raise Keep("other lanes of memory that is not in row-major order")
    text = reader.result(call, shape, dtype, layout.loc)
    rows, cols = text.flat_shape
    if rows * cols * element_bits(dtype) != layout.bytes * 8:
        reader.fail(call.node, f"{list(shape)} of {dtype} are not the {layout.bytes} bytes of the tile")
    if same_width and (rows, cols) == layout.shape:
        type_ = source.type
        assert isinstance(type_, TileType)
        return noted(reader, call, BitcastOp(source, type_.with_(dtype=dtype)), text)
    valid, dynamic = reader.valid(text)
    if dynamic or not is_contiguous(text.tile_type(valid).data):
        raise Keep("other lanes of a tile of which not all is valid")
    return noted(reader, call, ReinterpretOp(source, text.tile_type(valid)), text)


def move(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.move(tile, target_memory=)`, said for once, with a layout that is not that of the tile."""
    count(reader, call, 1)
    given = reader.source.keywords(call.node)
    known(call, given, {"target_memory", "blayout", "slayout"})
    source = reader.tile(call.args[0])
    layout = layout_of(source)
    target = "vec"
    if (memory := given.pop("target_memory", None)) is not None:
        target = reader.source.word(memory, "pl.Mem").lower()
    text = reader.result(call, reader.shape(source), layout.dtype, target)
    for key, node in given.items():
        told, annotated = reader.source.word(node, "pl.TileLayout"), getattr(text.layout, key)
        if told != annotated or target != "vec" or layout.slayout == text.layout.slayout or len(given) != 2:
            raise Keep(f"a {key} of {told} for a tile of {annotated} is not understood")
    valid, _ = reader.valid(text)
    type_ = text.tile_type(valid)
    if reader.arch.connects(layout.loc, target) and layout.loc != "acc":
        op = TMovOp([source], result=type_, valid=reader.extents(source))
    else:
        op = CoreMoveOp(source, type_)
    return noted(reader, call, op, text)


def extract(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.extract(tile, row, column, [shape], target_memory=)`."""
    count(reader, call, 4)
    given = reader.source.keywords(call.node)
    known(call, given, {"target_memory"})
    source = reader.tile(call.args[0])
    shape = [reader.source.integer(n) for n in reader.source.elements(call.args[3])]
    target = reader.source.word(given["target_memory"], "pl.Mem").lower() if given else "vec"
    text = reader.result(call, shape, layout_of(source).dtype, target)
    operands = [source, index(reader, call.args[1]), index(reader, call.args[2])]
    return build(reader, call, TExtractOp, operands, {}, text)


VIEW_OPS: dict[str, Handler] = {
    "tile.reshape": reshape,
    "tile.slice": slice_,
    "tile.assemble": assemble,
    "tile.set_validshape": set_validshape,
    "tile.transpose": transpose,
    "tile.transpose_view": transpose_view,
    "tile.reinterpret_view": reinterpret_view,
    "tile.move": move,
    "tile.extract": extract,
}
