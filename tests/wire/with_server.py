#!/usr/bin/env python3
"""Runs a command with a server of its own and the exports of `trainyard env`.    with_server.py COMMAND [ARGUMENT...]"""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainyard_server  # noqa: E402


def main():
    server = trainyard_server.Server()
    try:
        return subprocess.call(sys.argv[1:], env={**os.environ, **server.environment,
                                                  "TRAINYARD_DATA": server.data,
                                                  "TRAINYARD_BINARY": trainyard_server.BINARY})
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main())
