"""Facts that the first of two texts states hold for the second one, which may have no way to state them."""

from pathlib import Path
from typing import Any

import pytest
from xdsl.context import Context

from dialects.dsv4.functions import argument_attribute, parameters
from dsv4_passes.cli.opt import main as opt
from dsv4_passes.cli.validate import main as validate
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import program_text
from dsv4_passes.interpreter.program import choose_orchestration
from dsv4_passes.transforms.bind_facts import BindFactsPass
from dsv4_passes.validation.carried_facts import carry_to_program
from tests.unit.kernels import DATA, kernel

PROVED, DIFFERS = 0, 1
SWAP = kernel(
    "%x = load x\n%t = load t\n"
    "%a = pto.tgather ins(%x, %t : T<8x32xf32>, T<8x32xi32>) -> T<8x32xf32>\n"
    "%y = pto.tgather ins(%a, %t : T<8x32xf32>, T<8x32xi32>) -> T<8x32xf32>\nstore %y to y",
    x="8x32xf32",
    t="8x32xi32",
    y="8x32xf32",
)
COPY = kernel("%x = load x\n%t = load t\nstore %x to y", x="8x32xf32", t="8x32xi32", y="8x32xf32")


def stated(text: str, word: str = "swap") -> str:
    argument = "%arg1: !pto.ptr<i32>"
    assert argument in text
    return text.replace(argument, f"{argument} {{dsv4.table = #dsv4.table<{word}>}}")


def files(folder: Path, before: str, after: str) -> list[str]:
    paths = [folder / "before.mlir", folder / "after.mlir"]
    for path, text in zip(paths, (before, after), strict=True):
        path.write_text(text)
    return [str(path) for path in paths]


@pytest.mark.parametrize("both", [False, True])
def test_facts_of_the_first_text_hold_for_both(both: bool, tmp_path: Path, capsys: Any) -> None:
    after = stated(SWAP) if both else SWAP
    assert validate(files(tmp_path, stated(COPY), after)) == PROVED
    said = capsys.readouterr().out
    assert ('what the first states is taken to hold for both: t = "table:swap"' in said) != both


def test_without_facts_they_differ(tmp_path: Path) -> None:
    assert validate(files(tmp_path, COPY, SWAP)) == DIFFERS


def test_facts_that_contradict_each_other_are_an_error(tmp_path: Path, capsys: Any) -> None:
    assert validate(files(tmp_path, stated(COPY), stated(SWAP, "even"))) == DIFFERS
    assert 'before, t = "table:swap"; after, t = "table:even"' in capsys.readouterr().err


def bound(name: str, *facts: str, folder: Path) -> Any:
    module = parse_program((DATA / name / "program.py").read_text(), "p.py")
    file = folder / "facts.toml"
    file.write_text("\n".join(facts))
    with collect():
        BindFactsPass(str(file)).apply(Context(), module)
    return module


def test_programs_carry_them_by_name(tmp_path: Path) -> None:
    before = bound("staged", '"even_select_t" = "even"', '"odd_select_t" = "odd"', folder=tmp_path)
    after = parse_program(program_text(before), "after.py")
    assert carry_to_program(before, after) == ['even_select_t = "even"', 'odd_select_t = "odd"']
    function = choose_orchestration(after)
    found = [argument_attribute(function, p.index, "dsv4.selector") for p in parameters(function)]
    assert sum(each is not None for each in found) == 2
    assert carry_to_program(before, after) == []
    other = bound("staged", '"even_select_t" = "odd"', folder=tmp_path)
    with pytest.raises(UserError, match="contradict each other"):
        carry_to_program(before, other)


def test_a_text_with_facts_is_proved_to_be_its_own_output(tmp_path: Path, capsys: Any) -> None:
    """Those that write nothing but the facts' products: `-t pto` has no attributes."""
    read, written = tmp_path / "read.mlir", tmp_path / "written.pto"
    facts = tmp_path / "facts.toml"
    facts.write_text('"even_sel*" = "even"\n"odd_sel*" = "odd"\n')
    source = str(DATA / "mixed" / "unrotate.pto")
    assert opt([source, "--facts", str(facts), "-t", "mlir", "-o", str(read), "--no-remarks"]) == 0
    lowered = ["-p", "pto-raise,pto-lower", "-t", "pto", "-o", str(written), "--no-remarks"]
    assert opt([str(read), *lowered]) == 0
    assert "dsv4.selector" not in written.read_text()
    capsys.readouterr()
    assert validate([str(read), str(written)]) == PROVED
    assert 'hold for both: even_select = "even", odd_select = "odd"' in capsys.readouterr().out
