"""CustomJob through the high-level SDK, as people write it."""
import pathlib

import pytest
from trainyard_server import PYTHON, SKLEARN

SCRIPT = """
import argparse, json, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--word")
args = parser.parse_args()
print("the word is", args.word)
print("model dir", os.environ["AIP_MODEL_DIR"])
spec = json.loads(os.environ["CLUSTER_SPEC"])
assert spec["task"] == {"type": "workerpool0", "index": 0}, spec["task"]
directory = pathlib.Path(os.environ["AIP_MODEL_DIR"].replace("gs://", "/gcs/"))
directory.mkdir(parents=True)
(directory / "model.txt").write_text(args.word)
"""


def container_job(vertex, command, **options):
    return vertex.CustomJob(
        display_name=options.pop("display_name", "wire"),
        worker_pool_specs=[{
            "machine_spec": {"machine_type": "tiny"},
            "replica_count": 1,
            "container_spec": {"image_uri": PYTHON, "command": command, "args": options.pop("args", [])},
        }], **options)


def test_a_local_script_runs_and_leaves_a_model(vertex, bucket, tmp_path):
    script = tmp_path / "task.py"
    script.write_text(SCRIPT)
    job = vertex.CustomJob.from_local_script(
        display_name="script", script_path=str(script), container_uri=SKLEARN, args=["--word=hello"],
        machine_type="n1-standard-4", labels={"team": "wire"})
    job.run()
    assert job.state.name == "JOB_STATE_SUCCEEDED"
    resource = job.gca_resource if hasattr(job, "gca_resource") else job._gca_resource
    directory = resource.job_spec.base_output_directory.output_uri_prefix
    assert directory.startswith("gs://wire-staging/")
    name = directory.removeprefix("gs://wire-staging/").rstrip("/") + "/model/model.txt"
    assert bucket.blob(name).download_as_text() == "hello"
    assert resource.start_time and resource.end_time >= resource.start_time >= resource.create_time
    assert dict(resource.labels) == {"team": "wire"}


def test_a_failure_names_its_cause(vertex):
    job = container_job(vertex, ["python3", "-c", "raise ValueError('bad data')"])
    with pytest.raises(RuntimeError) as raised:
        job.run()
    assert "The replica workerpool0-0 exited with a non-zero status of 1" in str(raised.value)
    assert "ValueError: bad data" in str(raised.value)
    assert job.error.code == 3


def test_cancel_and_delete(vertex):
    from google.api_core import exceptions
    job = container_job(vertex, ["sleep", "600"])
    job.submit()
    name = job.resource_name
    with pytest.raises(exceptions.GoogleAPICallError) as raised:
        vertex.CustomJob.get(name).delete()
    assert "FAILED_PRECONDITION" in str(raised.value) or "cancel" in str(raised.value).lower()
    job.cancel()
    with pytest.raises(RuntimeError):
        job._block_until_complete()
    assert job.state.name == "JOB_STATE_CANCELLED"
    assert job.error.code == 1
    job.delete()
    with pytest.raises(exceptions.NotFound):
        vertex.CustomJob.get(name)


def test_list_filters_and_orders(vertex):
    names = {f"list-{i}" for i in range(3)}
    for name in names:
        job = container_job(vertex, ["true"], display_name=name, labels={"kind": "listed"})
        job.submit()
        job._block_until_complete()
    found = vertex.CustomJob.list(filter='labels.kind="listed"', order_by="create_time desc")
    assert {job.display_name for job in found} >= names
    assert vertex.CustomJob.list(filter='display_name="list-1" AND state="JOB_STATE_SUCCEEDED"')
    assert not vertex.CustomJob.list(filter='display_name="list-1" AND state="JOB_STATE_FAILED"')


def test_the_environment_of_a_job(vertex):
    check = "\n".join([
        "import os",
        "e = os.environ",
        "assert e['GREETING'] == 'hello there', e['GREETING']",
        "assert e['CLOUD_ML_PROJECT_ID'].isdigit()",
        "assert e['CLOUD_ML_JOB_ID'].isdigit()",
        "assert e['RANK'] == '0' and e['WORLD_SIZE'] == '1'",
        "assert os.getcwd() == '/', os.getcwd()",
        "import sys; assert sys.argv[1:] == ['--to=there', '$' + '(NOBODY)', '$' + '(WORD)'], sys.argv",
        "s = os.statvfs('/dev/shm'); assert s.f_blocks * s.f_frsize > 0",
    ])
    job = vertex.CustomJob(
        display_name="environment",
        worker_pool_specs=[{
            "machine_spec": {"machine_type": "tiny"}, "replica_count": 1,
            "container_spec": {
                "image_uri": PYTHON, "command": ["python3", "-c", check],
                "args": ["--to=$(WORD)", "$(NOBODY)", "$$(WORD)"],
                "env": [{"name": "WORD", "value": "there"}, {"name": "GREETING", "value": "hello $(WORD)"}]},
        }])
    job.run()
    assert job.state.name == "JOB_STATE_SUCCEEDED"
