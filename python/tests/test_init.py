"""init in a process of its own, with a program and libraries that record what they were given."""
import json
import os
import pathlib
import stat
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[1] / "src"
VARIABLES = {
    "TRAINYARD_ENDPOINT": "127.0.0.1:8443",
    "TRAINYARD_PROJECT": "default-project",
    "TRAINYARD_LOCATION": "us-central1",
    "GOOGLE_APPLICATION_CREDENTIALS": "/data/owner-key.json",
    "REQUESTS_CA_BUNDLE": "/data/ca-bundle.pem",
}

SERVICE_ACCOUNT = '''
class Credentials:
    @classmethod
    def from_service_account_file(cls, path, scopes):
        return f"credentials of {path} {scopes}"
'''
AIPLATFORM = '''
import json, os
seen = {"bundle_at_import": os.environ.get("REQUESTS_CA_BUNDLE")}
def init(**arguments):
    seen["arguments"] = arguments
'''


def write(path, text, executable=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if executable:
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def program(tmp_path):
    """A trainyard that prints the variables, and where it was told to look."""
    lines = json.dumps(VARIABLES)
    return write(tmp_path / "bin" / "trainyard", f"""#!/bin/sh
[ "$1 $2" = "env --format=json" ] || exit 9
echo "$TRAINYARD_DATA" > {tmp_path}/looked-at
cat <<'END'
{lines}
END
""", executable=True)


@pytest.fixture
def libraries(tmp_path):
    root = tmp_path / "libraries"
    write(root / "google" / "oauth2" / "service_account.py", SERVICE_ACCOUNT)
    write(root / "google" / "cloud" / "aiplatform" / "__init__.py", AIPLATFORM)
    return root


def run(code, *, path="", libraries=None, **environment):
    """Runs code in a fresh Python; its last line of output, as JSON."""
    search = [str(SOURCE)] + ([str(libraries)] if libraries else [])
    full = {"PATH": f"{path}:/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(search), **environment}
    result = subprocess.run([sys.executable, "-S", "-c", "import json, os, trainyard\n" + code],
                            env=full, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_sets_the_variables_before_the_libraries_are_imported(program, libraries):
    seen = run("""
trainyard.init(staging_bucket="gs://b")
from google.cloud import aiplatform
print(json.dumps([aiplatform.seen, os.environ["GOOGLE_APPLICATION_CREDENTIALS"]]))
""", path=program.parent, libraries=libraries)
    assert seen == [{"bundle_at_import": "/data/ca-bundle.pem",
                     "arguments": {"project": "default-project", "location": "us-central1",
                                   "api_endpoint": "127.0.0.1:8443", "staging_bucket": "gs://b",
                                   "credentials": "credentials of /data/owner-key.json "
                                                  "['https://www.googleapis.com/auth/cloud-platform']"}},
                    "/data/owner-key.json"]


def test_arguments_win(program, libraries):
    arguments = run("""
server = trainyard.init("mine", "europe-west4", api_transport="rest", credentials="my own")
from google.cloud import aiplatform
print(json.dumps(aiplatform.seen["arguments"]))
""", path=program.parent, libraries=libraries)
    assert arguments == {"project": "mine", "location": "europe-west4", "api_endpoint": "127.0.0.1:8443",
                         "api_transport": "rest", "credentials": "my own"}


def test_works_without_googles_libraries(program):
    server = run("""
server = trainyard.init()
print(json.dumps([server.endpoint, server.project, server.credentials]))
""", path=program.parent)
    assert server == ["127.0.0.1:8443", "default-project", None]


def test_under_exec_nothing_is_told_of_an_endpoint(libraries):
    arguments = run("""
trainyard.init()
from google.cloud import aiplatform
print(json.dumps(aiplatform.seen["arguments"]))
""", libraries=libraries, TRAINYARD_EXEC="127.0.0.1:8443", TRAINYARD_ENDPOINT="127.0.0.1:8443",
                    TRAINYARD_PROJECT="p", TRAINYARD_LOCATION="us-central1")
    assert arguments == {"project": "p", "location": "us-central1"}


def test_finds_the_data_directory_and_the_program(program, tmp_path):
    run(f"trainyard.init(data_directory='/elsewhere', binary={str(program)!r}); print(1)")
    assert (tmp_path / "looked-at").read_text() == "/elsewhere\n"
    run("trainyard.init(); print(1)", TRAINYARD_BINARY=str(program), TRAINYARD_DATA="/here")
    assert (tmp_path / "looked-at").read_text() == "/here\n"


@pytest.mark.parametrize("script, words", [
    (None, "not on PATH"),
    ("#!/bin/sh\necho 'no server is known: start one' >&2; exit 1\n", "no server is known: start one"),
    ("#!/bin/sh\nexit 3\n", "exit code 3"),
])
def test_says_what_is_missing(script, words, tmp_path):
    options = {}
    if script:
        options["TRAINYARD_BINARY"] = str(write(tmp_path / "trainyard", script, executable=True))
    message = run("""
try:
    trainyard.init()
except trainyard.ServerNotFound as error:
    print(json.dumps(str(error)))
""", **options)
    assert words in message


def test_the_credential_is_not_shown(program, libraries):
    text = run("print(json.dumps(repr(trainyard.init())))", path=program.parent, libraries=libraries)
    assert "credentials" not in text
