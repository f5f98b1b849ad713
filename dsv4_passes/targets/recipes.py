"""Which instructions an operation issues, and how often: `instructions.py` says what each costs.

A recipe is a list of (instruction, walk). Its name is `mnemonic` or `mnemonic.form`, with the bits of an
element behind it where those make a difference.
"""

from collections.abc import Mapping
from types import MappingProxyType

from .walks import (
    AccessWalk,
    block_registers,
    blocks,
    calls,
    ceil_rows,
    filled,
    flat,
    lanes,
    long_rows,
    pairwise,
    pairwise_registers,
    per_row,
    per_row_times,
    restarted,
    row_by_row,
    row_calls,
    rows,
    share,
    short_rows,
    times,
    whole,
    whole_registers,
    whole_tile,
)

Recipe = tuple[tuple[str, AccessWalk], ...]


def _table(rules: Mapping[str, Recipe]) -> Mapping[str, Recipe]:
    return MappingProxyType({name: recipe for names, recipe in rules.items() for name in names.split()})


def _pair(instruction: str) -> Recipe:
    return (instruction, pairwise), ("register", pairwise_registers)


def _single(instruction: str) -> Recipe:
    return (instruction, whole), ("register", whole_registers)


_SELECT: Recipe = (
    ("vector_dup", row_calls),
    ("vsel", per_row),
    ("register", per_row_times(5)),
    ("register", times(3)),
)
_GATHER: Recipe = (
    ("vmuls", per_row),
    ("vgather_row", short_rows),
    ("vgather", long_rows),
    ("register", per_row_times(2)),
    ("register", times(3)),
)
_SCATTER: Recipe = (("vector_dup", filled), ("register", times(4)), ("scalar_move", lanes))
# The ramp of one row: eight vector_dup, vcgadd, vmuls, vbrcb, vadd, vconv, then vadds for every repeat.
_IOTA: Recipe = (
    ("vector_dup", calls(8)),
    ("vcgadd", calls(1)),
    ("vmuls", calls(1)),
    ("vbrcb", calls(1)),
    ("vadd", calls(1)),
    ("vconv", calls(1)),
    ("vadds", whole),
    ("register", times(15)),
)

A2A3_RECIPES = _table(
    {
        "tadd": _pair("vadd"),
        "tsub": _pair("vsub"),
        "tmax": _pair("vmax"),
        "tmin": _pair("vmin"),
        "tmul": _pair("vmul"),
        "tdiv": _pair("vdiv"),
        "tand": _pair("vand"),
        "tor": _pair("vor"),
        "tnot": _single("vnot"),
        "txor": (("vand", pairwise), ("vor", pairwise), ("vand", pairwise), ("register", pairwise_registers)),
        "tadds tsubs": _single("vadds"),
        "tmuls tneg tdivs": _single("vmuls"),
        "tmaxs": _single("vmaxs"),
        "tmins": _single("vmins"),
        "tshls": _single("vshl"),
        "tshrs": _single("vshr"),
        # a constant tile, a barrier, then the operation of two tiles
        "tands": (("vector_dup", whole), ("register", times(1)), ("vand", pairwise)),
        "tors": (("vector_dup", whole), ("register", times(1)), ("vor", pairwise)),
        # scalar loops
        "tshl tshr": (("scalar_move", lanes),),
        "tabs": _single("vabs"),
        "texp": _single("vexp"),
        "tlog": _single("vln"),
        "tsqrt": _single("vsqrt"),
        "trsqrt trecip": _single("vrsqrt"),
        "trelu": _single("vrelu"),
        "tlrelu": _single("vlrelu"),
        "tcvt": (("vconv", pairwise), ("register", times(2))),
        "texpands": _single("vector_dup"),
        "tmov.vec-vec textract.vec-vec tinsert.vec-vec": (
            ("copy", whole_tile),
            ("move", row_by_row),
            ("register", times(1)),
        ),
        "tcolexpand tconcat": (("move", share), ("register", times(1))),
        "tfillpad": _single("vcopy"),
        "tcolexpandadd tcolexpandsub tcolexpandmax tcolexpandmin": (
            ("vadd", restarted),
            ("register", pairwise_registers),
        ),
        "tcolexpandmul": (("vmul", restarted), ("register", pairwise_registers)),
        "tcolexpanddiv": (("vdiv", restarted), ("register", pairwise_registers)),
        "trowexpand": (("vbrcb", ceil_rows), ("vcopy", whole)),
        "trowexpandadd trowexpandsub trowexpandmax trowexpandmin": (("vbrcb", ceil_rows), ("vadd", whole)),
        "trowexpandmul": (("vbrcb", ceil_rows), ("vmul", whole)),
        "trowexpanddiv": (("vbrcb", ceil_rows), ("vdiv", whole)),
        "trowsum trowmax trowmin trowprod": (("vcadd", restarted), ("register", times(2))),
        "tcolsum tcolmax tcolmin tcolprod": (("vadd", per_row),),
        "tcmp": (("vcmpv", restarted), ("register", times(2))),
        "tcmps": (("vcmpvs", restarted), ("register", times(2))),
        "tsel tsels": _SELECT,
        "tgather.mask": (("vreducev2", restarted), ("register", times(4))),
        "tgather.index": _GATHER,
        "tscatter.mask tscatter.index": _SCATTER,
        "ttrans": (("vnchwconv", blocks), ("register", block_registers), ("copy", share)),
        "tci": _IOTA,
        "tsetval tgetval": (("scalar_access", times(1)),),
    }
)

A5_RECIPES = _table(
    {
        "tadd tsub tmax tmin": (("tadd", flat),),
        "tmul": (("tmul", flat),),
        "tsel tsels": (("tsel", flat),),
        "tcvt": (("tcvt", flat),),
        "tcvt.widen": (("tcvt_widen", restarted), ("tcvt_row", rows)),
        "tshls tshrs tands tors": (("shift", flat),),
        "tand tor": (("tor", flat),),
        "tdiv tdivs texp tlog tsqrt trsqrt trecip": (("tdiv", flat),),
        "trowsum trowmax trowmin": (("reduction", restarted),),
        "tgather.mask": (("vsqz", restarted),),
        "tgather.index ttrans": (("vgather2", flat),),
        "tscatter.mask": (("scatter", filled), ("scatter_row", rows)),
        "tscatter.mask.16": (("scatter_16", filled), ("scatter_row", rows)),
        "texpands": (("fill", flat),),
        "tcmps tcmp": (("compare", flat),),
        "tscatter.index": (("vgather2", flat),),
        "tci": (("scalar_store", lanes),),
        # wait for what the push has moved
        "tpop_from_aic tpop_from_aiv": (),
        "tsetval tgetval": (("scalar_access", times(1)),),
    }
)

UNKNOWN: Recipe = (("unknown", whole),)
"""Of an operation without a recipe."""
