"""Runs the tools for lit: one process imports them once and forks for every call.

`tool_client.py` stands in for a console script: it hands over its arguments, environment, folder and standard
streams, and ends with the exit code of the call. What runs is the function that the console script calls.
The server ends with the process that started it, and removes the folder of its socket.
"""

import array
import contextlib
import gc
import json
import os
import pkgutil
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

LIMIT = 600
"""Seconds after which a call is ended that nobody waits for any more."""
PACKAGES = ("dialects", "dsv4_passes")


def preload() -> None:
    """Import what the tools would import when they are needed."""
    for package in map(import_module, PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            with contextlib.suppress(ImportError):  # plugins of what is not installed
                import_module(module.name)


def received(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The call, and the three standard streams of the one who calls."""
    streams = array.array("i")
    message, ancillary, _, _ = connection.recvmsg(1 << 20, socket.CMSG_SPACE(3 * streams.itemsize))
    for _, _, data in ancillary:
        streams.frombytes(data[: len(data) - len(data) % streams.itemsize])
    while not message.endswith(b"\n"):
        message += connection.recv(1 << 20)
    return json.loads(message), list(streams)


def call(main: Callable[[], object], request: dict[str, Any], streams: Sequence[int]) -> int:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, buffering, old.encoding, old.errors, closefd=False)
        for number, mode, buffering, old in (
            (0, "r", -1, sys.stdin),
            (1, "w", -1, sys.stdout),
            (2, "w", 1, sys.stderr),
        )
    )
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["arguments"]
    try:
        code = main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # as the interpreter would end
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        return 120
    return code if isinstance(code, int) else 0


def serve(parent: int, path: str, tools: Sequence[str]) -> None:
    """Serve until `parent`, the process that started this one, has ended."""
    scripts = {script.name: script for script in entry_points(group="console_scripts")}
    mains = {tool: scripts[tool].load() for tool in tools}
    preload()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with contextlib.ExitStack() as at_end, socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        at_end.callback(shutil.rmtree, os.path.dirname(path), ignore_errors=True)
        server.listen(64)
        server.settimeout(1)
        while os.getppid() == parent:
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                signal.alarm(LIMIT)
                connection.settimeout(None)
                request, streams = received(connection)
                code = 1
                try:
                    code = call(mains[os.path.basename(request["arguments"][0])], request, streams)
                finally:
                    connection.sendall(bytes([code & 0xFF]))
                    os._exit(0)
            connection.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
