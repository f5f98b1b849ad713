"""How much vector memory pypto will give a kernel that is written as a program text.

pypto plans by rules of its own, and refuses a kernel that does not fit:

* Every tile that an operation makes is a buffer; what sees one otherwise (a slice, a reshape) or changes a
  part of one (assemble, scatter) is in it, a transposed tile is where it was, and a loop's carried tiles are
  in one buffer all along.
* A buffer is used again only for a tile of the same shape, element type and layout, whose life begins when
  the life of all others in it has ended; an operation that reads out of order does not write what it reads.
* What is made before a loop and used inside lives until the loop ends.
* A transpose has a scratch tile like its source. A loop in `stage` stages has all that it loads and stores
  as often, at the same time.

(src/ir/transforms: init_memref.cpp, memory_reuse_pass.cpp, allocate_memory_addr_pass.cpp,
lower_pipeline_loops_pass.cpp; the same in June and August 2026.) Kernels for both cores are not planned
here: how many slots they get for what they hand to each other follows from how pypto splits them.
"""

from dataclasses import dataclass, field, replace

from xdsl.dialects import func, scf
from xdsl.ir import Block, Operation, SSAValue

from dialects.dsv4.attributes import LoopAttr
from dialects.pto.base import TileOp, layout_of
from dialects.pto.lanes import TGatherOp
from dialects.pto.matmul import MatmulOp
from dialects.pto.memory import TLoadOp, TStoreOp
from dialects.pto.moves import TTransOp
from dialects.pto.tiles import (
    BitcastOp,
    InsertOp,
    ReinterpretOp,
    ReshapeOp,
    SetValidShapeOp,
    SubviewOp,
    TransposeOp,
)
from dialects.pto.types import TileLayout, TileType
from dsv4_passes.targets import chip as find_chip

ALIGNMENT = 32
_VIEWS = (SubviewOp, ReshapeOp, ReinterpretOp, TransposeOp, BitcastOp, SetValidShapeOp)
_OUT_OF_ORDER = ("trecip", "tands", "tors", "txors", "tmrgsort", "tsort32")
"""Operations besides gathers that pypto registers as `not_inplace_safe`."""


@dataclass
class _Buffer:
    """Tiles that are in one place, from the operation that makes the first to the last that uses one."""

    layout: TileLayout
    start: int
    end: int
    in_place: bool
    """It may lie on what the operation that makes it reads."""


@dataclass
class _Function:
    """The buffers of a function, in the order in which they are made."""

    buffers: dict[SSAValue, _Buffer] = field(default_factory=dict[SSAValue, _Buffer])
    roots: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    more: list[_Buffer] = field(default_factory=list[_Buffer])
    """Those of no value: scratch tiles, and other stages of a loop."""
    count: int = 0

    def root(self, value: SSAValue) -> SSAValue:
        while value in self.roots:
            value = self.roots[value]
        return value

    def walk(self, block: Block) -> None:
        for op in block.ops:
            self.count += 1
            if isinstance(op, TTransOp) and op.operand("tmp") is None:
                self.more.append(_Buffer(layout_of(op.ins[0]), self.count, self.count + 1, True))
                self.count += 1
            for value in op.operands:
                self.use(value)
            if isinstance(op, scf.ForOp):
                self.loop(op)
                continue
            for region in op.regions:
                for inner in region.blocks:
                    self.walk(inner)
            self.make(op)

    def loop(self, op: scf.ForOp) -> None:
        begin = self.count
        for start, argument, result in zip(op.iter_args, op.body.block.args[1:], op.results, strict=True):
            self.roots[argument] = self.roots[result] = start
        self.walk(op.body.block)
        last = op.body.block.last_op
        if isinstance(last, scf.YieldOp):
            for value, start in zip(last.operands, op.iter_args, strict=True):
                self.join(value, start)
        for buffer in self.buffers.values():
            if buffer.start <= begin < buffer.end:
                buffer.end = max(buffer.end, self.count)
        if (stages := stages_of(op)) > 1:
            self.in_stages(op, begin, stages)

    def in_stages(self, op: scf.ForOp, begin: int, stages: int) -> None:
        """What the body loads is loaded first and what it stores is stored last, for all stages."""
        for inner in op.body.block.ops:
            if isinstance(inner, TLoadOp) and inner.res:
                buffer = self.buffers.get(self.root(inner.res[0]))
            elif isinstance(inner, TStoreOp):
                buffer = self.buffers.get(self.root(inner.ins[0]))
            else:
                continue
            if buffer is None or not begin < buffer.start:
                continue
            if isinstance(inner, TLoadOp):
                buffer.start = begin + 1
            else:
                buffer.end = self.count
            self.more += [replace(buffer) for _ in range(stages - 1)]

    def join(self, value: SSAValue, start: SSAValue) -> None:
        """What a loop yields is written to where it started, if that is all of a buffer."""
        inner, outer = self.root(value), self.root(start)
        if inner is outer or inner not in self.buffers or outer not in self.buffers:
            return
        if _same(self.buffers[inner].layout, self.buffers[outer].layout):
            self.buffers[outer].end = max(self.buffers[outer].end, self.buffers.pop(inner).end)
            self.roots[inner] = outer

    def use(self, value: SSAValue) -> None:
        if (buffer := self.buffers.get(self.root(value))) is not None:
            buffer.end = self.count

    def make(self, op: Operation) -> None:
        if isinstance(op, _VIEWS):
            if op.res is not None:
                self.roots[op.res] = op.source
            return
        if isinstance(op, InsertOp):
            self.roots[op.res] = op.dest
            return
        if isinstance(op, TTransOp) and op.res and not isinstance(op.ins[0].owner, SubviewOp):
            self.roots[op.res[0]] = op.ins[0]
            return
        safe = not isinstance(op, TGatherOp) and not (
            isinstance(op, TileOp) and op.mnemonic() in _OUT_OF_ORDER
        )
        for result in op.results:
            if isinstance(result.type, TileType) and layout_of(result).loc == "vec":
                layout = layout_of(result)
                self.buffers[result] = _Buffer(layout, self.count, self.count, safe)


def stages_of(op: scf.ForOp) -> int:
    """In how many stages a loop runs at once."""
    attr = op.attributes.get("dsv4.loop")
    return int(attr.data[1] or 1) if isinstance(attr, LoopAttr) else 1


def vector_bytes(function: func.FuncOp) -> int:
    """Bytes of vector memory in pypto's plan of a kernel in value form, in which not all is foreseen."""
    found = _Function()
    found.walk(function.body.block)
    return _shared(sorted([*found.buffers.values(), *found.more], key=lambda buffer: buffer.start))


def _shared(buffers: list[_Buffer]) -> int:
    """Bytes of buffers where the first that is free and alike is taken for the next."""
    places: list[list[_Buffer]] = []
    for buffer in buffers:
        for place in places:
            if _same(place[0].layout, buffer.layout) and all(_apart(buffer, other) for other in place):
                place.append(buffer)
                break
        else:
            places.append([buffer])
    return sum(-(-place[0].layout.bytes // ALIGNMENT) * ALIGNMENT for place in places)


def _apart(later: _Buffer, earlier: _Buffer) -> bool:
    return earlier.end < later.start or (earlier.end == later.start and later.in_place)


def _same(a: TileLayout, b: TileLayout) -> bool:
    return a._replace(valid_rows=0, valid_cols=0) == b._replace(valid_rows=0, valid_cols=0)


def too_large(function: func.FuncOp, chip: str) -> str | None:
    """Why a kernel of the vector core does not fit as pypto plans it; None if it does."""
    if any(isinstance(op, MatmulOp) for op in function.walk()):
        return None
    size, wanted = find_chip(chip).memory("vec").usable, vector_bytes(function)
    if wanted <= size:
        return None
    return f"pypto plans {wanted} bytes of {size} in vec memory for '{function.sym_name.data}'"
