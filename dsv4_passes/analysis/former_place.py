"""Where the bytes of a value were in the program it was raised from.

Noted on the object, like a spelling: it is no part of the IR and does not survive a round trip through
text. Lowering uses it only where its own plan needs more memory than that program did.
"""

from collections.abc import Mapping

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue

_ADDRESS = "_dsv4_former_address"
_PEAKS = "_dsv4_former_peaks"


def note(holder: SSAValue | Operation, address: int) -> None:
    """`address` in bytes, of a value or of an operation's scratch memory."""
    setattr(holder, _ADDRESS, address)


def former_address(holder: SSAValue | Operation) -> int | None:
    return getattr(holder, _ADDRESS, None)


def note_peaks(function: FuncOp, peaks: Mapping[str, int]) -> None:
    """How many bytes of each memory the function used, from address 0 on."""
    setattr(function, _PEAKS, peaks)


def former_peaks(function: FuncOp) -> Mapping[str, int]:
    return getattr(function, _PEAKS, {})
