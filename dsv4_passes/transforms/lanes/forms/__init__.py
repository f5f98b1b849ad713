"""The target's forms of lane moves, one file each: what it is, where it is legal, how it is built."""

from .scatter_pair import PATTERNS, Form, gather, interleave, merge, plus_zero, scatter, vec_type

__all__ = ["PATTERNS", "Form", "gather", "interleave", "merge", "plus_zero", "scatter", "vec_type"]
