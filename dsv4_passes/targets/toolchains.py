"""The ptoas assembler by version: the syntax each one requires, and its known defects.

Which release has a change: ptoas bumps its version *after* a release (its build_wheel.yml), so what the
commit "bump base version to v0.58" contains came out in 0.57, unless it was merged between the tag and the
bump. Then those who ran the release know (pypto pull requests 1737, 2291, 2374, 2523).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .chips import Chip

VERSIONS = ("0.43", "0.44", "0.57", "0.60")
"""Versions whose rules were checked one by one. One between them follows from the `since` of each rule."""
OLDEST, LATEST = VERSIONS[0], VERSIONS[-1]


@dataclass(frozen=True)
class Rule:
    """Something ptoas asks for from version `since` on."""

    since: str
    reason: str
    source: str


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "tscatter_axis": Rule(
            "0.55",
            'a mask-form tscatter names its axis, `, "row"` behind the source type',
            "PTOAS pull request 980; pypto 2291",
        ),
        "tgather_axis": Rule(
            "0.57",
            'a mask-form tgather names its axis, `, "row"` behind the source type',
            "PTOAS pull request 1080 (merged on the day 0.56 was superseded: 0.56 may have it); pypto 2291",
        ),
        "tci_attributes_last": Rule(
            "0.45",
            "the attributes of tci stand behind outs(...), not inside ins(...)",
            "PTOAS commit 505abd64; pypto 1737",
        ),
        "tci_tmp": Rule("0.45", "tci may have a scratch operand", "PTOAS commit 505abd64"),
        "implicit_scratch": Rule(
            "0.58",
            "ptoas adds missing scratch operands at level1 and 2, at level3 wants them written (A2/A3)",
            "PTOAS pull request 1131, PTOMaterializeImplicitTmp.cpp; pypto 2374",
        ),
        "tsel_word_scratch": Rule(
            "0.58",
            "the scratch operand of tsel has 4-byte elements (A2/A3)",
            "PTOAS commit 657a4ba9, PTO.cpp TSelOp::verify",
        ),
        "removed_operations": Rule(
            "0.60",
            "tpack, bind_tile, pointer_cast and declare_tile_memref, which older ones had, are gone",
            "PTOAS include/PTO/IR/PTOOps.td of 0.60; in which version between they went is not known",
        ),
        "strided_windows": Rule(
            "0.51",
            "tmov compares the shapes in memory, where a window has rows as long as its tile (A2/A3)",
            "PTOAS commit 7785cace, PTO.cpp TMovOp::verify; run with 0.60",
        ),
        "aligned_addresses": Rule(
            "0.49",
            "constant addresses are checked for alignment",
            "PTOAS commit 2a6e9b5a, PTO.cpp getLocalAddressAlignmentBytes",
        ),
    }
)


@dataclass(frozen=True)
class Defect:
    """Something a range of versions gets wrong on some chips, and how a program keeps clear of it."""

    name: str
    operation: str
    """`mnemonic` or `mnemonic.form`."""
    chips: tuple[str, ...]
    since: str
    fixed: str | None
    """The first version without it; None while no release is known to have mended it."""
    effect: str
    when: str
    """The condition under which the defect occurs; empty if it always does."""
    avoid: str
    source: str


_BOTH = ("a2a3", "a5")

DEFECTS: tuple[Defect, ...] = (
    Defect(
        "a5_mask_scatter_rejected",
        "tscatter.mask",
        ("a5",),
        OLDEST,
        "0.44",
        "rejected: mask-pattern tscatter is not supported on A5 yet",
        "",
        "use an index-form tscatter or a swap-gather",
        "PTOAS pull request 736",
    ),
    Defect(
        "mask_scatter_widths_inverted",
        "tscatter.mask",
        _BOTH,
        OLDEST,
        "0.55",
        "rejected: the verifier wants the source as wide as the scattered destination should be",
        "the valid columns of both tiles are static",
        "give one of the tiles a dynamic valid column count",
        "PTO.cpp TScatterOp::verify before PTOAS pull request 980",
    ),
    Defect(
        "tci_index_race",
        "tci",
        _BOTH,
        OLDEST,
        "0.44",
        "wrong results: tci runs on the scalar pipe and is synchronised as a vector operation",
        "",
        "load the index from GM, or use the mask form that needs none",
        "PTOAS issue 735, pull request 740",
    ),
    Defect(
        "tci_scratch_race",
        "tci",
        ("a2a3",),
        "0.58",
        None,
        "wrong results: with a scratch operand tci runs on the vector pipe, synchronised as a scalar one",
        "the result is stored, or read by a scalar operation, and no vector operation comes between",
        "copy the result with a vector operation first",
        "PTOAS issues 1499 and 1532",
    ),
    Defect(
        "tgather_col_axis_dropped",
        "tgather.mask",
        _BOTH,
        "0.57",
        None,
        "wrong results: the axis is not handed to the C++ that ptoas writes, which gathers along the rows",
        'the axis is "col"',
        "transpose, gather along the rows, transpose back",
        "PTOToEmitC.cpp PTOGatherToEmitC, run on the CPU simulator",
    ),
    Defect(
        "a5_index_gather_without_scratch",
        "tgather.index",
        ("a5",),
        "0.57",
        None,
        "the C++ that ptoas writes does not compile: pto-isa has no such overload",
        "the scratch operand is left out",
        "write the scratch operand",
        "pto-isa include/pto/common/pto_instr.hpp",
    ),
    Defect(
        "compare_gather_arguments",
        "tgather.compare",
        _BOTH,
        OLDEST,
        None,
        "the C++ that ptoas writes does not compile: its arguments stand in another order than pto-isa's",
        "",
        "compare with tcmps and select",
        "PTOToEmitC.cpp PTOGatherToEmitC against pto-isa include/pto/common/pto_instr.hpp",
    ),
    Defect(
        "a5_compare_shapes",
        "tcmp",
        ("a5",),
        OLDEST,
        None,
        "rejected: the packed predicate would have to be as large as the compared tiles",
        "",
        "subtract, then tcmps with zero",
        "PTOAS issue 1450",
    ),
)


@dataclass(frozen=True, order=True)
class Ptoas:
    """One version of ptoas."""

    number: tuple[int, int]

    @property
    def version(self) -> str:
        return f"{self.number[0]}.{self.number[1]:02}"

    def has(self, rule: str) -> bool:
        """Whether the rule of that name in `RULES` holds."""
        return self.number >= _number(RULES[rule].since)

    @property
    def tscatter_axis(self) -> bool:
        """A mask-form tscatter is written with its axis."""
        return self.has("tscatter_axis")

    @property
    def tgather_axis(self) -> bool:
        """A mask-form tgather is written with its axis."""
        return self.has("tgather_axis")

    @property
    def tci_attr_in_ins(self) -> bool:
        """tci has its attributes inside `ins(...)`; otherwise they follow `outs(...)`."""
        return not self.has("tci_attributes_last")

    @property
    def implicit_scratch(self) -> bool:
        """Scratch operands are optional in the syntax, and ptoas adds them where it assigns addresses."""
        return self.has("implicit_scratch")

    @property
    def tsel_tmp(self) -> str:
        """Element type of tsel's scratch operand on A2/A3."""
        return "i32" if self.has("tsel_word_scratch") else "ui8"

    def defects(self, chip: Chip, mnemonic: str, form: str = "") -> tuple[Defect, ...]:
        """The known defects of that operation on the chip."""
        operation = f"{mnemonic}.{form}" if form else mnemonic
        return tuple(
            defect
            for defect in DEFECTS
            if defect.operation == operation
            and chip.name in defect.chips
            and _number(defect.since) <= self.number
            and (defect.fixed is None or self.number < _number(defect.fixed))
        )

    def surely_has(self, defect: Defect) -> bool:
        """Whether one of `defects` is known of this version; of one newer than all known ones nothing is."""
        return self.number <= _number(LATEST) or defect.fixed is not None

    def where(self, defect: Defect) -> str:
        """What it takes to meet one of `defects`, as words behind its effect."""
        where = f" where {defect.when}" if defect.when else ""
        newer = "" if self.surely_has(defect) else f" (up to {LATEST}; whether newer ones do is not known)"
        return where + newer

    def usable(self, chip: Chip, mnemonic: str, form: str = "") -> bool:
        """Whether the operation can be written so that it works: none of its defects is unconditional."""
        return all(defect.when for defect in self.defects(chip, mnemonic, form))


def _number(version: str) -> tuple[int, int]:
    major, minor = version.split(".")
    return int(major), int(minor)


def ptoas(version: str | float = LATEST) -> Ptoas:
    """The ptoas of that version, written `0.57`, `v0.57` or `0.57.1`; the number 0.6 is version 0.60.

    A version newer than the known ones has the rules of the newest. ValueError for anything else, and for one
    older than the oldest known, whose syntax has not been checked.
    """
    if not isinstance(version, str):  # what a pass pipeline makes of an unquoted version
        version = f"{version:.2f}"
    known = f"the rules of {', '.join(VERSIONS)} are known"
    match = re.fullmatch(r"(?:ptoas[- ])?v?(\d+)\.(\d+)(?:\.\d+)?", version.strip())
    if match is None:
        raise ValueError(f"'{version}' is not a ptoas version; {known}")
    number = int(match[1]), int(match[2])
    if number < _number(OLDEST):
        raise ValueError(f"ptoas {version} is older than {OLDEST}; {known}")
    return Ptoas(number)
