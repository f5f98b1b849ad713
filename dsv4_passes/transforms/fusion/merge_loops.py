"""Make one loop of two that follow each other and have the same trips.

    scf.for %i … { store f(%i) }                    scf.for %i … {
    scf.for %j … { load g(%j) }             =>        store f(%i)
                                                      load g(%i) }

This only rearranges. Whoever calls it has to know that no trip of the second loop needs, or disturbs,
what a later trip of the first one does.
"""

from collections.abc import Iterator

from xdsl.dialects import scf
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.pto.memory import same_index


def mergeable(first: scf.ForOp, second: scf.ForOp) -> bool:
    """The loops have equal bounds, and nothing between them uses results of the first one."""
    if first.parent is not second.parent or not isinstance(first.lb.type, IndexType):
        return False
    if not first.is_before_in_block(second):
        return False
    if not all(map(same_index, (first.lb, first.ub, first.step), (second.lb, second.ub, second.step))):
        return False
    made = set(first.results)
    return not any(v in made for op in between(first, second) for inner in op.walk() for v in inner.operands)


def between(first: Operation, second: Operation) -> Iterator[Operation]:
    """What stands between two operations of a block."""
    op = first.next_op
    while op is not None and op is not second:
        yield op
        op = op.next_op


def merge_loops(first: scf.ForOp, second: scf.ForOp) -> scf.ForOp:
    """Put both bodies into one loop in the place of `second`, and return it.

    In the second body, a result of the first loop becomes what the same trip of the first body yields; where
    the second loop carries it on, the new one carries it through both.
    """
    places: dict[SSAValue, int] = {v: k for k, v in enumerate(first.results)}
    chained = {j: places[v] for j, v in enumerate(second.iter_args) if v in places}
    rest = [j for j in range(len(second.iter_args)) if j not in chained]
    starts = [*first.iter_args, *(second.iter_args[j] for j in rest)]
    block = Block(arg_types=[first.lb.type, *(v.type for v in starts)])
    carried = block.args[1:]
    ends = _take_body(first, block, [block.args[0], *carried[: len(first.results)]])
    for result, end in zip(first.results, ends, strict=True):
        result.replace_uses_with_if(end, lambda use: second.body.block.is_ancestor(use.operation))
    fresh = iter(carried[len(first.results) :])
    inner = [ends[chained[j]] if j in chained else next(fresh) for j in range(len(second.iter_args))]
    behind = _take_body(second, block, [block.args[0], *inner])
    for j, k in chained.items():
        ends[k] = behind[j]
    block.add_op(scf.YieldOp(*ends, *(behind[j] for j in rest)))
    merged = scf.ForOp(second.lb, second.ub, second.step, starts, Region(block))
    merged.location = first.location
    merged.attributes |= {n: a for n, a in first.attributes.items() if second.attributes.get(n) == a}
    Rewriter.insert_op(merged, InsertPoint.before(second))
    count = len(first.results)
    results = [merged.res[chained[j]] if j in chained else None for j in range(len(second.results))]
    own = iter(merged.res[count:])
    for old, new in zip(second.results, [r or next(own) for r in results], strict=True):
        new.name_hint = old.name_hint
        old.replace_all_uses_with(new)
    for old, new in zip(first.results, merged.res[:count], strict=True):
        new.name_hint = new.name_hint or old.name_hint
        old.replace_all_uses_with(new)
    for loop in (second, first):
        Rewriter.erase_op(loop)
    return merged


def _take_body(loop: scf.ForOp, into: Block, arguments: list[SSAValue]) -> list[SSAValue]:
    """Move a loop's body to the end of another block; what it yields."""
    body = loop.body.block
    for old, new in zip(body.args, arguments, strict=True):
        new.name_hint = new.name_hint or old.name_hint
        old.replace_all_uses_with(new)
    last = body.last_op
    assert isinstance(last, scf.YieldOp)
    ends = list(last.operands)
    Rewriter.erase_op(last)
    for op in list(body.ops):
        op.detach()
        into.add_op(op)
    return ends
