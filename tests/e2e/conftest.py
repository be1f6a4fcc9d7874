import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainyard_server  # noqa: E402


@pytest.fixture(scope="module")
def server():
    server = trainyard_server.Server()
    yield server
    server.close()
