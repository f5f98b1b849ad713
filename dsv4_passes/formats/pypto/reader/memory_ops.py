"""What touches GM in a kernel: views of arguments, loads, stores, single elements; and the block number."""

import ast
from collections.abc import Sequence

from xdsl.dialects import arith
from xdsl.ir import SSAValue
from xdsl.utils.exceptions import VerifyException

from dialects.pto.attributes import LayoutAttr
from dialects.pto.base import layout_of
from dialects.pto.control import OPERATIONS as CONTROL
from dialects.pto.elements import ELEMENT_TYPES, element_name
from dialects.pto.memory import (
    LoadScalarOp,
    MakeTensorViewOp,
    PartitionViewOp,
    StoreScalarOp,
    TLoadOp,
    TStoreOp,
)
from dialects.pto.types import DYNAMIC, PartitionTensorViewType, ViewShape
from dsv4_passes.formats.pypto.grammar.types import exchanged

from .body import INDEX, Bound, KernelTensor
from .function import Handler, Keep, TextCall, TileReader, flat_valid


def count(reader: TileReader, call: TextCall, least: int, most: int | None = None) -> None:
    """The number of positional arguments must be right."""
    found, most = len(call.args), least if most is None else most
    if not least <= found <= most:
        expected = str(least) if least == most else f"{least} to {most}"
        plural = "" if expected == "1" else "s"
        reader.fail(call.node, f"expected {expected} argument{plural} for pl.{call.op}, found {found}")


def known(call: TextCall, keywords: dict[str, ast.expr], names: set[str]) -> None:
    """Keyword arguments that are not understood keep the call as text."""
    if unknown := keywords.keys() - names:
        raise Keep(f"the argument '{min(unknown)}' is not understood")


def indices(reader: TileReader, node: ast.expr, rank: int) -> list[SSAValue]:
    """`[row, column]` as index values."""
    parts = reader.source.elements(node)
    if len(parts) != rank:
        reader.fail(node, f"expected {rank} indices, found {len(parts)}")
    return [index(reader, part) for part in parts]


def index(reader: TileReader, node: ast.expr) -> SSAValue:
    value = reader.scalar(node, INDEX)
    if value.type != INDEX:
        reader.fail(node, f"expected an index, found {element_name(value.type)}")
    return value


def extent(reader: TileReader, dim: int | str, node: ast.AST) -> SSAValue:
    if isinstance(dim, int):
        return reader.index(dim, node)
    return reader.hidden[dim]


def view(reader: TileReader, memory: KernelTensor, transposed: bool, node: ast.AST) -> SSAValue:
    """The view of a whole tensor, or with rows and columns exchanged; made once, in front of everything.

    A tensor with one column is laid out as pypto does it (src/codegen/pto/pto_codegen.cpp).
    """
    key = (memory.pointer, transposed)
    if key in reader.views:
        return reader.views[key]
    if memory.text.view:
        raise Keep(f"the tensor '{memory.name}' has a layout of its own")
    dims = [extent(reader, dim, node) for dim in memory.text.dims]
    strides: list[SSAValue] = [reader.index(1, node)]
    for dim, value in zip(memory.text.dims[:0:-1], dims[:0:-1], strict=True):
        strides.insert(0, _product(reader, strides[0], value, dim, node))
    layout = "nd"
    if transposed:
        dims, strides, layout = exchanged(dims), exchanged(strides), "dn"
    elif len(dims) == 2 and memory.text.dims[1] == 1:
        strides, layout = [strides[1], dims[0]], "dn"
    op = MakeTensorViewOp(memory.pointer, dims, strides, LayoutAttr(layout))
    reader.views[key] = reader.lead(op, node)
    reader.call(op.res, f"{memory.name}{'_dn' if transposed else ''}_view")
    return op.res


def _product(
    reader: TileReader, stride: SSAValue, value: SSAValue, dim: int | str, node: ast.AST
) -> SSAValue:
    """The stride of the next dimension outwards."""
    known_stride = constant_of(stride)
    if known_stride == 1:
        return value
    if known_stride is not None and isinstance(dim, int):
        return reader.index(known_stride * dim, node)
    return reader.lead(arith.MuliOp(stride, value), node)


def constant_of(value: SSAValue) -> int | None:
    from dialects.pto.memory import constant_int

    return constant_int(value)


def partition(
    reader: TileReader,
    memory: KernelTensor,
    offsets: Sequence[SSAValue],
    sizes: Sequence[int | SSAValue],
    transposed: bool,
    node: ast.AST,
) -> SSAValue:
    """A box of a tensor."""
    whole = view(reader, memory, transposed, node)
    values = [reader.index(s, node) if isinstance(s, int) else s for s in sizes]
    dims = tuple(s if isinstance(s, int) else DYNAMIC for s in sizes)
    type_ = PartitionTensorViewType(ViewShape(dims, memory.text.dtype))
    op = PartitionViewOp(whole, offsets, values, type_)
    try:
        return reader.verified(op, node, f"{memory.name}_pview")
    except VerifyException as problem:
        reader.fail(node, str(problem))


def sizes_of(reader: TileReader, nodes: Sequence[ast.expr]) -> list[int | SSAValue]:
    found: list[int | SSAValue] = []
    for node in nodes:
        fixed = reader.fixed(node)
        found.append(index(reader, node) if fixed is None else fixed)
    return found


def load(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.load(tensor, [offsets], [shape], [valid], target_memory=, transpose=)`."""
    count(reader, call, 3, 4)
    given = reader.source.keywords(call.node)
    known(call, given, {"target_memory", "transpose"})
    memory = reader.memory(call.args[0])
    rank = len(memory.text.dims)
    transposed = "transpose" in given and reader.source.boolean(given["transpose"])
    shape = [reader.source.integer(n) for n in reader.source.elements(call.args[2])]
    if len(shape) != rank:
        reader.fail(call.args[2], f"expected a shape of {rank} extents, found {len(shape)}")
    if transposed and (rank < 2 or any(extent != 1 for extent in shape[:-2])):
        raise Keep("a transposed load of several matrices at once")
    offsets = indices(reader, call.args[1], rank)
    valid_nodes = reader.source.elements(call.args[3]) if len(call.args) == 4 else None
    if valid_nodes is not None and len(valid_nodes) != rank:
        reader.fail(call.args[3], f"expected {rank} valid extents, found {len(valid_nodes)}")
    sizes = list[int | SSAValue](shape) if valid_nodes is None else sizes_of(reader, valid_nodes)
    if transposed:
        shape, offsets, sizes = exchanged(shape), exchanged(offsets), exchanged(sizes)
    target = (
        reader.source.word(given["target_memory"], "pl.Mem").lower() if "target_memory" in given else "vec"
    )
    text = reader.result(call, shape, memory.text.dtype, target)
    if target == "mat" and transposed and call.declared is None:
        raise Keep("a transposed load without a declared type")
    valid, operands = flat_valid(text.shape, sizes)
    box = partition(reader, memory, offsets, sizes, transposed, call.node)
    op = TLoadOp([box], result=text.tile_type(valid), valid=operands)
    value = reader.verified(op, call.node, call.name)
    reader.texts.note(value, text)
    return value


def store(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.store(tile, [offsets], tensor)`: the box it writes is the valid part of the tile."""
    if len(call.args) == 4:
        raise Keep("a store with a shape of its own")
    count(reader, call, 3)
    known(call, reader.source.keywords(call.node), set())
    tile, memory = reader.tile(call.args[0]), reader.memory(call.args[2])
    if not reader.is_written(memory):
        reader.fail(call.args[2], f"writes '{memory.name}', which is neither pl.Out nor pl.InOut")
    layout, shape = layout_of(tile), reader.shape(tile)
    rank = len(memory.text.dims)
    if layout.dtype != memory.text.dtype and layout.loc != "acc":
        reader.fail(call.node, f"stores {layout.dtype} elements into '{memory.name}' of {memory.text.dtype}")
    if len(shape) > rank:
        reader.fail(call.args[0], f"cannot store {list(shape)} into a tensor of {rank} dimensions")
    offsets = indices(reader, call.args[1], rank)
    dynamic = iter(reader.extents(tile))
    rows, cols = (next(dynamic) if e == DYNAMIC else e for e in layout.valid)
    sizes: list[int | SSAValue]
    if len(shape) == 1:
        sizes = [cols]
    elif len(shape) == 2:
        sizes = [rows, cols]
    elif layout.full:
        sizes = list(shape)
    else:
        raise Keep("a partly valid tile of more than two dimensions")
    sizes = [1] * (rank - len(sizes)) + sizes
    box = partition(reader, memory, offsets, sizes, False, call.node)
    op = reader.emit(TStoreOp([tile], outs=[box]), call.node)
    op.verify_()
    return memory


def create(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tile.create([shape], dtype=, target_memory=)`: an uninitialised tile."""
    from dialects.pto.tiles import UndefOp

    count(reader, call, 1)
    given = reader.source.keywords(call.node)
    known(call, given, {"dtype", "target_memory"})
    shape = [reader.source.integer(n) for n in reader.source.elements(call.args[0])]
    target = (
        reader.source.word(given["target_memory"], "pl.Mem").lower() if "target_memory" in given else "vec"
    )
    if "dtype" not in given:
        reader.fail(call.node, "expected dtype= for pl.tile.create")
    text = reader.result(call, shape, reader.types.dtype(given["dtype"]), target)
    valid, operands = reader.valid(text)
    if operands:
        raise Keep("a new tile of which a part that is only known later is valid")
    value = reader.verified(UndefOp(text.tile_type(valid)), call.node, call.name)
    reader.texts.note(value, text)
    return value


def read(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tensor.read(tensor, [indices])`."""
    count(reader, call, 2)
    memory = reader.memory(call.args[0])
    offset = linear(reader, memory, call.args[1], call.node)
    type_ = ELEMENT_TYPES[memory.text.dtype.removeprefix("u")]
    return reader.emit_value(
        LoadScalarOp.create(operands=[memory.pointer, offset], result_types=[type_]), call.node, call.name
    )


def write(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tensor.write(tensor, [indices], value)`."""
    count(reader, call, 3)
    memory = reader.memory(call.args[0])
    if not reader.is_written(memory):
        reader.fail(call.args[0], f"writes '{memory.name}', which is neither pl.Out nor pl.InOut")
    offset = linear(reader, memory, call.args[1], call.node)
    value = reader.scalar(call.args[2], ELEMENT_TYPES[memory.text.dtype.removeprefix("u")])
    reader.emit(StoreScalarOp.create(operands=[value, memory.pointer, offset]), call.node)
    return memory


def linear(reader: TileReader, memory: KernelTensor, node: ast.expr, place: ast.AST) -> SSAValue:
    """Elements from the start of a row-major tensor: `(i * columns) + j`, zeros left out."""
    if memory.text.view:
        raise Keep(f"the tensor '{memory.name}' has a layout of its own")
    dims = memory.text.dims
    parts = reader.source.elements(node) if isinstance(node, ast.List | ast.Tuple) else [node]
    if len(parts) != len(dims):
        reader.fail(node, f"expected {len(dims)} indices, found {len(parts)}")
    total: SSAValue | None = None
    for part, dim in zip(parts, dims, strict=True):
        if total is not None:
            if (number := constant_of(total)) is not None and isinstance(dim, int):
                total = reader.index(number * dim, place)
            else:
                total = reader.emit_value(arith.MuliOp(total, extent(reader, dim, place)), place)
        value = index(reader, part)
        if total is None or constant_of(total) == 0:
            total = value
        elif constant_of(value) != 0:
            both = constant_of(total), constant_of(value)
            if both[0] is not None and both[1] is not None:
                total = reader.index(both[0] + both[1], place)
            else:
                total = reader.emit_value(arith.AddiOp(total, value), place)
    assert total is not None
    return total


def dim(reader: TileReader, call: TextCall) -> Bound:
    """`pl.tensor.dim(tensor, axis)`."""
    count(reader, call, 2)
    memory, axis = reader.memory(call.args[0]), reader.source.integer(call.args[1])
    if not 0 <= axis < len(memory.text.dims):
        reader.fail(call.args[1], f"expected an axis below {len(memory.text.dims)}, found {axis}")
    return extent(reader, memory.text.dims[axis], call.node)


def block_index(reader: TileReader, call: TextCall) -> Bound:
    count(reader, call, 0)
    return reader.block_index(call, "block_idx")


def block_number(reader: TileReader, call: TextCall) -> Bound:
    count(reader, call, 0)
    return reader.block_index(call, "block_num")


def subblock_index(reader: TileReader, call: TextCall) -> Bound:
    """The half of a vector core pair that runs this."""
    count(reader, call, 0)
    kind = next(op for op in CONTROL if op.name == "pto.get_subblock_idx")
    number = reader.emit_value(kind(), call.node)
    return reader.emit_value(arith.IndexCastOp(number, INDEX), call.node, call.name)


MEMORY_OPS: dict[str, Handler] = {
    "tile.load": load,
    "tile.store": store,
    "tile.create": create,
    "tensor.read": read,
    "tensor.write": write,
    "tensor.dim": dim,
    "tile.get_block_idx": block_index,
    "tile.get_block_num": block_number,
    "tile.get_subblock_idx": subblock_index,
}
