"""Files are written complete or not at all, and what is no plain file stays what it is."""

import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from dsv4_passes import files
from dsv4_passes.files import write_folder, write_whole
from dsv4_passes.npz import read_npz, write_npz

WRITERS: dict[str, Callable[[Path], None]] = {
    "bytes": lambda path: write_whole(path, b"new"),
    "npz": lambda path: write_npz(path, {"x": np.zeros(3)}),
}


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "out.pto"
    file.write_text("old")
    file.chmod(0o640)
    write_whole(file, b"new")
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("writer", WRITERS)
def test_a_link_stays_a_link(writer: str, tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    link.symlink_to(file)
    WRITERS[writer](link)
    assert link.is_symlink()
    assert file.read_bytes() != b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"file", "link"}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_pipe_stays_a_pipe(writer: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    WRITERS[writer](pipe)
    reader.join(10)
    assert pipe.is_fifo()
    assert got
    assert got[0]


def test_an_npz_comes_back(tmp_path: Path) -> None:
    write_npz(tmp_path / "x.npz", {"x": np.arange(3)})
    assert read_npz(str(tmp_path / "x.npz"))["x"].tolist() == [0, 1, 2]


def test_what_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device", "somewhere else")

    monkeypatch.setattr(files.os, "replace", fail)
    monkeypatch.setattr(Path, "rename", fail)
    for name, write in (
        ("out", lambda path: write_whole(path, b"new")),
        ("folder", lambda path: write_folder(path, {"a": "b"})),
    ):
        with pytest.raises(OSError, match="No space left") as caught:
            write(tmp_path / name)
        assert caught.value.filename == str(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_folder_is_as_open_as_other_new_folders(tmp_path: Path) -> None:
    (tmp_path / "like").mkdir()
    write_folder(tmp_path / "deep" / "new", {"a.pto": "text"})
    assert (tmp_path / "deep" / "new").stat().st_mode == (tmp_path / "like").stat().st_mode
    assert (tmp_path / "deep" / "new" / "a.pto").read_text() == "text"
