"""`--assume`: stated numbers of the cost model on the command line."""

from pathlib import Path

import pytest

from dsv4_passes.cli.assumptions import read_assumptions
from dsv4_passes.cli.opt import main
from dsv4_passes.targets import assuming, chip, cost
from tests.unit.kernels import DATA

KERNEL = str(DATA / "handwritten" / "chain.pto")


def test_numbers_and_files_together(tmp_path: Path):
    file = tmp_path / "device.toml"
    file.write_text("[a2a3]\nscalar_move = 10\n")
    found = read_assumptions(["vgather=24+2", str(file)])
    assert [(each.name, each.chip, each.source) for each in found] == [
        ("vgather", "", "--assume"),
        ("scalar_move", "a2a3", str(file)),
    ]
    with assuming(found):
        assert cost("tscatter", "mask", 16, 32, "f32", chip("a3")).lo == 5164


def test_passes_run_with_what_is_assumed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass

    seen: list[float] = []

    def apply(self: PtoRaisePass, *_: object) -> None:
        seen.append(cost("tscatter", "mask", 16, 32, "f32", chip("a3")).lo)

    monkeypatch.setattr(PtoRaisePass, "apply", apply)
    assert main([KERNEL, "-p", "pto-raise", "--assume", "scalar_move=10"]) == 0
    assert seen == [5164]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("vgater=1", "--assume: error: the cost model has no number 'vgater'; it has "),
        ("nowhere.toml", "nowhere.toml: error: No such file or directory"),
        ("vgather=?", "--assume: error: expected vgather in cycles, as 24+2 or 18, found '?'"),
    ],
)
def test_what_is_no_assumption_is_one_line(given: str, message: str, capsys: pytest.CaptureFixture[str]):
    assert main([KERNEL, "--assume", given]) == 1
    said = capsys.readouterr().err
    assert said.startswith(message)
    assert said.count("\n") == 1


def test_a_cube_kernel_stays_only_where_nobody_waits_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its products are a little cheaper than bits; a stated hand-over to the next task decides."""
    (facts := tmp_path / "facts.toml").write_text('"even_select*" = "even"\n"odd_select*" = "odd"\n')
    given = [
        str(DATA / "staged/reassemble.pto"),
        "--facts",
        str(facts),
        "-p",
        "dsv4-rope{chip=a3}",
        "-t",
        "pto",
    ]
    assert main(given) == 0
    captured = capsys.readouterr()
    assert "pto.tmatmul" in captured.out
    assert "what tasks wait for its products is not counted (--assume task_hand_over=…)" in captured.err
    assert main([*given, "--assume", "task_hand_over=100"]) == 0
    captured = capsys.readouterr()
    assert "pto.tmatmul" not in captured.out
    assert "'dsv4.interleave' of 64x64xbf16 -> bit-pack" in captured.err
