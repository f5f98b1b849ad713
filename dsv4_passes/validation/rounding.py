"""Roundings to the nearest bf16 that are gone: what `guard=contract-rounding` may drop.

before  trunc(round(a*b))  =  round(a*b), which is a bf16 number already
after   trunc(a*b)
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dsv4_passes.equivalence.lanes import LaneContext
from dsv4_passes.equivalence.symbolic_memory import Ids
from dsv4_passes.equivalence.terms import BF16
from dsv4_passes.interpreter.values import Tile, Value, is_lanes

NEAREST = (("round", "bf16", "RINT"), ("round", "bf16", "ROUND"))
COMMUTE = (("mul",), ("add",))
UNKNOWN = ("load", "unknown")


class DroppedRoundings:
    """Compares terms of one context, the sign of zeros aside; it memoises what it found."""

    def __init__(self, context: LaneContext):
        self.applied, self.domain, self.table = context.applied, context.domain, context.domain.table
        self.known: dict[tuple[int, int], bool] = {}
        self.calls: dict[tuple[int, int], bool] = {}
        """The same of operations without a formula, by the numbers of what they yield."""

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
        if ours[:2] == theirs[:2] == UNKNOWN and ours[3:] == theirs[3:]:
            return table.args(before) == table.args(after) and self._same_call(ours[2], theirs[2])
        a, b = table.children(before), table.children(after)
        if ours != theirs or not a or len(a) != len(b):
            return False
        return self._all_lack(a, b) or (ours in COMMUTE and self._all_lack(a, b[::-1]))

    def _same_call(self, before: Any, after: Any) -> bool:
        """Both are one operation, applied to tiles that lack nothing but roundings."""
        if (found := self.calls.get((before, after))) is None:
            ours, theirs = self.applied.get(before), self.applied.get(after)
            found = ours is not None and theirs is not None and ours.what == theirs.what
            if found and ours is not None and theirs is not None:
                found = all(map(self._operand_lacks, ours.operands, theirs.operands))
            self.calls[before, after] = found
        return found

    def _operand_lacks(self, before: Value, after: Value) -> bool:
        if isinstance(before, Tile) and isinstance(after, Tile):
            known = before.known
            if before.valid != after.valid or not np.array_equal(known, after.known):
                return False
            before, after = before.data[known], after.data[known]
        if not is_lanes(before) or not is_lanes(after):
            return not is_lanes(before) and not is_lanes(after) and before == after
        pairs = np.unique(np.stack([before.reshape(-1), after.reshape(-1)]), axis=1)
        return before.shape == after.shape and self._all_lack(*pairs.tolist())

    def _all_lack(self, before: Sequence[int], after: Sequence[int]) -> bool:
        return all(self.lacks(x, y) for x, y in zip(before, after, strict=True))
