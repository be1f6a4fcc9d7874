"""Who may call: keys, roles and projects as Google's clients meet them; exec, and init for a notebook."""
import json
import os
import pathlib
import subprocess
import sys

import pytest
import requests
from google.api_core import exceptions
from google.cloud import aiplatform, storage
from google.oauth2 import service_account
from trainyard_server import BINARY, LOCATION, PROJECT

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCOPE = "https://www.googleapis.com/auth/cloud-platform"

# Nothing in it knows of Trainyard.
UNEDITED = f"""
import json
from google.cloud import aiplatform, storage
seen = {{}}
for transport in ("grpc", "rest"):
    aiplatform.init(project="{PROJECT}", location="europe-west4", api_transport=transport)
    seen[transport] = [job.display_name for job in aiplatform.CustomJob.list()]
bucket = storage.Client().create_bucket("wire-unedited")
bucket.blob("a/b").upload_from_string("hello")
seen["storage"] = bucket.blob("a/b").download_as_text()
print(json.dumps(seen))
"""

NOTEBOOK = """
import trainyard
server = trainyard.init(location="asia-east1")
from google.cloud import aiplatform
print(server.project, aiplatform.CustomJob.list())
"""


def plain_environment(server, **more):
    """This process's, without what the exports of `trainyard env` added."""
    kept = {name: value for name, value in os.environ.items() if name not in server.environment}
    return {**kept, "TRAINYARD_DATA": server.data, **more}


@pytest.fixture
def make_key(server, tmp_path):
    def make(name, role):
        path = tmp_path / f"{name}.json"
        server.run("keys", "create", name, "--role", role, "-o", str(path))
        assert path.stat().st_mode & 0o777 == 0o600
        return path
    return make


def client_of(server, credentials, transport):
    return aiplatform.gapic.JobServiceClient(
        credentials=credentials, client_options={"api_endpoint": server.endpoint}, transport=transport)


def credentials_of(path):
    return service_account.Credentials.from_service_account_file(path, scopes=[SCOPE])


def test_a_script_runs_unedited_under_exec(server, bucket, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(UNEDITED)
    result = subprocess.run([BINARY, "exec", "--", sys.executable, str(script)], env=plain_environment(server),
                            capture_output=True, text=True, timeout=120)
    if "mount namespace" in result.stderr or "cannot watch" in result.stderr:
        pytest.skip(result.stderr.strip())
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1]) == {"grpc": [], "rest": [], "storage": "hello"}


def test_exec_gives_the_commands_exit_code(server):
    result = server.run("exec", "--", "sh", "-c", "exit 42", check=False)
    if "mount namespace" in result.stderr or "cannot watch" in result.stderr:
        pytest.skip(result.stderr.strip())
    assert result.returncode == 42


def test_a_notebook_calls_init(server):
    environment = plain_environment(server, PYTHONPATH=str(ROOT / "python/src"), TRAINYARD_BINARY=BINARY)
    result = subprocess.run([sys.executable, "-c", NOTEBOOK], env=environment, capture_output=True, text=True,
                            timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == f"{PROJECT} []"


def test_roles_and_projects(server, make_key, transport):
    viewer = client_of(server, credentials_of(make_key("viewer", f"viewer:{PROJECT}")), transport)
    here = f"projects/{PROJECT}/locations/{LOCATION}"
    list(viewer.list_custom_jobs(parent=here))
    for call in (lambda: viewer.create_custom_job(parent=here, custom_job={"display_name": "x"}),
                 lambda: list(viewer.list_custom_jobs(parent=f"projects/other/locations/{LOCATION}"))):
        with pytest.raises((exceptions.PermissionDenied, exceptions.Forbidden)) as raised:
            call()
        assert "denied on resource '//aiplatform.googleapis.com/projects/" in raised.value.message
        assert raised.value.reason == "IAM_PERMISSION_DENIED"


def test_a_revoked_key_ends_at_once(server, make_key, transport):
    path = make_key("leaver", f"user:{PROJECT}")
    key_id = json.loads(path.read_text())["private_key_id"]
    jobs = client_of(server, credentials_of(path), transport)
    bucket_lister = storage.Client(project=PROJECT, credentials=credentials_of(path))
    parent = f"projects/{PROJECT}/locations/{LOCATION}"
    list(jobs.list_custom_jobs(parent=parent))
    list(bucket_lister.list_buckets())  # by an exchanged token
    server.run("keys", "revoke", key_id)
    with pytest.raises((exceptions.Unauthenticated, exceptions.Unauthorized)) as raised:
        list(jobs.list_custom_jobs(parent=parent))
    assert "revoked" in raised.value.message
    with pytest.raises(Exception, match="revoked"):
        list(bucket_lister.list_buckets())


def test_a_key_of_another_server_is_refused(server, transport, make_key, tmp_path):
    content = json.loads(make_key("stranger", f"user:{PROJECT}").read_text())
    content["private_key_id"] = "0" * 40
    path = tmp_path / "other.json"
    path.write_text(json.dumps(content))
    with pytest.raises((exceptions.Unauthenticated, exceptions.Unauthorized)) as raised:
        list(client_of(server, credentials_of(path), transport).list_custom_jobs(
            parent=f"projects/{PROJECT}/locations/{LOCATION}"))
    assert "0" * 40 in raised.value.message and "another server" in raised.value.message


def test_without_a_credential(server):
    url = f"https://{server.endpoint}/v1/projects/{PROJECT}/locations/{LOCATION}/customJobs"
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 401
    assert "trainyard env" in answer.json()["error"]["message"]
    assert requests.get(url, timeout=10, headers={"Authorization": "Bearer ya29.x"}).status_code == 401


def test_every_change_is_in_the_audit_file(server, make_key):
    make_key("audited", f"user:{PROJECT}")
    audit = pathlib.Path(server.data, "audit.jsonl")
    entries = [json.loads(line) for line in audit.read_text().splitlines()]
    entry = next(entry for entry in reversed(entries) if entry["protoPayload"]["methodName"].endswith(".CreateKey"))
    assert entry["protoPayload"]["authenticationInfo"]["principalEmail"].startswith("owner@")
    assert "PRIVATE" not in audit.read_text()
    assert server.run("doctor", "--audit", str(audit)).returncode == 0
