"""Reading and writing `.npz` files of plain arrays; bf16 is in them as its bits, uint16."""

import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsv4_passes.diagnostics import UserError

Array = NDArray[Any]


def read_npz(path: str) -> dict[str, Array]:
    """All arrays of an npz by name. UserError if it cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except OSError as error:
        raise UserError(error.strerror or "cannot be read", path) from None
    except (ValueError, zipfile.BadZipFile, AttributeError, TypeError, EOFError) as error:
        raise UserError(f"is not an npz of plain arrays: {error}", path) from None


def write_npz(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write an npz so that it is there complete or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "wb") as file:
            np.savez(file, **dict(arrays))  # pyright: ignore[reportArgumentType]
        os.chmod(temporary, path.stat().st_mode if path.exists() else 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
