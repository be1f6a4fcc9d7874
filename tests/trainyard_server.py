"""A real server in a directory of its own, for the wire and end-to-end tests."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = os.environ.get("TRAINYARD_BINARY", str(ROOT / "build/release/bin/trainyard"))
PROJECT = "wire-project"
LOCATION = "us-central1"
SKLEARN = "us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest"
PYTHON = "python:3.11"

CONFIG = f"""
default_project: {PROJECT}
default_location: {LOCATION}
machine_types:
- {{name: tiny, cpus: 0.1, memory: 256MiB}}
"""


class Server:
    """Starts on a free port; `environment` is what `trainyard env` exports."""

    def __init__(self, config="", keep_data=None):
        self.data = keep_data or tempfile.mkdtemp(prefix="trainyard-test-")
        self.log_path = os.path.join(self.data, "server.log")
        self.config_path = os.path.join(self.data, "trainyard.yaml")
        pathlib.Path(self.config_path).write_text(CONFIG + config)
        self.listen = "127.0.0.1:0"
        self.process = None
        self.start()

    def start(self):
        client_file = pathlib.Path(self.data, "client.json")
        client_file.unlink(missing_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve", "--config", self.config_path, "--data", self.data, "--listen", self.listen],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 30
        while not client_file.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the server did not start:\n" + self.log())
            time.sleep(0.01)
        self.client = json.loads(client_file.read_text())
        self.endpoint = self.client["endpoint"]
        # A restarted server keeps its address: the clients' settings stay true.
        self.listen = self.endpoint
        self.environment = json.loads(self.run("env", "--format=json").stdout)

    def log(self):
        return pathlib.Path(self.log_path).read_text(errors="replace")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def close(self):
        """Jobs outlive a server: they are cancelled before it goes."""
        if self.process.poll() is None:
            live = 'state="JOB_STATE_RUNNING" OR state="JOB_STATE_PENDING" OR state="JOB_STATE_QUEUED"'
            listed = self.run("jobs", "list", "--filter", live, "--limit=1000", "--format=json", check=False)
            names = [job["name"] for job in json.loads(listed.stdout or "[]")]
            if names:
                self.run("jobs", "cancel", *names, check=False)
            for name in names:
                self.run("jobs", "wait", name, "--timeout=40", check=False)
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    def run(self, *arguments, check=True, environment=None, **options):
        """Runs the command line against this server."""
        full = {**os.environ, "TRAINYARD_DATA": self.data, **(environment or {})}
        result = subprocess.run([BINARY, *arguments], capture_output=True, text=True, env=full, timeout=300, **options)
        if check and result.returncode != 0:
            raise RuntimeError(f"trainyard {' '.join(arguments)}: exit {result.returncode}\n{result.stdout}{result.stderr}")
        return result
