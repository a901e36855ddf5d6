"""The embedded AWS, as `holdfast local` starts it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from holdfast_cli import local
from tests.embedded import at_home

pytestmark = pytest.mark.slow


def test_a_port_that_is_taken_before_it_is_listened_on_is_another_ones(tmp_path: Path) -> None:
    with at_home(tmp_path), socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port, free = taken.getsockname()[1], local._free_port()
        with patch.object(local, "_free_port", side_effect=[port, free]):
            assert local.start(print).port == free


def test_a_machine_that_stands_still_for_a_minute_delays_the_start_and_does_not_fail_it(tmp_path: Path) -> None:
    seconds = chain([0.0], repeat(60.0))
    standing = SimpleNamespace(monotonic=lambda: next(seconds), sleep=time.sleep)
    with at_home(tmp_path):
        with patch.object(local, "time", standing):
            port = local.start(print).port
        assert (found := local.status())
        assert found.port == port


HELD = """
import signal, threading
from holdfast_cli import local, main
signal.signal(signal.SIGINT, signal.default_int_handler)  # where it is ignored
def held(*_, **__):
    print("held", flush=True)
    threading.Event().wait()
local.{held} = held
main.main()
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("command", "held"), [("local up", "_await_health"), ("demo", "_deploy")])
def test_a_command_that_is_ended_leaves_no_embedded_aws(
    tmp_path: Path, command: str, held: str, sent: signal.Signals
) -> None:
    """`holdfast demo` has it in a temporary folder."""
    arguments = [sys.executable, "-c", HELD.format(held=held), *command.split()]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "HOLDFAST_HOME": str(tmp_path / "home")}
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    (state,) = tmp_path.glob("*/local.json")
    group = json.loads(state.read_text())["pid"]
    try:
        process.send_signal(sent)
        process.communicate(timeout=60)
        assert process.returncode in {130, 128 + signal.SIGTERM}
        with pytest.raises(ProcessLookupError):
            os.killpg(group, 0)
        assert not [*tmp_path.glob("*/local.json")]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
