"""Writing files: complete or not at all."""

import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from dsv4_passes.diagnostics import UserError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there complete or not at all: beside its place, then renamed.

    A device, a pipe and a link stay what they are, and are written to. Raises OSError about `path`.
    """
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.write_bytes(data)
        else:
            _replace(path, data)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _replace(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.chmod(temporary, path.stat().st_mode if path.exists() else 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_folder(folder: Path, files: Mapping[str, str], instead_of: Collection[str] = ()) -> None:
    """Write texts into a folder, which is made if need be: into a new one first, then renamed.

    What the folder holds stays, but for the files named by `instead_of` that are not written again.
    Raises OSError about `folder`.
    """
    for name in files:
        if (folder / name).is_dir():
            raise UserError("is a directory", str(folder / name))
    try:
        _fill(folder, files, instead_of)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(folder)) from error


def _fill(folder: Path, files: Mapping[str, str], instead_of: Collection[str]) -> None:
    there = folder.is_dir()
    if not there:
        folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(dir=folder if there else folder.parent, prefix=f".{folder.name}."))
    try:
        for name, text in files.items():
            (staged / name).write_text(text, encoding="utf-8")
        if there:
            for name in files:
                os.replace(staged / name, folder / name)
            for name in set(instead_of) - files.keys():
                (folder / name).unlink(missing_ok=True)
        else:
            staged.chmod(0o777 & ~_umask())
            staged.rename(folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
