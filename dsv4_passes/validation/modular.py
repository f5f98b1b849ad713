"""Whole programs of which only what changed is run on terms.

A launch of a kernel that both programs have, operation by operation, is a function of its arguments: what it
leaves in a tensor is not known, but the same wherever all arguments are the same. So a tensor is known by
where it comes from, and terms of its elements are made only where a kernel that changed touches it. Equal
terms and equal origins mean equal values; where they differ, running all of both programs may still tell.
"""

import hashlib
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, cast

import numpy as np
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Attribute, Block, SSAValue

from dialects.dsv4.functions import visible, written
from dialects.dsv4.launch import LaunchOp
from dialects.dsv4.tensors import AssembleOp, ReadOp, SliceOp, WriteOp
from dialects.pto.types import element_name
from dsv4_passes.diagnostics import UserError
from dsv4_passes.equivalence.lanes import LaneContext
from dsv4_passes.equivalence.symbolic_memory import Ids, KnownArgument
from dsv4_passes.interpreter import numerics
from dsv4_passes.interpreter.affine import Affine
from dsv4_passes.interpreter.kernels import Kernel
from dsv4_passes.interpreter.values import Value

from .program_terms import TermBlocks, TermProgram, TooMuch
from .proved_alone import ProvedAlone

NAMED_ELEMENTS = 1 << 23
"""Elements that one program may name; each takes 8 bytes in every version of its tensor."""
MOST_BYTES = 640 << 20
"""What the terms of both programs may take, about."""
_ADDRESS_BITS = 36


@dataclass(frozen=True)
class Held:
    """A tensor that is known by where it comes from: equal keys mean equal elements in order."""

    shape: tuple[int, ...]
    dtype: str
    key: int

    @property
    def size(self) -> int:
        return prod(self.shape)

    def reshape(self, shape: tuple[int, ...]) -> "Held":
        return Held(shape, self.dtype, self.key)


class Elements:
    """Elements of tensors by name: a negative id says which tensor and where in it, until a term is made."""

    def __init__(self, blocks: TermBlocks):
        self.blocks = blocks
        self.dtypes: dict[int, str] = {}
        self.fresh: set[int] = set()
        self.left = NAMED_ELEMENTS

    def name(self, held: Held) -> Ids:
        self.left -= held.size
        if self.left < 0:
            raise TooMuch(f"what changed works on tensors of more than {NAMED_ELEMENTS} elements")
        self.dtypes[held.key] = held.dtype
        first = -1 - (held.key << _ADDRESS_BITS)
        return np.arange(first, first - held.size, -1, dtype=np.int64).reshape(held.shape)

    def terms(self, ids: Ids) -> Ids:
        """The same elements, all of them terms."""
        named = ids < 0
        if not named.any():
            return ids
        result, table = ids.copy(), self.blocks.context.domain.table
        keys, addresses = np.divmod(-1 - ids, 1 << _ADDRESS_BITS)
        for key in np.unique(keys[named]).tolist():
            where, dtype = named & (keys == key), self.dtypes[key]
            if key in self.fresh:
                result[where] = table.opaque("memory that nobody wrote", dtype)
                continue
            self.blocks.budget.take(int(where.sum()))
            result[where] = table.loads("tensor", key, (), addresses[where], dtype)
        return result


class ModularProgram(TermProgram):
    """An orchestration in which launches of the kernels named in `same` are functions of their arguments.

    Those of `alone` are functions of the arguments that both programs pass.
    """

    def __init__(
        self,
        module: ModuleOp,
        blocks: TermBlocks,
        kernels: Mapping[str, Kernel],
        same: Collection[str],
        alone: Mapping[str, ProvedAlone],
    ):
        super().__init__(module, blocks, kernels)
        self.same, self.alone = same, alone
        self.elements = Elements(blocks)
        blocks.resolve, blocks.most_bytes = self.elements.terms, MOST_BYTES

    def tensor(self, name: str, dims: Sequence[int | str], dtype: str, fact: KnownArgument | None) -> Any:
        extents = [extent for extent in dims if isinstance(extent, int)]
        if fact is not None or len(extents) < len(dims):
            return super().tensor(name, dims, dtype, fact)
        return self.held(extents, dtype, "parameter", name)

    def held(self, shape: Sequence[int], dtype: str, *key: Hashable) -> Held:
        """What an operation on tensors that are not looked at yields."""
        return Held(tuple(shape), dtype, self.blocks.context.intern("tensor", *key))

    def key(self, value: Any) -> Hashable:
        """What identifies an argument."""
        if isinstance(value, Held):
            return value.key, value.shape, value.dtype
        if isinstance(value, np.ndarray):
            ids = cast(Ids, value)
            return ids.shape, hashlib.sha256(ids.tobytes()).digest()
        return value

    def look_at(self, values: Sequence[SSAValue]) -> None:
        """Name the elements of tensors."""
        for value in values:
            if isinstance(held := self.env[value], Held):
                self.env[value] = self.elements.name(held)

    # -- operations ------------------------------------------------------------------------------

    def launch(self, op: LaunchOp) -> None:
        alone = self.alone.get(op.callee)
        if (op.callee not in self.same and alone is None) or op.block_count is None:
            self.look_at(op.args)
            super().launch(op)
            return
        outputs = written(op.function())
        passed = list(zip(visible(op.function()), op.args, strict=True))
        given = {parameter.index: value for parameter, value in passed}
        if alone is not None:
            self.blocks.conditions.update(alone.conditions)
            passed = [pair for pair in passed if pair[0].name in alone.parameters]
        keys = [(parameter.name, self.key(self.env[value])) for parameter, value in passed]
        for number, result in enumerate(op.res):
            what = "launch", op.callee, op.block_count, *keys, number
            if number < len(outputs):
                tensor = self.env[given[outputs[number].index]]
                self.env[result] = self.held(tensor.shape, _dtype(result), *what)
            else:
                self.env[result] = self.number(result, *what)

    def number(self, value: SSAValue, *key: Hashable) -> Value:
        """A scalar that a kernel returns."""
        name, dtype = self.blocks.context.intern(*key), element_name(value.type)
        if not numerics.computes_as_float(dtype):
            return Affine.symbol(f"result#{name}")
        return np.full((1, 1), self.blocks.context.domain.table.opaque(("result", name), dtype), np.int64)

    def fresh(self, shape: tuple[int, ...], dtype: str) -> Any:
        held = self.held(shape, dtype, "fresh", dtype, *shape)
        self.elements.fresh.add(held.key)
        return held

    def slice(self, op: SliceOp) -> None:
        source = self.env[op.source]
        if not isinstance(source, Held):
            super().slice(op)
            return
        shape, dtype = self.shape(op, op.dims)
        at = [self.env[value] for value in op.offsets]
        self.env[op.res] = self.held(shape, dtype, "slice", self.key(source), *at, *shape)

    def assemble(self, op: AssembleOp) -> None:
        dest, piece = self.env[op.dest], self.env[op.source]
        if not isinstance(dest, Held):
            self.look_at([op.source])
            super().assemble(op)
            return
        at = [self.env[value] for value in op.offsets]
        what = "assemble", self.key(dest), self.key(piece), *at
        self.env[op.res] = self.held(dest.shape, dest.dtype, *what)

    def read(self, op: ReadOp) -> None:
        source = self.env[op.source]
        if not isinstance(source, Held):
            super().read(op)
            return
        at = [self.env[value] for value in op.indices]
        self.env[op.res] = self.number(op.res, "read", self.key(source), *at)

    def element_read(self, value: Any, dtype: str) -> Value:
        return super().element_read(self.elements.terms(np.array(value)), dtype)

    def write(self, op: WriteOp) -> None:
        dest = self.env[op.dest]
        if not isinstance(dest, Held):
            super().write(op)
            return
        at = [self.env[value] for value in op.indices]
        what = "write", self.key(dest), *at, self.key(self.env[op.value])
        self.env[op.res] = self.held(dest.shape, dest.dtype, *what)

    def loop(self, op: scf.ForOp) -> None:
        """A loop of a number of trips that is not known is a function of what it is given, like a launch."""
        if all(isinstance(self.env[value], int) for value in (op.lb, op.ub, op.step)):
            super().loop(op)
            return
        inits = [self.env[value] for value in op.iter_args]
        what = "loop", self.structure(op)
        for number, (result, init) in enumerate(zip(op.results, inits, strict=True)):
            if isinstance(result.type, TensorType):
                self.env[result] = self.held(init.shape, _dtype(result), *what, number)
            else:
                self.env[result] = self.number(result, *what, number)

    def structure(self, loop: scf.ForOp) -> Hashable:
        """The operations of a loop and what they are given. UserError where they launch what changed."""
        local: dict[SSAValue, int] = {}
        parts: list[Hashable] = []
        for op in loop.walk():
            if isinstance(op, LaunchOp) and (op.callee not in self.same or op.block_count is None):
                why = f"how often '{op.callee}', which changed, is launched is not known"
                raise UserError(why, op.location)
            operands = [("inside", local[v]) if v in local else self.key(self.env[v]) for v in op.operands]
            blocks = [block for region in op.regions for block in region.blocks]
            for value in (*op.results, *(argument for block in blocks for argument in block.args)):
                local[value] = len(local)
            said = {**op.properties, **op.attributes}
            said.pop("via", None)  # through which wrapper a kernel is launched
            attributes = tuple(sorted((name, str(value)) for name, value in said.items()))
            types = tuple(str(result.type) for result in op.results)
            lengths = tuple(len(block.ops) for block in blocks)
            parts.append((op.name, attributes, tuple(operands), types, lengths))
        return tuple(parts)

    def branch(self, op: scf.IfOp) -> None:
        """A branch on what is not known: either of what both sides yield."""
        condition = self.env[op.cond]
        if isinstance(condition, int):
            super().branch(op)
            return
        regions = [region for region in op.regions if region.blocks]
        ends = [self.side(region.block) for region in regions]
        for number, result in enumerate(op.results):
            both = [end[number] for end in ends]
            keys = [self.key(value) for value in both]
            if keys[0] == keys[-1]:
                self.env[result] = both[0]
            elif isinstance(result.type, TensorType):
                shape = both[0].shape
                self.env[result] = self.held(shape, _dtype(result), "if", self.key(condition), *keys)
            else:
                self.env[result] = self.number(result, "if", self.key(condition), *keys)

    def side(self, block: Block) -> list[Any]:
        """What one side of a branch yields; what is defined outside stays as it is."""
        outside = dict(self.env)
        ends = self.block(block)
        self.env = outside
        return ends


def run_modular(
    module: ModuleOp,
    kernels: Mapping[str, Kernel],
    blocks: TermBlocks,
    same: Collection[str],
    alone: Mapping[str, ProvedAlone],
) -> dict[str, Ids | Held]:
    """The tensors that a program writes, in the end, by parameter, as far as they had to be looked at.

    UserError where that cannot be told; before any kernel is run where the orchestration is to blame.
    """
    ModularProgram(module, TermBlocks(LaneContext(), blocks.budget), kernels, kernels, {}).outputs()
    return ModularProgram(module, blocks, kernels, same, alone).outputs()


def _dtype(value: SSAValue) -> str:
    return element_name(cast("TensorType[Attribute]", value.type).element_type)
