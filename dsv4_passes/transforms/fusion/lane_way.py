"""Which GM stages lie on the way of a lane site, so that fusing across them is worth it.

A lane site is an operation that moves lanes, or a product with a matrix that a fact is about. A stage is on
its way where the producer stores what a site made and a site of the consumer takes it, or where the producer
stores what such a product made and the consumer rounds it: that rounding absorbs the one of the product.

    gather -> cast -> store  | load -> select product       on the way: taken apart here, put together there
    select product -> store  | load -> cast -> store        on the way: the cast absorbs a rounding
    dsv4.interleave -> store | load -> cast -> store        on the way: short lanes are put together for less
    gather -> cast -> store  | load -> product with weights  not: the lanes are where they belong
    scatter -> store         | load -> cast -> store         not: the scatter moves all bits as they are
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument, Operation, SSAValue

from dialects.dsv4.functions import ORCHESTRATION, argument_attributes, program_functions, visible
from dialects.dsv4.launch import LaunchOp
from dialects.pto.base import TileOp, layout_of
from dialects.pto.elements import element_bits
from dialects.pto.matmul import MatmulOp
from dialects.pto.memory import TLoadOp, TStoreOp
from dialects.pto.types import TileType
from dsv4_passes.transforms.program.orchestration import tensor_of

from .fuse_kernels import accesses, argument_behind
from .producer_consumer import StagePair

FACTS = ("dsv4.selector", "dsv4.table")
MOVES = ("tgather", "tgatherb", "tscatter", "mgather", "mscatter")
"""Operations that move lanes."""
REDUCTIONS = (
    "trowsum",
    "trowmax",
    "trowmin",
    "trowprod",
    "trowarg",
    "tcolsum",
    "tcolmax",
    "tcolmin",
    "tsort",
    "tmrgsort",
)
LANE_OPS = ("dsv4.deinterleave", "dsv4.interleave", "dsv4.swap_pairs", "dsv4.rotate_pairs")


class LaneWay:
    """The lane sites of a program as it is now; rebuild it after kernels change."""

    def __init__(self, module: ModuleOp):
        self.known: dict[str, set[int]] = {}
        """By kernel, the arguments that a fact is about."""
        for orchestration in program_functions(module, ORCHESTRATION):
            for launch in orchestration.walk():
                if isinstance(launch, LaunchOp):
                    self.add_facts(orchestration, launch)
        self.sites = cache(self.find_sites)

    def add_facts(self, orchestration: func.FuncOp, launch: LaunchOp) -> None:
        kernel = launch.function()
        known = self.known.setdefault(launch.callee, set())
        for parameter, value in zip(visible(kernel), launch.args, strict=True):
            given = argument_attributes(kernel, parameter.index)
            root = tensor_of(value)
            if isinstance(root, BlockArgument) and root.owner is orchestration.body.block:
                given |= argument_attributes(orchestration, root.index)
            if any(fact in given for fact in FACTS):
                known.add(parameter.index)

    def find_sites(self, kernel: func.FuncOp) -> frozenset[Operation]:
        """The operations of a kernel that move lanes or take a matrix that is known."""
        arguments = [kernel.body.block.args[i] for i in self.known.get(kernel.sym_name.data, ())]
        given = {v for argument in arguments for load in loads(kernel, argument) for v in load.results}
        selections = users(given) if given else set[Operation]()
        return frozenset(
            op
            for op in kernel.walk()
            if op.name in LANE_OPS
            or (isinstance(op, TileOp) and op.mnemonic() in MOVES)
            or (isinstance(op, MatmulOp) and op in selections)
        )

    def on_the_way(self, pairs: Sequence[StagePair]) -> Iterator[StagePair]:
        """Those of a program's pairs that have a stage on the way of a lane site."""
        for pair in pairs:
            first = pair.producer.function()
            if self.sites(first) and any(
                self.is_on_the_way(first, ours, pair, theirs, pairs) for theirs, ours in pair.stages.items()
            ):
                yield pair

    def is_on_the_way(
        self, first: func.FuncOp, ours: int, pair: StagePair, theirs: int, pairs: Sequence[StagePair]
    ) -> bool:
        if self.leads_to_site(pair, theirs, pairs):
            return any(True for _ in self.made_by(first, ours, through_roundings=True))
        makers = self.made_by(first, ours, through_roundings=False)
        absorbed = any(isinstance(op, MatmulOp) or op.name in LANE_OPS for op in makers)
        return absorbed and any(map(is_rounding, taken_by(pair.consumer.function(), theirs)))

    def leads_to_site(
        self, pair: StagePair, theirs: int, pairs: Sequence[StagePair], seen: tuple[StagePair, ...] = ()
    ) -> bool:
        """A site reads the stage, directly or through results of the consumer."""
        consumer = pair.consumer.function()
        taken = taken_by(consumer, theirs)
        if self.sites(consumer) & taken:
            return True
        stored = {argument_behind(op.outs[0]) for op in taken if isinstance(op, TStoreOp)}
        return any(
            self.leads_to_site(after, inner, pairs, (*seen, pair))
            for after in pairs
            if after.producer is pair.consumer and after not in seen
            for inner, outer in after.stages.items()
            if consumer.body.block.args[outer] in stored
        )

    def made_by(self, kernel: func.FuncOp, argument: int, through_roundings: bool) -> Iterator[Operation]:
        """The sites whose results reach the kernel's stores to the argument."""
        stores = [a for a in accesses(kernel, kernel.body.block.args[argument]) if isinstance(a, TStoreOp)]
        sites = self.sites(kernel)
        return (op for op in makers([s.ins[0] for s in stores], sites, through_roundings) if op in sites)

    def are_sites(self, launches: Iterable[LaunchOp]) -> bool:
        return any(self.sites(launch.function()) for launch in launches)


def taken_by(kernel: func.FuncOp, argument: int) -> set[Operation]:
    """What computes with the lanes that a kernel loads of an argument, up to products and reductions."""
    loaded = {v for load in loads(kernel, kernel.body.block.args[argument]) for v in load.results}
    return users(loaded, up_to_sums=True)


def loads(kernel: func.FuncOp, argument: SSAValue) -> Iterator[TLoadOp]:
    for op in kernel.walk():
        if isinstance(op, TLoadOp) and argument_behind(op.ins[0]) is argument:
            yield op


def users(values: Iterable[SSAValue], up_to_sums: bool = False) -> set[Operation]:
    """All operations that compute with the values, through loops and branches."""
    found: set[Operation] = set()
    pending, seen = list(values), set[SSAValue]()
    while pending:
        value = pending.pop()
        if value in seen:
            continue
        seen.add(value)
        for use in value.uses:
            found.add(use.operation)
            if not (up_to_sums and is_sum(use.operation)):
                pending += passed_on(use.operation, use.index)
    return found


def passed_on(op: Operation, index: int) -> Iterable[SSAValue]:
    """The values that an operand of an operation flows into."""
    parent = op.parent_op()
    if isinstance(op, scf.YieldOp):
        into: list[SSAValue] = [parent.results[index]] if parent is not None and parent.results else []
        if isinstance(parent, scf.ForOp):
            into.append(parent.body.block.args[index + 1])
        return into
    if isinstance(op, scf.ForOp):
        number = index - (len(op.operands) - len(op.results))
        return (op.body.block.args[number + 1], op.results[number]) if number >= 0 else ()
    return op.results


def makers(
    values: Iterable[SSAValue], sites: frozenset[Operation], through_roundings: bool
) -> Iterator[Operation]:
    """The operations that tiles are computed by, back to loads, or only to the last rounding or product."""
    pending, seen = list(values), set[SSAValue]()
    while pending:
        value = pending.pop()
        if value in seen or not isinstance(value.type, TileType):
            continue
        seen.add(value)
        owner = value.owner
        if isinstance(owner, scf.ForOp | scf.IfOp):
            number = next(i for i, r in enumerate(owner.results) if r is value)
            ends = [region.block.last_op for region in owner.regions if region.blocks]
            pending += [end.operands[number] for end in ends if end is not None]
        elif isinstance(owner, Operation):
            yield owner
            if owner in sites or through_roundings or not ends_the_way(owner):
                pending += owner.operands
        elif isinstance(loop := owner.parent_op(), scf.ForOp) and isinstance(value, BlockArgument):
            end = loop.body.block.last_op
            pending.append(loop.iter_args[value.index - 1])
            if end is not None:
                pending.append(end.operands[value.index - 1])


def ends_the_way(op: Operation) -> bool:
    """What comes behind says nothing about lanes before it."""
    return isinstance(op, MatmulOp) or is_rounding(op)


def is_sum(op: Operation) -> bool:
    """Every lane of the result is made of many."""
    return isinstance(op, MatmulOp) or (isinstance(op, TileOp) and op.mnemonic().startswith(REDUCTIONS))


def is_rounding(op: Operation) -> bool:
    """A conversion to fewer bits."""
    tiles = [v for v in op.operands if isinstance(v.type, TileType)]
    if not isinstance(op, TileOp) or op.mnemonic() != "tcvt" or not tiles or not op.results:
        return False
    return element_bits(layout_of(op.results[0]).dtype) < element_bits(layout_of(tiles[0]).dtype)
