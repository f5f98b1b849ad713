"""Messages in the forms that editors and code reviews read."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsv4_passes.cli import run as run_tool
from dsv4_passes.cli import validate
from dsv4_passes.cli.messages import finding, format_in
from dsv4_passes.cli.opt import main
from dsv4_passes.cli.sarif import sarif_log
from tests.unit.kernels import DATA

KERNEL = str(DATA / "staged/reassemble.pto")
FACTS = 'even_select_t = "even"\nodd_select_t = "odd"\n'

# What SARIF 2.1.0 asks of the parts that are written: (type, required members, members with their own rule).
STRING, INTEGER = (str, (), {}), (int, (), {})
LEVEL = (("none", "note", "warning", "error"), (), {})
REGION = (dict, (), {"startLine": INTEGER, "startColumn": INTEGER})
ARTIFACT = (dict, (), {"uri": STRING})
PHYSICAL = (dict, (), {"artifactLocation": ARTIFACT, "region": REGION})
LOGICAL = (list, (), {"": (dict, (), {"name": STRING, "kind": STRING})})
LOCATIONS = (list, (), {"": (dict, (), {"physicalLocation": PHYSICAL, "logicalLocations": LOGICAL})})
TEXT = (dict, ("text",), {"text": STRING})
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
CONFIGURATION = (dict, (), {"level": LEVEL})
RULE = {"id": STRING, "shortDescription": TEXT, "help": TEXT, "defaultConfiguration": CONFIGURATION}
RULES = (list, (), {"": (dict, ("id",), RULE)})
INVOCATION = (dict, ("executionSuccessful",), {"executionSuccessful": (bool, (), {}), "exitCode": INTEGER})
DRIVER = (dict, ("name",), {"name": STRING, "version": STRING, "rules": RULES})
RUN = (
    dict,
    ("tool",),
    {
        "tool": (dict, ("driver",), {"driver": DRIVER}),
        "invocations": (list, (), {"": INVOCATION}),
        "columnKind": (("utf16CodeUnits", "unicodeCodePoints"), (), {}),
        "results": (list, (), {"": RESULT}),
    },
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
        assert found[-1]["rule"] == ("rewritten" if facts == FACTS else "refused/no-fact-about-a-selector")


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
        (
            "a.pto:3:4: error: x: y",
            {"file": "a.pto", "line": 3, "column": 4, "severity": "error", "message": "x: y"},
        ),
        ("a.npz: error: no", {"file": "a.npz", "severity": "error", "message": "no"}),
        ("error: no such thing", {"severity": "error", "message": "no such thing"}),
        (
            "a:b.pto:1:2: warning: w",
            {"file": "a:b.pto", "line": 1, "column": 2, "severity": "warning", "message": "w"},
        ),
        ("internal error in pass p: boom", {"severity": "internal error", "message": "boom"}),
    ],
)
def test_a_line_taken_apart(line: str, found: dict[str, Any]) -> None:
    assert finding(line) == found
    check(sarif_log([finding(line)]), LOG)


def test_text_is_the_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, KERNEL, *rope(tmp_path)) == run(
        capsys, KERNEL, *rope(tmp_path), "--diagnostic-format=text"
    )
    code, text = run(capsys, KERNEL, "--diagnostic-format=xml")
    assert (code, "invalid choice: 'xml'" in text) == (1, True)


def test_a_rule_says_what_it_is_about_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, text = run(capsys, KERNEL, *rope(tmp_path, 'even_select_t = "even"\n'), "--diagnostic-format=sarif")
    (log,) = json.loads(text)["runs"]
    assert log["invocations"] == [{"executionSuccessful": True, "exitCode": 0}]
    refused = [rule for rule in log["tool"]["driver"]["rules"] if rule["id"].startswith("refused/")]
    (result,) = (r for r in log["results"] if r["ruleId"].startswith("refused/"))
    assert [rule["id"] for rule in refused] == [result["ruleId"]]
    assert result["properties"]["reason"] in refused[0]["shortDescription"]["text"]
    assert "--facts" in refused[0]["help"]["text"]
    (place,) = result["locations"]
    assert place["logicalLocations"] == [{"name": "reassemble", "kind": "function"}]
    assert place["physicalLocation"]["region"]["startColumn"] >= 1


@pytest.mark.parametrize("option", ["--diagnostic-format=sarif", "--diag=sarif", "--diagnostic-f=sarif"])
def test_an_option_may_be_shortened(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "--nonsense", option)
    (log,) = json.loads(text)["runs"]
    assert (code, log["results"][0]["message"]["text"]) == (1, "unrecognized arguments: --nonsense")
    assert log["invocations"] == [{"executionSuccessful": False, "exitCode": 1}]


def test_what_is_behind_two_dashes_is_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "--", "--diagnostic-format=json")
    assert (code, text) == (1, "--diagnostic-format=json: error: no such file\n")


def test_files_of_a_folder_that_are_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "other.py").write_text("pass\n")
    for name in ("a", "b"):
        (source / f"{name}.pto").write_text("func.func @f() {\n  nope\n}\n")
    arguments = [str(source), "-o", str(tmp_path / "out"), "-j", "2"]
    _, lines = run(capsys, *arguments, "--diagnostic-format=json")
    found = [json.loads(line) for line in lines.splitlines()]
    assert [(Path(f["file"]).name, f["severity"]) for f in found] == [
        ("other.py", "remark"),
        ("a.pto", "error"),
        ("b.pto", "error"),
    ]
    code, text = run(capsys, *arguments, "--diagnostic-format=sarif")
    assert code == 1
    check(json.loads(text), LOG)
    assert len(json.loads(text)["runs"][0]["results"]) == 3


@pytest.mark.parametrize("tool", [run_tool, validate])
@pytest.mark.parametrize("wrong", [["--nonsense"], ["{}/none.pto", "{}/nor.pto"]])
def test_other_tools_have_the_same_formats(
    tool: Any, wrong: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [word.format(tmp_path) for word in wrong]
    arguments = [arguments[0], "--outputs", str(tmp_path / "o")] if tool is run_tool else arguments
    assert tool.main(arguments) == 1
    text = capsys.readouterr().err
    assert tool.main([*arguments, "--diagnostic-format", "json"]) == 1
    assert json.loads(capsys.readouterr().err) == finding(text.strip())
    assert tool.main([*arguments, "--diagnostic-format", "sarif"]) == 1
    log = json.loads(capsys.readouterr().err)
    check(log, LOG)
    (run,) = log["runs"]
    assert run["tool"]["driver"]["name"] == f"dsv4-{'run' if tool is run_tool else 'validate'}"
    assert run["results"][0]["level"] == "error"


def test_unused_arrays_are_said_in_the_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "in.npz", nonsense=np.zeros(3, np.float32))
    files = ["--inputs", str(tmp_path / "in.npz"), "--outputs", str(tmp_path / "out.npz")]
    run_tool.main([KERNEL, *files, "--diagnostic-format=json"])
    first, *_ = capsys.readouterr().err.splitlines()
    assert json.loads(first)["severity"] == "remark"
    assert "'nonsense' names no argument" in json.loads(first)["message"]


def test_a_command_line_may_be_empty(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"func.func @f() {\n  return\n}\n")))
    assert run(capsys) == (0, "")
    assert format_in([]) == format_in(["--diagnostic-format"]) == "text"


TRUNCATED = "module {\n  func.func @k() {\n    %c = arith.constant 1 : index\n"


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("", [], (0, "in.pto:1:1: remark: the text is empty: there is nothing to compile")),
        ("// a\n // b\n", [], (0, "in.pto:1:1: remark: the text is empty: there is nothing to compile")),
        (
            TRUNCATED,
            [],
            (1, "in.pto:4:1: error: expected an operation, a block or '}', found the end of the text"),
        ),
        (
            "module {}",
            ["-t", "pto{ptoas=1}"],
            (1, 'error: target pto: option ptoas should be a text, as "0.60", found 1'),
        ),
        (
            "module {}",
            ["-o", "a.pto", "-o", "b.pto"],
            (1, "error: argument -o/--output-file: is given twice"),
        ),
        (
            "module {}",
            ["--facts", "in.pto"],
            (1, "in.pto:1:8: error: not a TOML file: Expected '=' after a key in a key/value pair"),
        ),
        ("a = 'even'", ["--facts", "in.pto"], (1, "in.pto:1:1: error: unknown operation 'a'")),
    ],
    ids=["empty", "comments", "truncated", "version", "two outputs", "no facts", "no kernel"],
)
def test_what_a_newcomer_gives(
    text: str,
    arguments: list[str],
    said: tuple[int, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.pto").write_text(text)
    code, error = run(capsys, "in.pto", *arguments)
    assert (code, error.strip()) == said
    assert [p.name for p in tmp_path.iterdir()] == ["in.pto"]


def test_a_fact_is_placed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The third line, of which the key is in quotes."""
    wrong = rope(tmp_path, '# facts\neven_select_t = "even"\n  "odd*" = "od"\n')
    code, error = run(capsys, KERNEL, *wrong)
    assert code == 1
    assert "facts.toml:3:3: error: expected a fact for 'odd*' to be one of" in error


def test_texts_without_kernels_are_not_equal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.pto").write_text("")
    for pair in ((tmp_path / "empty.pto", KERNEL), (KERNEL, tmp_path / "empty.pto")):
        assert validate.main(list(map(str, pair))) == 1
        assert "empty.pto: error: expected a kernel to compare, found none" in capsys.readouterr().err
