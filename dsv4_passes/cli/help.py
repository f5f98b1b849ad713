"""Help about passes and targets, from their docstrings and fields.

dsv4-opt -p help                  every pass in a line
dsv4-opt -p 'dsv4-rope{help}'     what a pass does, and its options
dsv4-opt -t help                  the same for targets
"""

import argparse
import ast
import dataclasses
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin, get_type_hints

from xdsl.passes import ModulePass
from xdsl.utils.arg_spec import ArgSpec, ArgSpecConvertible

from dsv4_passes.transforms.common.options import did_you_mean, parse_specs

from .common import NamedClasses

OURS = ("dsv4-", "pto-", "pto", "pypto")
SHARED = {
    "chip": "the chip to rewrite for: a2, a3 (both are a2a3) or a5; that of the text unless given",
    "ptoas": "the version of ptoas that is to take the result",
    "guard": "what may happen to a rounding that the cube made necessary",
    "signed_zero": "whether what differs in the sign of zeros only is accepted",
    "form": "the form that lane operations take; the one of least cost unless given",
    "level": "whether tiles have addresses (level3) or ptoas plans the memory (level2); that of the text "
    "unless given",
    "pypto": "the day of the pypto that goes on compiling the result, as 2026-06-15; with -t pypto that of "
    "the target",
}
"""What options mean that several passes have; others are described where they are declared."""
TOOL_EXAMPLES = """\
examples:
  dsv4-opt kernel.pto -p 'dsv4-rope{chip=a3 ptoas="0.60"}' -t 'pto{ptoas="0.60"}' -o better.pto
      rewrite a kernel for a chip and a version of ptoas
  dsv4-opt program.py --facts facts.toml -p 'dsv4-rope{chip=a3}' -t pypto -o better.py
      rewrite a program, with facts about its select matrices
  dsv4-opt program.py --facts facts.toml -p 'dsv4-rope{chip=a3}' -t pto -o build/
      write its kernels, one text each, and program.json
  dsv4-opt kernels/ -p dsv4-rope -t pto -o better/ -j 4
      rewrite a folder of kernels
  dsv4-opt kernel.pto -p 'dsv4-rope{chip=a3}' --remarks --report report.html -o /dev/null
      say and show what was decided, and why
  dsv4-opt -p help                 list the passes
  dsv4-opt -p 'dsv4-rope{help}'    describe one of them
"""


def answer_help(parser: argparse.ArgumentParser, lists: Mapping[str, NamedClasses]) -> None:
    """Have `help` among the passes or targets that an option takes, or among their options, print a page.

    `lists` has them by the option's name in the result. The tool stops then, as with `--help`.
    """
    for action in parser._actions:  # pyright: ignore[reportPrivateUsage]
        if action.dest in lists:
            action.type = _reader("pass" if action.dest == "passes" else "target", lists[action.dest])


def _reader(what: Literal["pass", "target"], classes: NamedClasses) -> Callable[[str], str]:
    def read(text: str) -> str:
        page = asked(parse_specs(text, "pass pipeline" if what == "pass" else what), classes, what)
        if page is not None:
            print(page)
            sys.exit()
        return text

    return read


def asked(specs: Sequence[ArgSpec], classes: NamedClasses, what: Literal["pass", "target"]) -> str | None:
    """The help that `help` among passes or targets, or among the options of one, asks for."""
    for spec in specs:
        if spec.name == "help":
            return overview(classes, what)
        if "help" in spec.parameters and spec.name in classes:
            return about(spec.name, classes[spec.name]())
    return None


def overview(classes: NamedClasses, what: Literal["pass", "target"]) -> str:
    """A line for each of our passes or targets, and the names of the others."""
    ours = [name for name in classes if name.startswith(OURS)]
    width = max(map(len, ours), default=0) + 2
    lines = [f"  {name:<{width}}{summary(classes[name]())}" for name in ours]
    others = ", ".join(name for name in classes if name not in ours)
    wrapped = textwrap.wrap(f"of xDSL: {others}", 96, break_on_hyphens=False)
    more = textwrap.indent("\n".join(wrapped), "  ")
    option = "-p" if what == "pass" else "-t"
    many = "passes" if what == "pass" else "targets"
    return "\n".join([f"{many}:", *lines, "", more, "", f"{option} 'NAME{{help}}' describes one."])


def summary(class_: Any) -> str:
    """The first sentence of a docstring, without the name that it may begin with."""
    text = " ".join((_page(class_).split("\n\n")[0]).split())
    _, colon, rest = text.partition("`: ")
    sentence = (rest if colon and text.startswith("`") else text).split(". ")[0].rstrip(".:")
    return sentence[:1].upper() + sentence[1:] + ("" if sentence.endswith("?") else ".")


def about(name: str, class_: Any) -> str:
    """What a pass or target does, before and after, and its options."""
    page, own = _page(class_), _own(class_)
    lines = [page if page.startswith("`") else f"`{name}`: {page}", own if own != page else ""]
    found = (
        [line for option in options(class_) for line in option.lines()] if isinstance(class_, type) else []
    )
    if found:
        lines.append("options:\n" + "\n".join(found))
    else:
        lines.append("It has no options.")
    return "\n\n".join(line for line in lines if line)


def option_types(class_: type[ArgSpecConvertible]) -> dict[str, Any]:
    """The options of a pass or target as people type them, with their types."""
    hints = get_type_hints(class_)
    fields = dataclasses.fields(class_)  # pyright: ignore[reportArgumentType]
    return {f.name.replace("_", "-"): hints[f.name] for f in fields if f.init and f.name != "name"}


@dataclasses.dataclass(frozen=True)
class Option:
    """An option of a pass or target as people type it, what it may be, and what it means."""

    name: str
    values: str
    default: str
    note: str

    def lines(self) -> Iterator[str]:
        yield f"  {self.name}={self.values}   ({self.default})"
        if self.note:
            yield textwrap.indent(textwrap.fill(self.note, 92), "      ")


def options(class_: type[ArgSpecConvertible]) -> Iterator[Option]:
    """The options of a pass or target; what they mean is said under the field, or is the same for all."""
    types, notes = option_types(class_), _field_notes(class_)
    for field in dataclasses.fields(class_):  # pyright: ignore[reportArgumentType]
        if (name := field.name.replace("_", "-")) not in types:
            continue
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        default = "must be given" if needed else f"default {_shown(field.default, types[name])}"
        note = notes.get(field.name, SHARED.get(field.name, ""))
        yield Option(name, values(types[name]), default, note)


def values(hint: Any) -> str:
    """What an option may be, as people read it."""
    if hint is bool:
        return "true|false"
    parts = (hint,) if get_origin(hint) is Literal else get_args(hint)
    if parts and all(get_origin(part) is Literal for part in parts):
        return "|".join(str(choice) for part in parts for choice in get_args(part))
    kinds: list[Any] = [kind for kind in (get_args(hint) or (hint,)) if kind is not type(None)]
    names = [str(getattr(kind, "__name__", kind)) for kind in kinds]
    return "TEXT" if "str" in names else " or ".join({"int": "N", "float": "X"}.get(n, n) for n in names)


def _shown(default: Any, hint: Any) -> str:
    """A default as people type it: in quotes where it would be read as a number otherwise."""
    if default is None or default == ():
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return f'"{default}"' if values(hint) == "TEXT" else str(default)


def _page(class_: Any) -> str:
    """What there is about a pass: the docstring of its module, where it is about this pass, else its own."""
    module = inspect.getdoc(inspect.getmodule(class_)) or ""
    alone = module.startswith(f"`{getattr(class_, 'name', None)}`")
    return module.strip() if alone else _own(class_)


def _own(class_: Any) -> str:
    """The docstring of the class itself; dataclasses without one get a signature, which says nothing."""
    text = (class_.__doc__ or "") if hasattr(class_, "__doc__") else ""
    return "" if text.startswith(f"{getattr(class_, '__name__', '')}(") else inspect.cleandoc(text)


def _field_notes(class_: type) -> dict[str, str]:
    """The strings that stand under fields in the source of a class and of its bases."""
    notes: dict[str, str] = {}
    for base in reversed(class_.__mro__):
        try:
            source = textwrap.dedent(inspect.getsource(base))
        except (OSError, TypeError):
            continue
        body = ast.parse(source).body[0]
        if not isinstance(body, ast.ClassDef):
            continue
        for field, note in zip(body.body, body.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                if isinstance(note, ast.Expr) and isinstance(note.value, ast.Constant):
                    notes[field.target.id] = " ".join(str(note.value.value).split())
    return notes


def require_known(name: str, known: NamedClasses, option: str) -> str:
    """A pass named by an option, or an explanation of why it is none."""
    return "" if name in known else f"argument {option}: unknown pass '{name}'{did_you_mean(name, known)}"


def pipeline_text(passes: Sequence[ModulePass]) -> str:
    """Passes with all their options, as `-p` reads them."""
    return ",".join(_spec_text(each.pipeline_pass_spec(include_default=True)) for each in passes)


def _spec_text(spec: ArgSpec) -> str:
    given = {name.replace("_", "-"): value for name, value in spec.parameters.items() if value}
    return str(ArgSpec(spec.name, given))
