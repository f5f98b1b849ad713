"""SSA dominance: every operand is defined where its use can see it. xDSL's own verifier does not look.

Operations are numbered in the order of the text, so that an operation with all that is nested in it, and
a block with all that is in it, are ranges of numbers. A use sees a value of its own or an enclosing block
if it comes after the range of the defining operation; only regions with several blocks need a dominator
tree. Linear in the number of operands.
"""

from collections.abc import Iterator

from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.irdl.dominance import DominanceInfo

_Spans = dict[Operation | Block, range]


def undominated_uses(root: Operation) -> Iterator[tuple[Operation, int]]:
    """Each use below `root` that does not see its definition, as operation and operand number."""
    spans: _Spans = {}
    _number(root, 0, spans)
    trees: dict[Region, DominanceInfo] = {}
    for user in root.walk():
        for index, value in enumerate(user.operands):
            if not _sees(user, value, spans, trees):
                yield user, index


def _number(op: Operation, number: int, spans: _Spans) -> int:
    """Number `op` and what is nested in it from `number` on; returns the next free number."""
    start, number = number, number + 1
    for region in op.regions:
        for block in region.blocks:
            first = number
            for child in block.ops:
                number = _number(child, number, spans)
            spans[block] = range(first, number)
    spans[op] = range(start, number)
    return number


def _sees(user: Operation, value: SSAValue, spans: _Spans, trees: dict[Region, DominanceInfo]) -> bool:
    owner = value.owner
    block = owner if isinstance(owner, Block) else owner.parent
    if block is None or block not in spans:
        return False  # defined outside of what is checked, or not in a block at all
    here = spans[user].start
    if here in spans[block]:
        return owner is block or here >= spans[owner].stop
    region = block.parent
    if region is None or region.first_block is region.last_block:
        return False
    inner = user
    while (around := inner.parent) is not None and around.parent is not region:
        if (parent := inner.parent_op()) is None:
            return False
        inner = parent
    if around is None:
        return False
    if region not in trees:
        trees[region] = DominanceInfo(region)
    return trees[region].strictly_dominates(block, around)
