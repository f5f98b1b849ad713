"""Which element types each operation takes, per chip: the rules of ptoas's verifiers in one table.

Every row is read from ptoas 0.60, lib/PTO/IR/PTO.cpp, in the function that the row names. The verifiers ask
for an integer's width and never for its sign, so `i32` in a row stands for `ui32` too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_INT = "i8 i16 i32"
_FLOAT = "f16 f32"
_ALU = "i16 i32 f16 f32"
_ALL = "i8 i16 i32 f16 bf16 f32"
_FP8 = "f8E4M3FN f8E5M2"

# mnemonic[.form] …, A2/A3, A5, where
_TABLE: tuple[tuple[str, str, str, str], ...] = (
    ("tadd tmin", _ALU, _ALU + " i8 bf16", "TAddOp::verify, TMinOp::verify"),
    ("tsub tmax", _ALU, _ALU + " i8", "TSubOp::verify, TMaxOp::verify"),
    ("tmul tfmod tfmods", _ALU, _ALU, "TMulOp::verify, TFModOp::verify"),
    ("tadds tsubs tmuls tmaxs tmins", _ALU, _ALU + " i8 bf16", "TAddSOp::verify and the like"),
    ("tdiv", _FLOAT, _ALU, "TDivOp::verify"),
    ("tdivs", _ALU, _ALU + " i8", "TDivSOp::verify"),
    ("trem trems", "i32 f32", _ALU, "TRemOp::verify, TRemSOp::verify"),
    ("tpow tpows", _INT + " f32", _INT + " f16 f32", "TPowOp::verify, TPowSOp::verify"),
    ("tand tor txor tshl tshr", _INT, _INT, "TAndOp::verify, TOrOp::verify, TXorOp::verify, TShlOp::verify"),
    ("tands tors txors", "i8 i16", _INT, "TAndSOp::verify, TOrSOp::verify, TXorSOp::verify"),
    ("tshls", _INT + " i64", _INT + " i64", "TShlSOp::verify"),
    ("tshrs", "i16 i32", _INT, "TShrSOp::verify"),
    ("tnot", "i16", _INT, "TNotOp::verify"),
    ("tneg", _ALU, _ALU + " i8 bf16", "TNegOp::verify"),
    ("tabs texp tlog tsqrt trsqrt trecip tlrelu", _FLOAT, _FLOAT, "TExpOp::verify and the like"),
    ("trelu", "i32 f16 f32", "i32 f16 f32", "TReluOp::verify"),
    ("tcolexpand trowexpand", _ALL, _ALL, "TColExpandOp::verify, TRowExpandOp::verify"),
    ("tconcat", _ALL, _ALL, "TConcatOp::verify"),
    (
        "tcolexpandadd tcolexpandsub tcolexpandmul tcolexpandmax tcolexpandmin",
        _ALU,
        _ALU + " i8",
        "verifyTColExpandBinaryLikeOp",
    ),
    (
        "trowexpandadd trowexpandsub trowexpandmul trowexpandmax trowexpandmin",
        _ALU,
        _ALU + " i8",
        "TRowExpandAddOp::verify and the like",
    ),
    ("tcolexpanddiv trowexpanddiv", _FLOAT, _ALU + " i8", "TColExpandDivOp::verify, TRowExpandDivOp::verify"),
    ("tcolexpandexpdif trowexpandexpdif", _FLOAT, _FLOAT, "TColExpandExpdifOp::verify"),
    ("texpands", _ALU + " bf16", _ALU + " i8 bf16", "TExpandsOp::verify"),
    ("tci", "i16 i32", "i16 i32", "TCIOp::verify"),
    ("tcmp", "i32 f16 f32", _ALU + " i8 bf16", "TCmpOp::verify"),
    ("tcmps", _ALU, _ALU + " i8", "TCmpSOp::verify"),
    ("tsel", _ALU + " bf16", _ALU + " i8 bf16", "TSelOp::verify"),
    ("tsels", _ALU, _ALU + " i8", "TSelSOp::verify"),
    ("trowsum trowmax trowmin trowprod", _ALU, _ALU, "isSupportedRowReductionElemType"),
    ("tcolsum tcolmax tcolmin", _ALU, _ALU + " i8 bf16", "TColSumOp::verify, TColMaxOp::verify"),
    ("tcolprod", _ALU, _ALU + " bf16", "TColProdOp::verify"),
    ("ttrans", _ALL, _ALL, "TTransOp::verify"),
    ("tgather.mask", _ALU + " bf16", _ALU + " bf16 i8 !pto.hif8 " + _FP8, "TGatherOp::verify, mask form"),
    ("tgather.index", _ALU, _ALU + " i8 " + _FP8, "TGatherOp::verify, index form"),
    ("tscatter.mask tscatter.index", _ALL, _ALL, "TScatterOp::verify"),
    ("textract", "i8 f16 bf16 f32", "i8 f16 bf16 f32 !pto.hif8 " + _FP8, "TExtractOp::verify, destination"),
    ("tload tstore.vec tstore.mat", _ALL + " i64", _ALL + " i64 !pto.hif8 " + _FP8, "TLoadOp::verify"),
    ("tstore.acc", "i32 f32 f16 bf16", "i32 f32 f16 bf16", "TStoreOp::verify, destination"),
)


@dataclass(frozen=True)
class ElementRule:
    """The element types an operation takes, unsigned spellings included, and where that is written."""

    dtypes: frozenset[str]
    source: str


def with_unsigned(names: str) -> frozenset[str]:
    """Space-separated element types; an integer brings its unsigned spelling along."""
    given = names.split()
    return frozenset(given) | {"u" + name for name in given if name.startswith("i")}


def _rules(column: int) -> Mapping[str, ElementRule]:
    return MappingProxyType(
        {
            name: ElementRule(with_unsigned(row[column]), f"ptoas 0.60 PTO.cpp {row[3]}")
            for row in _TABLE
            for name in row[0].split()
        }
    )


A2A3_ELEMENTS = _rules(1)
A5_ELEMENTS = _rules(2)


def element_bytes(dtype: str) -> int:
    """Bytes of an element; ValueError where that is no whole number (`i1`, packed four-bit types)."""
    if dtype in ("!pto.hif8", *_FP8.split()):
        return 1
    digits = dtype.lstrip("abcdefghijklmnopqrstuvwxyz")
    if not digits.isdecimal() or int(digits) % 8:
        raise ValueError(f"element type '{dtype}' has no size in bytes")
    return int(digits) // 8
