"""The plugin inside a stand-in for pypto that has its text forms: a program is its text."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import IO, Any

import ml_dtypes
import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

import dsv4_passes.plugins.pypto as plugin
from dsv4_passes.diagnostics import UserError
from dsv4_passes.formats.pypto.target import PyptoTarget
from dsv4_passes.transforms.rope import RopePass
from tests.unit.kernels import DATA

TEXT = (DATA / "staged" / "program.py").read_text()
SELECTORS = {"even_select*": "even", "odd_select*": "odd"}


@dataclass
class Pass:
    name: str
    seen: list[str]

    def run(self, program: str) -> str:
        self.seen.append(self.name)
        return program


@dataclass
class PassPipeline:
    passes: list[Pass] = field(default_factory=list[Pass])

    def add_pass(self, each: Pass) -> None:
        self.passes.append(each)

    def run(self, program: str) -> str:
        for each in self.passes:
            program = each.run(program)
        return program


class Pypto:
    """The modules that the plugin asks for, and what happened in them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]):
        self.seen: list[str] = []
        self.parsed: list[str] = []
        seen = self.seen

        class PassManager:
            def __init__(self) -> None:
                self.pass_names = list(names)
                self.passes = [Pass(name, seen) for name in names]
                self._pipeline = PassPipeline(list(self.passes))

            def run_passes(self, program: str) -> str:
                return self._pipeline.run(program)

        self.manager: Callable[[], Any] = PassManager
        modules = {
            "pypto": ModuleType("pypto"),
            "pypto.ir": ModuleType("pypto.ir"),
            "pypto.ir.pass_manager": SimpleNamespace(PassManager=PassManager),
            "pypto.ir.printer": SimpleNamespace(python_print=self.print),
            "pypto.language": ModuleType("pypto.language"),
            "pypto.language.parser": ModuleType("pypto.language.parser"),
            "pypto.language.parser.text_parser": SimpleNamespace(parse_program=self.parse),
            "pypto.pypto_core": SimpleNamespace(passes=SimpleNamespace(PassPipeline=PassPipeline)),
        }
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)

    def print(self, program: str, prefix: str) -> str:
        assert prefix == "pl"
        return program

    def parse(self, text: str, name: str) -> str:
        self.parsed.append(text)
        return text

    def compile(self, program: str) -> str:
        return self.manager().run_passes(program)


@pytest.fixture
def pypto(monkeypatch: pytest.MonkeyPatch) -> Pypto:
    return Pypto(monkeypatch, ("ConvertToSSA", "ConvertTensorToTileOps", "MemoryReuse"))


def test_the_pipeline_is_split_and_goes_on(pypto: Pypto, tmp_path: Path):
    remarks = tmp_path / "rope.txt"
    with plugin.rope(chip="a3", facts=SELECTORS, remarks=remarks):
        result = pypto.compile(TEXT)
    assert "pl.tile.matmul" in TEXT
    assert "pl.tile.matmul" not in result
    assert pypto.parsed == [result]
    assert pypto.seen == ["ConvertToSSA", "ConvertTensorToTileOps", "MemoryReuse"]
    assert "proved" in remarks.read_text()
    assert pypto.compile(TEXT) == TEXT  # outside of the `with` pypto is as it was


def test_arrays_are_facts(pypto: Pypto):
    matrices = {}
    for parity, name in enumerate(("even_select_t", "odd_select_t")):
        matrix = np.zeros((32, 64), ml_dtypes.bfloat16)
        matrix[np.arange(32), 2 * np.arange(32) + parity] = 1
        matrices[name] = matrix
    assert "pl.tile.matmul" not in plugin.rewrite(TEXT, facts=matrices)


def test_torch_tensors_are_facts():
    torch = pytest.importorskip("torch")
    tensor = torch.tensor([[1.0, -0.0], [2.5, float("nan")]], dtype=torch.bfloat16)
    bits = plugin.as_numpy(tensor)
    assert bits.dtype == np.uint16
    assert bits[0].tolist() == [0x3F80, 0x8000]


def test_a_program_in_which_nothing_is_rewritten_is_the_same_object(pypto: Pypto):
    assert plugin.rewrite(TEXT, passes="dsv4-select-to-lanes") is TEXT
    assert pypto.parsed == []


def test_what_cannot_be_read_goes_on_with_a_warning(pypto: Pypto):
    with pytest.warns(plugin.PyptoWarning, match="the program goes on unchanged: <program>:2:1: error: "):
        assert plugin.rewrite("import something\nelse:", facts=SELECTORS) == "import something\nelse:"


def test_what_pypto_does_not_parse_goes_on_with_a_warning(pypto: Pypto, monkeypatch: pytest.MonkeyPatch):
    def refuse(text: str, name: str) -> str:
        raise RuntimeError("line 3: no such operation")

    monkeypatch.setattr(sys.modules["pypto.language.parser.text_parser"], "parse_program", refuse)
    with pytest.warns(plugin.PyptoWarning, match="does not parse the rewritten program: RuntimeError"):
        assert plugin.rewrite(TEXT, facts=SELECTORS) is TEXT


def test_what_a_later_pass_does_not_take_goes_on_with_a_warning(
    pypto: Pypto, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def run(self: Pass, program: str) -> str:
        if self.name == "MemoryReuse" and program != TEXT:
            raise RuntimeError("vector memory overflows\n\nC++ Traceback (most recent call last):\n a.cpp")
        return program

    monkeypatch.setattr(Pass, "run", run)
    remarks = tmp_path / "rope.txt"
    expected = "does not take the rewritten program: RuntimeError: vector memory overflows"
    with pytest.warns(plugin.PyptoWarning, match=f"{expected}$"):
        with plugin.rope(facts=SELECTORS, remarks=remarks):
            assert pypto.compile(TEXT) == TEXT
    last = remarks.read_text().splitlines()[-1]
    assert last == f"the program goes on unchanged: pypto {expected}"


def test_remarks_that_cannot_be_written_are_a_warning(pypto: Pypto, tmp_path: Path):
    with pytest.warns(plugin.PyptoWarning, match="^remarks are not written: No such file or directory: "):
        result = plugin.rewrite(TEXT, facts=SELECTORS, remarks=tmp_path / "no" / "folder.txt")
    assert "pl.tile.matmul" not in result


def test_what_is_not_proved_equal_goes_on_with_a_warning(pypto: Pypto, monkeypatch: pytest.MonkeyPatch):
    def swapped(self: PyptoTarget, context: Context, module: ModuleOp, output: IO[str]) -> None:
        for op in module.walk():
            if op.name == "pto.tsub":  # the rotation the other way round
                op.operands[0], op.operands[1] = op.operands[1], op.operands[0]
        emit(self, context, module, output)

    emit = PyptoTarget.emit
    monkeypatch.setattr(PyptoTarget, "emit", swapped)
    with pytest.warns(plugin.PyptoWarning, match="would not store what it did"):
        assert plugin.rewrite(TEXT, facts=SELECTORS) is TEXT


def test_a_defect_of_ours_goes_on_with_a_warning(pypto: Pypto, monkeypatch: pytest.MonkeyPatch):
    def broken(*args: object) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(RopePass, "apply", broken)
    with pytest.warns(plugin.PyptoWarning, match="internal error: KeyError: 'lost'"):
        assert plugin.rewrite(TEXT, facts=SELECTORS) is TEXT


def test_another_interface_goes_on_with_a_warning(monkeypatch: pytest.MonkeyPatch):
    pypto = Pypto(monkeypatch, ("A", "ConvertTensorToTileOps"))
    monkeypatch.setitem(sys.modules, "pypto.pypto_core", SimpleNamespace(passes=SimpleNamespace()))
    with pytest.warns(plugin.PyptoWarning, match="not where it was"), plugin.rope(facts=SELECTORS):
        assert pypto.compile(TEXT) == TEXT


def test_a_pipeline_without_tiles_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    pypto = Pypto(monkeypatch, ("A", "B"))
    with plugin.rope(facts=SELECTORS):
        assert pypto.compile(TEXT) == TEXT
    assert pypto.seen == ["A", "B"]


def test_wrong_passes_are_an_error_at_once(pypto: Pypto):
    with pytest.raises(UserError, match="unknown pass 'dsv4-rop'"), plugin.rope(passes="dsv4-rop"):
        pass


def test_pypto_is_not_imported_unless_used():
    import subprocess

    script = "import sys, dsv4_passes.plugins.pypto\nprint('pypto' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
