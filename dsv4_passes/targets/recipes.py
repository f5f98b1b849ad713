"""Which instructions an operation issues, and how often: `instructions.py` says what each costs.

A recipe is a list of (instruction, walk). Its name is `mnemonic` or `mnemonic.form`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from .walks import (
    Walk,
    block_registers,
    blocks,
    calls,
    ceil_rows,
    filled,
    flat,
    lanes,
    mask_registers,
    per_row,
    per_row_times,
    restarted,
    row_calls,
    rows,
    share,
    times,
    whole,
)

Recipe = tuple[tuple[str, Walk], ...]


def _table(rules: Mapping[str, Recipe]) -> Mapping[str, Recipe]:
    return MappingProxyType({name: recipe for names, recipe in rules.items() for name in names.split()})


def _elementwise(instruction: str) -> Recipe:
    return (instruction, whole), ("register", mask_registers)


_SELECT: Recipe = (
    ("vector_dup", row_calls),
    ("vsel", per_row),
    ("register", per_row_times(5)),
    ("register", times(3)),
)
_GATHER: Recipe = (
    ("vmuls", per_row),
    ("vgather", per_row),
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
        "tadd": _elementwise("vadd"),
        "tsub": _elementwise("vsub"),
        "tmax": _elementwise("vmax"),
        "tmin": _elementwise("vmin"),
        "tmul": _elementwise("vmul"),
        "tdiv": _elementwise("vdiv"),
        "tand": _elementwise("vand"),
        "tor": _elementwise("vor"),
        "tnot": _elementwise("vnot"),
        "txor": (("vand", whole), ("vor", whole), ("vand", whole), ("register", mask_registers)),
        "tadds tsubs": _elementwise("vadds"),
        "tmuls tneg tdivs": _elementwise("vmuls"),
        "tmaxs": _elementwise("vmaxs"),
        "tmins": _elementwise("vmins"),
        "tshls": _elementwise("vshl"),
        "tshrs": _elementwise("vshr"),
        # a constant tile, a barrier, then the operation of two tiles
        "tands": (("vector_dup", whole), ("register", times(1)), ("vand", whole)),
        "tors": (("vector_dup", whole), ("register", times(1)), ("vor", whole)),
        # scalar loops
        "tshl tshr": (("scalar_move", lanes),),
        "tabs": _elementwise("vabs"),
        "texp": _elementwise("vexp"),
        "tlog": _elementwise("vln"),
        "tsqrt": _elementwise("vsqrt"),
        "trsqrt trecip": _elementwise("vrsqrt"),
        "trelu": _elementwise("vrelu"),
        "tlrelu": _elementwise("vlrelu"),
        "tcvt": (("vconv", whole), ("register", times(2))),
        "texpands": _elementwise("vector_dup"),
        "tmov.vec-vec textract.vec-vec tinsert.vec-vec tfillpad": _elementwise("vcopy"),
        "tcolexpandadd tcolexpandsub tcolexpandmax tcolexpandmin": (
            ("vadd", restarted),
            ("register", mask_registers),
        ),
        "tcolexpandmul": (("vmul", restarted), ("register", mask_registers)),
        "tcolexpanddiv": (("vdiv", restarted), ("register", mask_registers)),
        "trowexpand": (("vbrcb", ceil_rows), ("vcopy", whole)),
        "trowexpandadd trowexpandsub trowexpandmax trowexpandmin": (("vbrcb", ceil_rows), ("vadd", whole)),
        "trowexpandmul": (("vbrcb", ceil_rows), ("vmul", whole)),
        "trowexpanddiv": (("vbrcb", ceil_rows), ("vdiv", whole)),
        "trowsum trowmax trowmin trowprod": (("vcadd", restarted), ("register", times(2))),
        "tcolsum tcolmax tcolmin tcolprod": (("vadd", per_row),),
        "tcmp": (("vcmpv", restarted), ("register", times(2))),
        "tcmps": (("vcmpvs", per_row), ("register", times(2))),
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
        "tscatter.index": (("vgather2", flat),),
        "tci": (("scalar_store", lanes),),
        "tsetval tgetval": (("scalar_access", times(1)),),
    }
)

UNKNOWN: Recipe = (("unknown", whole),)
"""Of an operation without a recipe."""
