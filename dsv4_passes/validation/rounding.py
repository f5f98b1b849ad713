"""Terms without their roundings to the nearest bf16: what `guard=contract-rounding` may drop."""

from collections.abc import Callable

import numpy as np

from dsv4_passes.equivalence.symbolic_memory import Ids
from dsv4_passes.equivalence.terms import TermTable


def without_rounding(table: TermTable) -> Callable[[Ids], Ids]:
    """A function on lanes that removes such roundings, memoised by term."""
    bare: dict[int, int] = {}

    def bared(root: int) -> int:
        stack = [root]
        while stack:
            top = stack[-1]
            todo = [] if top in bare else [x for x in table.children(top) if x not in bare]
            if todo:
                stack += todo
                continue
            stack.pop()
            if top not in bare:
                bare[top] = _rebuilt(table, top, tuple(bare[x] for x in table.children(top)))
        return bare[root]

    def strip(ids: Ids) -> Ids:
        unique, inverse = np.unique(ids, return_inverse=True)
        found = np.array([bared(x) if x >= 0 else x for x in unique.tolist()], np.int64)
        return found[inverse].reshape(ids.shape)

    return strip


def _rebuilt(table: TermTable, term: int, args: tuple[int, ...]) -> int:
    """The operation of a term over other operands, by the rules of its kind."""
    head = table.head(term)
    if head in (("round", "bf16", "RINT"), ("round", "bf16", "ROUND")):
        return args[0]
    if args == table.children(term):
        return term
    known: dict[tuple[object, ...], Callable[..., int]] = {
        ("mul",): table.mul,
        ("add",): table.add,
        ("neg",): table.neg,
        ("Z",): table.plus_zero,
        ("select",): table.select,
    }
    if head in known:
        return known[head](*args)
    if head[0] == "round":
        return table.round(str(head[1]), str(head[2]), args[0])
    return table.node(head, args)
