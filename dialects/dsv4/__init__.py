"""The `dsv4` dialect: lane operations, facts about kernel arguments, and whole programs."""

from xdsl.ir import Dialect

from . import lanes, launch, opaque, tensors
from .attributes import ATTRIBUTES
from .opaque import TextType

DSV4 = Dialect(
    "dsv4",
    [*lanes.OPERATIONS, *launch.OPERATIONS, *tensors.OPERATIONS, *opaque.OPERATIONS],
    [*ATTRIBUTES, TextType],
)
