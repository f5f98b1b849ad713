"""Small edits of a text that mostly leave a kernel: another address, value, mode, number or order."""

import re
from collections.abc import Callable
from random import Random

VALUE = re.compile(r"%[\w$.]+")
CONSTANT = re.compile(r"(%\w+) = arith\.constant (\d+) : (index|i32|i64)")
ADDRESS = re.compile(r"addr = (%\w+)")
NAME = re.compile(r"\b\w+__(?:tile(?:_\d+)?|ssa_v\d+)\b")
WORDS = (
    ("round_mode RINT", "round_mode ROUND"),
    ("round_mode RINT", "round_mode FLOOR"),
    ("mode='rint'", "mode='round'"),
    ("mode='round'", "mode='rint'"),
    ("P0101", "P1010"),
    ("P1010", "P0101"),
    ("mask_pattern=1", "mask_pattern=2"),
    ("pto.tadd ", "pto.tsub "),
    ("pto.tsub ", "pto.tadd "),
    ("pto.tmul ", "pto.tmax "),
    ("tile.add(", "tile.sub("),
    ("tile.sub(", "tile.add("),
)


def one_of(pattern: re.Pattern[str], text: str, random: Random) -> re.Match[str] | None:
    found = list(pattern.finditer(text))
    return random.choice(found) if found else None


def put(text: str, match: re.Match[str], new: str, group: int = 0) -> str:
    return text[: match.start(group)] + new + text[match.end(group) :]


def other_address(text: str, random: Random) -> str:
    """A tile takes the address of another one, as compilers do where they reuse memory."""
    one, other = one_of(ADDRESS, text, random), one_of(ADDRESS, text, random)
    return put(text, one, other[1], 1) if one and other else text


def shared_address(text: str, random: Random) -> str:
    """An address constant becomes another one: all tiles there move."""
    one, other = one_of(CONSTANT, text, random), one_of(CONSTANT, text, random)
    return put(text, one, other[2], 2) if one and other and one[3] == other[3] else text


def moved_address(text: str, random: Random) -> str:
    """Some bytes on: tiles overlap partly."""
    one = one_of(CONSTANT, text, random)
    if one is None or one[3] != "i64":
        return text
    return put(text, one, str(int(one[2]) + random.choice((32, 256, 512, 1024))), 2)


def other_value(text: str, random: Random) -> str:
    pattern = NAME if "import pypto" in text else VALUE
    old, new = one_of(pattern, text, random), one_of(pattern, text, random)
    return put(text, old, new[0]) if old and new else text


def other_word(text: str, random: Random) -> str:
    old, new = random.choice(WORDS)
    found = one_of(re.compile(re.escape(old)), text, random)
    return put(text, found, new) if found else text


def other_number(text: str, random: Random) -> str:
    found = one_of(re.compile(r"(?<![\w%.\"])\d+(?![\w.])"), text, random)
    return put(text, found, str(random.choice((0, 1, 2, 16, 32, 64)))) if found else text


def swapped_lines(text: str, random: Random) -> str:
    lines = text.split("\n")
    at = random.randrange(max(1, len(lines) - 1))
    lines[at : at + 2] = reversed(lines[at : at + 2])
    return "\n".join(lines)


def moved_line(text: str, random: Random) -> str:
    lines = text.split("\n")
    line = lines.pop(random.randrange(len(lines)))
    lines.insert(random.randrange(len(lines) + 1), line)
    return "\n".join(lines)


def repeated_line(text: str, random: Random) -> str:
    """A statement without a result once more somewhere else: a second write."""
    lines = text.split("\n")
    found = [line for line in lines if re.match(r"\s*pto\.\w+", line)]
    if found:
        lines.insert(random.randrange(len(lines) + 1), random.choice(found))
    return "\n".join(lines)


EDITS: tuple[Callable[[str, Random], str], ...] = (
    *(other_address,) * 4,
    shared_address,
    moved_address,
    *(other_value,) * 2,
    *(other_word,) * 3,
    other_number,
    *(swapped_lines,) * 2,
    moved_line,
    repeated_line,
)


def edited(text: str, random: Random) -> str:
    for _ in range(random.choice((1, 1, 2, 3))):
        text = random.choice(EDITS)(text, random)
    return text
