"""Reading and writing `.npz` files of plain arrays; bf16 is in them as its bits, uint16."""

import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.lib.format import MAGIC_PREFIX
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from dsv4_passes.diagnostics import UserError
from dsv4_passes.files import write_whole

Array = NDArray[Any]


def read_npz(path: str) -> dict[str, Array]:
    """All arrays of an npz by name. UserError if it cannot be read."""
    try:
        if Path(path).is_file() and not zipfile.is_zipfile(path) and not _is_npy(path):
            raise UserError("is not an npz of plain arrays: it is no zip archive", path)
        found: object = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            raise UserError("is not an npz of plain arrays: it holds one array without a name", path)
        with cast("NpzFile[Any]", found) as archive:
            return {name: _native(archive[name]) for name in archive.files}
    except OSError as error:
        raise UserError(error.strerror or "cannot be read", path) from None
    except (ValueError, zipfile.BadZipFile, AttributeError, TypeError, EOFError) as error:
        raise UserError(f"is not an npz of plain arrays: {error}", path) from None


def _is_npy(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX


def _native(array: Array) -> Array:
    """The array with its bytes in the order of this machine."""
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def write_npz(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write an npz so that it is there complete or not at all. Raises OSError."""
    data = BytesIO()
    np.savez(data, **dict(arrays))  # pyright: ignore[reportArgumentType]
    write_whole(path, data.getvalue())
