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
