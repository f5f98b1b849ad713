"""Targets are data: what each chip has and what each ptoas version wants.

Passes ask `chip(name)` and `ptoas(version)`; none decides by a chip's name. A new chip is an entry in
`chips.py` (with its element types in `elements.py` and its numbers in `cycles.py`), a new ptoas rule or
defect an entry in `toolchains.py`. The dialect's verification asks these chips as soon as this is imported.
"""

from dialects.pto.target import describe_chips

from .assumptions import Assumption, assuming
from .chips import CHIPS, Chip, Memory, Reserved, chip
from .costs import Cost, cost, hand_over, matmul_cost, total, wait
from .legality import WrongElement, beyond_memory, wrong_element
from .module_chip import chip_for
from .pypto import Pypto, pypto
from .scratch import ScratchTile, TileShape, has_rule, scratch_type
from .toolchains import (
    DEFECTS,
    LATEST,
    RULES,
    VERSIONS,
    Defect,
    Ptoas,
    Rule,
    ptoas,
)

__all__ = [
    "CHIPS",
    "DEFECTS",
    "LATEST",
    "RULES",
    "VERSIONS",
    "Assumption",
    "Chip",
    "Cost",
    "Defect",
    "Memory",
    "Ptoas",
    "Pypto",
    "Reserved",
    "Rule",
    "ScratchTile",
    "TileShape",
    "WrongElement",
    "assuming",
    "beyond_memory",
    "chip",
    "chip_for",
    "cost",
    "hand_over",
    "has_rule",
    "matmul_cost",
    "ptoas",
    "pypto",
    "scratch_type",
    "total",
    "wait",
    "wrong_element",
]

describe_chips(chip)
