"""Tile programs as pypto dumps them, into modules. `target.py` writes them back."""

from .reader.program import parse_program

__all__ = ["parse_program"]
