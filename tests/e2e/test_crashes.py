"""kill -9 of the server and of runners: nothing acknowledged is lost, nothing runs twice."""
import os
import random
import signal
import subprocess
import time

import job as jobs
import trainyard_server

KILLS = int(os.environ.get("TRAINYARD_KILLS", "20"))


def test_the_server_is_killed_under_load():
    server = trainyard_server.Server()
    try:
        server.run("storage", "mb", "gs://crashes")
        seed = random.randrange(1 << 32)
        print("seed", seed)
        chance = random.Random(seed)
        names = []
        for _ in range(KILLS):
            for _ in range(3):
                # Each run appends a line: two lines in one file would be a job that ran twice.
                code = ("import os, time; open('/gcs/crashes/' + os.environ['CLOUD_ML_JOB_ID'], 'a').write('run\\n');"
                        f"time.sleep({chance.random() * 0.3})")
                names.append(jobs.submit(server, jobs.python(code)))
            time.sleep(chance.random() * 0.4)
            server.kill()
            server.start()
        for name in names:
            job = jobs.finish(server, name)
            assert job["state"] == "JOB_STATE_SUCCEEDED", job
            path = f"gs://crashes/{name.rsplit('/', 1)[1]}"
            assert server.run("storage", "cat", path).stdout == "run\n", name
    finally:
        server.close()


def test_a_job_and_its_log_outlive_the_server(server):
    name = jobs.submit(server, jobs.python(
        "import time\nfor i in range(30): print('line', i, flush=True); time.sleep(0.1)"))
    jobs.wait_for_line(server, name, "line 3")
    server.kill()
    time.sleep(0.5)
    server.start()
    assert jobs.finish(server, name)["state"] == "JOB_STATE_SUCCEEDED"
    log = jobs.log(server, name)
    assert [f"line {i}" for i in range(30)] == [line.split(None, 3)[3] for line in log.splitlines() if "line " in line]


def test_the_runner_is_killed(server):
    name = jobs.submit(server, ["sleep", "600"], scheduling={"disableRetries": True})
    job_id = name.rsplit("/", 1)[1]
    for _ in range(200):
        found = subprocess.run(["pgrep", "-f", f"trainyard-runner.*{job_id}"], capture_output=True, text=True).stdout.split()
        if found and jobs.describe(server, name)["state"] == "JOB_STATE_RUNNING":
            break
        time.sleep(0.05)
    for pid in found:
        os.kill(int(pid), signal.SIGKILL)
    job = jobs.finish(server, name)
    assert job["state"] == "JOB_STATE_FAILED", job
