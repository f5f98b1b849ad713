"""What every tile operation computes, written once for all domains: mnemonic -> function."""

from . import convert, elementwise, lane_pairs, lanes, reductions
from .call import Masked, Result, Semantics, TileCall

SEMANTICS: dict[str, Semantics] = {
    **elementwise.TABLE,
    **lanes.TABLE,
    **lane_pairs.TABLE,
    **convert.TABLE,
    **reductions.TABLE,
}

__all__ = ["SEMANTICS", "Masked", "Result", "Semantics", "TileCall"]
