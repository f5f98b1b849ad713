"""Arrays that were given for arguments and are no facts: what remarks say instead of asking for them."""

from collections.abc import Iterable

from xdsl.dialects import func
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import BlockArgument

from dsv4_passes.argument_names import argument_name
from dsv4_passes.equivalence.facts import argument_attribute

GIVEN = "dsv4.given"
"""An argument's attribute: what the array does that was given for it, in words."""


def given_instead(function: func.FuncOp, arguments: Iterable[BlockArgument | None]) -> str | None:
    """Which of the arguments were given as arrays that are no facts, and what they do."""
    said: dict[str, None] = {}
    for argument in arguments:
        if argument is None:
            continue
        given = argument_attribute(function, argument.index, GIVEN)
        if isinstance(given, StringAttr):
            said[f"'{argument_name(function, argument.index)}' was given and {given.data}"] = None
    return "; ".join(said) or None
