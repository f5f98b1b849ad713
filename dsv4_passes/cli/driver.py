"""`dsv4-opt`: xdsl-opt with the pto dialect's parser and printer, remarks, and errors in one line.

All options of xdsl-opt work. Given a folder it works through all files in it (see `batch`). A whole program
becomes a folder with the target `pto`, which is one text per kernel (see `program_folder`).
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from inspect import signature
from io import StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, ClassVar, cast

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline
from xdsl.utils.arg_spec import ArgSpec, parse_spec
from xdsl.utils.exceptions import DiagnosticException, VerifyException
from xdsl.utils.target import Target
from xdsl.xdsl_opt_main import xDSLOptMain

from dsv4_passes.diagnostics import UserError, one_line, refused
from dsv4_passes.equivalence.budget import Budget, limited, parse_size
from dsv4_passes.files import write_folder, write_whole
from dsv4_passes.formats.pto.reader import decode, parse_text
from dsv4_passes.transforms.common.options import build, make_pass, parse_specs, told

from .arguments import Once, add_arguments
from .between_passes import BetweenPasses
from .common import (
    InternalError,
    require_directory_of,
    require_folder,
)
from .completion import complete
from .help import answer_help, pipeline_text
from .print_ir import IrPrinter
from .timing import PassTimes

if TYPE_CHECKING:
    from .report import Reporter

MLIR_SUFFIXES = ("mlir", "pto")
PROOF_SECONDS = 15.0
"""CPU seconds that comparing what is written with what was read may take; as many as the passes, if more."""


class _Staged(StringIO):
    """Output for a file, kept until the run has succeeded."""

    text = ""

    def close(self) -> None:
        if not self.closed:
            self.text = self.getvalue()
        super().close()


class Dsv4OptMain(xDSLOptMain):
    """An implementation of xdsl-opt's hooks; failures are raised as UserError."""

    version_format: ClassVar[str] = f"dsv4-opt {version('dsv4-passes')} built on xdsl {{xdsl_version}}"

    def __init__(self, args: Sequence[str] | None = None):
        self.staged: _Staged | None = None
        self.folder = False
        self.files: dict[str, str] | None = None
        self.source = ""
        self.paper: str | None = None
        self.read: ModuleOp | None = None
        self.spent = 0.0
        """CPU seconds that the passes took."""
        super().__init__("Compiler passes for Ascend NPU kernels", args)

    # -- options ---------------------------------------------------------------------------------

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser) -> None:
        arg_parser.register("action", None, Once)
        super().register_all_arguments(arg_parser)
        add_arguments(arg_parser, self.available_passes, self.ctx.registered_dialect_names)
        lists = {"passes": self.available_passes, "target": self.available_targets}
        answer_help(arg_parser, lists)
        complete(arg_parser, lists)

    def register_all_frontends(self) -> None:
        super().register_all_frontends()

        def parse_mlir(chunk: IO[bytes]) -> ModuleOp:
            return self.parse_source(chunk.read(), "mlir")

        def parse_program(chunk: IO[bytes]) -> ModuleOp:
            return self.parse_source(chunk.read(), "py")

        self.available_frontends |= {"mlir": parse_mlir, "pto": parse_mlir, "py": parse_program}

    def setup_pipeline(self) -> None:
        self.assumptions = _assumptions(self.args.assume)
        self.reporter = _reporter(self.args.report, self.args.input_file or "<stdin>")
        for path in self.args.facts:
            require_file(path)
        # In a folder no kernel has to have all arguments that facts speak of.
        folder = self.args.input_file is not None and Path(self.args.input_file).is_dir()
        more = {"others": ("ignore",)} if folder else {}
        facts = [ArgSpec("dsv4-bind-facts", {"file": (path,), **more}) for path in self.args.facts]
        given = parse_specs(self.args.passes, "pass pipeline")
        passes = tuple(self._make_pass(spec) for spec in (*facts, *given))
        printer = IrPrinter(self.args, self.available_passes, passes)
        self.times = PassTimes(self.args.mlir_timing)
        if printer.active or self.times.active or self.args.print_pipeline:
            from dsv4_passes.transforms.rope import single_passes

            passes = tuple(single_passes(passes))
        if self.args.print_pipeline:
            print(pipeline_text(passes))
            sys.exit()
        self.between = BetweenPasses(self.args, passes, printer, self.times, self.reporter)
        self.pipeline = PassPipeline(passes, self.between)
        self._check_target_options()

    def _make_pass(self, spec: ArgSpec) -> ModulePass:
        return make_pass(spec, self.available_passes)

    def _check_target_options(self) -> None:
        """Build the target once now, so that a wrong option does not wait for the passes to finish."""
        spec, *others = parse_specs(self.args.target, "target")
        if others:
            raise UserError(f"expected one target, found '{self.args.target}'")
        make = cast(Callable[[], type[Target]], self.available_targets[spec.name])
        if not signature(make).parameters:  # else it is a function that writes, without options
            build("target", spec, make())

    # -- one file --------------------------------------------------------------------------------

    def prepare_input(self) -> tuple[list[tuple[IO[bytes], int]], str]:
        if self.args.input_file == "-":
            self.args.input_file = None
        if (path := self.args.input_file) is not None:
            require_file(path)
        try:
            return super().prepare_input()
        except ValueError as error:
            raise UserError(f"{error}; name one with -f", self.get_input_name()) from error

    def prepare_output(self) -> IO[str]:
        if self.args.output_file == "-":
            self.args.output_file = None
        if self.args.output_file is None:
            return sys.stdout
        self.staged = _Staged()
        return self.staged

    def parse_chunk(self, chunk: IO[bytes], file_extension: str, start_offset: int = 0) -> ModuleOp | None:
        try:
            module = self.parse_source(chunk.read(), file_extension, start_offset)
        except UserError as error:
            if not self.args.parsing_diagnostics:
                raise
            print(error)
            return None
        self._require_place(module)
        return module

    def _require_place(self, module: ModuleOp) -> None:
        """Raise UserError, before any pass runs, if what this becomes could not be written."""
        output = self.args.output_file
        self.folder = self._becomes_folder(module)
        if self.args.launcher and not self.folder:
            raise UserError("--launcher is for programs that become .pto texts: use -t pto and -o FOLDER")
        if not self.folder:
            if output is not None:
                require_directory_of(Path(output))
            return
        if output is None:
            problem = "a program becomes a folder with a text per kernel: name it with -o"
            raise UserError(problem, self.args.input_file or "<stdin>")
        if self.args.split_input_file:
            raise UserError("--split-input-file cannot be used: a program becomes a folder")
        require_folder(Path(output))

    def parse_source(self, data: bytes, extension: str, first_line: int = 0) -> ModuleOp:
        """Parse the bytes of a file or of a chunk of one, which begins behind `first_line` lines."""
        name = self.args.input_file or "<stdin>"
        text = "\n" * first_line + decode(data, name)  # so that lines count from the start of the file
        self.source = text
        if extension in MLIR_SUFFIXES:
            module = parse_text(text, name, self.ctx, not self.args.no_implicit_module)
            self._name_chip(module)
            if not any(line.partition("//")[0].strip() for line in text.splitlines()):
                refused(module, "the text is empty: there is nothing to compile", "empty text")
            return module
        return _program_parser()(text, name)

    def _name_chip(self, module: ModuleOp) -> None:
        """What the command line says of the chip holds for kernels whose text does not name one.

        Their rules depend on it, so that it has to be known before they are verified.
        """
        given = self._given_chips()
        if given and not any("dsv4.role" in op.attributes for op in module.ops):
            from dsv4_passes.formats.pto.upgrade import name_chip

            name_chip(module, given[-1])

    def _given_chips(self) -> list[str]:
        """The chips that passes and the target were given, the target's last."""
        target = parse_spec(self.args.target)
        passes = self.pipeline.passes if hasattr(self, "pipeline") else ()
        found = [chip for p in passes if (chip := getattr(p, "chip", None))]
        return found + [str(chip) for chip in target.parameters.get("chip", ()) if target.name == "pto"]

    def budget(self) -> Budget:
        """What the options allow to one file."""
        text, seconds = self.args.max_memory, self.args.max_seconds
        try:
            memory = parse_size(text)
        except ValueError:
            raise UserError(f"argument --max-memory: expected a size as 512M or 2G, found '{text}'") from None
        if memory <= 0 or not seconds > 0:
            raise UserError("--max-memory and --max-seconds expect more than 0")
        return Budget(memory, seconds)

    def apply_passes(self, prog: ModuleOp) -> None:
        self.between.running = None
        self.read = prog.clone() if self._validates() else None
        pipeline = PassPipeline(self._passes_for_output(prog), self.pipeline.callback)
        try:
            with self.assumptions(), limited(self.budget()), self._reporting(prog):
                started = time.process_time()
                with self.between.printer.failing(lambda: self.between.running, prog):
                    pipeline.apply(self.ctx, prog)
                self.spent = time.process_time() - started
        except UserError as error:
            # `--verify-diagnostics` prints what xdsl counts as a diagnostic, and goes on.
            raise (VerifyException(str(error)) if self.args.verify_diagnostics else error) from error
        except DiagnosticException as error:
            if self.args.verify_diagnostics or self.between.running is None:
                raise
            raise UserError(f"pass {self.between.running.name}: {one_line(error)}") from error
        except Exception as error:
            if self.between.running is None:
                raise
            raise InternalError(
                f"in pass {self.between.running.name}: {type(error).__name__}: {error}"
            ) from error

    def _passes_for_output(self, prog: ModuleOp) -> tuple[ModulePass, ...]:
        """The passes, told the version of pypto that a program text is written for."""
        target = parse_spec(self.args.target)
        if target.name != "pypto":
            return self.pipeline.passes
        from dsv4_passes.formats.pypto.target import PyptoTarget, version_for

        return told(self.pipeline.passes, pypto=version_for(prog, PyptoTarget.from_spec(target).version))

    def _reporting(self, prog: ModuleOp) -> AbstractContextManager[None]:
        if self.reporter is None:
            return nullcontext()
        return self.reporter.around(prog, self.pipeline.passes)

    def output_resulting_program(self, prog: ModuleOp) -> str:
        """The text to write; for a program it is empty, and `files` has what is written."""
        try:
            if self._becomes_folder(prog):
                self.files = self._program_files(prog)
                self._validate(prog, self.files)
                return ""
            text = self._output(prog)
            self._validate(prog, text)
            return text
        except UserError as error:
            raise (VerifyException(str(error)) if self.args.verify_diagnostics else error) from error
        except (DiagnosticException, InternalError):
            raise
        except Exception as error:
            raise InternalError(f"in target {self.args.target}: {type(error).__name__}: {error}") from error

    def _output(self, prog: ModuleOp) -> str:
        if parse_spec(self.args.target).name != "mlir" or self.args.syntax_highlight:
            return super().output_resulting_program(prog)
        if self.args.print_no_properties or self.args.print_debuginfo:
            return super().output_resulting_program(prog)
        from dsv4_passes.formats.pto.writer import SpelledPrinter

        output = StringIO()
        printer = SpelledPrinter(output, generic=self.args.print_op_generic)
        printer.print_op(prog)
        printer.print_metadata(self.ctx.loaded_dialects)
        return output.getvalue() + "\n"

    def _validates(self) -> bool:
        """Whether what is written is to be compared with what was read."""
        target = parse_spec(self.args.target).name
        if not (self.args.validate and self.pipeline.passes and target in ("pto", "pypto")):
            return False
        from dsv4_passes.validation.end_to_end import rewrites

        return rewrites(self.pipeline.passes)

    def _validate(self, module: ModuleOp, written: str | dict[str, str]) -> None:
        if self.read is None:
            return
        from .check_output import certify, check_output

        allowed = self.budget()
        seconds = min(allowed.seconds, max(PROOF_SECONDS, self.spent))
        with limited(Budget(allowed.memory, seconds)):
            verdicts = check_output(
                self.read, module, self.source, written, self.pipeline.passes, self.args.reproducer
            )
        if self.args.certificate is not None:
            self.paper = certify(self.args, self.source, written, verdicts)

    def _becomes_folder(self, module: ModuleOp) -> bool:
        if parse_spec(self.args.target).name != "pto":
            return False
        from dsv4_passes.formats.pto.target import is_program

        return is_program(module)

    def _program_files(self, module: ModuleOp) -> dict[str, str]:
        """The files of a program, for the target's chip or else that of the last pass that was given one."""
        from dsv4_passes.formats.pto.target import PtoTarget

        from .program_folder import program_files

        target = PtoTarget.from_spec(parse_spec(self.args.target))
        given = self._given_chips()
        level = "level3" if target.level == "auto" else target.level
        chip = given[-1] if given else None
        return program_files(module, target.ptoas, chip, level, target.types, self.args.launcher)

    def transform(self, data: bytes, extension: str) -> str | dict[str, str]:
        """Take the bytes of one whole file through the passes and the target; a text, or files by name."""
        self.files = None
        module = self.parse_source(data, self.args.frontend or extension)
        self.apply_passes(module)
        text = self.output_resulting_program(module)
        return text if self.files is None else self.files

    def run(self) -> None:
        super().run()
        self._write_output()
        self.times.report()
        if self.reporter is not None:
            self.reporter.write()

    def _write_output(self) -> None:
        if self.paper is not None:
            write_whole(Path(self.args.certificate), self.paper.encode())
        if self.staged is None:
            return
        self.staged.close()
        if self.files is not None:
            write_program(Path(self.args.output_file), self.files)
        elif not self.folder:
            write_whole(Path(self.args.output_file), self.staged.text.encode())


def _program_parser() -> Callable[[str, str], ModuleOp]:
    """The front end for tile programs, imported only when one is read."""
    from dsv4_passes.formats.pypto import parse_program

    return parse_program


def write_program(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files of a program instead of those that an earlier run wrote."""
    from .program_folder import left_over

    write_folder(folder, files, left_over(folder))


def _assumptions(given: Sequence[str]) -> Callable[[], AbstractContextManager[None]]:
    """What to run passes in; the cost model is imported only where a number of it is stated."""
    if not given:
        return nullcontext
    from dsv4_passes.targets.assumptions import assuming

    from .assumptions import read_assumptions

    stated = read_assumptions(given)
    return lambda: assuming(stated)


def _reporter(files: Sequence[str], source: str) -> "Reporter | None":
    if not files:
        return None
    from .report import Reporter

    return Reporter(files, Path(source).name)


def require_file(path: str) -> None:
    """Raise UserError unless `path` is something that can be read as a file."""
    if not Path(path).exists():
        raise UserError("no such file", path)
    if Path(path).is_dir():
        raise UserError("is a directory", path)
