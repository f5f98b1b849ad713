"""How often loops run."""

from xdsl.dialects import scf

from dialects.pto.memory import constant_int


def trips(loop: scf.ForOp) -> int | None:
    """How often a loop with constant bounds runs."""
    lower, upper, step = (constant_int(v) for v in (loop.lb, loop.ub, loop.step))
    if lower is None or upper is None or not step:
        return None
    return max(0, -(-(upper - lower) // step))
