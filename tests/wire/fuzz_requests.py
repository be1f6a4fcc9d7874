#!/usr/bin/env python3
"""Mutated requests against a real server: none may be answered with a 5xx but 501 and 503, none may end it.

    fuzz_requests.py [--requests 100000] [--seed N] [--server-data DIRECTORY]

A failure prints the request and the command that replays it.
"""
import argparse
import http.client
import json
import pathlib
import random
import ssl
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainyard_server  # noqa: E402

PARENT = f"projects/{trainyard_server.PROJECT}/locations/{trainyard_server.LOCATION}"
JOB = {"displayName": "fuzz", "labels": {"a": "b"}, "jobSpec": {
    "workerPoolSpecs": [{"machineSpec": {"machineType": "tiny", "acceleratorCount": 0}, "replicaCount": "1",
                         "diskSpec": {"bootDiskSizeGb": 100},
                         "containerSpec": {"imageUri": "python:3.11", "command": ["true"], "args": ["$(X)"],
                                           "env": [{"name": "X", "value": "1"}]}}],
    "scheduling": {"timeout": "10s", "restartJobOnWorkerRestart": False}, "serviceAccount": "a@b.c",
    "baseOutputDirectory": {"outputUriPrefix": "gs://x/y"}}}
SEEDS = [
    ("POST", f"/v1/{PARENT}/customJobs", JOB),
    ("GET", f"/v1/{PARENT}/customJobs?pageSize=2&filter=state%3D%22JOB_STATE_FAILED%22&readMask=name,displayName", None),
    ("GET", f"/v1/{PARENT}/customJobs/1234567890123456789?$alt=json%3Benum-encoding%3Dint", None),
    ("POST", f"/v1/{PARENT}/customJobs/1234567890123456789:cancel", {}),
    ("DELETE", f"/v1beta1/{PARENT}/customJobs/1234567890123456789", None),
    ("GET", f"/ui/{PARENT}/operations/12345", None),
    ("POST", f"/v1/{PARENT}/operations/12345:wait?timeout=0.1s", None),
    ("GET", f"/v1/{PARENT}/operations?filter=done%3Dtrue", None),
    ("GET", f"/v1/projects/{trainyard_server.PROJECT}/locations", None),
    ("POST", f"/v1/{PARENT}/trainingPipelines", {"displayName": "x", "trainingTaskInputs": {"a": [1, None, "b"]}}),
    ("POST", "/v2/entries:list", {"resourceNames": [f"projects/{trainyard_server.PROJECT}"], "pageSize": 10,
                                  "filter": 'resource.type="ml_job" AND timestamp>="2026-01-01T00:00:00Z"'}),
    ("GET", f"/v3/projects/{trainyard_server.PROJECT}", None),
    ("GET", f"/trainyard/v1/{PARENT}/customJobs/1:explain", None),
    ("GET", "/trainyard/v1/status", None),
    ("POST", f"/storage/v1/b?project={trainyard_server.PROJECT}", {"name": "fuzz-bucket"}),
    ("GET", "/storage/v1/b/fuzz-bucket/o?prefix=a&delimiter=/&maxResults=3&pageToken=x", None),
    ("GET", "/storage/v1/b/fuzz-bucket/o/a%2Fb?alt=media", None),
    ("POST", "/upload/storage/v1/b/fuzz-bucket/o?uploadType=media&name=a%2Fb", {"x": 1}),
    ("POST", "/upload/storage/v1/b/fuzz-bucket/o?uploadType=resumable&name=r", {"name": "r"}),
    ("POST", "/token", {"grant_type": "x"}),
]
WORDS = ["", "0", "-1", "null", "true", "18446744073709551616", "NaN", "1e999", "\u0000", "\ud83d\ude00", "../..", "%00",
         "%ff", "%2F", "*", "**", "{name}", "@type", "a" * 5000, "projects/_/locations/-", "gs://", "'; --", '"', "\\", ":",
         "JOB_STATE_RUNNING", "9999999999999999999999", "2026-13-45T99:99:99Z", "(((((((((("]


def mutate_value(chance, value, depth=0):
    """A JSON value with one place changed."""
    if depth > 8 or chance.random() < 0.15:
        return chance.choice([None, True, [], {}, 1.5, -1, 1 << 70, chance.choice(WORDS), [value, value], {"x": value}])
    if isinstance(value, dict) and value:
        key = chance.choice(list(value))
        changed = dict(value)
        if chance.random() < 0.2:
            changed[chance.choice(WORDS) or "y"] = changed.pop(key)
        else:
            changed[key] = mutate_value(chance, value[key], depth + 1)
        return changed
    if isinstance(value, list) and value:
        index = chance.randrange(len(value))
        return value[:index] + [mutate_value(chance, value[index], depth + 1)] + value[index + 1:]
    return chance.choice(WORDS)


def mutate_text(chance, text):
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(text) + 1)
        word = chance.choice(WORDS + [chr(chance.randrange(33, 127))])
        text = text[:place] + word + text[place + chance.randrange(4):]
    # http.client itself refuses spaces, control and non-ASCII characters in a target.
    return "/" + "".join(c if 33 <= ord(c) < 127 else "%%%02x" % (ord(c) & 255) for c in text).lstrip("/")[:8000]


def draw(chance):
    method, path, body = chance.choice(SEEDS)
    if chance.random() < 0.1:
        method = chance.choice(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
    if chance.random() < 0.4:
        path = mutate_text(chance, path)
    payload = b""
    if body is not None:
        if chance.random() < 0.7:
            body = mutate_value(chance, body)
        payload = json.dumps(body).encode()
        if chance.random() < 0.1:
            place = chance.randrange(len(payload) + 1)
            payload = payload[:place] + bytes([chance.randrange(256)]) + payload[place + 1:]
    headers = {"Content-Type": chance.choice(["application/json", "application/json", "text/plain", "multipart/related"])}
    return method, path, payload, headers


class Client:
    def __init__(self, server):
        self.host, self.port = server.endpoint.rsplit(":", 1)
        self.context = ssl.create_default_context(cafile=server.client["ca_bundle"])
        self.token = pathlib.Path(server.data, "access-token").read_text()
        self.connection = None

    def send(self, method, path, payload, headers):
        """The status; None when the server closed the connection without an answer."""
        for attempt in range(2):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPSConnection(self.host, int(self.port), context=self.context, timeout=30)
            try:
                self.connection.request(method, path, payload, {**headers, "Authorization": f"Bearer {self.token}"})
                response = self.connection.getresponse()
                response.read()
                if response.will_close:
                    self.connection = None
                return response.status
            except (http.client.HTTPException, OSError):
                self.connection = None
                # A kept connection may have ended between two requests; a fresh one may not.
                if fresh or attempt:
                    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(1 << 32)
    print("seed", seed, flush=True)
    server = trainyard_server.Server()
    client, statuses, failures = Client(server), {}, 0
    begin = time.monotonic()
    try:
        for number in range(arguments.requests):
            request = draw(random.Random(f"{seed}-{number}"))
            status = client.send(*request)
            statuses[status] = statuses.get(status, 0) + 1
            if status is None or (status >= 500 and status not in (501, 503)):
                failures += 1
                print(f"request {number}: {status}: {request}", flush=True)
                if failures > 20 or server.process.poll() is not None:
                    break
        alive = server.process.poll() is None
    finally:
        log = server.log()
        server.close()
    print(f"{sum(statuses.values())} requests in {time.monotonic() - begin:.0f} s:",
          ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items(), key=str)))
    if failures or not alive:
        print(log[-3000:])
        sys.exit(f"{failures} failures; replay: tests/wire/fuzz_requests.py --seed {seed}")


if __name__ == "__main__":
    main()
