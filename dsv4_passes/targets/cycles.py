"""Cycle numbers of the chips, and where they come from; `costs.py` applies them.

Sources

* "pto-isa a2a3": include/pto/costmodel/a2a3/cce_costmodel/cce_costmodel_vector_compute.hpp, fitted to a
  910B3: (head, slope per 256-byte repeat, tail) of each vector instruction;
* "pto-isa a5": include/pto/costmodel/a5/formula_costmodel/formula_params.csv;
* "pto-isa arch": include/pto/costmodel/arch_config.hpp, flat bandwidths in GiB/s and a clock of 1.85 GHz;
* "pypto": include/pypto/backend/common/backend_handler.h, measured on a device, and
  include/pypto/backend/950/backend_950_handler.h, fitted to the A5 simulator.

What nobody published is an estimate, is marked as one, and says what it assumes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

GIB = 1 << 30


@dataclass(frozen=True)
class Timing:
    """Cycles of one operation: a constant, and parts that grow with what it walks over.

    A repeat is 256 bytes. Where `per_row` is set the operation starts anew in every row, and a shorter row
    takes a whole repeat.
    """

    source: str
    once: float = 0
    per_repeat: float = 0
    per_row: float = 0
    per_lane: float = 0
    estimate: bool = False


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
    """All numbers of one chip. Keys are `mnemonic` or `mnemonic.form`."""

    timings: Mapping[str, Timing]
    transfers: Mapping[str, tuple[float, bool]]
    """Bytes per cycle of a transfer, and whether that is an estimate."""
    transfer_source: str
    cube: CubeTiming
    unknown: Timing
    """For a vector operation that has no entry."""


def _a2a3() -> dict[str, Timing]:
    def fitted(instruction: str, head: float, slope: float, tail: float, names: str) -> None:
        for name in names.split():
            table[name] = Timing(f"pto-isa a2a3, {instruction}", once=head + tail, per_repeat=slope)

    def estimate(
        names: str, why: str, once: float = 0, repeat: float = 0, row: float = 0, lane: float = 0
    ) -> None:
        for name in names.split():
            table[name] = Timing(f"estimate: {why}", once, repeat, row, lane, estimate=True)

    table: dict[str, Timing] = {}
    fitted("vadd", 10, 2, 14, "tadd tsub tmax tmin")
    fitted("vmul", 10, 2, 15, "tmul")
    fitted("vadds", 13, 1, 18, "tadds tsubs")
    fitted("vmuls", 11, 1, 15, "tmuls tneg")
    fitted("vdiv", 11, 4, 19, "tdiv")
    fitted("vabs", 13, 1, 16, "tabs")
    fitted("vexp", 13, 2, 18, "texp")
    fitted("vrsqrt", 10, 1, 14, "trsqrt")
    fitted("vcopy", 11, 1, 13, "tmov.vec-vec textract.vec-vec tinsert.vec-vec")
    fitted("vector_dup", 11, 1, 13, "texpands")
    fitted("vconv", 14, 2, 18, "tcvt")
    fitted("vreducev2", 14, 14, 20, "tgather.mask")
    fitted("vcmpvs", 6, 2, 0, "tcmps")
    fitted("vcmpv_ne", 14, 2, 22, "tcmp")
    fitted("vcadd", 14, 7, 32, "trowsum")
    estimate("tmaxs tmins", "as vadds", once=31, repeat=1)
    estimate("tdivs", "as vdiv", once=30, repeat=4)
    estimate("tand tor tshl tshr", "as vadd", once=24, repeat=2)
    estimate("tands tors tshls tshrs tnot", "as vadds", once=31, repeat=1)
    estimate("txor", "three bitwise passes, as vadd", once=72, repeat=6)
    estimate("tsqrt trecip tlog trelu", "as vexp", once=31, repeat=2)
    estimate("tconcat tcolexpand", "one vcopy of every row", once=24, repeat=1)
    estimate("tcolexpandmul", "as vmul, the row operand with repeat stride 0", once=25, repeat=2)
    estimate("tcolexpandadd tcolexpandsub tcolexpandmax tcolexpandmin", "as vadd", once=24, repeat=2)
    estimate("trowexpand", "one vbrcb", once=18, repeat=1)
    estimate("trowexpandmul", "vbrcb of the column, then vmul", once=43, repeat=2)
    estimate(
        "trowexpandadd trowexpandsub trowexpandmax trowexpandmin", "vbrcb of the column, then vadd", 42, 2
    )
    estimate("trowmax trowmin", "as vcadd", once=46, repeat=7)
    estimate("tcolsum tcolmax tcolmin", "one vadd per row", once=24, repeat=2)
    # npu/a2a3/TSel.hpp: vector_dup of the mask address, set_cmpmask and vsel with barriers, row by row
    estimate("tsel tsels", "vector_dup and vsel (13, 2, 14) in every row", repeat=2, row=51)
    # the cost model gives 46.6 cycles for a row of 64 lanes, scaling, barrier and vgather together
    estimate("tgather.index", "46.6 cycles a row of 256 bytes, of them 3 per repeat", repeat=3, row=43.6)
    # npu/a2a3/TScatter.hpp: vector_dup zero-fills the destination, then a scalar load and store per source
    # lane
    estimate(
        "tscatter.mask tscatter.index",
        "zero-fill of a destination twice the source, then a scalar loop, 8 cycles a lane",
        once=64,
        repeat=2,
        lane=8,
    )
    estimate("tci", "a scalar store per lane, 4 cycles each", once=20, lane=4)
    estimate("tsetval tgetval", "one scalar access, pipes synchronised", once=40)
    return table


def _a5() -> dict[str, Timing]:
    def formula(op: str, slope: float, constant: float, names: str) -> None:
        for name in names.split():
            table[name] = Timing(f"pto-isa a5, {op}", once=constant, per_repeat=slope)

    def estimate(names: str, why: str, once: float = 0, repeat: float = 0, lane: float = 0) -> None:
        for name in names.split():
            table[name] = Timing(f"estimate: {why}", once, repeat, per_lane=lane, estimate=True)

    table: dict[str, Timing] = {}
    formula("TADD", 1.247, 55.07, "tadd tsub")
    formula("TMUL", 1.194, 56.29, "tmul")
    formula("TSEL", 1.934, 58.85, "tsel")
    formula("TCVT", 1.32, 52.3, "tcvt")
    estimate("tsels", "as TSEL", once=58.85, repeat=1.934)
    estimate("tdiv tdivs texp tlog tsqrt trsqrt trecip", "TADD with twice the slope", once=55.07, repeat=2.5)
    # npu/a5/TGather.hpp: predicate, vsqz, unaligned store; npu/a5/TScatter.hpp: zero-fill, vintlv with zeros
    estimate("tgather.mask", "TADD with twice the slope", once=55.07, repeat=2.5)
    estimate("tscatter.mask", "zero-fill, then vintlv and two stores per vector", once=75, repeat=5)
    estimate("tgather.index", "one vgather2 per vector, 8 lanes a cycle", once=55.07, repeat=8)
    estimate("tscatter.index", "zero-fill, then one vscatter per vector, 8 lanes a cycle", once=75, repeat=10)
    estimate("tci", "a scalar store per lane, 4 cycles each", once=20, lane=4)
    estimate("tsetval tgetval", "one scalar access, pipes synchronised", once=40)
    estimate("trowsum trowmax trowmin", "TADD with four times the slope", once=55.07, repeat=5)
    estimate("tpop_from_aic tpop_from_aiv", "waits for what the push moved")
    return table


_CLOCK_HZ = 1.85e9


def _per_cycle(gib_per_second: float) -> float:
    return gib_per_second * GIB / _CLOCK_HZ


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


A2A3_CYCLES = Cycles(
    timings=MappingProxyType(_a2a3()),
    # between the cores through GM: the push stores, the pop loads
    transfers=_transfers(
        False, {"tpop_from_aic": _GM_VEC, "tpush_to_aic": _VEC_GM, "tpop_from_aiv": _GM_MAT}
    ),
    transfer_source="pto-isa arch",
    cube=CubeTiming("pypto, A2/A3", 21, 2, 129.7, 85.4, 164.0, 4.45, 118.0, 2.6),
    unknown=Timing("estimate: counted as one vadd", once=24, per_repeat=2, estimate=True),
)

A5_CYCLES = Cycles(
    timings=MappingProxyType(_a5()),
    # between the cores directly: the push moves the data, the pop waits for it
    transfers=_transfers(True, {"tpush_to_aic": _L1, "tmov.vec-mat": _L1, "tinsert.vec-mat": _L1}),
    transfer_source="estimate: the bandwidths of pto-isa arch, which are A2/A3's",
    cube=CubeTiming("pypto, A5", 25, 8, 206.3, 223.8, 343.4, 4.59, 30.0, 0.26),
    unknown=Timing("estimate: counted as one TADD", once=55.07, per_repeat=1.247, estimate=True),
)
