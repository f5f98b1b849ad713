"""What a rewritten program text uses: only what the pypto that goes on compiling it has."""

import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

import dsv4_passes.plugins.pypto as plugin
from dsv4_passes.cli.opt import main
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import read_for
from dsv4_passes.targets import Pypto, chip, ptoas, pypto
from dsv4_passes.targets.pypto import LATEST, OLDEST, REVISIONS, SINCE, operations
from tests.unit.kernels import DATA
from tests.unit.programs import KERNEL, MAIN

PROGRAM = DATA / "programs" / "preserve_blend.py"
ROPE_B = DATA / "rope_b" / "program.py"
DOCS = Path(__file__).parents[2] / "docs" / "pypto.md"
NEW = "tile.reinterpret_view"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-06-15", "2026-06-15"),
        (" 2026-06-15 ", "2026-06-15"),
        ("2026-07", "2026-07-01"),
        ("a18c4cf92", "2026-06-15"),
        ("a18c4cf", "2026-06-15"),
        ("E2D0F78AE6D7", "2026-08-21"),
        ("latest", str(LATEST)),
    ],
)
def test_versions_are_days_or_revisions(text: str, day: str) -> None:
    assert str(pypto(text).day) == day


@pytest.mark.parametrize("text", ["", "june", "2026", "2026-13-01", "a18", "0.60", "a18c4cf93"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="is no version of pypto; expected a day as 2026-06-15"):
        pypto(text)


def test_an_operation_is_there_from_its_day_on() -> None:
    day = SINCE[NEW]
    assert Pypto(day).has(NEW)
    before = Pypto(day.replace(day=day.day - 1))
    assert before.lacks(NEW) == f"pypto of {before.day} has no {NEW}, which is there since {day}"
    assert before.has("tile.add")
    assert not before.has("tile.tri")


def test_the_page_has_the_table() -> None:
    text = DOCS.read_text()
    rows = re.findall(r"^\| (\d{4}-\d\d-\d\d) \| [^|]* \| (.*) \|$", text, re.MULTILINE)
    listed = {
        f"tile.{name}": date.fromisoformat(day)
        for day, names in rows
        for name in re.findall("`(.*?)`", names)
    }
    assert listed == dict(SINCE)
    assert dict(re.findall(r"^\| (\w{9}) \| (\S+) \|$", text, re.MULTILINE)) == {
        name: str(day) for name, day in REVISIONS.items()
    }


def test_a_text_is_as_old_as_what_it_uses() -> None:
    text = PROGRAM.read_text()
    assert read_for(parse_program(text)) == Pypto(OLDEST)
    newer = text.replace("pl.tile.slice(", "pl.tile.tri(")
    assert "tile.tri" in operations(newer)


def rewritten(program: Path, out: Path, target: str, passes: str = "dsv4-rope") -> str:
    assert main([str(program), "-p", passes, "-t", target, "-o", str(out)]) == 0
    return out.read_text()


def calls(text: str) -> set[str]:
    return set(operations(text))


@pytest.mark.parametrize("target", ["pypto", "pypto{version=2026-06-15}", "pypto{version=2026-07-22}"])
@pytest.mark.parametrize("program", [PROGRAM, ROPE_B], ids=["preserve_blend", "rope_b"])
def test_an_older_one_gets_a_form_that_it_has(program: Path, target: str, tmp_path: Path) -> None:
    text = rewritten(program, tmp_path / "out.py", target)
    found = calls(text)
    assert not found & SINCE.keys()
    assert "tile.scatter_mask" not in found
    assert {"tile.transpose", "tile.concat", "tile.gather_mask"} <= found
    for column in re.findall(r"pl\.tile\.assemble\([^[]*\[\w+, (\w+)\]\)", text):
        assert column == "0"  # else a tile is copied into a window of columns


def test_a_newer_one_gets_forms_on_bits(tmp_path: Path) -> None:
    assert NEW in calls(rewritten(ROPE_B, tmp_path / "out.py", "pypto{version=2026-07-23}"))


def test_a_text_that_has_it_gets_it(tmp_path: Path) -> None:
    once = tmp_path / "once.py"
    rewritten(ROPE_B, once, "pypto{version=latest}")
    assert NEW in calls(rewritten(once, tmp_path / "twice.py", "pypto"))


def test_passes_may_be_told_otherwise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert NEW in calls(rewritten(ROPE_B, tmp_path / "out.py", "pypto", "dsv4-rope{pypto=latest}"))
    said = capsys.readouterr().err
    assert f"is for a newer pypto than what was read: pypto of 2026-06-01 has no {NEW}" in said


def test_what_a_version_lacks_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = tmp_path / "new.py"
    rewritten(ROPE_B, new, "pypto{version=latest}")
    capsys.readouterr()
    old = tmp_path / "old.py"
    assert main([str(new), "-t", "pypto{version=2026-06-15}", "-o", str(old)]) == 1
    assert f"has no {NEW}, which is there since 2026-07-23" in capsys.readouterr().err
    assert not old.exists()


@pytest.mark.parametrize("target", ["pypto{version=soon}", "pypto{version=2026-02-30}"])
def test_a_wrong_version_is_said_at_once(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(PROGRAM), "-t", target]) == 1
    assert "is no version of pypto" in capsys.readouterr().err


def test_a_form_that_cannot_be_written_leaves_the_function(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewritten(ROPE_B, tmp_path / "out.py", "pypto", "dsv4-rope{form=bit-pack}")
    assert f"no bit-pack: pypto of 2026-06-01 has no {NEW}" in capsys.readouterr().err


def test_the_plugin_sees_what_its_pypto_has() -> None:
    def language(*names: str) -> SimpleNamespace:
        return SimpleNamespace(tile=SimpleNamespace(**dict.fromkeys(names, print)))

    assert plugin.version_of(language("add", "transpose_view")) == "2026-06-18"
    assert plugin.version_of(language("add", "reinterpret_view")) == "2026-07-23"
    assert plugin.version_of(SimpleNamespace()) == str(OLDEST)


SELECTORS = "".join(f'"*{lane}_select*" = "{lane}"\n' for lane in ("even", "odd"))


@pytest.mark.parametrize("name", ["rope_a", "rope_b", "rope_c", "rope_d", "staged", "mixed"])
def test_june_takes_what_is_written(name: str, tmp_path: Path) -> None:
    """Operations that it has, with the elements that it takes and the operands that it asks for."""
    facts, out = tmp_path / "facts.toml", tmp_path / "out.py"
    program = (DATA / name / "program.py").read_text()
    facts.write_text(SELECTORS)
    given = ["--facts", str(facts)] if "even_select" in program else []
    options = ["-p", "dsv4-rope", "-t", "pypto{version=2026-06-15}", "-o", str(out), "--no-remarks"]
    assert main([str(DATA / name / "program.py"), *given, *options]) == 0
    text = out.read_text()
    types = dict(re.findall(r"^ *(\w+): pl\.Tile\[\[[^]]*\], pl\.(\w+)", text, re.MULTILINE))
    for source, rest in re.findall(r"pl\.tile\.gather_mask\((\w+)([^)]*)\)", text):
        assert types[source] in ("FP32", "FP16", "INT32", "INT16"), rest
    for arguments in re.findall(r"pl\.tile\.gather\(([^)]*)\)", text):
        assert len(arguments.split(", ")) == 3
    assert not calls(text) & {"tile.xor", "tile.xors", NEW, "tile.scatter_mask", "tile.scatter"}


def chosen(name: str, version: str, ptoas: str, tmp_path: Path) -> dict[str, set[str]]:
    """What the functions of a rewritten program call, by function."""
    facts, out = tmp_path / "facts.toml", tmp_path / "out.py"
    facts.write_text(SELECTORS)
    options = ["-p", f'dsv4-rope{{chip=a3 ptoas="{ptoas}"}}', "-t", f"pypto{{version={version}}}"]
    options += ["-o", str(out), "--no-remarks", "--no-validate"]
    program = DATA / name / "program.py"
    options += ["--facts", str(facts)] if "even_select" in program.read_text() else []
    assert main([str(program), *options]) == 0
    pieces = re.split(r"^    def (\w+)", out.read_text(), flags=re.MULTILINE)[1:]
    return {function: calls(text) for function, text in zip(pieces[::2], pieces[1::2], strict=True)}


REJECTED = {"tile.ci", "tile.gather_mask"}
"""What June's pypto writes so that ptoas 0.60 does not take it."""


def test_what_the_assembler_rejects_of_a_version_is_not_chosen(tmp_path: Path) -> None:
    for name in ("rope_a", "mixed"):
        found = chosen(name, "2026-06-15", "0.60", tmp_path)
        assert not REJECTED & set().union(*found.values())
        assert "tile.gather" in set().union(*found.values())
    # an assembler that takes it gets it
    assert "tile.gather_mask" in set().union(*chosen("rope_a", "2026-06-15", "0.50", tmp_path).values())
    assert "tile.ci" in set().union(*chosen("mixed", "2026-06-15", "0.50", tmp_path).values())


def test_where_it_is_rejected_as_it_was_it_may_be_chosen(tmp_path: Path) -> None:
    assert "pl.tile.gather_mask" in ROPE_B.read_text()
    found = chosen("rope_b", "2026-06-15", "0.60", tmp_path)
    assert any({"tile.gather_mask", "tile.transpose"} <= one for one in found.values())


def test_who_leaves_out_what() -> None:
    june, august, a3, a5 = Pypto(date(2026, 8, 10)), Pypto(date(2026, 8, 11)), chip("a3"), chip("a5")
    assert june.leaves_out("tile.gather_mask", a3, ptoas("0.60")) is not None
    assert june.leaves_out("tile.gather_mask", a3, ptoas("0.50")) is None
    assert august.leaves_out("tile.gather_mask", a3, ptoas("0.60")) is None
    assert august.leaves_out("tile.ci", a3, ptoas("0.58")) == (
        "pypto of 2026-08-11 writes tci without the scratch tile that ptoas 0.58 wants"
    )
    assert august.leaves_out("tile.ci", a3, ptoas("0.57")) is None
    assert august.leaves_out("tile.ci", a5, ptoas("0.60")) is None
    assert august.leaves_out("tile.gather", a3, ptoas("0.60")) is None


HEAD = "import pypto.language as pl\n\n@pl.program\nclass P:\n"


def bf16_program(body: str) -> str:
    tensors = "e: pl.Tensor[[64, 32], pl.BF16], o: pl.Tensor[[64, 32], pl.BF16]"
    out = "r: pl.Out[pl.Tensor[[64, 64], pl.BF16]]"
    returned = "pl.Tensor[[64, 64], pl.BF16]"
    return (
        f"{HEAD}    {KERNEL}\n    def k({tensors}, {out}) -> {returned}:\n{body}        return r_1\n"
        f"    {MAIN}\n    def main(self, {tensors}, {out}) -> {returned}:\n"
        f"        r_1: {returned} = self.k(e, o, r)\n        return r_1\n"
    )


def test_short_numbers_are_widened_to_be_moved(tmp_path: Path) -> None:
    half, whole = (f"pl.Tile[[64, {cols}], pl.BF16, pl.Mem.Vec]" for cols in (32, 64))
    wide = whole.replace("BF16", "FP32")
    loads = "".join(
        f"        {n}_t: {half} = pl.tile.load({n}, [0, 0], [64, 32], [64, 32], target_memory=pl.Mem.Vec, "
        "transpose=False)\n"
        for n in "eo"
    )
    scatters = "".join(
        f"        {n}_z: {whole} = pl.tile.full([64, 64], dtype=pl.BF16, value=0.0)\n"
        f"        {n}_s: {whole} = pl.tile.scatter_mask({n}_z, {n}_t, mask_pattern={number})\n"
        f"        {n}_w: {wide} = pl.tile.cast({n}_s, target_type=pl.FP32, mode='rint')\n"
        for number, n in enumerate("eo", 1)
    )
    rest = (
        f"        s: {wide} = pl.tile.add(e_w, o_w)\n"
        f"        b: {whole} = pl.tile.cast(s, target_type=pl.BF16, mode='rint')\n"
        "        r_1: pl.Tensor[[64, 64], pl.BF16] = pl.tile.store(b, [0, 0], r)\n"
    )
    program, out = tmp_path / "program.py", tmp_path / "out.py"
    program.write_text(bf16_program(loads + scatters + rest))
    found = calls(rewritten(program, out, "pypto"))
    assert "tile.scatter_mask" not in found
    assert {"tile.transpose", "tile.concat", "tile.cast"} <= found
    assert NEW in calls(rewritten(program, tmp_path / "new.py", "pypto{version=latest}"))


def test_newer_loads_are_not_told_whether_to_transpose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.py"
    text = PROGRAM.read_text()
    assert "transpose=False" in text
    assert "transpose=False" in rewritten(PROGRAM, out, "pypto{version=2026-06-29}")
    new = rewritten(PROGRAM, out, "pypto{version=2026-06-30}")
    assert "transpose=" not in new
    assert new.count("pl.tile.load(") == rewritten(out, tmp_path / "again.py", "pypto").count("pl.tile.load(")
    assert main([str(PROGRAM), "-t", "pypto{version=2026-06-30}", "-o", str(out)]) == 0
    assert out.read_text() == text.replace(", transpose=False", "")
    turned = tmp_path / "turned.py"
    turned.write_text((DATA / "mixed" / "program.py").read_text())
    assert "transpose=True" in turned.read_text()
    capsys.readouterr()
    assert main([str(turned), "-t", "pypto{version=2026-06-30}", "-o", str(out)]) == 1
    assert "pypto of 2026-06-30 has no load that transposes" in capsys.readouterr().err
