"""What the cost model knows of each chip, in one place; `costs.py` applies it.

Vector operations are recipes of instructions (`recipes.py`, `instructions.py`). The rest has two sources:

* "pto-isa arch": include/pto/costmodel/arch_config.hpp, flat bandwidths in GiB/s and a clock of 1.85 GHz;
* "pypto": include/pypto/backend/common/backend_handler.h, measured on a device, and
  include/pypto/backend/950/backend_950_handler.h, fitted to the A5 simulator.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .instructions import A2A3_INSTRUCTIONS, A5_INSTRUCTIONS, CLOCK_HZ, GIB, Instruction
from .recipes import A2A3_RECIPES, A5_RECIPES, Recipe


@dataclass(frozen=True)
class CubeTiming:
    """One product and what feeds and drains it (pypto L0CostModel, field by field).

    An [m, k] × [k, n] product takes mad_head + passes * ceil(m/16) * ceil(k * bytes / 32) * ceil(n/16), with
    fp32_passes passes for f32 and one otherwise. Draining the [m, n] accumulator takes drain_once +
    m * (max(drain_row, 4n / drain_bytes) + drain_penalty * (odd - 1)), odd being the odd part of ceil(n/8).
    """

    source: str
    mad_head: int
    fp32_passes: int
    left_bytes: float
    """mat to left, bytes per cycle."""
    right_bytes: float
    """mat to right, bytes per cycle."""
    drain_once: float
    drain_row: float
    drain_bytes: float
    drain_penalty: float


@dataclass(frozen=True)
class Cycles:
    """All numbers of one chip. Keys of recipes and transfers are `mnemonic` or `mnemonic.form`."""

    instructions: Mapping[str, Instruction]
    recipes: Mapping[str, Recipe]
    transfers: Mapping[str, tuple[float, bool]]
    """Bytes per cycle of a transfer, and whether that is an estimate."""
    transfer_source: str
    cube: CubeTiming


def _per_cycle(gib_per_second: float) -> float:
    return gib_per_second * GIB / CLOCK_HZ


_GM_VEC, _GM_MAT, _VEC_GM, _L1 = (_per_cycle(b) for b in (100.9, 135.0, 188.46, 128.0))


def _transfers(estimate: bool, more: Mapping[str, float]) -> Mapping[str, tuple[float, bool]]:
    table = {
        "tload.gm-vec": _GM_VEC,
        "tload.gm-mat": _GM_MAT,
        "tstore.vec-gm": _VEC_GM,
        "tstore.mat-gm": _per_cycle(32.0),
        **more,
    }
    return MappingProxyType({name: (bandwidth, estimate) for name, bandwidth in table.items()})


CUBES: Mapping[str, Mapping[str, CubeTiming]] = MappingProxyType(
    {
        "a2a3": MappingProxyType(
            {
                "pypto": CubeTiming("pypto, A2/A3", 21, 2, 129.7, 85.4, 164.0, 4.45, 118.0, 2.6),
                # cce_costmodel_cube.hpp and the flat bandwidths: no cost of a drain but its bytes
                "pto-isa": CubeTiming(
                    "pto-isa a2a3", 6, 2, _per_cycle(441.0), _per_cycle(220.5), 0, 0, _per_cycle(70.0), 0
                ),
            }
        ),
        "a5": MappingProxyType(
            {"pypto": CubeTiming("pypto, A5", 25, 8, 206.3, 223.8, 343.4, 4.59, 30.0, 0.26)}
        ),
    }
)
"""Timings of the cube by chip and source; the first is the one that counts unless another is stated."""

A2A3_CYCLES = Cycles(
    instructions=A2A3_INSTRUCTIONS,
    recipes=A2A3_RECIPES,
    # between the cores through GM: the push stores, the pop loads
    transfers=_transfers(
        False, {"tpop_from_aic": _GM_VEC, "tpush_to_aic": _VEC_GM, "tpop_from_aiv": _GM_MAT}
    ),
    transfer_source="pto-isa arch",
    cube=CUBES["a2a3"]["pypto"],
)

A5_CYCLES = Cycles(
    instructions=A5_INSTRUCTIONS,
    recipes=A5_RECIPES,
    # between the cores directly: the push moves the data, the pop waits for it
    transfers=_transfers(True, {"tpush_to_aic": _L1, "tmov.vec-mat": _L1, "tinsert.vec-mat": _L1}),
    transfer_source="estimate: the bandwidths of pto-isa arch, which are A2/A3's",
    cube=CUBES["a5"]["pypto"],
)

CYCLES: Mapping[str, Cycles] = MappingProxyType({"a2a3": A2A3_CYCLES, "a5": A5_CYCLES})
"""By the name of the chip."""
