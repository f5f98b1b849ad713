"""The passes inside pypto's own pipeline.

    import dsv4_passes.plugins.pypto as dsv4

    with dsv4.rope(chip="a3", facts={"even_select*": "even", "odd_select*": "odd"}, remarks="build/rope.txt"):
        pypto.ir.compile(program, …)

Inside the `with`, every pipeline of pypto's `PassManager` stops behind `ConvertTensorToTileOps`, hands the
program over as text in the form of pypto's own printer, parses what comes back, and goes on. `rewrite` does
the same to one program, for those who drive passes themselves.

pypto is imported only when one of them is used. It was tried with the public revisions in `TRIED`. Where
pypto's interface is not as expected, or the rewritten text is not one that pypto parses, the program goes on
unchanged, with a warning.
"""

import tempfile
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from dsv4_passes.diagnostics import UserError, one_line
from dsv4_passes.targets.pypto import SINCE, pypto_of

from .rewrite import RewrittenText, pipeline, remarks_text, rewrite_text

TRIED = ("a18c4cf92 (2026-06-15)",)
"""Revisions of pypto that this was run with."""
BEHIND = "ConvertTensorToTileOps"
"""The pass of pypto behind which programs are rewritten: the first whose text has tiles."""

Facts = Mapping[str, Any]
"""Argument names or globs, to `even`, `odd`, `table:…`, or to the real array (numpy or torch)."""


class PyptoWarning(UserWarning):
    """A program goes on as pypto made it."""


@dataclass(frozen=True)
class Settings:
    """How programs are rewritten; `remarks` is a file that what was said is written to, `version` that of the
    pypto that parses the result (unless given, as old as what a program uses)."""

    chip: str = "a3"
    facts: Facts = field(default_factory=dict[str, Any])
    passes: str = "dsv4-rope"
    remarks: str | Path | None = None
    version: str | None = None


def rewrite(
    program: Any,
    *,
    chip: str = "a3",
    facts: Facts | None = None,
    passes: str = "dsv4-rope",
    remarks: str | Path | None = None,
) -> Any:
    """A pypto program as it is behind `ConvertTensorToTileOps`, rewritten; the same object where nothing was.

    Raises UserError for passes or facts that cannot be; everything else is a PyptoWarning.
    """
    return _rewrite(program, Settings(chip, dict(facts or {}), passes, remarks))


@contextmanager
def rope(
    *,
    chip: str = "a3",
    facts: Facts | None = None,
    passes: str = "dsv4-rope",
    remarks: str | Path | None = None,
) -> Generator[None]:
    """Rewrite every program that pypto compiles inside the `with`.

    Raises UserError for passes that cannot be; everything else is a PyptoWarning.
    """
    settings = Settings(chip, dict(facts or {}), passes, remarks)
    pipeline(passes, chip)  # what is wrong is said here, not in the middle of a compilation
    try:
        manager = import_module("pypto.ir.pass_manager").PassManager
        make_pipeline = import_module("pypto.pypto_core").passes.PassPipeline
        initialise = manager.__init__
    except (ImportError, AttributeError) as error:
        _warn(f"pypto's PassManager is not where it was: {one_line(error)}")
        yield
        return

    def split(self: Any, *args: Any, **kwargs: Any) -> None:
        initialise(self, *args, **kwargs)
        try:
            self._pipeline = _split(self, settings, make_pipeline)
        except (AttributeError, TypeError, ValueError) as error:
            _warn(f"pypto's pipeline cannot be split behind {BEHIND}: {one_line(error)}")

    manager.__init__ = split
    try:
        yield
    finally:
        manager.__init__ = initialise


@dataclass
class _SplitPipeline:
    """Runs in the place of a pypto pipeline: its first part, ours, and the rest.

    Should the rest not take what we made of the program, it gets the program as it was.
    """

    first: Any
    rest: Any
    settings: Settings

    def run(self, program: Any) -> Any:
        program = self.first.run(program)
        if (rewritten := _rewrite(program, self.settings)) is not program:
            try:
                return self.rest.run(rewritten)
            except Exception as error:  # whatever pypto raises
                _take_back(self.settings, f"pypto does not take the rewritten program: {_said(error)}")
        return self.rest.run(program)


def _split(manager: Any, settings: Settings, make_pipeline: Any) -> Any:
    """The pipeline of a PassManager in two parts. One without the pass to stop behind stays whole."""
    if BEHIND not in manager.pass_names:
        return manager._pipeline
    at = manager.pass_names.index(BEHIND) + 1
    parts = make_pipeline(), make_pipeline()
    for number, each in enumerate(manager.passes):
        parts[number >= at].add_pass(each)
    return _SplitPipeline(*parts, settings)


def _rewrite(program: Any, settings: Settings) -> Any:
    try:
        text = import_module("pypto.ir.printer").python_print(program, prefix="pl")
        parse = import_module("pypto.language.parser.text_parser").parse_program
        settings = replace(settings, version=settings.version or version_of(import_module("pypto.language")))
    except Exception as error:  # whatever pypto raises
        _warn(f"pypto does not print the program: {_said(error)}")
        return program
    try:
        done = rewrite_program_text(text, settings)
    except UserError as error:
        _warn(one_line(error))
        return program
    except Exception as error:  # a compilation never fails because of us
        _warn(f"internal error: {type(error).__name__}: {one_line(error)}")
        return program
    if not done.sites:
        return program
    try:
        return parse(done.text, "<rewritten by dsv4_passes>")
    except Exception as error:  # whatever pypto raises
        _take_back(settings, f"pypto does not parse the rewritten program: {_said(error)}")
        return program


def _take_back(settings: Settings, problem: str) -> None:
    """Say, also behind the remarks on what was rewritten, that the program goes on as it was."""
    _remark(settings, f"the program goes on unchanged: {problem}\n")
    _warn(problem)


def version_of(language: Any) -> str:
    """The day from which on pypto has the newest of the operations that this one has."""
    tile = getattr(language, "tile", None)
    return str(pypto_of(name for name in SINCE if hasattr(tile, name.removeprefix("tile."))).day)


def rewrite_program_text(text: str, settings: Settings) -> RewrittenText:
    """A program text in the form of pypto's printer, rewritten; writes the remarks."""
    with tempfile.TemporaryDirectory(prefix="dsv4-facts-") as folder:
        facts = fact_files(settings.facts, Path(folder))
        passes = pipeline(settings.passes, settings.chip)
        done = rewrite_text(text, "<program>", "pypto", passes, facts, pypto=settings.version)
    _remark(settings, remarks_text(done.diagnostics))
    return done


def _remark(settings: Settings, text: str) -> None:
    if settings.remarks is None:
        return
    try:
        with Path(settings.remarks).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        message = f"remarks are not written: {error.strerror}: {settings.remarks}"
        warnings.warn(message, PyptoWarning, stacklevel=3)


def fact_files(facts: Facts, folder: Path) -> Sequence[str]:
    """Facts as the files that `dsv4-bind-facts` reads: words in a TOML file, arrays in an `.npz`."""
    words = {name: fact for name, fact in facts.items() if isinstance(fact, str)}
    arrays = {name: as_numpy(fact) for name, fact in facts.items() if name not in words}
    files: list[str] = []
    if words:
        lines = (f"{_quoted(name)} = {_quoted(word)}\n" for name, word in words.items())
        (folder / "facts.toml").write_text("".join(lines), encoding="utf-8")
        files.append(str(folder / "facts.toml"))
    if arrays:
        np.savez(folder / "facts.npz", allow_pickle=False, **arrays)
        files.append(str(folder / "facts.npz"))
    return files


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def as_numpy(array: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """A numpy array, or a torch tensor; bf16 as its bits in uint16, as `.npz` files of facts have it."""
    if hasattr(array, "detach"):
        array = array.detach().cpu().contiguous()
        if str(array.dtype) == "torch.bfloat16":
            return array.view(import_module("torch").int16).numpy().view(np.uint16)
        return array.numpy()
    array = np.asarray(array)
    return array.view(np.uint16) if array.dtype.name == "bfloat16" else array


def _said(error: Exception) -> str:
    """What pypto says of a program, without the frames of its own code that it adds."""
    said = one_line(str(error).partition("C++ Traceback")[0])
    return f"{type(error).__name__}: {said}".rstrip(" :")


def _warn(message: str) -> None:
    warnings.warn(f"the program goes on unchanged: {message}", PyptoWarning, stacklevel=3)
