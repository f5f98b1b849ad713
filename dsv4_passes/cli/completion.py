"""Completion of command lines in bash, zsh and fish: options, files, passes with their options, targets.

    eval "$(register-python-argcomplete dsv4-opt)"

The shell calls the tool itself for what may follow; argcomplete is imported only then.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

SHELL_ASKS = "_ARGCOMPLETE"
Classes = Mapping[str, Callable[..., Any]]


def complete(parser: argparse.ArgumentParser, lists: Mapping[str, Classes] | None = None) -> None:
    """Answer the shell and exit, if it is the shell that asks.

    `lists` has the passes or targets that an option of the parser takes, by its name in the result.
    """
    if SHELL_ASKS not in os.environ:
        return
    import argcomplete

    for action in parser._actions:  # pyright: ignore[reportPrivateUsage]
        if lists and action.dest in lists:
            setattr(action, "completer", _completer(lists[action.dest]))
    argcomplete.autocomplete(parser)


def _completer(known: Classes) -> Callable[..., list[str]]:
    def completer(prefix: str, **_: object) -> list[str]:
        return list(following(prefix, known))

    return completer


def following(prefix: str, known: Classes) -> Iterator[str]:
    """What `a{x=1},b{y` may be completed to: names of passes, their options, values of these."""
    before, inside = _split(prefix)
    if inside is None:
        name = prefix[len(before) :]
        yield from (before + each for each in [*known, "help"] if each.startswith(name))
        return
    head, _, _ = inside.partition("{")
    if head not in known:
        return
    done, begun = _last_word(prefix)
    option, equals, value = begun.partition("=")
    choices = _choices(known[head]())
    if equals:
        yield from (f"{done}{option}={each}" for each in choices.get(option, ()) if each.startswith(value))
    else:
        yield from (f"{done}{each}=" for each in choices if each.startswith(option))
        yield from (f"{done}help}}" for _ in range("help".startswith(option)))


def _split(prefix: str) -> tuple[str, str | None]:
    """What comes before the pass at the end, and that pass, if its braces are open."""
    depth, start = 0, 0
    for i, letter in enumerate(prefix):
        depth += (letter == "{") - (letter == "}")
        if letter == "," and not depth:
            start = i + 1
    return prefix[:start], prefix[start:] if depth > 0 else None


def _last_word(prefix: str) -> tuple[str, str]:
    """The option at the end, and all in front of it."""
    start = max(prefix.rfind("{"), prefix.rfind(" ")) + 1
    return prefix[:start], prefix[start:]


def _choices(class_: Any) -> dict[str, tuple[str, ...]]:
    """The options of a pass or target with their values, where these are a list."""
    if not isinstance(class_, type):
        return {}
    from .help import option_types, values

    found: dict[str, tuple[str, ...]] = {}
    for name, hint in option_types(class_).items():
        listed = values(hint)
        found[name] = tuple(listed.split("|")) if "|" in listed else _machines(name)
    return found


def _machines(option: str) -> tuple[str, ...]:
    """Chips and versions of ptoas, for the options that name one."""
    from dsv4_passes import targets

    chips = tuple(name for chip in targets.CHIPS for name in (chip.name, *chip.aliases))
    return {"chip": chips, "ptoas": targets.VERSIONS}.get(option, ())
