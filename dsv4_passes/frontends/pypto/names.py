"""SSA names of the program text: `pair_stage__ssa_v0` belongs to `pair_stage`."""

import re
from collections.abc import Iterable

_VERSION = re.compile(r"__(ssa|iter|rv|phi|idx|tmp|tile|loop)(_v\d+)?(_\d+)?$|__tile(_\d+)?$")
_NUMBER = re.compile(r"_\d+$")


def base_name(name: str) -> str:
    """The name without the version that pypto put behind it."""
    return _VERSION.sub("", name) or name


class Names:
    """Names that are taken in one function; a second one of the same name gets a number."""

    def __init__(self, taken: Iterable[str] = ()):
        self.taken = set(taken)

    def fresh(self, wanted: str) -> str:
        """`wanted`, or `wanted_1`, `wanted_2` … as pypto numbers them."""
        if wanted not in self.taken:
            self.taken.add(wanted)
            return wanted
        stem = _NUMBER.sub("", wanted)
        number = 1
        while (name := f"{stem}_{number}") in self.taken:
            number += 1
        self.taken.add(name)
        return name

    def version(self, name: str, kind: str = "ssa") -> str:
        """The next free version of a tensor: `out__ssa_v1`, or `out__iter_v1` and `out__rv_v1` in loops."""
        base, number = base_name(name), 1
        while any(f"{base}__{k}_v{number}" in self.taken for k in ("ssa", "iter", "rv")):
            number += 1
        self.taken.add(found := f"{base}__{kind}_v{number}")
        return found
