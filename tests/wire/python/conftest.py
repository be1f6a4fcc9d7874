"""One server for all tests of a run. Its exports are set before any of Google's packages is imported."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
import trainyard_server  # noqa: E402

SERVER = None


def pytest_configure(config):
    global SERVER
    SERVER = trainyard_server.Server()
    os.environ.update(SERVER.environment)


def pytest_unconfigure(config):
    SERVER.close()


@pytest.fixture(scope="session")
def server():
    return SERVER


@pytest.fixture(scope="session")
def bucket(server):
    from google.auth import default
    from google.cloud import storage
    credentials, _ = default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    client = storage.Client(project=trainyard_server.PROJECT, credentials=credentials)
    return client.create_bucket("wire-staging", location=trainyard_server.LOCATION)


@pytest.fixture(params=["grpc", "rest"])
def transport(request):
    return request.param


@pytest.fixture
def vertex(server, transport, bucket):
    """google.cloud.aiplatform, initialised over one transport."""
    from google.cloud import aiplatform
    aiplatform.init(project=trainyard_server.PROJECT, location=trainyard_server.LOCATION,
                    staging_bucket="gs://wire-staging", api_endpoint=server.endpoint, api_transport=transport)
    return aiplatform


@pytest.fixture
def jobs(server, transport):
    """The generated JobServiceClient."""
    from google.cloud import aiplatform
    return aiplatform.gapic.JobServiceClient(client_options={"api_endpoint": server.endpoint}, transport=transport)


@pytest.fixture(scope="session")
def parent():
    return f"projects/{trainyard_server.PROJECT}/locations/{trainyard_server.LOCATION}"
