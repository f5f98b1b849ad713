"""`dsv4-ptoas`: in front of the assembler, as ccache is in front of a compiler.

    dsv4-ptoas --enable-insert-sync --pto-level=level3 --pto-arch a3 in.pto -o out.cpp

takes what `ptoas` takes, rewrites the kernel for the version and the chip that the real assembler is called
for, and calls it. The exit code and the diagnostics are those of the real one. A build never fails because of
the rewrite: where it cannot be done nothing is changed, and where the assembler rejects its result, the
original is assembled, with a warning and the rejected text beside the output.

Settings come from the environment, because the command line belongs to the assembler:

* `DSV4_PTOAS`: the real assembler; else the next `ptoas` on PATH that is not this one;
* `DSV4_PASSES`: the passes, `dsv4-rope` unless given;
* `DSV4_FACTS`: files with facts, separated as PATH is;
* `DSV4_REMARKS`: a file that remarks are appended to, or `-` for stderr.

A kernel that has nothing to rewrite never comes here: see `prescan`.
"""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .prescan import CALLED, AssemblerCall, find_assembler, find_program, is_ours

if TYPE_CHECKING:
    from .rewrite import RewrittenText


@dataclass
class Assembly:
    """One kernel on its way through the passes to the assembler."""

    assembler: str
    call: AssemblerCall
    name: str
    text: bytes
    environment: Mapping[str, str]

    @property
    def inner(self) -> dict[str, str]:
        """The environment of the real assembler."""
        return {**os.environ, CALLED: "1"}

    def run(self) -> int:
        rewritten = self.rewrite()
        if rewritten is None or not rewritten.sites:
            return self.assemble_original()
        with tempfile.TemporaryDirectory(prefix="dsv4-ptoas-") as folder:
            path = Path(folder) / (Path(self.name).name if self.name != "-" else "stdin.pto")
            path.write_text(rewritten.text, encoding="utf-8")
            arguments = list(self.call.arguments)
            assert self.call.input is not None
            arguments[self.call.input] = str(path)
            done = subprocess.run(
                [self.assembler, *arguments], capture_output=True, check=False, env=self.inner
            )
            if done.returncode == 0:
                sys.stdout.buffer.write(done.stdout.replace(str(path).encode(), self.name.encode()))
                sys.stderr.buffer.write(done.stderr.replace(str(path).encode(), self.name.encode()))
                return 0
        if str(path).encode() in done.stderr:
            self.reject(rewritten.text, done.stderr.decode(errors="replace"))
            return self.assemble_original()
        return self.assemble_compared(rewritten.text, done)

    def assemble_original(self) -> int:
        return self.run_original(capture=False).returncode

    def assemble_compared(self, rewritten: str, rejected: "subprocess.CompletedProcess[bytes]") -> int:
        """Assemble the original where it may be the command line that the assembler does not take.

        That is so if it says the same of the original; then nothing is to be said of the rewritten kernel.
        """
        done = self.run_original(capture=True)
        if (done.returncode, done.stderr) != (rejected.returncode, rejected.stderr):
            self.reject(rewritten, rejected.stderr.decode(errors="replace"))
        sys.stdout.buffer.write(done.stdout)
        sys.stdout.buffer.flush()
        sys.stderr.buffer.write(done.stderr)
        return done.returncode

    def run_original(self, capture: bool) -> "subprocess.CompletedProcess[bytes]":
        given = self.text if self.name == "-" else None
        command = [self.assembler, *self.call.arguments]
        return subprocess.run(command, input=given, capture_output=capture, check=False, env=self.inner)

    def rewrite(self) -> "RewrittenText | None":
        """The kernel after the passes; None, with a warning, where they failed."""
        from dsv4_passes.diagnostics import UserError, one_line
        from dsv4_passes.formats.pto.target import PtoTarget

        from .rewrite import pipeline, remarks_text, rewrite_text

        try:
            version = self.version()
            passes = pipeline(self.environment.get("DSV4_PASSES", "dsv4-rope"), self.call.arch, version)
            facts = [f for f in self.environment.get("DSV4_FACTS", "").split(os.pathsep) if f]
            target = PtoTarget() if version is None else PtoTarget(ptoas=version)
            rewritten = rewrite_text(self.text.decode(), self.name, "pto", passes, facts, target)
        except UserError as error:
            self.warn(f"not rewritten: {one_line(error)}")
            return None
        except UnicodeDecodeError as error:
            self.warn(f"not rewritten: byte {error.start} is not UTF-8")
            return None
        except Exception as error:  # a build never fails because of us
            self.warn(f"not rewritten: internal error: {type(error).__name__}: {one_line(error)}")
            return None
        if where := self.environment.get("DSV4_REMARKS"):
            self.remark(where, remarks_text(rewritten.diagnostics))
        return rewritten

    def version(self) -> str | None:
        """The version that the assembler says it has, if its rules are known."""
        from dsv4_passes.targets import ptoas

        command = [self.assembler, "--version"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=self.inner)
        found = re.search(r"\b(\d+\.\d+)", done.stdout)
        if found is None:
            return None
        try:
            return ptoas(found[1]).version
        except ValueError:
            return None

    def remark(self, where: str, text: str) -> None:
        if where == "-":
            sys.stderr.write(text)
            return
        try:
            with open(where, "a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            self.warn(f"remarks are not written: {error.strerror}: {where}")

    def reject(self, text: str, problem: str) -> None:
        """Keep what the assembler did not take, and say so."""
        beside = self.call.output if self.call.output not in (None, "-") else self.name
        saved = "nowhere: no file to put it beside"
        if beside not in (None, "-"):
            path = Path(f"{beside}.rejected.pto")
            with contextlib.suppress(OSError):
                path.write_text(text, encoding="utf-8")
                saved = str(path)
        first = next((line for line in problem.splitlines() if line.strip()), "no message")
        self.warn(
            f"the assembler rejects the rewritten kernel, the original is taken (saved: {saved}): {first}"
        )

    def warn(self, message: str) -> None:
        print(f"{self.name}: warning: dsv4-ptoas: {message}", file=sys.stderr)


def make_root(environment: Mapping[str, str]) -> Path:
    """A folder that works as `PTOAS_ROOT`: its `ptoas` is this program in front of the assembler found now.

    `PTOAS_ROOT`, where it is set, says where the real one is; else it is looked for as always.
    """
    root = environment.get("PTOAS_ROOT")
    real = find_program("ptoas", root) if root else None
    if root and is_ours(launcher := os.path.join(root, "ptoas")):
        real = _real_behind(Path(launcher))
    real = real or find_assembler(environment)
    cache = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "dsv4_passes" / "ptoas_root"
    folder.mkdir(parents=True, exist_ok=True)
    launcher = folder / "ptoas"
    named = f"os.environ.setdefault('DSV4_PTOAS', {real!r})\n" if real else ""
    launcher.write_text(
        f"#!{sys.executable}\nimport os, sys\n{named}"
        f"sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from dsv4_passes.cli.ptoas import main\nsys.exit(main())\n",
        encoding="utf-8",
    )
    launcher.chmod(0o755)
    return folder


def _real_behind(launcher: Path) -> str | None:
    """The assembler that a launcher of ours stands in front of."""
    found = re.search(r"setdefault\('DSV4_PTOAS', '([^']*)'\)", launcher.read_text(encoding="utf-8"))
    return found[1] if found else None
