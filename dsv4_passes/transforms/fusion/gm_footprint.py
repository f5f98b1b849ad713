"""Which elements of GM each block of a kernel touches, as numbers.

Two kernels may only become one if no block of the one touches what another block of the other writes.
Addresses are affine in the block number, so they are evaluated for every block.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsv4_passes.interpreter.affine import Number, split
from dsv4_passes.interpreter.values import Box

Addresses = NDArray[np.int64]
MAX_ELEMENTS = 1 << 26
"""Footprints of more elements than this are not painted; the caller must assume the worst."""


@dataclass(frozen=True)
class Footprint:
    """Sorted element addresses per block; None where they do not depend on numbers alone."""

    blocks: list[Addresses] | None

    def __add__(self, other: "Footprint") -> "Footprint":
        if self.blocks is None or other.blocks is None:
            return Footprint(None)
        return Footprint([np.union1d(a, b) for a, b in zip(self.blocks, other.blocks, strict=True)])

    def meets_other_blocks(self, other: "Footprint") -> bool:
        """Some block touches an element that a different block of `other` touches; True if not known."""
        if self.blocks is None or other.blocks is None:
            return True
        owner_a, all_a = _owners(self.blocks)
        owner_b, all_b = _owners(other.blocks)
        if len(np.unique(all_a)) != len(all_a) or len(np.unique(all_b)) != len(all_b):
            return self._meets_slowly(other)
        _, at_a, at_b = np.intersect1d(all_a, all_b, assume_unique=True, return_indices=True)
        return bool((owner_a[at_a] != owner_b[at_b]).any())

    def _meets_slowly(self, other: "Footprint") -> bool:
        """Elements that several blocks touch: compare block by block."""
        assert self.blocks is not None
        assert other.blocks is not None
        for i, mine in enumerate(self.blocks):
            rest = [b for j, b in enumerate(other.blocks) if j != i]
            if rest and np.intersect1d(mine, np.concatenate(rest)).size:
                return True
        return False


def _owners(blocks: list[Addresses]) -> tuple[NDArray[np.int64], Addresses]:
    owners = np.concatenate([np.full(len(a), i, np.int64) for i, a in enumerate(blocks)])
    return owners, np.concatenate(blocks)


def empty(blocks: int) -> Footprint:
    return Footprint([np.zeros(0, np.int64)] * blocks)


def footprint(box: Box, blocks: int) -> Footprint:
    """The elements that a load or store of `box` touches in each block."""
    if box.scale or box.offsets.size * blocks > MAX_ELEMENTS:
        return Footprint(None)
    found: list[Addresses] = []
    for block in range(blocks):
        base = at_block(box.base, block)
        if base is None:
            return Footprint(None)
        found.append(np.unique(box.offsets.reshape(-1) + base))
    return Footprint(found)


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
