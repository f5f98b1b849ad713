"""`tool_client.py SOCKET TOOL ARGUMENT…`: a call of a tool in the process that `tool_server.py` keeps.

Only modules that start fast are imported here.
"""

import json
import os
import socket
import sys
import time


def connected(path: str) -> socket.socket:
    """The server may still be importing."""
    connection = socket.socket(socket.AF_UNIX)
    while True:
        try:
            connection.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.02)
        else:
            return connection


def main() -> int:
    request = {"arguments": sys.argv[2:], "environment": dict(os.environ), "folder": os.getcwd()}
    connection = connected(sys.argv[1])
    message = json.dumps(request).encode() + b"\n"
    sent = socket.send_fds(connection, [message], [0, 1, 2])
    connection.sendall(message[sent:])
    code = connection.recv(1)
    return code[0] if code else 1  # nothing: the call was killed


if __name__ == "__main__":
    sys.exit(main())
