"""What is not known about the index of a gather or scatter."""

from collections.abc import Iterator

from xdsl.dialects import func
from xdsl.ir import BlockArgument, Operation, SSAValue

from dialects.pto.lanes import TGatherOp, TScatterOp
from dialects.pto.memory import TLoadOp
from dsv4_passes.argument_names import argument_name
from dsv4_passes.equivalence.facts import facts_of, loaded_argument
from dsv4_passes.transforms.facts.given import given_instead, wanted_fact


def behind(value: SSAValue) -> Iterator[Operation]:
    """The operations that a value is computed by, those in a loop's body included, each once."""
    pending, seen = [value], set[Operation]()
    while pending:
        op = pending.pop().owner
        if isinstance(op, Operation) and op not in seen:
            seen.add(op)
            yield op
            pending += op.operands
            for region in op.regions:
                for block in region.blocks:
                    if block.last_op is not None:
                        pending += block.last_op.operands


def _arguments_behind(value: SSAValue) -> Iterator[BlockArgument]:
    for op in behind(value):
        argument = loaded_argument(op) if isinstance(op, TLoadOp) else None
        if argument is not None:
            yield argument


def unknown_index(function: func.FuncOp, value: SSAValue) -> tuple[str, str] | None:
    """What is not known about the index of a gather or scatter at or behind a value."""
    known = facts_of(function)
    arguments: dict[BlockArgument, None] = {}
    for op in behind(value):
        if isinstance(op, (TGatherOp, TScatterOp)) and op.form() == "index":
            arguments |= dict.fromkeys(_arguments_behind(op.idx))
    if given := given_instead(function, arguments):
        return given, "no table"
    missing = [argument_name(function, a.index) for a in arguments if a not in known]
    if not missing:
        return None
    wanted = wanted_fact(missing, "a row of lane numbers", "table:")
    return wanted, "no fact about an index"
