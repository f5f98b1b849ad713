"""The chip that a text is for, where an option may name one, too."""

from xdsl.ir import Operation

from dialects.pto.base import chip_attribute, target_arch
from dsv4_passes.diagnostics import UserError

from .chips import Chip, chip


def chip_for(op: Operation, option: str | None) -> Chip:
    """The chip that an operation is for: the one that an option names, else that of the text around it.

    Raises UserError for a chip that is not known, and where option and text name two: what is written would
    be chosen for one chip, and verified and assembled for the other.
    """
    own = chip(target_arch(op))
    if option is None:
        return own
    try:
        wanted = chip(option)
    except ValueError as error:
        raise UserError(str(error)) from None
    if wanted.name != own.name and (named := _named(op)) is not None:
        module, attribute, text = named
        why = f'the text says {attribute} = "{text}"'
        raise UserError(f"the kernels are for {own.name}, not for {option}: {why}", module.location)
    return wanted


def _named(op: Operation) -> tuple[Operation, str, str] | None:
    """The module around an operation that names a chip, by which attribute, and the name."""
    parent: Operation | None = op
    while parent is not None:
        if (found := chip_attribute(parent)) is not None:
            return parent, *found
        parent = parent.parent_op()
    return None
