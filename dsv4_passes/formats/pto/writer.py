"""Printers that write things back as the input had them.

`SpelledPrinter` keeps SSA names, float literals and explicit `loc(…)` (see `spelling`); what a pass made new
gets a name that is nowhere taken. `PtoPrinter` adds what the text of a `.pto` file looks like.
"""

from typing import IO, cast

from xdsl.dialects.builtin import AnyFloat, FileLineColLoc, FloatAttr, ModuleOp
from xdsl.dialects.func import ReturnOp
from xdsl.dialects.scf import ExecuteRegionOp
from xdsl.ir import Attribute, BlockArgument, Operation, Region, SSAValue
from xdsl.printer import Printer

from dsv4_passes import source_names as spelling


class SpelledPrinter(Printer):
    """xDSL's printer with the spelling of the input."""

    def __init__(self, stream: IO[str], *, generic: bool = False):
        super().__init__(stream=stream, print_generic_format=generic)
        self._used: dict[Region | None, set[str]] = {}
        self._reserved: set[str] = set()
        self._next_number = 0
        self._counts: dict[tuple[Region | None, str], int] = {}
        """How far names with a number were given out, by region and stem."""

    def print_op(self, op: Operation) -> None:
        if not self._used:
            self._used[None] = set()
            self._reserved = {name for value in _values(op) if (name := spelling.written_name(value))}
        self.print_op_text(op)
        if spelling.position(op.location) is not None:
            self.print_string(" ")
            self.print_attribute(op.location)

    def print_op_text(self, op: Operation) -> None:
        """Print an operation without its location."""
        if isinstance(op, ExecuteRegionOp) and not self.print_generic_format:
            _print_execute_region(op, self)
        else:
            super().print_op(op)

    def print_ssa_value(self, value: SSAValue) -> str:
        if (name := self._ssa_values.get(value)) is None:
            name = self._new_name(value)
            self._ssa_values[value] = name
            self._used.setdefault(_home(value), set()).add(name)
        self.print_string(f"%{name}")
        return name

    def _new_name(self, value: SSAValue) -> str:
        """The written name where nothing that can be seen from here has it, else one that nothing has."""
        visible = self._visible(value)
        written = _shown_name(value)
        if written is not None and not any(written in names for names in visible):
            return written
        taken = [self._reserved, *visible]
        stem = value.name_hint
        if stem is None:
            while any(str(self._next_number) in names for names in taken):
                self._next_number += 1
            self._next_number += 1
            return str(self._next_number - 1)
        # What is taken once stays taken, so the search goes on where it ended last time.
        place = _home(value), stem
        count = self._counts.get(place, 0)
        name = f"{stem}_{count}" if count else stem
        while any(name in names for names in taken):
            count += 1
            name = f"{stem}_{count}"
        self._counts[place] = count
        return name

    def _visible(self, value: SSAValue) -> list[set[str]]:
        """Names used in the region of a value and in those around it."""
        region, found = _home(value), list[set[str]]()
        while True:
            if region in self._used:
                found.append(self._used[region])
            if region is None:
                return found
            region = None if (op := region.parent) is None else op.parent_region()

    def print_attribute(self, attribute: Attribute) -> None:
        if (end := spelling.range_end(attribute)) is not None:
            self._print_range(cast(FileLineColLoc, attribute), *end)
            return
        if (literal := spelling.written_literal(attribute)) is None:
            super().print_attribute(attribute)
        else:
            self.print_string(f"{literal} : ")
            super().print_attribute(cast(FloatAttr[AnyFloat], attribute).type)

    def _print_range(self, start: FileLineColLoc, line: int | None, column: int) -> None:
        with self.in_location():
            self.print_string_literal(start.filename.data)
            last = "" if line is None else line
            self.print_string(f":{start.line.data}:{start.column.data} to {last}:{column}")


def _print_execute_region(op: ExecuteRegionOp, printer: Printer) -> None:
    """What xDSL prints without its last operation, which the syntax of MLIR has."""
    if op.results:
        printer.print_list(op.results, printer.print_ssa_value)
        printer.print_string(" = ")
    printer.print_string(op.name)
    if op.results:
        printer.print_string(" -> ")
        if len(op.results) == 1:
            printer.print_attribute(op.results[0].type)
        else:
            with printer.in_parens():
                printer.print_list(op.result_types, printer.print_attribute)
    printer.print_string(" ")
    printer.print_region(op.region)
    printer.print_op_attributes(op.attributes)


class PtoPrinter(SpelledPrinter):
    """Prints `.pto` text: `module` and `return` go without their dialect, as in every file ptoas reads.

    `long_types` spells tile types with all their fields, as pypto does; `tci_attribute_in_ins` writes the
    attribute of `tci` where assemblers before August 2026 want it. The dialect's own print methods look at
    both.
    """

    def __init__(self, stream: IO[str], *, long_types: bool = False, tci_attribute_in_ins: bool = False):
        super().__init__(stream)
        self.long_types = long_types
        self.tci_attribute_in_ins = tci_attribute_in_ins

    def print_op_text(self, op: Operation) -> None:
        short = _SHORT.get(type(op))
        if short is None:
            super().print_op_text(op)
        else:
            self.print_string(short)
            op.print(self)


_SHORT: dict[type[Operation], str] = {ModuleOp: "module", ReturnOp: "return"}


def _shown_name(value: SSAValue) -> str | None:
    """The written name; an argument `%arg2` that was named after a removed view gets that view's name."""
    written = spelling.written_name(value)
    if written is None or not isinstance(value, BlockArgument) or not written.startswith("arg"):
        return written
    if value.name_hint in (None, written):
        return written
    from dsv4_passes.argument_names import has_lost_view

    return None if has_lost_view(value) else written


def _home(value: SSAValue) -> Region | None:
    """The region that a value is defined in."""
    owner = value.owner
    return owner.parent_region() if isinstance(owner, Operation) else owner.parent


def _values(root: Operation) -> list[SSAValue]:
    """All results and block arguments in `root`."""
    values: list[SSAValue] = []
    for op in root.walk():
        values += op.results
        for region in op.regions:
            for block in region.blocks:
                values += block.args
    return values
