"""Names of operands in a row: `"src idx tmp?"`, of which those with `?` may be absent."""

from collections.abc import Sequence
from functools import cache

from xdsl.utils.exceptions import VerifyException


@cache
def split_names(names: str) -> tuple[str, ...]:
    return tuple(names.split())


@cache
def present_names(names: str, count: int) -> tuple[str, ...]:
    """The names of `count` operands: optional ones are there from the left as far as the count goes."""
    spare = count - sum(not name.endswith("?") for name in split_names(names))
    present: list[str] = []
    for name in split_names(names):
        if name.endswith("?"):
            spare -= 1
            if spare < 0:
                continue
        present.append(name.removesuffix("?"))
    return tuple(present)


def expect_count(what: str, names: Sequence[str], found: int, where: str = "") -> None:
    """As many as there are names; those with `?` may be absent."""
    least = sum(not name.endswith("?") for name in names)
    if not least <= found <= len(names):
        expected = str(least) if least == len(names) else f"{least} to {len(names)}"
        plural = "" if expected == "1" else "s"
        raise VerifyException(f"expects {expected} {what}{plural}{where}, found {found}")
