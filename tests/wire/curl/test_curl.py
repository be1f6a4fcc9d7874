"""curl as it comes: it offers h2 and http/1.1."""
import json
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
import trainyard_server  # noqa: E402

JOBS = f"/v1/projects/{trainyard_server.PROJECT}/locations/{trainyard_server.LOCATION}/customJobs"


@pytest.fixture(scope="module")
def server():
    server = trainyard_server.Server()
    yield server
    server.close()


def curl(server, path, *arguments, token=True, scheme="https"):
    """(status, body)"""
    command = ["curl", "-sS", "--noproxy", "*", "--cacert", server.client["ca_bundle"], "-w", "\n%{http_code}", *arguments]
    if token:
        access_token = pathlib.Path(server.data, "access-token").read_text()
        command += ["-H", f"Authorization: Bearer {access_token}"]
    result = subprocess.run([*command, f"{scheme}://{server.endpoint}{path}"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    body, _, status = result.stdout.rpartition("\n")
    return int(status), json.loads(body) if body.startswith("{") else body


def test_health_is_open(server):
    assert curl(server, "/healthz", token=False)[0] == 200


def test_create_and_get(server):
    job = {"display_name": "curl", "jobSpec": {"workerPoolSpecs": [{
        "machine_spec": {"machineType": "tiny"}, "replicaCount": 1,
        "containerSpec": {"imageUri": "python:3.11", "command": ["true"]}}]}}
    status, created = curl(server, JOBS, "-H", "Content-Type: application/json", "-d", json.dumps(job))
    assert status == 200, created
    assert created["jobSpec"]["workerPoolSpecs"][0]["replicaCount"] == "1"
    status, found = curl(server, "/v1/" + created["name"])
    assert status == 200 and found["displayName"] == "curl"
    status, found = curl(server, "/v1beta1/" + created["name"])
    assert status == 200 and found["displayName"] == "curl"
    status, page = curl(server, JOBS + "?pageSize=1&filter=display_name%3D%22curl%22&$alt=json;enum-encoding=int")
    assert status == 200 and isinstance(page["customJobs"][0]["state"], int)


@pytest.mark.parametrize("path, arguments, want, text", [
    (JOBS + "/1", [], 404, "NOT_FOUND"),
    (JOBS, ["-d", "{"], 400, "INVALID_ARGUMENT"),
    (JOBS, ["-d", '{"displayNam": "x"}'], 400, "displayNam"),
    (JOBS + "?nonsense=1", [], 400, "nonsense"),
    (JOBS + "?filter=state%3D(", [], 400, "INVALID_ARGUMENT"),
    (JOBS + "?pageToken=forged", [], 400, "INVALID_ARGUMENT"),
    (JOBS.replace("us-central1", "moon-1"), [], 400, "us-central1"),
    ("/v1/nothing/here", [], 404, ""),
    (JOBS.replace("customJobs", "indexes"), [], 501, "UNIMPLEMENTED"),
    (JOBS, ["-X", "PATCH", "-d", "{}"], 405, ""),
    (JOBS, ["-H", "X-Large: " + "x" * 70000], 431, ""),
])
def test_wrong_requests(server, path, arguments, want, text):
    status, body = curl(server, path, *arguments)
    assert status == want, body
    assert text in json.dumps(body)


def test_a_large_body_is_refused(server, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b" " * (11 << 20))
    status, _ = curl(server, JOBS, "--data-binary", f"@{path}")
    assert status == 413


def test_no_credential(server):
    status, body = curl(server, JOBS, token=False)
    assert status == 401 and "credential" in body["error"]["message"].lower()


def test_plain_http_is_told_to_use_tls(server):
    status, body = curl(server, JOBS, token=False, scheme="http")
    assert status == 400 and "https" in str(body)
