"""Put the tasks of a consumer where a producer has made what they need (see regrid.py).

The fused kernel is the producer with, at the end of its body or of one of its loops' bodies, one copy of the
consumer's body per task. Integers of the consumer are written anew as sums over the producer's block number
and trips: what was `row = 32 * (b // 8) + trip` becomes `row = 4 * block + t`.
"""

from collections.abc import Sequence

import numpy as np
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import is_side_effect_free

from dialects.dsv4.functions import hidden_argument
from dialects.pto.memory import PartitionViewOp, TLoadOp, constant_int
from dsv4_passes.interpreter.scalars import is_integer
from dsv4_passes.transforms.common.index_codegen import IndexCodegen
from dsv4_passes.transforms.common.quasi_affine import as_sum
from dsv4_passes.xdsl_extras.insert import constant, insert_before

from .fuse_kernels import Shared, copy_body, frame
from .index_evaluation import Numbers
from .producer_consumer import CannotFuse
from .task_mapping import TaskMapping


class Sunk:
    """A fused kernel and the places of its tasks: each begins at its marker, an unused constant."""

    def __init__(self, function: func.FuncOp, markers: list[Operation], movable: bool):
        self.function, self.markers, self.movable = function, markers, movable

    def arrange(self) -> None:
        """Move each task up behind the last of the producer's values that it needs; drop the markers."""
        if not self.markers:
            return
        block = self.markers[0].parent
        assert block is not None
        if self.movable:
            self._move(block)
        for marker in self.markers:
            Rewriter.erase_op(marker)

    def _move(self, block: Block) -> None:
        ops = list(block.ops)
        position = {op: i for i, op in enumerate(ops)}
        starts = [position[m] for m in self.markers]
        ends = [*starts[1:], len(ops) if block.last_op is None else len(ops) - 1]
        groups = [ops[start:end] for start, end in zip(starts, ends, strict=True)]
        common, tasks = groups[0], groups[1:]
        tails: dict[Operation, Operation] = {}
        for group in tasks:
            anchor = _last_needed(group, block, position, starts[0])
            if anchor is None:
                continue
            tail = tails.get(anchor, anchor)
            for op in group:
                op.detach()
                Rewriter.insert_op(op, InsertPoint.after(tail))
                tail = op
            tails[anchor] = tail
        first = next(op for op in block.ops if op in self.markers[1:])
        for op in common:
            op.detach()
            Rewriter.insert_op(op, InsertPoint.before(first))


def _last_needed(
    group: Sequence[Operation], block: Block, position: dict[Operation, int], end: int
) -> Operation | None:
    """The last operation of the producer, in front of `end`, that a task uses."""
    last: Operation | None = None
    for value in (v for op in group for inner in op.walk() for v in inner.operands):
        op = value.owner
        if isinstance(op, Operation) and op.parent is block and position[op] < end:
            last = op if last is None or position[op] > position[last] else last
    return last


def sink(
    first: func.FuncOp, second: func.FuncOp, shared: Sequence[Shared], name: str, plan: TaskMapping
) -> Sunk:
    """The producer `first` with the tasks of `second` in it. Raises CannotFuse."""
    fused, (ours, theirs) = frame(first, second, shared, name)
    copy_body(first, fused.body.block, ours)
    fused.body.block.add_op(func.ReturnOp())
    _spell_alike(fused, plan, ours)
    inside = [_loop_of(ours[loop.body.block.args[0]]) for loop in plan.inside]
    return _Sink(fused, second, plan, inside, theirs).run()


def _spell_alike(fused: func.FuncOp, plan: TaskMapping, ours: dict[SSAValue, SSAValue]) -> None:
    """Write the offsets at which the stages are stored as those of the tasks are written.

    An address with a remainder in it, for one, would not be seen to be the same.
    """
    for access in plan.first.accesses:
        view = access.op.operands[-1].owner
        if access.argument not in plan.stages.values() or not isinstance(view, PartitionViewOp):
            continue
        around = [loop for loop in access.loops if loop.is_ancestor(view)]
        if any(loop not in plan.first.trips for loop in around):
            continue
        new = ours[view.res].owner
        assert isinstance(new, PartitionViewOp)
        loops = [_loop_of(ours[loop.body.block.args[0]]) for loop in around]
        writer = IndexCodegen(hidden_argument(fused, "block_idx"), loops, new, view.location)
        shape = (plan.first.blocks, *(plan.first.trips[loop] for loop in around))
        for i, offset in enumerate(view.offsets):
            numbers = plan.first.at(offset, len(loops))
            found = None if numbers is None else as_sum(np.broadcast_to(numbers, shape))
            if found is not None and (number := writer.number(found, IndexType())) is not None:
                new.operands[1 + i] = number


def _loop_of(variable: SSAValue) -> scf.ForOp:
    loop = variable.owner.parent_op()
    assert isinstance(loop, scf.ForOp)
    return loop


class _Sink:
    def __init__(
        self,
        fused: func.FuncOp,
        second: func.FuncOp,
        plan: TaskMapping,
        inside: Sequence[scf.ForOp],
        arguments: dict[SSAValue, SSAValue],
    ):
        self.fused, self.second, self.plan, self.inside = fused, second, plan, inside
        block = inside[-1].body.block if inside else fused.body.block
        first, last = block.first_op, block.last_op
        assert first is not None
        assert last is not None
        self.end = last
        self.numbers = plan.second
        self.writer = IndexCodegen(hidden_argument(fused, "block_idx"), inside, first, second.location)
        self.seen: dict[SSAValue, Numbers | None] = {}
        self.kept = {a.argument for a in plan.second.accesses if a.stores} | plan.stages.keys()
        """Parameters of the consumer whose loads stay where they are."""
        hidden = [hidden_argument(second, kind) for kind in ("block_idx", "block_num")]
        self.common = {old: new for old, new in arguments.items() if old not in hidden}
        """The consumer's values that are the same in all tasks, and what they are in the fused kernel."""

    def run(self) -> Sunk:
        markers = [self._marker()]
        first = self.inside[0] if self.inside else self.end
        self._share(self.second.body.block, 0, first)
        for task in range(self.plan.tasks.shape[-1]):
            markers.append(self._marker())
            self._copy(self.second.body.block, 0, task, dict(self.common))
        return Sunk(self.fused, markers, self.plan.movable)

    def _marker(self) -> Operation:
        return insert_before(self.end, constant(0, IndexType()), self.second)

    # -- numbers -----------------------------------------------------------------------------------

    def _of_tasks(self, value: SSAValue) -> Numbers | None:
        """An integer of the consumer as the tasks have it: [blocks, trips …, tasks]."""
        if value not in self.seen:
            self.seen[value] = self._look(value)
        return self.seen[value]

    def _look(self, value: SSAValue) -> Numbers | None:
        depth = len(self.plan.loops)
        array = self.numbers.at(value, depth) if is_integer(value.type) else None
        if array is None or array.ndim > depth + 1:
            return None
        shape = (self.numbers.blocks, *(self.numbers.trips[loop] for loop in self.plan.loops))
        return np.broadcast_to(array, shape).reshape(-1)[self.plan.tasks]

    def _written_anew(self, value: SSAValue, task: int) -> SSAValue | None:
        """An integer of the consumer in terms of the producer's block and trips."""
        numbers = self._of_tasks(value)
        found = None if numbers is None else as_sum(numbers[..., task])
        return None if found is None else self.writer.number(found, value.type)

    # -- bodies ------------------------------------------------------------------------------------

    def _share(self, block: Block, depth: int, before: Operation) -> None:
        """Operations that are the same in every task are done once, in front of all."""
        for op in block.ops:
            if self._is_task_loop(op, depth):
                self._share(self.plan.loops[depth].body.block, depth + 1, before)
                return
            if not self._is_common(op):
                continue
            mapping = dict(self.common)
            for value in op.operands:
                if value not in mapping:
                    number = self._single(value)
                    assert number is not None
                    mapping[value] = insert_before(before, constant(number, value.type), self.second).result
            copy = op.clone(mapping)
            Rewriter.insert_op(copy, InsertPoint.before(before))
            self.common.update(zip(op.results, copy.results, strict=True))

    def _is_task_loop(self, op: Operation, depth: int) -> bool:
        return depth < len(self.plan.loops) and op is self.plan.loops[depth]

    def _is_common(self, op: Operation) -> bool:
        if op.regions or not op.results or self._is_number(op):
            return False
        if isinstance(op, TLoadOp):
            if any(a.op is op and a.argument in self.kept for a in self.numbers.accesses):
                return False
        elif not is_side_effect_free(op):
            return False
        return all(v in self.common or self._single(v) is not None for v in op.operands)

    def _is_number(self, op: Operation) -> bool:
        return len(op.results) == 1 and self._of_tasks(op.results[0]) is not None

    def _single(self, value: SSAValue) -> int | None:
        numbers = self._of_tasks(value)
        return int(numbers.flat[0]) if numbers is not None and numbers.min() == numbers.max() else None

    def _copy(self, block: Block, depth: int, task: int, mapping: dict[SSAValue, SSAValue]) -> None:
        """One task: the operations of a body of the consumer, and of its task loop inside."""
        for op in block.ops:
            if self._is_task_loop(op, depth):
                self._copy(self.plan.loops[depth].body.block, depth + 1, task, mapping)
                return
            if isinstance(op, scf.YieldOp | func.ReturnOp) or (op.results and op.results[0] in mapping):
                continue
            if self._is_number(op) and self._written_anew(op.results[0], task) is not None:
                continue
            if isinstance(op, scf.IfOp):
                taken = constant_int(self._resolve(op.cond, task, mapping))
                if taken is not None:
                    self._copy_branch(op, bool(taken), task, mapping)
                    continue
            self._copy_one(op, task, mapping)

    def _resolve(self, value: SSAValue, task: int, mapping: dict[SSAValue, SSAValue]) -> SSAValue:
        """What a value of the consumer is in a task."""
        if value not in mapping:
            number = self._written_anew(value, task)
            if number is None:
                name = self.second.sym_name.data
                raise CannotFuse(
                    f"an index of '{name}' is no sum over the producer's blocks and trips", "different grids"
                )
            mapping[value] = number
        return mapping[value]

    def _copy_one(self, op: Operation, task: int, mapping: dict[SSAValue, SSAValue]) -> None:
        inner = {v for o in op.walk() for v in o.results}
        inner |= {a for o in op.walk() for r in o.regions for b in r.blocks for a in b.args}
        for value in (v for o in op.walk() for v in o.operands):
            if value not in inner:
                self._resolve(value, task, mapping)
        Rewriter.insert_op(op.clone(mapping), InsertPoint.before(self.end))

    def _copy_branch(self, op: scf.IfOp, taken: bool, task: int, mapping: dict[SSAValue, SSAValue]) -> None:
        """A branch with the same condition in all places."""
        region = op.true_region if taken else op.false_region
        if not region.blocks:
            return
        self._copy(region.block, len(self.plan.loops), task, mapping)
        last = region.block.last_op
        assert last is not None
        for result, value in zip(op.results, last.operands, strict=True):
            mapping[result] = self._resolve(value, task, mapping)
