"""`dsv4-ptoas` in front of an assembler that records how it was called."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dsv4_passes.cli.ptoas import run
from dsv4_passes.plugins.prescan import AssemblerCall, find_assembler, may_be_rewritten
from tests.unit.kernels import DATA

ROOT = Path(__file__).parents[2]
FLAGS = ["--enable-insert-sync", "--pto-level=level3", "--pto-arch", "a3"]
RECORDER = """#!{python}
import json, pathlib, sys
if sys.argv[1:] == ["--version"]:
    print("ptoas 0.60")
    sys.exit(0)
if "--wrong" in sys.argv:
    print("ptoas: Unknown command line argument '--wrong'", file=sys.stderr)
    sys.exit(1)
out = pathlib.Path({folder!r})
names = [a for a in sys.argv[1:] if a.endswith(".pto")]
text = pathlib.Path(names[0]).read_text() if names else sys.stdin.read()
calls = json.loads(out.joinpath("calls").read_text()) if out.joinpath("calls").exists() else []
calls.append([sys.argv[1:], text])
out.joinpath("calls").write_text(json.dumps(calls))
print("assembled", names[0] if names else "-")
reject = out / "reject"
if reject.exists() and reject.read_text() in text:
    print(f'loc("{{names[0]}}":3:3): error: rejected', file=sys.stderr)
    sys.exit(7)
"""


class Assembler:
    """A stand-in for ptoas in a folder, and the environment that leads to it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.path = folder / "bin" / "ptoas"
        self.path.parent.mkdir()
        self.path.write_text(RECORDER.format(python=sys.executable, folder=str(folder)))
        self.path.chmod(0o755)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("DSV4_")},
            "PATH": f"{self.path.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "XDG_CACHE_HOME": str(folder / "cache"),
        }

    def run(self, *arguments: str, text: str = "", **settings: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "dsv4_passes.cli.ptoas", *arguments],
            env=self.environment | settings,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
        )

    def calls(self) -> list[tuple[list[str], str]]:
        return [tuple(call) for call in json.loads((self.folder / "calls").read_text())]


@pytest.fixture
def assembler(tmp_path: Path) -> Assembler:
    return Assembler(tmp_path)


def test_a_rewritten_kernel_goes_to_the_assembler(assembler: Assembler):
    kernel = DATA / "rope_c" / "rope_c.pto"
    done = assembler.run(*FLAGS, str(kernel), "-o", "out.cpp", DSV4_REMARKS="remarks.txt")
    assert done.returncode == 0, done.stderr
    ((arguments, text),) = assembler.calls()
    assert arguments[:4] == FLAGS
    assert arguments[-2:] == ["-o", "out.cpp"]
    assert Path(arguments[4]).name == "rope_c.pto"
    assert "pto.tsel" in kernel.read_text()
    assert "pto.tsel" not in text
    assert done.stdout == f"assembled {kernel}\n"  # the place is that of the file that was named
    remarks = (assembler.folder / "remarks.txt").read_text()
    assert f"{kernel}:" in remarks
    assert "proved" in remarks


def test_a_kernel_without_lanes_is_handed_over_as_it_is(assembler: Assembler):
    kernel = DATA / "staged" / "write_back.pto"
    done = assembler.run(*FLAGS, str(kernel))
    assert (done.returncode, done.stderr) == (0, "")
    assert assembler.calls() == [([*FLAGS, str(kernel)], kernel.read_text())]


def test_products_need_facts(assembler: Assembler, tmp_path: Path):
    kernel = DATA / "staged" / "reassemble.pto"
    facts = tmp_path / "facts.toml"
    facts.write_text('"even_select*" = "even"\n"odd_select*" = "odd"\nnobody = "even"\n')
    assert assembler.run(str(kernel)).returncode == 0
    assert (
        assembler.run(str(kernel), DSV4_FACTS=str(facts), DSV4_PASSES="dsv4-rope{form=bit-pack}").returncode
        == 0
    )
    (_, before), (_, after) = assembler.calls()
    assert "pto.tmatmul" in before
    assert "pto.tmatmul" not in after


def test_what_the_assembler_rejects_is_assembled_as_it_was(assembler: Assembler):
    kernel = DATA / "rope_c" / "rope_c.pto"
    (assembler.folder / "reject").write_text("arith.constant")
    first = assembler.run(str(kernel), "-o", "out.cpp")
    assert first.returncode == 7  # the original is rejected as well: its own diagnostics and exit code
    assert f'loc("{kernel}":3:3): error: rejected' in first.stderr
    rejected = assembler.folder / "out.cpp.rejected.pto"
    assert "the assembler rejects the rewritten kernel, the original is taken" in first.stderr
    assert "pto.tsel" not in rejected.read_text()
    assert assembler.calls()[-1] == ([str(kernel), "-o", "out.cpp"], kernel.read_text())


def test_a_wrong_command_line_is_the_assemblers_to_judge(assembler: Assembler):
    done = assembler.run("--wrong", str(DATA / "rope_c" / "rope_c.pto"), "-o", "out.cpp")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ptoas: Unknown command line argument '--wrong'\n"
    assert not (assembler.folder / "out.cpp.rejected.pto").exists()


def test_what_is_no_utf8_is_the_assemblers_to_judge(assembler: Assembler):
    kernel = assembler.folder / "latin.pto"
    kernel.write_bytes(b"// pto.tgather\n// caf\xc3\xa9\n")
    assert assembler.run("latin.pto").returncode == 0
    kernel.write_bytes(b"// pto.tgather\n// caf\xe9\n")
    (assembler.folder / "bin" / "ptoas").write_text("#!/bin/sh\necho taken\n")
    done = assembler.run("latin.pto")
    assert (done.returncode, done.stdout) == (0, "taken\n")
    assert done.stderr == "latin.pto: warning: dsv4-ptoas: not rewritten: byte 21 is not UTF-8\n"


def test_settings_that_are_not_there_are_warnings(assembler: Assembler):
    kernel = DATA / "rope_c" / "rope_c.pto"
    done = assembler.run(str(kernel), DSV4_FACTS="no-such.toml")
    assert (done.returncode, done.stdout) == (0, f"assembled {kernel}\n")
    assert "warning: dsv4-ptoas: not rewritten: no-such.toml: error: no such file" in done.stderr
    assert assembler.calls() == [([str(kernel)], kernel.read_text())]
    done = assembler.run(str(kernel), DSV4_REMARKS="no/such/folder")
    assert done.returncode == 0
    assert "pto.tsel" not in assembler.calls()[-1][1]
    assert "remarks are not written: No such file or directory: no/such/folder" in done.stderr


def test_standard_input_and_output(assembler: Assembler):
    text = (DATA / "staged" / "write_back.pto").read_text()
    assert assembler.run("-", text=text).stdout == "assembled -\n"
    assert assembler.calls() == [(["-"], text)]


def test_a_text_that_cannot_be_read_is_the_assemblers_to_judge(assembler: Assembler):
    (assembler.folder / "odd.pto").write_text("pto.tgather what is this")
    done = assembler.run("odd.pto")
    assert done.returncode == 0
    assert "odd.pto: warning: dsv4-ptoas: not rewritten: " in done.stderr
    assert assembler.calls() == [(["odd.pto"], "pto.tgather what is this")]


def test_wrong_settings_are_warnings(assembler: Assembler):
    kernel = DATA / "rope_c" / "rope_c.pto"
    done = assembler.run(str(kernel), DSV4_PASSES="dsv4-rop")
    assert done.returncode == 0
    assert "not rewritten: error: unknown pass 'dsv4-rop'; did you mean 'dsv4-rope'?" in done.stderr


def test_no_assembler(assembler: Assembler):
    done = assembler.run("--version", DSV4_PTOAS="no-such-ptoas")
    assert done.returncode == 1
    assert "DSV4_PTOAS names 'no-such-ptoas', which is no program" in done.stderr


def test_the_root_stands_in_front_of_the_assembler(assembler: Assembler):
    kernel = DATA / "staged" / "write_back.pto"
    root = Path(assembler.run("--root").stdout.strip())
    launcher = root / "ptoas"
    assert os.access(launcher, os.X_OK)
    environment = assembler.environment | {"PATH": os.environ["PATH"]}  # the real one is no longer found
    done = subprocess.run([launcher, kernel], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == f"assembled {kernel}\n", done.stderr
    again = assembler.run("--root", PTOAS_ROOT=str(root), PATH=os.environ["PATH"])
    assert str(assembler.path) in (Path(again.stdout.strip()) / "ptoas").read_text()
    shadowed = {**assembler.environment, "PATH": f"{root}{os.pathsep}{assembler.path.parent}"}
    assert find_assembler(shadowed) == str(assembler.path)


def test_the_prescan_imports_nothing_of_xdsl():
    slow = {
        "xdsl",
        "numpy",
        "dialects",
        "rich",
        "dsv4_passes.diagnostics",
        "dataclasses",
        "subprocess",
        "typing",
    }
    script = f"import sys, dsv4_passes.cli.ptoas\nprint(sorted({slow!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout == "[]\n"


def test_reading_calls():
    call = AssemblerCall(["--pto-arch", "a5", "-o", "x.cpp", "k.pto", "--enable-insert-sync"])
    assert (call.input, call.output, call.arch) == (4, "x.cpp", "a5")
    call = AssemblerCall(["-o=x.cpp", "--pto-arch=a3", "-"])
    assert (call.input, call.output, call.arch) == (2, "x.cpp", "a3")
    assert AssemblerCall(["--version"]).input is None


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        (b"pto.tadd ins(", True, False),
        (b"pto.tgather ins(", False, True),
        (b"pto.tmatmul ins(", False, False),
        (b"pto.tmatmul.acc ins(", True, True),
        (b"pto.tshls ins( pto.tor ins(", False, True),
        (b"{dsv4.selector = #dsv4.selector<even>}", False, True),
    ],
)
def test_prescan(text: bytes, facts: bool, expected: bool):
    assert may_be_rewritten(text, facts) == expected


def test_it_does_not_call_itself(assembler: Assembler):
    kernel = DATA / "staged" / "write_back.pto"
    launcher = Path(assembler.run("--root").stdout.strip()) / "ptoas"
    named = assembler.run(str(kernel), DSV4_PTOAS=str(launcher))  # so the next one on PATH is the real one
    assert named.stdout == f"assembled {kernel}\n", named.stderr
    wrapper = assembler.folder / "wrapper"
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} -m dsv4_passes.cli.ptoas "$@"\n')
    wrapper.chmod(0o755)
    hidden = assembler.folder / "hidden"
    hidden.write_text('#!/bin/sh\nDSV4_PTOAS=./hidden exec ./wrapper "$@"\n')
    hidden.chmod(0o755)
    done = assembler.run(str(kernel), DSV4_PTOAS="./hidden")
    assert done.returncode == 1
    assert done.stderr == (
        "dsv4-ptoas: error: the assembler that dsv4-ptoas calls is dsv4-ptoas again; "
        "set DSV4_PTOAS to the real one\n"
    )


def test_a_page_about_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """It names every variable that is read, and needs no assembler."""
    assert run(["--dsv4-help"], {"PATH": ""}) == 0
    page = capsys.readouterr().out
    files = ("cli/ptoas.py", "plugins/ptoas.py", "plugins/prescan.py")
    source = "".join((ROOT / "dsv4_passes" / file).read_text() for file in files)
    names = set(re.findall(r"\bDSV4_(?:PTOAS|PASSES|FACTS|REMARKS)\b", source))
    assert len(names) == 4
    assert all(name in page for name in names)
    assert "examples:" in page
