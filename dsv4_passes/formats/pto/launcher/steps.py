"""What launchers in both languages share: the steps of an orchestration, in order."""

import keyword
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]

BYTES = {"f64": 8, "i64": 8, "f32": 4, "i32": 4, "ui32": 4, "f16": 2, "bf16": 2, "i16": 2, "ui16": 2}
"""Bytes of an element; types that are not listed have one."""
RESERVED = frozenset(
    "auto bool case char const default delete do double enum explicit export extern false float goto inline "
    "int long namespace new operator private protected public register runtime short signed sizeof static "
    "struct switch template this throw true typedef union unsigned using virtual void volatile owned "
    "runtime create".split()
)
"""Words of C++, and names that the launchers use themselves."""


class Launcher:
    """What both languages share: the steps of an orchestration, in order, one line each."""

    def __init__(self, kernels: Mapping[str, Json]):
        self.kernels = kernels

    def steps(self, steps: Sequence[Json], indent: str) -> Iterator[str]:
        kinds = {"create", "launch", "assemble", "read", "write", "dim", "for", "if"}
        for step in steps:
            (kind,) = step.keys() & kinds
            for line in getattr(self, f"{kind}_")(step):
                yield indent + line

    # -- expressions -----------------------------------------------------------------------------

    def name(self, text: str) -> str:
        return f"{text}_" if keyword.iskeyword(text) or text in RESERVED else text

    def number(self, text: Any) -> str:
        raise NotImplementedError

    def shape(self, extents: Sequence[Any]) -> str:
        raise NotImplementedError

    def tensor(self, place: Any) -> str:
        """A tensor, or a part of one."""
        if isinstance(place, str):
            return self.name(place)
        whole, size = self.tensor(place["of"]), self.shape(place["shape"])
        if "offsets" not in place:
            return f"{whole}.reshape({size})"
        return f"{whole}.slice({self.shape(place['offsets'])}, {size})"

    def element(self, place: Any, at: Sequence[Any]) -> str:
        return f"{self.tensor(place)}.slice({self.shape(at)}, {self.shape([1] * len(at))})"

    def arguments(self, step: Json) -> Iterator[str]:
        """The arguments of a launch: those that are passed, and those that are hidden."""
        given = iter(step["arguments"])
        extents: dict[str, str] = {}
        for argument in self.kernels[step["launch"]]["arguments"]:
            match argument.get("hidden"):
                case None if "shape" in argument:
                    place = next(given)
                    for axis, extent in enumerate(argument["shape"]):
                        if isinstance(extent, str):
                            extents.setdefault(extent, f"{self.tensor(place)}.shape[{axis}]")
                    yield self.passed(self.tensor(place), "tensor")
                case None:
                    yield self.passed(self.number(next(given)), argument["dtype"])
                case "dim":
                    yield self.passed(extents[argument["name"]], "index")
                case "gm_slot_buffer":
                    size = f"{argument['bytes_per_block']} * ({step.get('blocks', 1)})"
                    yield self.passed(self.created(1, [size]), "tensor")
                case hidden:
                    yield self.known(hidden)

    def passed(self, text: str, dtype: str) -> str:
        raise NotImplementedError

    def created(self, element: int, extents: Sequence[Any]) -> str:
        raise NotImplementedError

    def known(self, hidden: str) -> str:
        raise NotImplementedError

    def open_extents(self, function: Json) -> Iterator[tuple[str, str]]:
        """Extents that the program leaves open, each with the first parameter that has it."""
        seen: set[str] = set()
        for parameter in function["parameters"]:
            for axis, extent in enumerate(parameter.get("shape", ())):
                if isinstance(extent, str) and extent.isidentifier() and extent not in seen:
                    seen.add(extent)
                    yield self.name(extent), f"{self.name(parameter['name'])}.shape[{axis}]"
