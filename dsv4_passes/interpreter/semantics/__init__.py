"""What every tile operation computes, written once for all domains: mnemonic -> function."""

from dsv4_passes.interpreter.semantics import convert, elementwise, lanes, reductions
from dsv4_passes.interpreter.semantics.call import Call, Masked, Result, Semantics

SEMANTICS: dict[str, Semantics] = {
    **elementwise.TABLE,
    **lanes.TABLE,
    **convert.TABLE,
    **reductions.TABLE,
}

__all__ = ["SEMANTICS", "Call", "Masked", "Result", "Semantics"]
