"""GM stages between kernels that are not adjacent: not fused; a remark is emitted.

What goes through a loop's or a branch's results, into a loop, or through a view or another tensor that it is
assembled into, has no pair of neighbouring launches (stage_pairs.py).
"""

from collections.abc import Iterator

from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from dialects.dsv4.functions import ORCHESTRATION, program_functions, visible
from dialects.dsv4.launch import LaunchOp
from dialects.dsv4.tensors import AssembleOp, CreateOp, UpdateOp, WriteOp
from dsv4_passes.diagnostics import refused
from dsv4_passes.transforms.program.orchestration import VIEWS

from .fuse_loops import CannotFuseLoops, origin
from .lane_way import LaneWay
from .lifts import what_lifts

ELSEWHERE = "they are not in the same loop or branch"
VIEW = "it is a view of what the one stores"
KINDS = {ELSEWHERE: "other loop or branch", VIEW: "view"}
"""What would lift it depends on what is in the way; anything else is that it is assembled."""
Found = tuple[LaunchOp, str]
"""A launch that stored a tensor, and why the one that takes it cannot be fused with it."""


def remark_nonadjacent_stages(module: ModuleOp, way: LaneWay | None = None) -> None:
    """A remark for every pair of kernels, once; with `way`, only for those that both move lanes."""
    seen: set[tuple[str, str]] = set()
    for orchestration in program_functions(module, ORCHESTRATION):
        for consumer in orchestration.walk():
            if not isinstance(consumer, LaunchOp):
                continue
            for parameter, value in zip(visible(consumer.function()), consumer.args, strict=True):
                if parameter.direction not in ("in", "inout"):
                    continue
                for producer, why in _producers(value, consumer):
                    names = producer.callee, consumer.callee
                    if way is not None and not (way.are_sites([producer]) and way.are_sites([consumer])):
                        continue
                    if names not in seen and _is_stage(value):
                        seen.add(names)
                        what = f"'{parameter.name}' goes from '{names[0]}' to '{names[1]}', but {why}"
                        lift = what_lifts(KINDS.get(why, "assembled"))
                        refused(consumer, f"not fused: {what}{lift}", "handed over from afar")


def _is_stage(value: SSAValue) -> bool:
    """The tensor, or what it is a view of, was made by the orchestration."""
    try:
        return isinstance(origin(value).owner, CreateOp)
    except CannotFuseLoops:
        return False


def _producers(value: SSAValue, consumer: LaunchOp) -> Iterator[Found]:
    """The launches that stored what a value holds, but for a neighbour of its consumer."""
    pending: list[tuple[SSAValue, str]] = [(value, "")]
    seen: set[SSAValue] = set()
    while pending:
        current, why = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        owner = current.owner
        if isinstance(owner, LaunchOp):
            if owner.parent is not consumer.parent:
                why = why or ELSEWHERE
            if why and owner is not consumer:
                yield owner, why
        else:
            pending += _sources(current, owner, why)


def _sources(value: SSAValue, owner: Operation | Block, why: str) -> list[tuple[SSAValue, str]]:
    """What a value comes from, and what stands between it and that."""
    if isinstance(owner, Operation):
        if owner.name in VIEWS:
            return [(owner.operands[0], why or VIEW)]
        if isinstance(owner, AssembleOp | UpdateOp | WriteOp):
            given = [v for v in owner.operands if v.type == owner.res.type or not isinstance(owner, WriteOp)]
            return [(v, why or f"'{owner.name}' stands between them") for v in given[:2]]
        if isinstance(owner, scf.ForOp | scf.IfOp):
            number = next(i for i, result in enumerate(owner.results) if result is value)
            ends = [region.block.last_op for region in owner.regions if region.blocks]
            return [(end.operands[number], why or ELSEWHERE) for end in ends if end is not None]
        return []
    loop = owner.parent_op()
    if isinstance(loop, scf.ForOp) and isinstance(value, BlockArgument) and value.index:
        end = loop.body.block.last_op
        assert end is not None
        number = value.index - 1
        return [(v, why or ELSEWHERE) for v in (loop.iter_args[number], end.operands[number])]
    return []
