"""Operations that nobody knows are kept with and without `--allow-unregistered-dialect`."""

from pathlib import Path

import pytest

from dsv4_passes.cli.opt import main
from tests.unit.kernels import kernel

CUSTOM = "pto.tdeintlv ins(%b : B<4x16xf32>) outs(%b : B<4x16xf32>)"
GENERIC = '"pto.tdeintlv"(%b, %b) : (B<4x16xf32>, B<4x16xf32>) -> ()'


def text(operation: str) -> str:
    lines = ("%b = pto.alloc_tile : B<4x16xf32>", "%b : B<4x16xf32> := load x", operation)
    return kernel("\n".join([*lines, "store %b : B<4x16xf32> to y"]), x="4x16xf32", y="4x16xf32")


@pytest.mark.parametrize("allow", [[], ["--allow-unregistered-dialect"]], ids=["", "allowed"])
@pytest.mark.parametrize("operation", [CUSTOM, GENERIC], ids=["custom", "generic"])
def test_they_are_kept_and_called_by_their_name(
    operation: str, allow: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = tmp_path / "k.pto", tmp_path / "o.pto"
    source.write_text(text(operation))
    assert main([str(source), *allow, "-p", "dsv4-rope", "-t", "pto", "-o", str(output)]) == 0
    said = capsys.readouterr().err
    assert "'k' stays in buffer form because of 'pto.tdeintlv': it is not understood" in said
    wanted = operation.replace("B<", "!pto.tile_buf<vec, ")
    assert wanted in output.read_text()


def test_both_forms_of_one_operation(tmp_path: Path) -> None:
    source, output = tmp_path / "k.mlir", tmp_path / "o.mlir"
    source.write_text('"x.y"() : () -> ()\nx.y 3\n"x.y"() : () -> ()\n')
    for allow in ([], ["--allow-unregistered-dialect"]):
        assert main([str(source), *allow, "-o", str(output)]) == 0
        lines = [line.strip() for line in output.read_text().splitlines()]
        assert lines[1:-1] == ['"x.y"() : () -> ()', "x.y 3", '"x.y"() : () -> ()']


def test_a_name_without_dialect_needs_the_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "k.mlir"
    source.write_text('"foo"() : () -> ()\n')
    assert main([str(source)]) == 1
    assert "k.mlir:1:2: error: unknown operation 'foo'" in capsys.readouterr().err
    assert main([str(source), "--allow-unregistered-dialect"]) == 0
    assert '"foo"() : () -> ()' in capsys.readouterr().out
