"""The plugin inside the real pypto, where that is installed (`pytest -m pypto`)."""

import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import dsv4_passes.plugins.pypto as plugin
from tests.unit.kernels import DATA

pytestmark = pytest.mark.pypto
SELECTORS = {"even_select*": "even", "odd_select*": "odd"}
PROGRAMS = ("staged", "mixed", "rope_a")


@pytest.fixture(scope="module")
def passes() -> Any:
    return pytest.importorskip("pypto.pypto_core").passes


def program_of(name: str) -> Any:
    text = (DATA / name / "program.py").read_text()
    return import_module("pypto.language.parser.text_parser").parse_program(text, name)


def text_of(program: Any) -> str:
    return import_module("pypto.ir.printer").python_print(program, prefix="pl")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_rewritten_program_is_parsed_back(passes: Any, name: str):
    program = program_of(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error", plugin.PyptoWarning)
        rewritten = plugin.rewrite(program, facts=SELECTORS)
    assert rewritten is not program
    assert "pl.tile.matmul" not in text_of(rewritten)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_rest_of_the_pipeline_compiles_it(passes: Any, name: str, tmp_path: Path):
    """The texts are of behind the first half of the pipeline, so only the second half runs."""
    backend = import_module("pypto.backend")
    backend.set_backend_type(backend.BackendType.Ascend910B)
    manager = import_module("pypto.ir.pass_manager")
    with plugin.rope(facts=SELECTORS, remarks=tmp_path / "rope.txt"):
        pipeline = manager.PassManager.get_strategy(manager.OptimizationStrategy.Default)._pipeline
    pipeline.first = passes.PassPipeline()
    ignored = passes.DiagnosticCheckSet()
    ignored.insert(passes.DiagnosticCheck.UnusedControlFlowResult)
    with (
        passes.PassContext([], passes.VerificationLevel.BASIC, passes.DiagnosticPhase.NONE, ignored),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error", plugin.PyptoWarning)
        program = pipeline.run(program_of(name))
    generate = import_module("pypto.backend.pto_backend").generate
    files = generate(program, str(tmp_path), skip_ptoas=True)
    kernels = [text for file, text in files.items() if file.endswith(".pto")]
    assert kernels
    assert not any("pto.tmatmul" in text for text in kernels)
    assert "proved" in (tmp_path / "rope.txt").read_text()
