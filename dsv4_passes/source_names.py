"""How the input wrote things that the IR does not keep: SSA names, float literals, explicit locations.

The parser notes the spelling on the object, the printer writes it back as long as the object is still
there. xDSL's own name hints lose numbers (`%27`) and numeric endings (`%x_1`); a pass that replaces a
value, or clones one, hands the name on with `carry_name`.
"""

import re
from collections.abc import Mapping
from copy import copy

from xdsl.dialects.builtin import FileLineColLoc, FloatAttr, LocationAttr
from xdsl.ir import Attribute, SSAValue

_VERSION = re.compile(r"__(ssa|iter|rv|phi|idx|tmp|tile|loop)(_v\d+)?(_\d+)?$|__tile(_\d+)?$")
_NAME = "_dsv4_name"
_LITERAL = "_dsv4_literal"
_POSITION = "_dsv4_position"
_RANGE = "_dsv4_range"


def written_name(value: SSAValue) -> str | None:
    """The name the input gave a value, without `%`."""
    return getattr(value, _NAME, None)


def set_written_name(value: SSAValue, name: str) -> None:
    setattr(value, _NAME, name)


def carry_name(old: SSAValue, new: SSAValue) -> None:
    """Print `new` under the name of `old`, unless it already has a name."""
    if new.name_hint is None:
        new.name_hint = old.name_hint
    if (name := written_name(old)) is not None and written_name(new) is None:
        set_written_name(new, name)


def carry_names(clones: Mapping[SSAValue, SSAValue]) -> None:
    """`carry_name` for all pairs of a clone's value map."""
    for old, new in clones.items():
        carry_name(old, new)


def written_literal(attr: Attribute) -> str | None:
    """A float literal as it stood in the input, without its type; None for any other attribute."""
    return getattr(attr, _LITERAL, None)


def set_written_literal(attr: FloatAttr, text: str) -> None:
    object.__setattr__(attr, _LITERAL, text)  # attributes are frozen, but compare by their fields only


def placed(location: LocationAttr, position: FileLineColLoc) -> LocationAttr:
    """An explicit `loc(…)` with where in the text its operation stands; a copy, as aliases are shared."""
    location = copy(location)
    object.__setattr__(location, _POSITION, position)
    return location


def position(location: LocationAttr) -> FileLineColLoc | None:
    """Where in the text an explicit `loc(…)` stood; None for a location that the input did not write."""
    return getattr(location, _POSITION, None)


def range_end(location: Attribute) -> tuple[int | None, int] | None:
    """Line (None: the same) and column where a `"f":1:2 to 3:4` ends; None for any other attribute."""
    return getattr(location, _RANGE, None)


def set_range_end(location: FileLineColLoc, line: int | None, column: int) -> None:
    object.__setattr__(location, _RANGE, (line, column))


def base_name(name: str) -> str:
    """The name without the version that pypto put behind it."""
    return _VERSION.sub("", name) or name
