"""Two launches of which one hands GM tensors to the other, and what must hold before they can be one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue

from dialects.dsv4.functions import ORCHESTRATION, Parameter, program_functions, visible, written
from dialects.dsv4.launch import LaunchOp
from dialects.dsv4.tensors import CreateOp

from .orchestration import position, root_of, written_result


class CannotFuse(Exception):
    """Why a pair of kernels stays two."""

    def __init__(self, why: str, reason: str):
        super().__init__(why)
        self.reason = reason


@dataclass(frozen=True)
class Pair:
    """A producer and a consumer launch, and what goes from the one to the other.

    `stages` maps parameters of the consumer to those of the producer.
    """

    producer: LaunchOp
    consumer: LaunchOp
    stages: Mapping[int, int]

    @property
    def label(self) -> str:
        return f"'{self.producer.callee}' and '{self.consumer.callee}'"


def pairs(module: ModuleOp) -> list[Pair]:
    """All pairs of a program, block by block of its orchestrations."""
    found: list[Pair] = []
    for orchestration in program_functions(module, ORCHESTRATION):
        inner = [
            b for op in orchestration.walk() if op is not orchestration for r in op.regions for b in r.blocks
        ]
        for block in (orchestration.body.block, *inner):
            found += _pairs_in(block)
    return found


def _pairs_in(block: Block) -> Iterator[Pair]:
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
            yield Pair(producer, consumer, stages)


def check_launches(pair: Pair) -> None:
    """Other readers and writers of the stages, and what stands between."""
    consumed = {p.index: p for p in visible(pair.consumer.function())}
    for theirs, source in pair.stages.items():
        value = written_result(pair.producer, source)
        assert value is not None
        readers = [use.operation for use in value.uses if use.operation is not pair.consumer]
        if readers:
            raise CannotFuse(
                f"what goes between {pair.label} is also read by {_say(readers[0])}", "other reader"
            )
        if len([use for use in value.uses]) > 1:
            raise CannotFuse(f"what goes between {pair.label} is passed twice", "other reader")
        if not isinstance(root_of(value).owner, CreateOp):
            raise CannotFuse(f"what goes between {pair.label} comes in from outside", "not a stage")
        before = pair.producer.args[position(pair.producer, source)]
        if not isinstance(before.owner, CreateOp) or len(list(before.uses)) != 1:
            raise CannotFuse(f"what goes between {pair.label} is written elsewhere too", "several producers")
        if consumed[theirs].written:
            raise CannotFuse(
                f"'{pair.consumer.callee}' changes '{consumed[theirs].name}' in place", "several producers"
            )
    if (blocker := _blocker(pair, list(_between(pair.producer, pair.consumer)))) is not None:
        raise CannotFuse(f"{_say(blocker)} stands between {pair.label}", "kernel in between")


def _say(op: Operation) -> str:
    return f"'{op.callee}'" if isinstance(op, LaunchOp) else f"'{op.name}'"


def _between(a: Operation, b: Operation) -> Iterator[Operation]:
    op = a.next_op
    while op is not None and op is not b:
        yield op
        op = op.next_op


def _blocker(pair: Pair, between: list[Operation]) -> Operation | None:
    """An operation because of which the producer cannot be moved down to the consumer."""
    mine = {root_of(v) for v in pair.producer.args}
    made = set(pair.producer.res)
    for op in between:
        if op.regions or any(v in made for v in op.operands):
            return op
        if isinstance(op, LaunchOp):
            touched = {root_of(op.args[position(op, p.index)]) for p in written(op.function())}
            if touched & mine:
                return op
        elif not isinstance(op, CreateOp) and op.results == () and op.operands:
            return op
    return None


def shared_tensors(pair: Pair) -> dict[int, int]:
    """Parameters of the consumer that are the same tensor as one of the producer's, stages aside.

    Pointer arguments of a kernel must not alias, so a tensor that one of the two writes may not reach
    them in two shapes or twice.
    """
    same: dict[int, int] = {}
    first = list(_tensors(pair.producer))
    for theirs, value in _tensors(pair.consumer):
        for ours, other in first:
            if theirs.index in pair.stages or root_of(other) is not root_of(value):
                continue
            if value.type == other.type and theirs.index not in same and ours.index not in same.values():
                same[theirs.index] = ours.index
            elif theirs.written or ours.written:
                raise CannotFuse(f"{pair.label} take '{theirs.name}' in two ways", "tensor passed twice")
    return same


def _tensors(launch: LaunchOp) -> Iterator[tuple[Parameter, SSAValue]]:
    return ((p, v) for p, v in zip(visible(launch.function()), launch.args, strict=True) if p.is_tensor)


def parameter_of(function: func.FuncOp, index: int) -> Parameter:
    return next(p for p in visible(function) if p.index == index)
