"""Build a kernel in value form in Python: arguments, loads, operations, stores.

    kernel = KernelBuilder("double")
    x, y = (kernel.argument(name, (16, 64), "f32") for name in "xy")
    tile = kernel.load(x)
    kernel.store(kernel.add(leaf_op([tile, tile], result=tile.type)), y)
    module = kernel.module()

Everything is put at the end of the one block of the function; shapes are constant. Needs nothing but xDSL.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import arith, func
from xdsl.dialects.builtin import IndexType, IntegerAttr, ModuleOp, StringAttr
from xdsl.ir import Block, Operation, Region, SSAValue

from .memory import MakeTensorViewOp, PartitionViewOp, TLoadOp, TStoreOp
from .types import PartitionTensorViewType, PtrInfo, PtrType, TileLayout, TileType, ViewShape


@dataclass(frozen=True)
class Tensor:
    """A tensor in GM that a kernel is given: its view, rows and columns in elements, and element type."""

    view: SSAValue
    shape: tuple[int, int]
    dtype: str


class KernelBuilder:
    """A kernel under construction. `arch` is what the module says in `pto.target_arch`."""

    def __init__(self, name: str, arch: str = "a2a3"):
        self.name, self.arch = name, arch
        self.block = Block()
        self._constants: dict[int, SSAValue] = {}

    def argument(self, name: str, shape: tuple[int, int], dtype: str) -> Tensor:
        """A pointer argument, seen as rows and columns that lie one after the other."""
        pointer = self.block.insert_arg(PtrType(PtrInfo(dtype, "gm")), len(self.block.args))
        pointer.name_hint = name
        rows, cols = shape
        strides = [self.index(cols), self.index(1)]
        view = MakeTensorViewOp(pointer, [self.index(rows), self.index(cols)], strides)
        self.block.add_op(view)
        view.res.name_hint = f"{name}_view"
        return Tensor(view.res, shape, dtype)

    def index(self, number: int) -> SSAValue:
        """A constant; each is made once."""
        if number not in self._constants:
            op = arith.ConstantOp(IntegerAttr(number, IndexType()))
            op.result.name_hint = f"c{number}"
            self.block.add_op(op)
            self._constants[number] = op.result
        return self._constants[number]

    def box(self, tensor: Tensor, offsets: tuple[int, int], shape: tuple[int, int]) -> SSAValue:
        """A part of a tensor."""
        where, sizes = ([self.index(n) for n in numbers] for numbers in (offsets, shape))
        type_ = PartitionTensorViewType(ViewShape(shape, tensor.dtype))
        part = PartitionViewOp(tensor.view, where, sizes, type_)
        self.block.add_op(part)
        return part.res

    def load(
        self, tensor: Tensor, offsets: tuple[int, int] = (0, 0), shape: tuple[int, int] | None = None
    ) -> SSAValue:
        """A part of a tensor, or all of it, as a tile in vector memory."""
        shape = shape or tensor.shape
        rows, cols = shape
        result = TileType(TileLayout("vec", rows, cols, tensor.dtype, rows, cols))
        return self.add(TLoadOp([self.box(tensor, offsets, shape)], result=result))

    def store(self, tile: SSAValue, tensor: Tensor, offsets: tuple[int, int] = (0, 0)) -> None:
        """Store a tile to a part of a tensor."""
        assert isinstance(tile.type, TileType)
        box = self.box(tensor, offsets, tile.type.data.shape)
        self.block.add_op(TStoreOp([tile], outs=[box]))

    def add(self, op: Operation) -> SSAValue:
        """Append an operation; its only result."""
        (result,) = self.add_many(op)
        return result

    def add_many(self, op: Operation) -> Sequence[SSAValue]:
        """Append an operation; its results."""
        self.block.add_op(op)
        return op.results

    def module(self) -> ModuleOp:
        """The finished kernel in a module."""
        self.block.add_op(func.ReturnOp())
        types = [argument.type for argument in self.block.args]
        function = func.FuncOp(self.name, (types, []), Region(self.block))
        return ModuleOp([function], {"pto.target_arch": StringAttr(self.arch)})
