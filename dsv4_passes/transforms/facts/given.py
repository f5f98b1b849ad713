"""What remarks say about missing facts: what to state, unless an array was given that is no fact."""

from collections.abc import Iterable

from xdsl.dialects import func
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import BlockArgument

from dialects.dsv4.functions import argument_attribute
from dsv4_passes.argument_names import argument_name

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


def wanted_fact(names: list[str], what: str, kind: str = "") -> str:
    """`nothing is known about 'w': if it is a select matrix, a fact allows the rewrite (…)`."""
    about = " and ".join(f"'{name}'" for name in names)
    stated = ", ".join(f'{name} = "{kind}even" or "{kind}odd"' for name in names)
    if_so = f"{'it' if len(names) == 1 else 'each'} is {what}"
    return (
        f"nothing is known about {about}: if {if_so}, a fact allows the rewrite "
        f"(--facts with {stated}, or with the real arrays)"
    )
