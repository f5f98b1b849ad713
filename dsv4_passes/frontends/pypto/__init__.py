"""Tile programs as pypto dumps them, into modules. `dsv4_passes.emit.pypto` is the way back."""

from .program import parse_program

__all__ = ["parse_program"]
