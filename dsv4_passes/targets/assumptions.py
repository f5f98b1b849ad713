"""Numbers of the cost model that a user states: measured on a device, or tried out.

    vgather=24+2            24 cycles a call and 2 a repeat (256 bytes)
    vgather=24+2..0+26      between two readings
    scalar_move=10          10 cycles each
    hand_over=2000          cycles that the cube and the vector core wait for each other, each time
    task_hand_over=5000     cycles that a task waits for the one whose product it reads from GM
    tload.gm-vec=58.6       bytes per cycle of a transfer
    cube=pto-isa            where products and drains are taken from: pypto (the default), pto-isa

In a TOML file the same names stand at the top, for every chip, or in a table of a chip:

    hand_over = 2000
    [a2a3]
    vgather = "24+2"

A stated number is no estimate any more, and costs name where it comes from.
"""

import re
import tomllib
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import cast

from .cycles import CUBES, CYCLES, Cycles
from .instructions import Instruction, Reading

_NUMBER = r"\d+(?:\.\d+)?"
_READING = re.compile(rf"(?:({_NUMBER})\+)?({_NUMBER})")


@dataclass(frozen=True)
class Assumption:
    """One stated number: `name` of an instruction, a transfer or `cube`, of one chip or (empty) of all."""

    name: str
    value: str
    chip: str
    source: str


def parse(text: str, source: str = "stated") -> Assumption:
    """`NAME=VALUE`, or `CHIP.NAME=VALUE`. ValueError where it is neither, or nothing has that name."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not value:
        raise ValueError(f"expected NAME=VALUE, as vgather=24+2, found '{text}'")
    chip, dot, rest = name.partition(".")
    if dot and chip in CUBES:
        return Assumption(rest, value, chip, source)
    return Assumption(name, value, "", source)


def parse_toml(data: bytes, source: str) -> list[Assumption]:
    """The assumptions of a TOML file; `source` is its name. ValueError for what is none."""
    try:
        tables = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"not a TOML file: {error}") from None
    found: list[Assumption] = []
    for name, value in tables.items():
        if not isinstance(value, dict):
            found.append(_stated(name, value, "", source))
            continue
        # a chip, or the front of a dotted name, as tload.gm-vec
        chip = name if name in CUBES else ""
        for key, inner in cast(dict[str, object], value).items():
            found.append(_stated(key if chip else f"{name}.{key}", inner, chip, source))
    return found


def _stated(name: str, value: object, chip: str, source: str) -> Assumption:
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise ValueError(f"expected '{name}' to be a number or a text like \"24+2\", found {value}")
    return Assumption(name, str(value), chip, source)


_ASSUMED: ContextVar[tuple[Assumption, ...]] = ContextVar("assumptions", default=())


@contextmanager
def assuming(assumptions: Iterable[Assumption]) -> Generator[None]:
    """Within, `targets.chip` gives chips with these numbers. ValueError if one of them fits no chip."""
    stated = tuple(assumptions)
    for each in stated:
        if not any(_applies(each, chip, cycles) for chip, cycles in CYCLES.items()):
            names = sorted({n for cycles in CYCLES.values() for n in _names(cycles)})
            raise ValueError(f"the cost model has no number '{each.name}'; it has {', '.join(names)}")
        cubes = dict.fromkeys(
            cube for chip, of_chip in CUBES.items() if each.chip in ("", chip) for cube in of_chip
        )
        if each.name == "cube" and each.value not in cubes:
            raise ValueError(f"expected cube to be one of {', '.join(cubes)}, found {each.value}")
        for chip, cycles in CYCLES.items():
            applied(cycles, chip, [each])
    token = _ASSUMED.set((*_ASSUMED.get(), *stated))
    try:
        yield
    finally:
        _ASSUMED.reset(token)


def assumed() -> tuple[Assumption, ...]:
    """What is assumed now."""
    return _ASSUMED.get()


def applied(cycles: Cycles, chip: str, assumptions: Iterable[Assumption]) -> Cycles:
    """The numbers of a chip with the assumptions among them. ValueError for a value that is none."""
    for each in assumptions:
        if _applies(each, chip, cycles):
            cycles = _with(cycles, chip, each)
    return cycles


def _names(cycles: Cycles) -> list[str]:
    return ["cube", *cycles.instructions, *cycles.transfers]


def _applies(each: Assumption, chip: str, cycles: Cycles) -> bool:
    return each.chip in ("", chip) and each.name in _names(cycles)


def _with(cycles: Cycles, chip: str, each: Assumption) -> Cycles:
    if each.name == "cube":
        return replace(cycles, cube=CUBES[chip].get(each.value, cycles.cube))
    if each.name in cycles.transfers:
        if re.fullmatch(_NUMBER, each.value) is None or float(each.value) == 0:
            raise ValueError(f"expected {each.name} in bytes per cycle, found '{each.value}'")
        return replace(
            cycles,
            transfers=MappingProxyType({**cycles.transfers, each.name: (float(each.value), False)}),
        )
    readings = [_READING.fullmatch(part.strip()) for part in each.value.split("..")]
    if not 1 <= len(readings) <= 2:
        raise ValueError(f"expected one reading of {each.name} or two, found '{each.value}'")
    made: list[Reading] = []
    for found in readings:
        if found is None:
            raise ValueError(f"expected {each.name} in cycles, as 24+2 or 18, found '{each.value}'")
        made.append(Reading(float(found[1] or 0), float(found[2])))
    instruction = Instruction(f"{each.source}: {each.name}={each.value}", tuple(made))
    return replace(cycles, instructions=MappingProxyType({**cycles.instructions, each.name: instruction}))
