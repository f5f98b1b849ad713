"""Tile programs as pypto dumps them, into modules. `target.py` writes them back."""

from xdsl.dialects.builtin import ModuleOp


def parse_program(text: str, filename: str = "<program>", known: ModuleOp | None = None) -> ModuleOp:
    """Read a tile program as pypto dumps it behind its pass ConvertTensorToTileOps.

    Nothing of it is run. `known` is another program as it was read: kernels that stand in both, to the
    letter, are copied. Raises UserError with the place of what is not such a program.
    """
    from .reader.program import read_program  # tools that read kernels do without it

    return read_program(text, filename, known)
