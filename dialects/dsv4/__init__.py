"""The `dsv4` dialect: facts about kernel arguments, and whole programs."""

from xdsl.ir import Dialect

from . import launch, opaque, tensors
from .attributes import ATTRIBUTES
from .opaque import TextType

DSV4 = Dialect("dsv4", [*launch.OPERATIONS, *tensors.OPERATIONS, *opaque.OPERATIONS], [*ATTRIBUTES, TextType])
