"""Checks that several families share. Each raises VerifyException with what was expected and found."""

from collections.abc import Iterable, Sequence

from xdsl.ir import SSAValue
from xdsl.utils.exceptions import VerifyException

from .base import TileOp, layout_of
from .target import ChipRules
from .types import DYNAMIC


def expect_element(op: TileOp, chip: ChipRules) -> None:
    """The chip must have the operation for its element type; the table is the chip's description."""
    legal, dtype = chip.elements(op.mnemonic(), op.element_form()), op.element_type()
    if legal is not None and dtype not in legal:
        raise VerifyException(
            f"expects element type to be {'/'.join(sorted(legal))} on {chip.name}, found {dtype}"
        )


def expect_vec(values: Iterable[SSAValue]) -> None:
    for value in values:
        if (loc := layout_of(value).loc) != "vec":
            raise VerifyException(f"expects tiles in vec memory, found {loc}")


def expect_vec_row_major(values: Sequence[SSAValue]) -> None:
    expect_vec(values)
    for value in values:
        if (blayout := layout_of(value).blayout) != "row_major":
            raise VerifyException(f"expects row_major tiles, found {blayout}")


def expect_same_element(values: Sequence[SSAValue]) -> None:
    first = layout_of(values[0]).dtype
    for value in values[1:]:
        if (found := layout_of(value).dtype) != first:
            raise VerifyException(f"expects tiles of one element type, found {first} and {found}")


def expect_same_valid(values: Sequence[SSAValue]) -> None:
    """Static valid extents agree; a `?` agrees with anything."""
    for axis, what in enumerate(("rows", "columns")):
        extents = {layout_of(v).valid[axis] for v in values} - {DYNAMIC}
        if len(extents) > 1:
            found = " and ".join(map(str, sorted(extents)))
            raise VerifyException(f"expects tiles with the same valid {what}, found {found}")


def expect_relation(what: str, found: int, expected: int) -> None:
    """Two static extents are equal; skipped where either is `?`."""
    if DYNAMIC not in (found, expected) and found != expected:
        raise VerifyException(f"expects {what} to be {expected}, found {found}")
