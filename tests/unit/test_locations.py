"""What is written instead of an operation says where that one came from."""

import re
from pathlib import Path

import pytest

from dsv4_passes.cli.opt import main
from tests.unit.kernels import DATA

FACTS = '"even_select*" = "even"\n"odd_select*" = "odd"\n'


@pytest.mark.parametrize("name", ["staged/reassemble.pto", "mixed/unrotate.pto", "rope_a/rope_a.pto"])
@pytest.mark.parametrize(
    "place", ['"kern.py":12:3', '"kern.py":12:3 to :9', 'fused<"CSE">["a.py":1:1, "b.py":2:2]']
)
def test_rewritten_operations_keep_the_place(name: str, place: str, tmp_path: Path) -> None:
    text = (DATA / name).read_text()
    marked = re.sub(r"^( *(?:%\w+ = )?pto\.t\w+[. ].*)$", rf"\1 loc({place})", text, flags=re.M)
    source, facts, output = tmp_path / "in.pto", tmp_path / "facts.toml", tmp_path / "out.pto"
    source.write_text(marked)
    facts.write_text(FACTS)
    passes = ["-p", "dsv4-rope{chip=a3 form=scatter-pair}", "-t", "pto", "-o", str(output)]
    assert main([str(source), "--facts", str(facts), *passes]) == 0
    operations = re.findall(r"^ *(?:%\w+ = )?pto\.t\w+[. ].*$", output.read_text(), flags=re.M)
    assert any("tgather" in line or "tscatter" in line for line in operations)
    assert [line for line in operations if not line.endswith(f"loc({place})")] == []


def test_a_load_that_moves_keeps_its_attributes(tmp_path: Path) -> None:
    text = (DATA / "staged/reassemble.pto").read_text()
    marked = re.sub(r"^( *pto\.tload .*)$", r"\1 {user.tag = 7 : i32}", text, flags=re.M)
    source, facts, output = tmp_path / "in.pto", tmp_path / "facts.toml", tmp_path / "out.pto"
    source.write_text(marked)
    facts.write_text(FACTS)
    passes = ["-p", "dsv4-rope{chip=a3 form=scatter-pair}", "-t", "pto", "-o", str(output)]
    assert main([str(source), "--facts", str(facts), *passes]) == 0
    loads = [line for line in output.read_text().splitlines() if "pto.tload" in line]
    assert len(loads) == 2
    assert all("loc=vec" in line or "<vec" in line for line in loads)
    assert all(line.endswith("{user.tag = 7 : i32}") for line in loads)
