"""Which elements of GM each block of a kernel touches, as runs of addresses.

Two kernels may only become one if no block of the one touches what another block of the other writes.
Addresses are affine in the block number, so the runs of a box are found once and shifted for every block.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsv4_passes.interpreter.affine import Number, split
from dsv4_passes.interpreter.values import Box

Runs = NDArray[np.int64]
"""Sorted runs of elements with a gap between any two: the first element, and the one behind the last."""
NONE: Runs = np.zeros((0, 2), np.int64)
MAX_RUNS = 1 << 22
"""Footprints of more runs than this are not found; the caller must assume the worst."""


def runs_of(addresses: NDArray[np.int64]) -> Runs:
    """The runs that elements make, in any order."""
    found = np.unique(addresses)
    if not found.size:
        return NONE
    ends = np.flatnonzero(np.diff(found) != 1)
    return np.stack([found[np.append(0, ends + 1)], found[np.append(ends, -1)] + 1], axis=1)


def joined(parts: Sequence[Runs]) -> Runs:
    """The elements of all of them."""
    every = np.concatenate([NONE, *parts])
    if len(every) < 2:
        return every
    every = every[np.argsort(every[:, 0], kind="stable")]
    reach = np.maximum.accumulate(every[:, 1])
    fresh = np.append(True, every[1:, 0] > reach[:-1])
    return np.stack([every[fresh, 0], reach[np.append(np.flatnonzero(fresh)[1:] - 1, -1)]], axis=1)


def overlaps(a: Runs, b: Runs) -> NDArray[np.int64]:
    """By run of `a`, the numbers of the first run of `b` that it meets and of the one behind the last."""
    first = np.searchsorted(b[:, 1], a[:, 0], side="right")
    return np.stack([first, np.searchsorted(b[:, 0], a[:, 1], side="left")], axis=1)


def within(a: Runs, b: Runs) -> bool:
    """Every element of `a` is one of `b`."""
    if not len(a):
        return True
    if not len(b):
        return False
    at = np.clip(np.searchsorted(b[:, 0], a[:, 0], side="right") - 1, 0, None)
    return bool(((b[at, 0] <= a[:, 0]) & (a[:, 1] <= b[at, 1])).all())


@dataclass(frozen=True)
class Footprint:
    """Runs of elements per block; None where they do not depend on numbers alone."""

    blocks: Sequence[Runs] | None

    def __add__(self, other: "Footprint") -> "Footprint":
        if self.blocks is None or other.blocks is None:
            return Footprint(None)
        return Footprint([joined(pair) for pair in zip(self.blocks, other.blocks, strict=True)])

    def meets_other_blocks(self, other: "Footprint") -> bool:
        """Some block touches an element that a different block of `other` touches; True if not known."""
        if self.blocks is None or other.blocks is None:
            return True
        owners, every = _by_address(other.blocks)
        if (every[1:, 0] < every[:-1, 1]).any():
            return self._meets_shared(other.blocks)
        changes = np.append(0, np.cumsum(owners[1:] != owners[:-1]))
        for number, mine in enumerate(self.blocks):
            met = overlaps(mine, every)
            met = met[met[:, 0] < met[:, 1]]
            last = met[:, 1] - 1
            if (owners[met[:, 0]] != number).any() or (changes[last] != changes[met[:, 0]]).any():
                return True
        return False

    def _meets_shared(self, blocks: Sequence[Runs]) -> bool:
        """Elements that several blocks of the other touch: each block against all of the other's but one."""
        assert self.blocks is not None
        behind = [NONE]
        for runs in reversed(blocks[1:]):
            behind.append(joined([runs, behind[-1]]))
        before = NONE
        for number, mine in enumerate(self.blocks):
            for rest in (before, behind[len(blocks) - 1 - number]):
                met = overlaps(mine, rest)
                if (met[:, 0] < met[:, 1]).any():
                    return True
            before = joined([before, blocks[number]])
        return False


def _by_address(blocks: Sequence[Runs]) -> tuple[NDArray[np.int64], Runs]:
    """The runs of all blocks in order, and whose they are."""
    owners = np.repeat(np.arange(len(blocks)), [len(runs) for runs in blocks])
    every = np.concatenate([NONE, *blocks])
    order = np.argsort(every[:, 0], kind="stable")
    return owners[order], every[order]


def empty(blocks: int) -> Footprint:
    return Footprint([NONE] * blocks)


def footprint(box: Box, blocks: int) -> Footprint:
    """The elements that a load or store of `box` touches in each block."""
    if box.scale:
        return Footprint(None)
    runs = runs_of(box.offsets.reshape(-1))
    bases = [at_block(box.base, block) for block in range(blocks)]
    if len(runs) * blocks > MAX_RUNS or None in bases:
        return Footprint(None)
    return Footprint([runs + base for base in bases if base is not None])


def at_block(number: Number, block: int) -> int | None:
    """The value of an address in one block, if it depends on nothing else."""
    if isinstance(number, int):
        return number
    linear, total = split(number)
    for symbol, factor in linear:
        if symbol.name != "block":
            return None
        total += factor * block
    return total
