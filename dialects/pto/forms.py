"""The two forms of a function: tiles as values, or tiles as buffers in memory."""

from xdsl.ir import Operation

from .types import TileBufType


def is_buffer_form(function: Operation) -> bool:
    """Some operation of the function makes a buffer; in value form none does."""
    return any(isinstance(result.type, TileBufType) for op in function.walk() for result in op.results)
