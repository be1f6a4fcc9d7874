"""Every way a job can end, and what its error says."""
import re
import time

import job as jobs


def test_success(server):
    job = jobs.run(server, ["true"])
    assert job["state"] == "JOB_STATE_SUCCEEDED" and "error" not in job


def test_exit_3(server):
    job = jobs.run(server, jobs.python("import sys; print('the last words', file=sys.stderr); sys.exit(3)"))
    assert job["state"] == "JOB_STATE_FAILED" and job["error"]["code"] == 3
    assert "exited with a non-zero status of 3" in job["error"]["message"]
    assert "the last words" in job["error"]["message"]


def test_a_signal_is_named(server):
    job = jobs.run(server, jobs.python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    assert job["state"] == "JOB_STATE_FAILED"
    assert "137" in job["error"]["message"] and "SIGKILL" in job["error"]["message"]


def test_transient_exits_are_retried(server):
    name = jobs.submit(server, jobs.python("import os; os.abort()"))
    job = jobs.finish(server, name)
    assert job["state"] == "JOB_STATE_FAILED" and "134" in job["error"]["message"]
    assert jobs.log(server, name).count("Job is running.") > 1


def test_out_of_memory(server):
    job = jobs.run(server, jobs.python("x = bytearray(1 << 30)"))
    assert job["state"] == "JOB_STATE_FAILED"
    assert "ran out of memory" in job["error"]["message"]


def test_timeout(server):
    job = jobs.run(server, ["sleep", "600"], timeout=1)
    assert job["state"] == "JOB_STATE_FAILED" and job["error"]["code"] == 4


def test_cancel_running(server):
    name = jobs.submit(server, jobs.python(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *a: (print('tidying up', flush=True), sys.exit(0)))\n"
        "print('ready', flush=True)\ntime.sleep(600)"))
    jobs.wait_for_line(server, name, "ready")
    server.run("jobs", "cancel", name)
    job = jobs.finish(server, name)
    assert job["state"] == "JOB_STATE_CANCELLED" and job["error"]["code"] == 1
    assert "tidying up" in jobs.log(server, name)


def test_sigterm_ignored_is_killed_after_the_grace(server):
    name = jobs.submit(server, jobs.python(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(600)"))
    jobs.wait_for_line(server, name, "ready")
    begin = time.monotonic()
    server.run("jobs", "cancel", name)
    job = jobs.finish(server, name)
    assert job["state"] == "JOB_STATE_CANCELLED"
    assert 25 < time.monotonic() - begin < 45


def test_cancel_before_it_runs(server):
    names = [jobs.submit(server, ["sleep", "600"]) for _ in range(3)]
    server.run("jobs", "cancel", *names)
    for name in names:
        assert jobs.finish(server, name)["state"] == "JOB_STATE_CANCELLED"


def test_an_image_that_nobody_has(server):
    job = jobs.run(server, ["true"], image="nobody/nothing:1")
    assert job["state"] == "JOB_STATE_FAILED" and "nobody/nothing:1" in job["error"]["message"]


def test_a_command_that_is_not_there(server):
    job = jobs.run(server, ["/no/such/program"])
    assert job["state"] == "JOB_STATE_FAILED" and "/no/such/program" in job["error"]["message"]


def test_a_syntax_error_in_the_script(server, tmp_path):
    script = tmp_path / "broken.py"
    script.write_text("def broken(:\n")
    result = server.run("run", "--machine-type=tiny", "--image=python:3.11", str(script), check=False)
    assert result.returncode == 3 and "SyntaxError" in result.stderr


def test_100_megabytes_without_a_newline(server):
    name = jobs.submit(server, jobs.python("import sys\nfor _ in range(1600): sys.stdout.write('x' * 65536)"))
    assert jobs.finish(server, name)["state"] == "JOB_STATE_SUCCEEDED"


def test_fork_bomb(server):
    """It meets its limit of processes; the machine and the server do not notice."""
    name = jobs.submit(server, ["sh", "-c", """
n=0
while [ $n -lt 20000 ]; do sleep 60 & n=$((n + 1)); done
"""])
    job = jobs.finish(server, name)
    assert job["state"] in ("JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED")
    assert "Cannot fork" in jobs.log(server, name) or "out of memory" in job.get("error", {}).get("message", "")
    assert jobs.run(server, ["true"])["state"] == "JOB_STATE_SUCCEEDED"


def test_run_returns_the_programs_output(server, tmp_path):
    script = tmp_path / "hello.py"
    script.write_text("import sys; print('out', *sys.argv[1:]); print('err', file=sys.stderr)")
    result = server.run("run", "--machine-type=tiny", str(script), "a", "b c")
    assert result.stdout == "out a b c\n" and result.stderr == "err\n"


def test_times_and_service_lines(server):
    name = jobs.submit(server, ["true"])
    job = jobs.finish(server, name)
    assert job["createTime"] <= job["startTime"] <= job["endTime"] <= job["updateTime"]
    lines = [line.split(None, 3)[3] for line in jobs.log(server, name).splitlines() if " service " in line]
    wanted = ["Job is preparing.", "Job is running.", "Job completed successfully."]
    assert [line for line in lines if line in wanted] == wanted, lines
    assert re.match(r"\d\d:\d\d:\d\d\.\d{3}", jobs.log(server, name))
