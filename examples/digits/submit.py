"""Submits task.py with Google's own SDK. Only the endpoint differs from a script for Vertex AI.

    eval "$(trainyard env)"; python submit.py
"""
import os
import pathlib
import time

from google.cloud import aiplatform, storage

PROJECT = os.environ["TRAINYARD_PROJECT"]
LOCATION = os.environ["TRAINYARD_LOCATION"]
BUCKET = f"{PROJECT}-digits"


def main():
    aiplatform.init(project=PROJECT, location=LOCATION, staging_bucket=f"gs://{BUCKET}",
                    api_endpoint=os.environ["TRAINYARD_ENDPOINT"])
    credentials = aiplatform.initializer.global_config.credentials
    client = storage.Client(project=PROJECT, credentials=credentials)
    if not client.bucket(BUCKET).exists():
        client.create_bucket(BUCKET, location=LOCATION)

    job = aiplatform.CustomJob.from_local_script(
        display_name="digits",
        script_path=str(pathlib.Path(__file__).with_name("task.py")),
        container_uri="us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest",
        args=["--regularization=0.1"],
        machine_type="n1-standard-4",
    )
    print(f"submitted at {time.time():.6f}", flush=True)
    job.submit()
    print(f"job {job.resource_name}", flush=True)


if __name__ == "__main__":
    main()
