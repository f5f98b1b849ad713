"""What remarks say about a rewrite: why it is exact, and what it saves."""

from collections import Counter
from dataclasses import dataclass

from xdsl.dialects import func

from dialects.pto.base import TileOp
from dialects.pto.memory import TLoadOp
from dialects.pto.types import TileType

from .checked_rewrite import Rewritten

BOUND = "relative error of at most 2^-8 (normal numbers), half a unit in the last place of bf16"


@dataclass(frozen=True)
class Savings:
    """Tile operations by name, and the bytes loaded from GM."""

    operations: Counter[str]
    loaded: int


def savings(function: func.FuncOp) -> Savings:
    """Count what a function does now."""
    operations: Counter[str] = Counter()
    loaded = 0
    for op in function.walk():
        if not isinstance(op, TileOp):
            continue
        form = f" ({op.form()})" if op.form() else ""
        operations[f"{op.mnemonic()}{form}"] += 1
        if isinstance(op, TLoadOp) and isinstance(tile := op.destinations()[0].type, TileType):
            loaded += tile.data.bytes
    return Savings(operations, loaded)


def outcome_text(result: Rewritten, before: Savings, after: Savings) -> str:
    """`two raw mask scatters merged by tadd; exact …; saves …`."""
    parts = [result.candidate.what, why_exact(result)]
    gone, new = before.operations - after.operations, after.operations - before.operations
    if gone:
        parts.append(f"saves {_counted(gone)}")
    if before.loaded > after.loaded:
        parts.append(f"{before.loaded - after.loaded} bytes less loaded from GM")
    if new:
        parts.append(f"adds {_counted(new)}")
    return "; ".join(parts)


def why_exact(result: Rewritten) -> str:
    why = "every stored lane is proved equal"
    if result.zero_sign:
        why += " up to the sign of a zero (signed-zero=ignore)"
    if result.candidate.drops_rounding:
        why += ", every use rounds to bf16 again in the same mode"
    if result.inexact:
        why = f"drops a rounding to bf16 that uses can see (contract-rounding): {BOUND}"
    if result.conditions:
        why += f", given {', '.join(sorted(result.conditions))}"
    return why


def _counted(operations: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(operations.items()))
