"""What is printed about pipelines can be typed; wrong command lines are said in the format asked for."""

import json
import sys
from pathlib import Path

import pytest

from dsv4_passes.cli.driver import Dsv4OptMain
from dsv4_passes.cli.help import about, options, summary
from dsv4_passes.cli.opt import main
from dsv4_passes.diagnostics import UserError
from dsv4_passes.transforms.common.options import parse_specs
from dsv4_passes.universe import DSV4_UNIVERSE

KERNEL = Path(__file__).parents[1] / "data" / "rope_c" / "rope_c.pto"
OURS = [name for name in DSV4_UNIVERSE.all_passes if name.startswith(("dsv4-", "pto-"))]


def test_a_printed_pipeline_does_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = 'dsv4-rope{chip=a3 ptoas="0.57" signed-zero=ignore}'
    with pytest.raises(SystemExit) as stopped:
        main(["-p", whole, "--print-pipeline"])
    assert not stopped.value.code
    printed = capsys.readouterr().out.strip()
    assert "dsv4-rope" not in printed
    for number, passes in enumerate((whole, printed)):
        assert main([str(KERNEL), "-p", passes, "-t", "pto", "-o", str(tmp_path / f"{number}.pto")]) == 0
    assert (tmp_path / "0.pto").read_bytes() == (tmp_path / "1.pto").read_bytes()


@pytest.mark.parametrize("name", OURS)
def test_every_pass_has_a_page(name: str) -> None:
    class_ = DSV4_UNIVERSE.all_passes[name]()
    page = about(name, class_)
    assert page.startswith(f"`{name}`: ")
    assert "Legal because" in " ".join(page.split()) or name in (
        "dsv4-rope",
        "pto-check-target",
        "dsv4-bind-facts",
    ), page
    assert len(summary(class_).split()) > 3


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["-p", "dsv4-rop"], "unknown pass 'dsv4-rop'; did you mean 'dsv4-rope'?"),
        (["-p", "dsv4-rope{chip=9}"], 'pass dsv4-rope: option chip should be a text, as "9", found 9'),
    ],
)
@pytest.mark.parametrize("option", [["--diagnostic-format=json"], ["--diagnostic-format", "json"]])
def test_a_wrong_command_line_in_json(
    wrong: list[str], said: str, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*wrong, *option]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line) == {"severity": "error", "message": said}


def test_a_wrong_command_line_in_sarif(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--nonsense", "--diagnostic-format=sarif"]) == 1
    (run,) = json.loads(capsys.readouterr().err)["runs"]
    (result,) = run["results"]
    assert (result["level"], result["message"]["text"]) == ("error", "unrecognized arguments: --nonsense")


@pytest.mark.parametrize("name", [*OURS, "pto", "pypto"])
def test_every_option_is_described(name: str) -> None:
    makers = {**DSV4_UNIVERSE.all_passes, **DSV4_UNIVERSE.all_targets}
    for option in options(makers[name]()):
        assert option.note, option.name
        assert "Literal" not in option.values


def test_what_an_option_may_be_and_is() -> None:
    found = {option.name: option for option in options(DSV4_UNIVERSE.all_passes["pto-lower"]())}
    assert found["level"].values == "level2|level3|auto"
    assert found["ptoas"].default.endswith('"0.60"')  # a number would be another version
    assert "lane operations" not in found["form"].note


@pytest.mark.parametrize("asked", ["canonicalize", "scf-for-loop-unroll", "convert-scf-to-cf"])
def test_passes_of_xdsl_have_a_page(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["-p", f"{asked}{{help}}"])
    assert not stopped.value.code
    assert f"`{asked}`" in capsys.readouterr().out


def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.delitem(sys.modules, "xdsl.targets.llvm", raising=False)
    assert main(["-t", "llvm{help}"]) == 1
    assert (
        capsys.readouterr().err
        == "error: the Python package 'llvmlite', which this needs, is not installed\n"
    )


@pytest.mark.parametrize(
    ("given", "skips"),
    [
        ([], False),
        (["--verify-each"], False),
        (["--verify-each=true"], False),
        (["--verify-each=0"], True),
        (["--disable-verify"], True),
        (["--disable-verify", "--verify-each"], False),
    ],
)
def test_whether_to_verify_between_passes(given: list[str], skips: bool) -> None:
    assert Dsv4OptMain([str(KERNEL), *given]).args.disable_verify is skips


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dsv4-rope{chip=a3 chip=a5}", "option chip is given twice (column 19)"),
        ("pto-raise,dsv4-rope{chip=a3 chip=a3}", "option chip is given twice (column 29)"),
        ("dsv4-rope{signed-zero=ignore signed_zero=exact}", "option signed-zero is given twice (column 30)"),
    ],
)
def test_an_option_is_given_once(text: str, said: str) -> None:
    with pytest.raises(UserError) as problem:
        parse_specs(text, "pass pipeline")
    assert problem.value.message == f"invalid pass pipeline '{text}': {said}"


def test_passes_have_options_of_their_own() -> None:
    specs = parse_specs(
        'pto-raise,dsv4-rope{chip=a3 ptoas="0.60 chip=a5"},pto-lower{chip=a3}', "pass pipeline"
    )
    assert [spec.name for spec in specs] == ["pto-raise", "dsv4-rope", "pto-lower"]
    assert specs[1].parameters == {"chip": ("a3",), "ptoas": ("0.60 chip=a5",)}
