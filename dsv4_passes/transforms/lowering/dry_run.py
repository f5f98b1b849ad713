"""Would a function in value form lower for a chip and a version of ptoas? Asked before it is changed."""

from xdsl.dialects import func

from dsv4_passes.targets import LATEST
from dsv4_passes.transforms.common.origin import Level

from .lower_tiles import lower_function
from .placement import DoesNotFit


def memory_problem(
    function: func.FuncOp, chip: str, ptoas: str | float = LATEST, level: Level = "level3"
) -> DoesNotFit | None:
    """Why its tiles do not fit into memory on that chip, or None where they do; `function` stays as it is.

    At `level3` addresses are assigned here, at `level2` ptoas plans them.
    Raises UserError where something else stands in the way.
    """
    try:
        lower_function(function.clone(), chip, ptoas, level)
    except DoesNotFit as problem:
        return problem
    return None
