"""What `trainyard env` does for a shell, for this process."""
import dataclasses
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
from typing import Any, Dict, Optional

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_ENV_TIMEOUT_SECONDS = 30


class ServerNotFound(RuntimeError):
    """No server is known here; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Server:
    """Where the process's clients were led."""

    endpoint: str  # "127.0.0.1:8443"
    project: str
    location: str
    staging_bucket: Optional[str] = None
    # google.oauth2.service_account.Credentials; None where google-auth is not installed.
    credentials: Any = dataclasses.field(default=None, repr=False)


def init(
    project: Optional[str] = None,
    location: Optional[str] = None,
    staging_bucket: Optional[str] = None,
    *,
    data_directory: Optional[str] = None,
    binary: Optional[str] = None,
    **options: Any,
) -> Server:
    """Sets the variables of `trainyard env` and calls `aiplatform.init`, where that is installed.

    Call it before the first request that a Google library makes: some read the variables only once.

    Args:
      project: the server's default project unless given.
      location: the server's default location unless given.
      staging_bucket: "gs://...", as aiplatform.init takes it.
      data_directory: of the server; else TRAINYARD_DATA, else where the program looks by itself.
      binary: path of the trainyard program; else TRAINYARD_BINARY, else the one on PATH.
      **options: further arguments of aiplatform.init.

    Raises:
      ServerNotFound: no trainyard program, or it knows of no server.
    """
    under_exec = "TRAINYARD_EXEC" in os.environ  # Google's names lead to the server already
    if not under_exec:
        os.environ.update(_read_variables(binary, data_directory))
    variables = os.environ
    server = Server(
        endpoint=variables.get("TRAINYARD_ENDPOINT", ""),
        project=project or variables.get("TRAINYARD_PROJECT", ""),
        location=location or variables.get("TRAINYARD_LOCATION", ""),
        staging_bucket=staging_bucket,
        credentials=_load_credentials(variables.get("GOOGLE_APPLICATION_CREDENTIALS")),
    )
    if not under_exec:
        options.setdefault("api_endpoint", server.endpoint)
    _init_vertex(server, options)
    return server


def _read_variables(binary: Optional[str], data_directory: Optional[str]) -> Dict[str, str]:
    binary = binary or os.environ.get("TRAINYARD_BINARY") or shutil.which("trainyard")
    if not binary:
        raise ServerNotFound(
            "the trainyard program is not on PATH: pass binary=..., or set TRAINYARD_BINARY to where it is")
    environment = dict(os.environ)
    if data_directory:
        environment["TRAINYARD_DATA"] = os.fspath(data_directory)
    try:
        result = subprocess.run(
            [binary, "env", "--format=json"],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_ENV_TIMEOUT_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServerNotFound(f"{binary} env: {error}") from error
    if result.returncode != 0:
        raise ServerNotFound(result.stderr.strip() or f"{binary} env: exit code {result.returncode}")
    variables = json.loads(result.stdout)
    return {str(name): str(value) for name, value in variables.items()}


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # its parent is not there
        return False


def _load_credentials(key_file: Optional[str]) -> Any:
    if not key_file or not _is_installed("google.oauth2.service_account"):
        return None
    service_account = importlib.import_module("google.oauth2.service_account")
    return service_account.Credentials.from_service_account_file(key_file, scopes=[_SCOPE])


def _init_vertex(server: Server, options: Dict[str, Any]) -> None:
    if not _is_installed("google.cloud.aiplatform"):
        return
    aiplatform = importlib.import_module("google.cloud.aiplatform")
    if server.credentials is not None:
        options.setdefault("credentials", server.credentials)
    if server.staging_bucket:
        options["staging_bucket"] = server.staging_bucket
    aiplatform.init(project=server.project, location=server.location, **options)
