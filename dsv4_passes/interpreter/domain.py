"""What an interpreter needs to know about values: one protocol, two domains.

The machine moves lanes with numpy indexing (slice, gather, transpose, concatenate, insert); only arithmetic
goes through a `Domain`. `NumpyDomain` computes bits, `TermDomain` (equivalence/term_domain.py) computes
interned term ids, and everything else is the same code.

Lanes are 2-D numpy arrays [rows, cols] of a tile's VALID region: of the element type in the numpy domain
(`ml_dtypes.bfloat16` for bf16), of int64 term ids in the term domain. Element types are named by strings:
"f32" "bf16" "f16", "i8" "i16" "i32" "i64" "index", "ui8" ..., "i1" (booleans). A domain never sees a lane
whose content is unknown: the machine checks that before it asks.
"""

from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Lanes: TypeAlias = NDArray[Any]
"""A 2-D array of lanes; the domain defines its elements."""


class NotConcrete(Exception):
    """Numbers were asked of lanes that are not constants, for example an index that depends on a load."""


class Domain(Protocol):
    """Arithmetic on lanes. Unknown operation names and element types raise ValueError."""

    def constant(self, value: float, dtype: str, shape: tuple[int, ...]) -> Lanes:
        """`shape` lanes of one number. A float rounds to nearest even into `dtype`; an integer must fit."""
        ...

    def from_numbers(self, numbers: np.ndarray[Any, np.dtype[Any]], dtype: str) -> Lanes:
        """Constant lanes from an array of the element type; the inverse of `concrete`."""
        ...

    def binary(self, name: str, a: Lanes, b: Lanes, dtype: str) -> Lanes:
        """Elementwise, with numpy broadcasting: add sub mul div rem max min pow and or xor shl shr."""
        ...

    def unary(self, name: str, a: Lanes, dtype: str) -> Lanes:
        """Elementwise: neg abs exp log sqrt rsqrt recip relu not."""
        ...

    def convert(self, a: Lanes, src: str, dst: str, mode: str, saturate: bool) -> Lanes:
        """Change of element type. `mode` is one of NONE RINT ROUND FLOOR CEIL TRUNC ODD CAST_RINT."""
        ...

    def bitcast(self, a: Lanes, src: str, dst: str) -> Lanes:
        """The same bits under another element type of the same width."""
        ...

    def reinterpret(self, a: Lanes, src: str, dst: str) -> Lanes:
        """The bytes of each row as lanes of another width: [R, C] -> [R, C * width(src) / width(dst)], the
        first of several lanes in the low bits. ValueError where a row does not fill whole lanes.
        """
        ...

    def dot(self, lhs: Lanes, rhs: Lanes, acc: Lanes | None, src: str, dst: str) -> Lanes:
        """Matrix product [M, K] x [K, N] -> [M, N] of `src` operands in `dst`; `acc` is added once, after the
        sum over K.
        """
        ...

    def compare(self, cmp: str, a: Lanes, b: Lanes, dtype: str) -> Lanes:
        """eq ne lt le gt ge -> boolean lanes. With a NaN only `ne` holds."""
        ...

    def pack_bits(self, bits: Lanes) -> Lanes:
        """[R, C] booleans -> [R, ceil(C/8)] ui8: bit j%8 (least significant first) of byte j//8 is column j,
        padding bits are 0.
        """
        ...

    def unpack_bits(self, bytes_: Lanes, cols: int) -> Lanes:
        """[R, B] ui8 -> [R, cols] booleans, the inverse of `pack_bits`."""
        ...

    def select(self, cond: Lanes, a: Lanes, b: Lanes) -> Lanes:
        """`a` where `cond` holds, else `b`; bits are copied."""
        ...

    def reduce(self, name: str, a: Lanes, axis: int, dtype: str) -> Lanes:
        """sum max min prod argmax argmin along `axis`, which keeps extent 1. argmax and argmin give i32."""
        ...

    def concrete(self, a: Lanes, dtype: str) -> np.ndarray[Any, np.dtype[Any]]:
        """The numbers in the lanes (for indices), as an array of `dtype`. Raises NotConcrete when they are
        not constants.
        """
        ...

    def take_conditions(self) -> frozenset[str]:
        """Side conditions ("FIN", "SZ") that results since the last call rest on; always empty in the numpy
        domain.
        """
        ...
