"""SSA names of the program text: `pair_stage__ssa_v0` belongs to `pair_stage`."""

import re
from collections.abc import Iterable

from dsv4_passes.source_names import base_name

_NUMBER = re.compile(r"_\d+$")


class Names:
    """Names that are taken in one function, and those that values yet to come had before."""

    def __init__(self, taken: Iterable[str] = ()):
        self.taken = set(taken)
        self.reserved: set[str] = set()

    def own(self, name: str) -> bool:
        """Take a name for the value that had it, if nothing else has it by now."""
        if name in self.taken:
            return False
        self.taken.add(name)
        return True

    def fresh(self, wanted: str) -> str:
        """`wanted`, or `wanted_1`, `wanted_2` … as pypto numbers them."""
        stem, name, number = _NUMBER.sub("", wanted), wanted, 0
        while name in self.taken or name in self.reserved:
            number += 1
            name = f"{stem}_{number}"
        self.taken.add(name)
        return name

    def version(self, name: str, kind: str = "ssa") -> str:
        """The next free version of a tensor: `out__ssa_v1`, or `out__iter_v1` and `out__rv_v1` in loops."""
        base, number = base_name(name), 1
        used = self.taken | self.reserved
        while any(f"{base}__{k}_v{number}" in used for k in ("ssa", "iter", "rv")):
            number += 1
        self.taken.add(found := f"{base}__{kind}_v{number}")
        return found
