"""Jobs through the command line, for the end-to-end tests."""
import json
import time

import trainyard_server


def submit(server, command, image=trainyard_server.PYTHON, machine="tiny", timeout=None, **spec):
    """Submits a container job; its full name."""
    pool = {"machineSpec": {"machineType": machine}, "replicaCount": 1,
            "containerSpec": {"imageUri": image, "command": command}}
    config = {"workerPoolSpecs": [pool], **spec}
    if timeout:
        config["scheduling"] = {**config.get("scheduling", {}), "timeout": f"{timeout}s"}
    path = f"{server.data}/job-{time.monotonic_ns()}.json"
    with open(path, "w") as file:
        json.dump(config, file)
    return server.run("jobs", "create", "--display-name=e2e", f"--config={path}").stdout.strip()


def describe(server, name):
    return json.loads(server.run("jobs", "describe", name, "--format=json").stdout)


def finish(server, name, seconds=60):
    """Waits for the end; the job as it ended."""
    server.run("jobs", "wait", name, f"--timeout={seconds}", check=False)
    job = describe(server, name)
    assert "endTime" in job, job
    return job


def run(server, command, **options):
    return finish(server, submit(server, command, **options))


def python(code):
    return ["python3", "-c", code]


def log(server, name):
    return server.run("jobs", "logs", name).stdout


def wait_for_line(server, name, text, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if text in log(server, name):
            return
        time.sleep(0.05)
    raise AssertionError(f"no line with {text!r}:\n{log(server, name)}")
