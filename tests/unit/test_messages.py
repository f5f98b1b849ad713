"""Messages in the forms that editors and code reviews read."""

import json
from pathlib import Path
from typing import Any

import pytest

from dsv4_passes.cli.messages import finding, sarif_log
from dsv4_passes.cli.opt import main
from tests.unit.kernels import DATA

KERNEL = str(DATA / "staged/reassemble.pto")
FACTS = 'even_select_t = "even"\nodd_select_t = "odd"\n'

# What SARIF 2.1.0 asks of the parts that are written: (type, required members, members with their own rule).
STRING, INTEGER = (str, (), {}), (int, (), {})
LEVEL = (("none", "note", "warning", "error"), (), {})
REGION = (dict, (), {"startLine": INTEGER, "startColumn": INTEGER})
ARTIFACT = (dict, (), {"uri": STRING})
PHYSICAL = (dict, (), {"artifactLocation": ARTIFACT, "region": REGION})
LOCATIONS = (list, (), {"": (dict, (), {"physicalLocation": PHYSICAL})})
RESULT = (
    dict,
    ("message",),
    {
        "ruleId": STRING,
        "ruleIndex": INTEGER,
        "level": LEVEL,
        "message": (dict, ("text",), {"text": STRING}),
        "locations": LOCATIONS,
        "properties": (dict, (), {"reason": STRING}),
    },
)
RULES = (list, (), {"": (dict, ("id",), {"id": STRING})})
DRIVER = (dict, ("name",), {"name": STRING, "version": STRING, "rules": RULES})
RUN = (
    dict,
    ("tool",),
    {"tool": (dict, ("driver",), {"driver": DRIVER}), "results": (list, (), {"": RESULT})},
)
LOG = (
    dict,
    ("version", "runs"),
    {"$schema": STRING, "version": (("2.1.0",), (), {}), "runs": (list, (), {"": RUN})},
)


def check(value: Any, schema: Any, where: str = "log") -> None:
    """Raise AssertionError where a value is not as the schema has it, or has a member it does not know."""
    kind, required, members = schema
    if isinstance(kind, tuple):
        assert value in kind, where
        return
    assert type(value) is kind, where
    if kind is list:
        for number, item in enumerate(value):
            check(item, members[""], f"{where}[{number}]")
    if kind is int:
        assert value >= 0, where
    if kind is dict:
        assert set(required) <= set(value) <= set(members), where
        for name, item in value.items():
            check(item, members[name], f"{where}.{name}")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(list(arguments))
    return code, capsys.readouterr().err


def rope(tmp_path: Path, text: str = FACTS) -> list[str]:
    facts = tmp_path / "facts.toml"
    facts.write_text(text)
    return [
        "--facts",
        str(facts),
        "-p",
        "dsv4-rope{form=bit-pack}",
        "-t",
        "pto",
        "-o",
        str(tmp_path / "o.pto"),
    ]


def test_an_object_a_line_says_what_text_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for facts in (FACTS, 'even_select_t = "even"\n'):
        code, text = run(capsys, KERNEL, *rope(tmp_path, facts))
        same, lines = run(capsys, KERNEL, *rope(tmp_path, facts), "--diagnostic-format=json")
        assert code == same == 0
        found = [json.loads(line) for line in lines.splitlines()]
        assert [
            f"{f['file']}:{f['line']}:{f['column']}: {f['severity']}: {f['message']}" for f in found
        ] == text.splitlines()
        assert found[-1]["outcome"] == ("rewritten" if facts == FACTS else "refused")
        assert ("reason" in found[-1]) is (facts != FACTS)


@pytest.mark.parametrize("case", ["rewritten", "refused", "error", "nothing", "folder"])
def test_a_log_is_what_sarif_asks_for(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in" / "a b.pto"
    source.parent.mkdir()
    wrong = case in ("error", "folder")
    source.write_text("func.func @f() {\n  nope\n}\n" if wrong else Path(KERNEL).read_text())
    arguments = {
        "rewritten": [str(source), *rope(tmp_path)],
        "refused": [str(source), *rope(tmp_path, 'even_select_t = "even"\n')],
        "error": [str(source)],
        "nothing": [str(source), "-o", str(tmp_path / "o.mlir")],
        "folder": [str(source.parent), "-o", str(tmp_path / "out")],
    }[case]
    code, text = run(capsys, *arguments, "--diagnostic-format=sarif")
    assert code == wrong
    log = json.loads(text)
    check(log, LOG)
    results = log["runs"][0]["results"]
    assert bool(results) is (case != "nothing")
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in results)
    for result in results:
        assert result["level"] == ("error" if wrong else "note")
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == source.as_uri()
        assert place["region"]["startLine"] >= 1


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("a.pto:3:4: error: x: y",
         {"file": "a.pto", "line": 3, "column": 4, "severity": "error", "message": "x: y"}),
        ("a.npz: error: no", {"file": "a.npz", "severity": "error", "message": "no"}),
        ("error: no such thing", {"severity": "error", "message": "no such thing"}),
        ("a:b.pto:1:2: warning: w",
         {"file": "a:b.pto", "line": 1, "column": 2, "severity": "warning", "message": "w"}),
        ("internal error in pass p: boom", {"severity": "internal error", "message": "boom"}),
    ],
)  # fmt: skip
def test_a_line_taken_apart(line: str, found: dict[str, Any]) -> None:
    assert finding(line) == found
    check(sarif_log([finding(line)]), LOG)


def test_text_is_the_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, KERNEL, *rope(tmp_path)) == run(
        capsys, KERNEL, *rope(tmp_path), "--diagnostic-format=text"
    )
    code, text = run(capsys, KERNEL, "--diagnostic-format=xml")
    assert (code, "invalid choice: 'xml'" in text) == (1, True)
