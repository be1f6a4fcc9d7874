"""`gcloud ai custom-jobs` and `gcloud storage`, unmodified."""
import time

REGION = "--region=us-central1"
POOL = "--worker-pool-spec=machine-type=tiny,replica-count=1,container-image-uri=python:3.11"


def wait(gcloud, name):
    for _ in range(100):
        job = gcloud("ai", "custom-jobs", "describe", name, REGION)
        if "endTime" in job:
            return job
        time.sleep(0.2)
    raise AssertionError(f"{name} has not ended")


def test_create_describe_list(gcloud):
    job = gcloud("ai", "custom-jobs", "create", REGION, "--display-name=from-gcloud", POOL,
                 "--command=python3,-c,print('hello from gcloud')", "--labels=team=wire")
    ended = wait(gcloud, job["name"])
    assert ended["state"] == "JOB_STATE_SUCCEEDED" and ended["labels"] == {"team": "wire"}
    assert job["name"] in [listed["name"] for listed in gcloud("ai", "custom-jobs", "list", REGION)]


def test_config_file(gcloud, tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text("workerPoolSpecs:\n- machineSpec: {machineType: tiny}\n  replicaCount: 1\n"
                    "  containerSpec: {imageUri: 'python:3.11', command: ['false']}\n")
    job = gcloud("ai", "custom-jobs", "create", REGION, "--display-name=config", f"--config={path}")
    ended = wait(gcloud, job["name"])
    assert ended["state"] == "JOB_STATE_FAILED" and "non-zero status of 1" in ended["error"]["message"]


def test_cancel(gcloud):
    job = gcloud("ai", "custom-jobs", "create", REGION, "--display-name=cancelled", POOL, "--command=sleep,600")
    gcloud("ai", "custom-jobs", "cancel", job["name"], REGION, parse=False)
    assert wait(gcloud, job["name"])["state"] == "JOB_STATE_CANCELLED"


def test_stream_logs(gcloud):
    job = gcloud("ai", "custom-jobs", "create", REGION, "--display-name=logs", POOL,
                 "--command=python3,-c,print('a line for gcloud')")
    wait(gcloud, job["name"])
    result = gcloud("ai", "custom-jobs", "stream-logs", job["name"], REGION, "--polling-interval=1", parse=False)
    assert "a line for gcloud" in result.stdout, result.stderr


def test_a_bad_job_says_what_is_wrong(gcloud):
    result = gcloud("ai", "custom-jobs", "create", REGION, "--display-name=bad", check=False, parse=False)
    assert result.returncode != 0
    result = gcloud("ai", "custom-jobs", "create", REGION, "--display-name=bad",
                    "--worker-pool-spec=machine-type=n9-gigantic,container-image-uri=python:3.11", check=False, parse=False)
    assert "n9-gigantic" in result.stderr
