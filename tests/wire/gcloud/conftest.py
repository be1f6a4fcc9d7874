import json
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
import trainyard_server  # noqa: E402


@pytest.fixture(scope="session")
def server():
    server = trainyard_server.Server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def gcloud(server, tmp_path_factory):
    """Runs gcloud as it is installed, with the exports of `trainyard env` and a configuration directory of its own."""
    environment = {**os.environ, **server.environment, "CLOUDSDK_CONFIG": str(tmp_path_factory.mktemp("gcloud")),
                   "CLOUDSDK_CORE_DISABLE_PROMPTS": "1", "CLOUDSDK_CORE_PROJECT": trainyard_server.PROJECT,
                   "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1", "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1"}

    def run(*arguments, check=True, parse=True):
        result = subprocess.run(["gcloud", *arguments, *(["--format=json"] if parse else [])], env=environment,
                                capture_output=True, text=True, timeout=120)
        if check:
            assert result.returncode == 0, result.stderr
        return json.loads(result.stdout) if parse and result.stdout.strip() else result
    return run
