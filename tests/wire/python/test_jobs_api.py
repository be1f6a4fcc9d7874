"""The generated clients: every error class, paging, read masks, operations, locations, projects."""
import time

import pytest
from google.api_core import exceptions
from trainyard_server import LOCATION, PROJECT, PYTHON


def job_of(command, **fields):
    return {"display_name": fields.pop("display_name", "api"), "job_spec": {"worker_pool_specs": [{
        "machine_spec": {"machine_type": fields.pop("machine_type", "tiny")}, "replica_count": 1,
        "container_spec": {"image_uri": PYTHON, "command": command}}], **fields.pop("spec", {})}, **fields}


def wait(jobs, name, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = jobs.get_custom_job(name=name)
        if job.end_time:
            return job
        time.sleep(0.05)
    raise AssertionError(f"{name} has not ended: {job.state}")


def test_all_errors_of_a_request_come_at_once(jobs, parent):
    bad = job_of(["true"], display_name="", labels={"Bad Label": "x"})
    bad["job_spec"]["worker_pool_specs"][0]["machine_spec"]["machine_type"] = "n9-gigantic"
    with pytest.raises(exceptions.InvalidArgument if jobs.transport.kind == "grpc" else exceptions.BadRequest) as raised:
        jobs.create_custom_job(parent=parent, custom_job=bad)
    message = raised.value.message
    for part in ("List of found errors:", "display_name", "labels", "n9-gigantic"):
        assert part in message, message


@pytest.mark.parametrize("name, error", [
    ("projects/wire-project/locations/us-central1/customJobs/1", exceptions.NotFound),
    ("projects/wire-project/locations/moon-1/customJobs/1", exceptions.BadRequest),
])
def test_wrong_names(jobs, name, error):
    with pytest.raises(error):
        jobs.get_custom_job(name=name)


def test_unknown_image_fails_the_job_and_lists_the_known(jobs, parent):
    job = job_of(["true"])
    job["job_spec"]["worker_pool_specs"][0]["container_spec"]["image_uri"] = "nobody/nothing:1"
    ended = wait(jobs, jobs.create_custom_job(parent=parent, custom_job=job).name)
    assert ended.state.name == "JOB_STATE_FAILED"
    assert "nobody/nothing:1" in ended.error.message and "python:3.11" in ended.error.message


def test_several_replicas_are_unimplemented_with_a_sentence(jobs, parent):
    job = job_of(["true"])
    job["job_spec"]["worker_pool_specs"].append({**job["job_spec"]["worker_pool_specs"][0], "replica_count": 2})
    with pytest.raises(exceptions.MethodNotImplemented) as raised:
        jobs.create_custom_job(parent=parent, custom_job=job)
    assert "replica" in raised.value.message


def test_unbuilt_methods_say_so(jobs, parent):
    with pytest.raises(exceptions.MethodNotImplemented):
        list(jobs.list_batch_prediction_jobs(parent=parent))


def test_pages_neither_lose_nor_repeat(jobs, parent):
    names = {jobs.create_custom_job(parent=parent, custom_job=job_of(["true"], display_name="paged")).name
             for _ in range(7)}
    pager = jobs.list_custom_jobs(request={"parent": parent, "filter": 'display_name="paged"', "page_size": 2})
    listed = [job.name for job in pager]
    assert len(listed) == len(set(listed)) and set(listed) >= names
    for name in names:
        wait(jobs, name)


def test_a_forged_page_token_is_refused(jobs, parent):
    with pytest.raises((exceptions.InvalidArgument, exceptions.BadRequest)):
        list(jobs.list_custom_jobs(request={"parent": parent, "page_token": "AAAA"}))


def test_a_bad_filter_names_the_place(jobs, parent):
    with pytest.raises((exceptions.InvalidArgument, exceptions.BadRequest)) as raised:
        list(jobs.list_custom_jobs(request={"parent": parent, "filter": "state = ("}))
    assert "column" in raised.value.message.lower() or "filter" in raised.value.message.lower()


def test_a_read_mask_cuts(jobs, parent):
    jobs.create_custom_job(parent=parent, custom_job=job_of(["true"], display_name="masked"))
    page = jobs.list_custom_jobs(request={"parent": parent, "filter": 'display_name="masked"',
                                          "read_mask": {"paths": ["name", "display_name"]}})
    job = next(iter(page))
    assert job.display_name == "masked" and job.name and not job.job_spec.worker_pool_specs


def test_timeout_fails_the_job(jobs, parent):
    job = jobs.create_custom_job(parent=parent, custom_job=job_of(
        ["sleep", "600"], spec={"scheduling": {"timeout": {"seconds": 1}}}))
    ended = wait(jobs, job.name)
    assert ended.state.name == "JOB_STATE_FAILED" and ended.error.code == 4


def test_operations(jobs, parent):
    job = jobs.create_custom_job(parent=parent, custom_job=job_of(["true"]))
    wait(jobs, job.name)
    operation = jobs.delete_custom_job(name=job.name)
    operation.result(timeout=30)
    assert operation.done()
    name = operation.operation.name
    assert jobs.get_operation({"name": name}).done
    listed = jobs.list_operations({"name": parent})
    assert name in [entry.name for entry in listed.operations]
    jobs.delete_operation({"name": name})
    with pytest.raises(exceptions.NotFound):
        jobs.get_operation({"name": name})


def test_locations(jobs):
    found = jobs.get_location({"name": f"projects/{PROJECT}/locations/{LOCATION}"})
    assert found.location_id == LOCATION
    assert LOCATION in [entry.location_id for entry in jobs.list_locations({"name": f"projects/{PROJECT}"}).locations]
