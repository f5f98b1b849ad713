"""Two launches of which one hands GM tensors to the other, and what must hold before they can be one.

One that hands over nothing but tensors that others see, too, is no producer: there is nothing to gain.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import is_side_effect_free

from dialects.dsv4.functions import ORCHESTRATION, Parameter, program_functions, visible, written
from dialects.dsv4.launch import LaunchOp
from dialects.dsv4.opaque import TextCallOp
from dialects.dsv4.tensors import AssembleOp, CreateOp, UpdateOp, WriteOp
from dsv4_passes.transforms.program.orchestration import position, tensor_of, written_result


class CannotFuse(Exception):
    """Why a pair of kernels stays two."""

    def __init__(self, why: str, reason: str):
        super().__init__(why)
        self.reason = reason


@dataclass(frozen=True)
class StagePair:
    """A producer and a consumer launch, and the GM stages between them.

    `stages` maps parameters of the consumer to those of the producer.
    """

    producer: LaunchOp
    consumer: LaunchOp
    stages: Mapping[int, int]

    @property
    def label(self) -> str:
        return f"'{self.producer.callee}' and '{self.consumer.callee}'"


def pairs(module: ModuleOp) -> list[StagePair]:
    """All pairs of a program, block by block of its orchestrations."""
    found: list[StagePair] = []
    for orchestration in program_functions(module, ORCHESTRATION):
        inner = [
            b for op in orchestration.walk() if op is not orchestration for r in op.regions for b in r.blocks
        ]
        for block in (orchestration.body.block, *inner):
            found += _pairs_in(block)
    return found


def _pairs_in(block: Block) -> Iterator[StagePair]:
    """Producer and consumer launches of one block, by their first stage."""
    for consumer in block.ops:
        if not isinstance(consumer, LaunchOp):
            continue
        by_producer: dict[LaunchOp, dict[int, int]] = {}
        for parameter, value in zip(visible(consumer.function()), consumer.args, strict=True):
            producer = value.owner
            if not isinstance(producer, LaunchOp) or producer.parent is not block or producer is consumer:
                continue
            for source in written(producer.function()):
                if written_result(producer, source.index) is value:
                    by_producer.setdefault(producer, {})[parameter.index] = source.index
        for producer, stages in by_producer.items():
            yield StagePair(producer, consumer, stages)


def check_launches(pair: StagePair) -> tuple[StagePair, dict[int, int]]:
    """The pair with those of its stages that need not be in GM, and the tensors that only pass through.

    Nothing may stand in between. A tensor that passes through has other users, too: both
    kernels work on it, in GM.
    """
    for launch in (pair.producer, pair.consumer):
        for parameter, value in _tensors(launch):
            if isinstance(tensor_of(value).owner, TextCallOp):
                raise CannotFuse(
                    f"nothing is known of what '{parameter.name}' of '{launch.callee}' is made of",
                    "unknown tensor",
                )
    if (blocker := _blocker(pair, list(_between(pair.producer, pair.consumer)))) is not None:
        raise CannotFuse(f"{_say(blocker)} stands between {pair.label}", "kernel in between")
    stages: dict[int, int] = {}
    passed: dict[int, int] = {}
    reasons: list[CannotFuse] = []
    for theirs, ours in pair.stages.items():
        if (problem := _why_no_stage(pair, theirs, ours)) is None:
            stages[theirs] = ours
        else:
            passed[theirs] = ours
            reasons.append(problem)
    if not stages or any(not _passes(pair, theirs, ours) for theirs, ours in passed.items()):
        raise reasons[0]
    return StagePair(pair.producer, pair.consumer, stages), passed


def _why_no_stage(pair: StagePair, theirs: int, ours: int) -> CannotFuse | None:
    """The reason why a tensor between the two must stay in GM."""
    value = written_result(pair.producer, ours)
    assert value is not None
    name = parameter_of(pair.consumer.function(), theirs).name
    readers = [use.operation for use in value.uses if use.operation is not pair.consumer]
    if readers:
        return CannotFuse(f"'{name}' is also read by {_say(readers[0])}", "other reader")
    if len(list(value.uses)) > 1:
        return CannotFuse(f"'{name}' is passed twice to '{pair.consumer.callee}'", "other reader")
    if not isinstance(tensor_of(value).owner, CreateOp):
        return CannotFuse(f"'{name}', which goes between {pair.label}, comes in from outside", "not a stage")
    before = pair.producer.args[position(pair.producer, ours)]
    if not isinstance(before.owner, CreateOp) or len(list(before.uses)) != 1:
        return CannotFuse(f"'{name}' is not written by '{pair.producer.callee}' alone", "several producers")
    if parameter_of(pair.consumer.function(), theirs).written:
        return CannotFuse(f"'{pair.consumer.callee}' changes '{name}' in place", "several producers")
    return None


def _passes(pair: StagePair, theirs: int, ours: int) -> bool:
    """The fused kernel can work on the tensor: the intermediate version has no other user."""
    value = written_result(pair.producer, ours)
    assert value is not None
    mine, other = parameter_of(pair.producer.function(), ours), parameter_of(pair.consumer.function(), theirs)
    uses = [use.operation is pair.consumer for use in value.uses]
    alone = all(uses) or not other.written
    return mine.type == other.type and uses.count(True) == 1 and alone


def _say(op: Operation) -> str:
    return f"'{op.callee}'" if isinstance(op, LaunchOp) else f"'{op.name}'"


def _between(a: Operation, b: Operation) -> Iterator[Operation]:
    op = a.next_op
    while op is not None and op is not b:
        yield op
        op = op.next_op


def _blocker(pair: StagePair, between: list[Operation]) -> Operation | None:
    """An operation because of which the producer cannot be moved down to the consumer."""
    mine = {tensor_of(v) for v in pair.producer.args}
    made = set(pair.producer.res)
    for op in between:
        if op.regions or any(v in made for v in op.operands):
            return op
        if isinstance(op, LaunchOp):
            changed = {tensor_of(op.args[position(op, p.index)]) for p in written(op.function())}
        elif isinstance(op, AssembleOp | UpdateOp | WriteOp):
            changed = {tensor_of(op.dest)}
        elif isinstance(op, CreateOp) or is_side_effect_free(op):
            continue
        else:
            return op
        if changed & mine:
            return op
    return None


def shared_tensors(pair: StagePair, passed: Mapping[int, int]) -> dict[int, int]:
    """Parameters of the consumer that are the same tensor as one of the producer's, stages aside.

    Pointer arguments of a kernel must not alias, so a tensor that one of the two writes may not reach
    them in two shapes or twice.
    """
    same = dict(passed)
    first = list(_tensors(pair.producer))
    for theirs, value in _tensors(pair.consumer):
        for ours, other in first:
            if theirs.index in pair.stages or tensor_of(other) is not tensor_of(value):
                continue
            if passed.get(theirs.index) == ours.index:
                continue
            if value.type == other.type and theirs.index not in same and ours.index not in same.values():
                same[theirs.index] = ours.index
            elif theirs.written or ours.written:
                raise CannotFuse(f"{pair.label} take '{theirs.name}' in two ways", "tensor passed twice")
    return same


def shared_scalars(pair: StagePair) -> dict[int, int]:
    """Parameters of the consumer that are the same number as one of the producer's."""
    same: dict[int, int] = {}
    first = list(_scalars(pair.producer))
    for theirs, value in _scalars(pair.consumer):
        ours = next((p.index for p, v in first if v is value and p.index not in same.values()), None)
        if ours is not None:
            same[theirs.index] = ours
    return same


def _scalars(launch: LaunchOp) -> Iterator[tuple[Parameter, SSAValue]]:
    return ((p, v) for p, v in zip(visible(launch.function()), launch.args, strict=True) if not p.is_tensor)


def _tensors(launch: LaunchOp) -> Iterator[tuple[Parameter, SSAValue]]:
    return ((p, v) for p, v in zip(visible(launch.function()), launch.args, strict=True) if p.is_tensor)


def parameter_of(function: func.FuncOp, index: int) -> Parameter:
    return next(p for p in visible(function) if p.index == index)
