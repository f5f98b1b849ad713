"""What one instruction costs, per chip: the numbers of the cost model, with their sources.

An instruction takes `once` cycles for each call and `slope` for each repeat, which is 256 bytes. Two readings
of one measurement give a range: a cost then is the lower and the upper one. Sources:

* "pto-isa a2a3": include/pto/costmodel/a2a3/cce_costmodel/cce_costmodel_vector_compute.hpp, fitted to a
  910B3: head, slope and tail; head and tail both count, since dependent operations have a barrier between;
* "pto-isa a5": include/pto/costmodel/a5/formula_costmodel/formula_params.csv, fitted to the A5 simulator;
  one instruction here is one vector function, which costs about 55 cycles whatever it does;
* "estimate: …": an assumption, as no figure is published.

None of the numbers was measured by this project. Who has a device replaces them (`assumptions.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from .walks import REPEAT_BYTES

GIB = 1 << 30
CLOCK_HZ = 1.85e9
TASK_HAND_OVER = "not counted unless stated: what a task waits for the one whose product it reads"
HAND_OVER = "not counted unless stated: what the cube and the vector core wait for each other"


class Reading(NamedTuple):
    """Cycles of a call, of a repeat, and once for each operation."""

    call: float
    repeat: float
    once: float = 0


@dataclass(frozen=True)
class Instruction:
    """Cycles of one instruction."""

    source: str
    readings: tuple[Reading, ...]

    @property
    def estimate(self) -> bool:
        """Whether the number is not published, or can be read in two ways."""
        return len(self.readings) > 1 or self.source.startswith("estimate")

    def cycles(self, calls: float, repeats: float) -> tuple[float, float]:
        """The lower and the upper reading."""
        each = [r.once + r.call * calls + r.repeat * repeats for r in self.readings]
        return min(each), max(each)


def _one(call: float, repeat: float, source: str) -> Instruction:
    return Instruction(source, (Reading(call, repeat),))


def _a2a3() -> Mapping[str, Instruction]:
    fitted = {
        # name: head, slope, tail
        "vadd": (10, 2, 14),
        "vsub": (10, 2, 14),
        "vmax": (10, 2, 14),
        "vmin": (10, 2, 14),
        "vmul": (10, 2, 15),
        "vdiv": (11, 4, 19),
        "vand": (8, 2, 12),
        "vor": (8, 2, 12),
        "vnot": (8, 2, 12),
        "vadds": (13, 1, 18),
        "vmuls": (11, 1, 15),
        "vmaxs": (10, 1, 13),
        "vmins": (14, 1, 16),
        "vabs": (13, 1, 16),
        "vexp": (13, 2, 18),
        "vln": (13, 2, 20),
        "vsqrt": (14, 2, 25),
        "vrsqrt": (10, 1, 14),
        "vrelu": (10, 1, 13),
        "vlrelu": (11, 1, 15),
        "vcopy": (11, 1, 13),
        "vector_dup": (11, 1, 13),
        "vbrcb": (0, 0, 18),
        "vcadd": (14, 7, 32),
        "vcgadd": (14, 1, 24),
        "vcmpv": (14, 2, 22),
        "vcmpvs": (6, 2, 0),
        "vsel": (13, 2, 14),
        "vconv": (14, 2, 18),
        "vreducev2": (14, 14, 20),
    }
    table = {name: _one(head + tail, slope, "pto-isa a2a3") for name, (head, slope, tail) in fitted.items()}
    shift = "estimate: not calibrated; slope of the placeholder, head and tail of vmuls"
    table |= {
        "register": _one(0, 1, "pto-isa a2a3: setting a mask, a mode or a barrier is one cycle"),
        "copy": _one(0, REPEAT_BYTES / (1024 * GIB / CLOCK_HZ), "pto-isa arch: 1024 GiB/s in vector memory"),
        "move": Instruction(
            "estimate: copies of rows in vector memory, 128 bytes a cycle as in simulated kernels",
            (Reading(0, 2),),
        ),
        "vshl": _one(26, 2, shift),
        "vshr": _one(26, 2, shift),
        "vgather_row": _one(
            0,
            26,
            "estimate: a row of 64 lanes takes 46.6 cycles with vmuls and barrier (pto-isa a2a3), "
            "a row of a few more as so many of them",
        ),
        "vgather": Instruction(
            "measured for a row of 64 lanes only; a long row takes 24 a call and 2 a repeat, or 26 a repeat",
            (Reading(24, 2), Reading(0, 26)),
        ),
        "vnchwconv": Instruction(
            "one measured point, a transposition of 128x128 f32 in 501 cycles: "
            "2.5 a repeat, or 12 a call and 1 a repeat",
            (Reading(0, 2.5, once=6), Reading(12, 1)),
        ),
        "scalar_move": _one(
            0,
            18,
            "estimate: a scalar load and store; 18.3 from a published kernel of 16384 moves in 176 us, "
            "others give 10 to 42",
        ),
        "scalar_store": _one(0, 9, "estimate: half a scalar load and store"),
        "scalar_access": _one(0, 40, "estimate: one scalar access, pipes synchronised"),
        "hand_over": _one(0, 0, HAND_OVER),
        "task_hand_over": _one(0, 0, TASK_HAND_OVER),
        "unknown": _one(24, 2, "estimate: counted as one vadd"),
    }
    return MappingProxyType(table)


def _a5() -> Mapping[str, Instruction]:
    csv = "pto-isa a5"
    by_hand = "estimate: the A5 vector function simulator, driven by hand for this loop"
    table = {
        "tadd": _one(55.07, 1.247, csv),
        "tmul": _one(56.29, 1.194, csv),
        "tsel": _one(58.85, 1.934, csv),
        "tcvt": _one(52.3, 1.32, csv),
        "tcvt_widen": _one(51.66, 1.27, csv),
        "tcvt_row": _one(0, 1.93, csv),
        "shift": _one(52, 1.0, by_hand),
        "tor": _one(52, 1.0, by_hand),
        "vsqz": _one(54, 4, "estimate: 4 cycles a vector, which nobody published"),
        "vgather2": Instruction(
            "estimate: 8 to 64 cycles a vector, which nobody published, and one to store it",
            (Reading(54, 9), Reading(54, 65)),
        ),
        "scatter": _one(74, 1.0, by_hand),
        "scatter_16": _one(100, 1.0, by_hand),
        "scatter_row": _one(0, 2.0, by_hand),
        "fill": _one(49, 1.0, by_hand),
        "compare": _one(49, 2.25, by_hand),
        "tdiv": _one(55.07, 2.5, "estimate: TADD with twice the slope"),
        "reduction": _one(55.07, 5, "estimate: TADD with four times the slope"),
        "scalar_store": _one(20, 4, "estimate: 4 cycles each"),
        "scalar_access": _one(0, 40, "estimate: one scalar access, pipes synchronised"),
        "hand_over": _one(0, 0, HAND_OVER),
        "task_hand_over": _one(0, 0, TASK_HAND_OVER),
        "unknown": _one(55.07, 1.247, "estimate: counted as one TADD"),
    }
    return MappingProxyType(table)


A2A3_INSTRUCTIONS = _a2a3()
A5_INSTRUCTIONS = _a5()
