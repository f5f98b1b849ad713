"""What verification asks about a chip.

The dialect knows no chip: a description is handed to it by whoever knows chips (`describe_chips`). Where
nobody did, as with xDSL alone, `AnyChip` accepts what some chip accepts, and only the rules that hold on
every chip are checked.
"""

from collections.abc import Callable
from typing import Protocol


class ChipRules(Protocol):
    """One chip, as far as verification asks. Mnemonics have no `pto.` prefix, element types are names."""

    @property
    def name(self) -> str: ...

    @property
    def gather_indices(self) -> frozenset[str] | None:
        """Element types of the index of an index gather; None where no rule is known."""
        ...

    def elements(self, mnemonic: str, form: str = "") -> frozenset[str] | None:
        """The element types of an operation in that form; None where no rule is known."""
        ...

    def matmul_types(self) -> frozenset[tuple[str, str, str]] | None:
        """(accumulator, left, right) element types of a product; None where no rule is known."""
        ...

    def moves(self, mnemonic: str) -> frozenset[tuple[str, str]] | None:
        """(from, to) memories between which an operation copies; None where no rule is known."""
        ...

    def exists_only_on(self, mnemonic: str) -> str | None:
        """The chip that has the operation where this one lacks it, else None."""
        ...

    def lifts(self, rule: str) -> bool:
        """Whether a rule of verification does not hold on this chip. Rules go by name, `tmov.same_shape`."""
        ...

    def last_event(self, mnemonic: str) -> int | None:
        """The largest event number of a signal between cores; None where no rule is known."""
        ...


class AnyChip:
    """Accepts what some chip accepts."""

    name = "any chip"
    gather_indices = None

    def elements(self, mnemonic: str, form: str = "") -> None:
        return None

    def matmul_types(self) -> None:
        return None

    def moves(self, mnemonic: str) -> None:
        return None

    def exists_only_on(self, mnemonic: str) -> None:
        return None

    def lifts(self, rule: str) -> bool:
        return True

    def last_event(self, mnemonic: str) -> None:
        return None


def _any_chip(name: str) -> ChipRules:
    return AnyChip()


_find: Callable[[str], ChipRules] = _any_chip


def describe_chips(find: Callable[[str], ChipRules]) -> None:
    """Let verification look chips up with `find`, which takes the name in `pto.target_arch`."""
    global _find
    _find = find


def chip_rules(name: str) -> ChipRules:
    """The rules of the chip that a module names in `pto.target_arch`."""
    return _find(name)
