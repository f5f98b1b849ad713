"""Completion of command lines in bash, zsh and fish: options, files, passes with their options, targets.

    eval "$(register-python-argcomplete dsv4-opt)"

The shell calls the tool itself for what may follow; argcomplete is imported only then.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .common import NamedClasses

SHELL_ASKS = "_ARGCOMPLETE"


def complete(parser: argparse.ArgumentParser, lists: Mapping[str, NamedClasses] | None = None) -> None:
    """Answer the shell and exit, if it is the shell that asks.

    `lists` has the passes or targets that an option of the parser takes, by its name in the result.
    """
    if SHELL_ASKS not in os.environ:
        return
    import argcomplete

    lists = lists or {}
    for action in parser._actions:  # pyright: ignore[reportPrivateUsage]
        if action.dest in lists:
            setattr(action, "completer", _completer(following, lists[action.dest]))
        elif action.metavar == "PASS":
            setattr(action, "completer", _completer(listed, lists["passes"]))
    argcomplete.autocomplete(parser)


def _completer(
    find: Callable[[str, NamedClasses], Iterator[str]], known: NamedClasses
) -> Callable[..., list[str]]:
    def completer(prefix: str, **_: object) -> list[str]:
        return list(find(prefix, known))

    return completer


def listed(prefix: str, known: NamedClasses) -> Iterator[str]:
    """What `a,b,c` may be completed to: names alone."""
    before, comma, name = prefix.rpartition(",")
    yield from (before + comma + each for each in known if each.startswith(name))


def following(prefix: str, known: NamedClasses) -> Iterator[str]:
    """What `a{x=1},b{y` may be completed to: names of passes, their options, values of these.

    Where something may follow what is complete, both are offered: with one offer alone, shells take the word
    for finished, and close its quotes.
    """
    before, inside = _split(prefix)
    if inside is None:
        name = prefix[len(before) :]
        names = [each for each in [*known, "help"] if each.startswith(name)]
        yield from (before + each for each in names)
        if len(names) == 1 and names[0] in known and _choices(known[names[0]]()):
            yield f"{before}{names[0]}{{"
        return
    head, _, given = inside.partition("{")
    if head in known:
        yield from _in_braces(*_last_word(prefix), _choices(known[head]()), given)


def _in_braces(done: str, begun: str, choices: Mapping[str, Sequence[str]], given: str) -> Iterator[str]:
    """What an option that is begun may become; those that are `given` are not offered again."""
    option, equals, value = begun.partition("=")
    there = {word.partition("=")[0] for word in given.split(" ")[:-1]}
    others = [each for each in choices if each not in there]
    if not equals:
        names = [each for each in others if each.startswith(option)]
        if len(names) == 1 and choices[names[0]] and not "help".startswith(option):
            yield from (f"{done}{names[0]}={each}" for each in choices[names[0]])
            return
        yield from (f"{done}{each}=" for each in names)
        if not there and "help".startswith(option):
            yield f"{done}help}}"
        return
    values = [each for each in choices.get(option, ()) if each.startswith(value)]
    if len(values) != 1:
        yield from (f"{done}{option}={each}" for each in values)
        return
    word = f"{done}{option}={values[0]}"
    yield word + "}"
    yield from (f"{word} {each}=" for each in others if each != option)


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
