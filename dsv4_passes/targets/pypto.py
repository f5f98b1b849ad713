"""pypto by date: which operations of a program text it has since when.

Each date is that of the commit that registers the operation (`REGISTER_OP` in src/ir/op of the public
repository, https://github.com/hw-native-sys/pypto); operations that are not listed are older than
2026-06-01, and so than any text that was read here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from .chips import Chip
from .toolchains import Ptoas

_REGISTERED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "2026-06-02": ("e07665d0b", "col_expand_add"),
        "2026-06-17": ("08325a3c8", "gather_row"),
        "2026-06-18": ("ad203ba57", "transpose_view"),
        "2026-06-23": (
            "2c3ea9156",
            "row_prod col_prod row_expand_max row_expand_min row_expand_expdif "
            "col_expand_max col_expand_min col_expand_expdif",
        ),
        "2026-06-24": ("05b1b852c", "part_add part_mul part_max part_min"),
        "2026-06-27": ("55fdd38fc", "fmod fmods"),
        "2026-06-29": (
            "bc5ce17ae, 98920cdcb, 6b426ae45",
            "row_argmax row_argmin col_argmax col_argmin fillpad_expand aiv_shard aic_gather",
        ),
        "2026-07-01": ("ff8028d01", "random"),
        "2026-07-23": ("f355fb005", "reinterpret_view"),
        "2026-08-05": ("2e59c01cc", "tri gatherb mgather"),
        "2026-08-06": ("f366d0d0a", "matmul_mx matmul_mx_acc matmul_mx_bias tget_scale_addr"),
    }
)
"""Commits and the operations of `pl.tile` that they brought, by day."""

SINCE: Mapping[str, date] = MappingProxyType(
    {
        f"tile.{name}": date.fromisoformat(day)
        for day, (_, names) in _REGISTERED.items()
        for name in names.split()
    }
)
"""The day from which on pypto has an operation; without an entry it always had it."""

TAKES: Mapping[str, tuple[str, frozenset[str]]] = MappingProxyType(
    {
        "tgather.mask": ("tile.gather_mask", frozenset(("f16", "f32", "i16", "i32"))),
        "tgather.index": ("tile.gather", frozenset(("f16", "f32", "i16", "i32"))),
    }
)
"""Operations whose element types pypto limits further than the chip does (src/ir/op/tile_ops/gather.cpp, June
and August 2026), by mnemonic and form."""

LOADS_TRANSPOSE_UNTIL = date(2026, 6, 30)
"""From that day on `tile.load` has no `transpose=` (commit cd7f47ee8)."""

AXES_SINCE = date(2026, 8, 11)
"""From that day on `tile.gather_mask` is assembled with its axis (commit 9d329a114, for ptoas 0.57). The
scratch operand of `tile.ci` came and went after the newest revision here (pull requests 2523 and 2563)."""

REVISIONS: Mapping[str, date] = MappingProxyType(
    {"a18c4cf92": date(2026, 6, 15), "f355fb005": date(2026, 7, 23), "e2d0f78ae": date(2026, 8, 21)}
)
"""Days of revisions that have a name here: those that texts were tried with, and a turning point."""
OLDEST, LATEST = date(2026, 6, 1), max(REVISIONS.values())

_CALL = re.compile(r"\bpl\.(tile\.\w+)\(")


@dataclass(frozen=True, order=True)
class Pypto:
    """pypto as it was on one day."""

    day: date

    def __str__(self) -> str:
        return f"pypto of {self.day}"

    def has(self, operation: str) -> bool:
        """Whether it has an operation, written `tile.concat`."""
        return (since := SINCE.get(operation)) is None or since <= self.day

    def lacks(self, operation: str) -> str | None:
        """`pypto of 2026-06-15 has no tile.random, which is there since 2026-07-01`; None if it has it."""
        if self.has(operation):
            return None
        return f"{self} has no {operation}, which is there since {SINCE[operation]}"

    @property
    def loads_transpose(self) -> bool:
        """`tile.load` is told whether to transpose."""
        return self.day < LOADS_TRANSPOSE_UNTIL

    def refuses(self, mnemonic: str, form: str, dtype: str) -> str | None:
        """Why it does not take an operation of the `pto` dialect with that element type; None if it does."""
        name, legal = TAKES.get(f"{mnemonic}.{form}", ("", frozenset((dtype,))))
        return None if dtype in legal else f"pypto has no {name} of {dtype}"

    def leaves_out(self, name: str, chip: Chip, ptoas: Ptoas) -> str | None:
        """Why ptoas rejects the text that it writes for an operation of `pl.tile`; None if it does not.

        The text has addresses (level3), so that ptoas adds nothing to it.
        """
        if name == "tile.ci" and chip.reads_scratch and ptoas.implicit_scratch:
            return f"{self} writes tci without the scratch tile that ptoas {ptoas.version} wants"
        if name == "tile.gather_mask" and ptoas.tgather_axis and self.day < AXES_SINCE:
            return f"{self} writes mask gathers without the axis that ptoas {ptoas.version} wants"
        return None


def operations(text: str) -> Iterator[str]:
    """The operations on tiles that a text calls, as `tile.concat`, in its order."""
    return (match[1] for match in _CALL.finditer(text))


def pypto_of(names: Iterable[str]) -> Pypto:
    """The oldest pypto that has all these operations: what a text that uses them was written for."""
    return Pypto(max((SINCE[name] for name in names if name in SINCE), default=OLDEST))


def pypto(version: str) -> Pypto:
    """The pypto of a day (`2026-06-15`), of a month's first day (`2026-06`), of a revision in `REVISIONS`
    (seven digits or more), or the `latest` known. ValueError for anything else."""
    word = version.strip().lower()
    if word == "latest":
        return Pypto(LATEST)
    for name, day in REVISIONS.items():
        if len(word) >= 7 and (word.startswith(name) or name.startswith(word)):
            return Pypto(day)
    try:
        return Pypto(date.fromisoformat(f"{word}-01" if re.fullmatch(r"\d{4}-\d\d", word) else word))
    except ValueError:
        known = ", ".join(f"{name} ({day})" for name, day in REVISIONS.items())
        raise ValueError(
            f"'{version}' is no version of pypto; expected a day as 2026-06-15, 'latest', or one of {known}"
        ) from None
