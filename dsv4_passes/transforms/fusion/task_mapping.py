"""Which block of a producer each piece of a consumer's work belongs to, when the two have other grids.

    rope   32 blocks: 4 tokens x 64 heads            rope + pack   32 blocks: for 4 tokens:
    pack   32 blocks: `b // 8`, `b - 8 * (b // 8)`                    rotate 64 heads, then
           32 tokens x 8 heads each            =>                     pack 8 times 8 heads

A *task* is one trip of the consumer's loops in one block. Numbers say (for all blocks and trips, none is
sampled) what each task loads of the stages and which producer block, or trip of the producer's loops,
stored it. If that is one place per task, and as many tasks for each place, the tasks move there.

Legal because tasks are independent: none touches what another one stores, so they may run in any order
and in any block; and no block of the one kernel touches what another block of the other writes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects import scf
from xdsl.ir import Operation

from dialects.dsv4.functions import Parameter, written
from dialects.pto.memory import constant_int

from .index_evaluation import (
    Access,
    IndexEvaluation,
    Numbers,
    OwnedAddresses,
    meet_across,
    meet_within,
    owners_of,
    together,
)
from .producer_consumer import CannotFuse, StagePair, parameter_of

MAX_TASKS = 64
"""A place that gets more tasks than this is refused: each task is written out."""


@dataclass(frozen=True)
class TaskMapping:
    """Where the consumer's tasks go.

    `inside` are loops of the producer, outermost first, at the end of whose innermost body the tasks are
    put; none means behind all of it. `loops` are those of the consumer whose trips are tasks. `tasks`
    [producer blocks, trips of `inside` …, K] numbers the K tasks of each place by consumer block, then
    trips.
    """

    first: IndexEvaluation
    second: IndexEvaluation
    inside: tuple[scf.ForOp, ...]
    loops: tuple[scf.ForOp, ...]
    tasks: Numbers
    stages: Mapping[int, int]
    """Parameters of the consumer that the producer stores, mapped to those of the producer."""
    movable: bool
    """Tasks may run before operations of the producer that they do not depend on."""


def map_tasks(pair: StagePair, same: Mapping[int, int]) -> TaskMapping:
    """Find a place for every task; `same` maps shared tensors, consumer to producer. Raises CannotFuse."""
    return _Planner(pair, same).plan()


class _Planner:
    def __init__(self, pair: StagePair, same: Mapping[int, int]):
        self.pair, self.same = pair, same
        self.producer, self.consumer = pair.producer.callee, pair.consumer.callee
        blocks = pair.producer.block_count, pair.consumer.block_count
        if blocks[0] is None or blocks[1] is None:
            launch = pair.producer if blocks[0] is None else pair.consumer
            raise self.stop(
                f"in how many blocks '{launch.callee}' runs is not known: the text says '{launch.grid}'",
                "different grids",
            )
        if blocks[0] == 1 < blocks[1]:
            raise self.stop(
                f"'{self.producer}' runs in one block and '{self.consumer}' in {blocks[1]}: "
                "one block would do all of their work",
                "different grids",
            )
        self.functions = pair.producer.function(), pair.consumer.function()
        self.first = IndexEvaluation(self.functions[0], blocks[0])
        self.second = IndexEvaluation(self.functions[1], blocks[1])

    def stop(self, why: str, reason: str) -> CannotFuse:
        return CannotFuse(why, reason)

    def plan(self) -> TaskMapping:
        loops = self.task_loops()
        numbers = _count(self.second, loops)
        self.check_independent(loops, numbers)
        loads = self.stage_loads(numbers)
        around = self.loops_around_stores()
        for depth in range(len(around), -1, -1):
            inside = around[:depth]
            try:
                owners = self.owners(inside, loads, numbers.size)
                tasks = self.share_out(inside, owners)
            except CannotFuse:
                if depth == 0:
                    raise
                continue
            movable = self.check_shared(inside, loops, owners.reshape(numbers.shape))
            if movable or depth == 0:
                stages = self.pair.stages
                return TaskMapping(self.first, self.second, inside, loops, tasks, stages, movable)
        raise AssertionError

    # -- the consumer's tasks ----------------------------------------------------------------------

    def task_loops(self) -> tuple[scf.ForOp, ...]:
        """The loops around all that the consumer loads of the stages and stores."""
        if self.second.unknown:
            op = self.second.unknown[0]
            raise self.stop(
                f"'{self.consumer}' has '{op.name}', of which not all effects are known", "not a map"
            )
        wanted = [a for a in self.second.accesses if a.stores or a.argument in self.pair.stages]
        if not any(a.argument in self.pair.stages for a in wanted):
            raise self.stop(f"'{self.consumer}' loads nothing of what it is given", "not a map")
        found: list[scf.ForOp] = []
        for ops in zip(*(a.path for a in wanted), strict=False):
            loop = ops[0]
            if any(op is not loop for op in ops) or not isinstance(loop, scf.ForOp):
                break
            if loop not in self.second.trips or constant_int(loop.step) is None or loop.results:
                break
            found.append(loop)
        return tuple(found)

    def of_tasks(
        self, access: Access, loops: tuple[scf.ForOp, ...], owners: Numbers
    ) -> OwnedAddresses | None:
        """What tasks touch by an access, if it is part of them."""
        return self.second.touched(access, owners) if access.path[: len(loops)] == loops else None

    def check_independent(self, loops: tuple[scf.ForOp, ...], numbers: Numbers) -> None:
        """No task stores what another one stores or loads."""
        stored = {a.argument for a in self.second.accesses if a.stores}
        for argument in stored:
            name = parameter_of(self.functions[1], argument).name
            mine = [a for a in self.second.accesses if a.argument == argument]
            parts = [(a.stores, self.of_tasks(a, loops, numbers)) for a in mine]
            known = [(stores, t) for stores, t in parts if t is not None]
            if len(known) < len(parts):
                raise self.stop(f"where '{self.consumer}' touches '{name}' is not known", "not a map")
            stores = together([t for is_store, t in known if is_store])
            for other in (stores, together([t for is_store, t in known if not is_store])):
                if (element := meet_across(stores, other)) is not None:
                    raise self.stop(
                        f"two blocks or trips of '{self.consumer}' touch "
                        f"{_element(self.second, argument, element)}",
                        "not a map",
                    )

    def stage_loads(self, numbers: Numbers) -> dict[int, OwnedAddresses]:
        """What each task loads, by parameter of the producer."""
        found: dict[int, OwnedAddresses] = {}
        for theirs, ours in self.pair.stages.items():
            parts = [
                (a, self.second.touched(a, numbers)) for a in self.second.accesses if a.argument == theirs
            ]
            known = [t for _, t in parts if t is not None]
            if len(known) < len(parts):
                name = parameter_of(self.functions[1], theirs).name
                raise self.stop(f"where '{self.consumer}' loads '{name}' is not known", "not a map")
            found[ours] = together(known)
        return found

    # -- the producer's places ---------------------------------------------------------------------

    def stage_stores(self) -> Iterator[Access]:
        ours = set(self.pair.stages.values())
        return (a for a in self.first.accesses if a.stores and a.argument in ours)

    def loops_around_stores(self) -> tuple[scf.ForOp, ...]:
        """The producer's loops in which all stages are stored."""
        found: list[scf.ForOp] = []
        for ops in zip(*(a.path for a in self.stage_stores()), strict=False):
            loop = ops[0]
            if any(op is not loop for op in ops) or not isinstance(loop, scf.ForOp):
                break
            if loop not in self.first.trips or constant_int(loop.step) is None:
                break
            found.append(loop)
        return tuple(found)

    def owners(self, inside: Sequence[scf.ForOp], loads: Mapping[int, OwnedAddresses], count: int) -> Numbers:
        """The place that stored what each of `count` tasks loads."""
        places = _count(self.first, inside)
        low = np.full(count, places.size, np.int64)
        high = np.full(count, -1, np.int64)
        for argument, load in loads.items():
            parts = [self.first.touched(a, places) for a in self.stage_stores() if a.argument == argument]
            stores = [t for t in parts if t is not None]
            if len(stores) < len(parts):
                name = parameter_of(self.functions[0], argument).name
                raise self.stop(f"where '{self.producer}' stores '{name}' is not known", "not a stage")
            missing, several, place = owners_of(together(stores), load.addresses)
            for wrong, what in ((missing, "nobody stores"), (several, "several blocks store")):
                if wrong is not None:
                    raise self.stop(
                        f"'{self.consumer}' loads {_element(self.first, argument, wrong)}, "
                        f"which {what} in '{self.producer}'",
                        "not stored in one block",
                    )
            np.minimum.at(low, load.owners, place)
            np.maximum.at(high, load.owners, place)
        if (apart := np.flatnonzero(low != high)).size:
            task = int(apart[0])
            block = task // (count // self.second.blocks)
            if high[task] < 0:
                raise self.stop(
                    f"block {block} of '{self.consumer}' has trips that load nothing", "not a map"
                )
            each = places.size // self.first.blocks
            raise self.stop(
                f"block {block} of '{self.consumer}' loads at once what blocks {low[task] // each} and "
                f"{high[task] // each} of '{self.producer}' store",
                "loads of several blocks",
            )
        return low

    def share_out(self, inside: Sequence[scf.ForOp], owners: Numbers) -> Numbers:
        """The tasks of each place, in their order."""
        places = _count(self.first, inside)
        shares = np.bincount(owners, minlength=places.size)
        if shares.min() != shares.max():
            raise self.stop(
                f"blocks of '{self.producer}' would get {shares.min()} to {shares.max()} parts of the work "
                f"of '{self.consumer}'",
                "uneven work",
            )
        if shares[0] > MAX_TASKS:
            raise self.stop(
                f"each block of '{self.producer}' would get {shares[0]} parts of the work of "
                f"'{self.consumer}', more than {MAX_TASKS}",
                "too many tasks",
            )
        return np.argsort(owners, kind="stable").reshape(*places.shape, -1)

    def check_shared(
        self, inside: Sequence[scf.ForOp], loops: tuple[scf.ForOp, ...], owners: Numbers
    ) -> bool:
        """No block of either kernel touches what another block of the other writes.

        True if not even one and the same block does, so that the order inside a block is free, too.
        """
        each = _count(self.first, inside).size // self.first.blocks
        blocks = np.arange(self.first.blocks, dtype=np.int64)
        changed = tuple({p.index for p in written(f)} for f in self.functions)
        movable = not self.first.unknown
        for theirs, ours in self.same.items():
            if ours not in changed[0] and theirs not in changed[1]:
                continue
            parts = (
                [
                    (a.stores, self.first.touched(a, blocks))
                    for a in self.first.accesses
                    if a.argument == ours
                ],
                [
                    (a.stores, self.of_tasks(a, loops, owners // each))
                    for a in self.second.accesses
                    if a.argument == theirs
                ],
            )
            parameter = parameter_of(self.functions[1], theirs)
            for mine_stores, other_stores in ((True, True), (True, False), (False, True)):
                mine = self._side(parts[0], mine_stores, parameter)
                other = self._side(parts[1], other_stores, parameter)
                if (element := meet_across(mine, other)) is not None:
                    raise self.stop(
                        f"blocks of {self.pair.label} share {_element(self.second, theirs, element)}",
                        "blocks share elements",
                    )
                movable &= meet_within(mine, other) is None
        return movable

    def _side(
        self, parts: list[tuple[bool, OwnedAddresses | None]], stores: bool, parameter: Parameter
    ) -> OwnedAddresses:
        known = [t for _, t in parts if t is not None]
        if len(known) < len(parts):
            raise self.stop(
                f"where {self.pair.label} touch '{parameter.name}' is not known", "blocks share elements"
            )
        return together([t for is_store, t in parts if t is not None and is_store == stores])


def _count(numbers: IndexEvaluation, loops: Sequence[Operation]) -> Numbers:
    """A number for each block and trips of `loops` around one another."""
    shape = (numbers.blocks, *(numbers.trips[loop] for loop in loops if isinstance(loop, scf.ForOp)))
    return np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)


def _element(numbers: IndexEvaluation, argument: int, address: int) -> str:
    """`element [3, 64] of 'stage'`."""
    parameter = parameter_of(numbers.function, argument)
    index: list[int] = []
    for size in reversed(parameter.dims[1:]):
        if not isinstance(size, int) or size < 1:
            return f"element {address} of '{parameter.name}'"
        index.insert(0, address % size)
        address //= size
    return f"element {[address, *index]} of '{parameter.name}'"
