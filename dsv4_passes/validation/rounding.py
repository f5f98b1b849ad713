"""Roundings to the nearest bf16 that are gone: what `guard=contract-rounding` may drop.

before  trunc(round(a*b))  =  round(a*b), which is a bf16 number already
after   trunc(a*b)
"""

from collections.abc import Sequence

import numpy as np

from dsv4_passes.equivalence.symbolic_memory import Ids
from dsv4_passes.equivalence.term_domain import TermDomain
from dsv4_passes.equivalence.terms import BF16

NEAREST = (("round", "bf16", "RINT"), ("round", "bf16", "ROUND"))
COMMUTE = (("mul",), ("add",))


class DroppedRoundings:
    """Compares terms of one domain, the sign of zeros aside; it memoises what it found."""

    def __init__(self, domain: TermDomain):
        self.domain, self.table = domain, domain.table
        self.known: dict[tuple[int, int], bool] = {}

    def restored(self, before: Ids, after: Ids) -> Ids:
        """`after`, where it differs from `before` in dropped roundings only as that is."""
        if before.shape != after.shape:
            return after
        ours, theirs = (self.domain.strip_zero(ids).reshape(-1).tolist() for ids in (before, after))
        try:
            equal = [x >= 0 and y >= 0 and self.lacks(x, y) for x, y in zip(ours, theirs, strict=True)]
        except RecursionError:  # a very long sum
            return after
        return np.where(np.array(equal).reshape(after.shape), before, after)

    def lacks(self, before: int, after: int) -> bool:
        """`after` is `before` without some roundings."""
        if before == after:
            return True
        if (found := self.known.get((before, after))) is None:
            found = self.known[before, after] = self._lacks(before, after)
        return found

    def _lacks(self, before: int, after: int) -> bool:
        table = self.table
        ours, theirs = table.head(before), table.head(after)
        # A number that needs no rounding is what any rounding makes of it; without those it may need one.
        if theirs[:2] == ("round", "bf16") and table.flags(before) & BF16:
            if self.lacks(before, table.args(after)[0]):
                return True
        if ours in NEAREST and self.lacks(table.args(before)[0], after):
            return True
        a, b = table.children(before), table.children(after)
        if ours != theirs or not a or len(a) != len(b):
            return False
        return self._all_lack(a, b) or (ours in COMMUTE and self._all_lack(a, b[::-1]))

    def _all_lack(self, before: Sequence[int], after: Sequence[int]) -> bool:
        return all(self.lacks(x, y) for x, y in zip(before, after, strict=True))
