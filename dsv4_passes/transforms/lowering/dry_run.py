"""Would a function in value form lower for a chip and a version of ptoas? Asked before it is changed."""

from xdsl.dialects import func

from dsv4_passes.targets import LATEST

from .lower_tiles import lower_function
from .placement import DoesNotFit


def memory_problem(function: func.FuncOp, chip: str, ptoas: str | float = LATEST) -> DoesNotFit | None:
    """Why its tiles have no addresses on that chip, or None where they have; `function` stays as it is.

    Addresses are assigned also where the text is for a level without: the bytes are needed all the same.
    Raises UserError where something else stands in the way.
    """
    try:
        lower_function(function.clone(), chip, ptoas, "level3")
    except DoesNotFit as problem:
        return problem
    return None
