"""`--assume`: numbers of the cost model that a user states."""

from collections.abc import Sequence
from pathlib import Path

from dsv4_passes.diagnostics import UserError
from dsv4_passes.targets.assumptions import Assumption, assuming, parse, parse_toml


def read_assumptions(given: Sequence[str]) -> list[Assumption]:
    """What `--assume` was given: numbers, and TOML files of them. Raises UserError for what is neither."""
    found: list[Assumption] = []
    for text in given:
        is_file = text.endswith(".toml")
        try:
            stated = parse_toml(Path(text).read_bytes(), text) if is_file else [parse(text, "--assume")]
            with assuming(stated):
                found += stated
        except OSError as error:
            raise UserError(error.strerror or str(error), text) from None
        except ValueError as error:
            raise UserError(str(error), text if is_file else "--assume") from None
    return found
