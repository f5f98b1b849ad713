"""The target's forms of lane moves, one file each: what it is, where it is legal, how it is built."""

from .bit_pack import BIT_DOUBLE, BIT_PACK
from .bit_swap import BIT_SWAP
from .bits_apart import BITS_APART
from .flat_gather import FLAT_GATHER
from .form import Form
from .index_scatter import INDEX_SCATTER
from .mask_gather import MASK_GATHER, WIDE_MASK_GATHER
from .row_gather import ROW_GATHER
from .scatter_pair import SCATTER_PAIR
from .transposes import TRANSPOSES, WIDE_TRANSPOSES

LANE_FORMS: tuple[Form, ...] = (
    BIT_SWAP,
    *BITS_APART,
    BIT_DOUBLE,
    BIT_PACK,
    *TRANSPOSES,
    WIDE_TRANSPOSES,
    MASK_GATHER,
    WIDE_MASK_GATHER,
    *FLAT_GATHER,
    ROW_GATHER,
    SCATTER_PAIR,
    INDEX_SCATTER,
)
"""All forms; of two that cost the same, the first is taken."""
