"""A worker that fails: in a module of its own, as a process that is begun anew imports it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from holdfast_cli import team
from holdfast_cli.output import Failure


class Failing:
    """A worker that does what its task says."""

    def __init__(self, _setup: Any, step: team.Step) -> None:
        self._step = step

    def do(self, task: str) -> int:
        self._step(1)
        match task:
            case "raise":
                raise ValueError("oh")
            case "refuse":
                raise Failure("the file is no good")
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()


class Endless:
    """A worker that says when it is at work, and is never done."""

    def __init__(self, _setup: Any, _step: team.Step) -> None:
        pass

    def do(self, task: str) -> None:
        sys.stdout.write(f"{task}\n")
        sys.stdout.flush()
        threading.Event().wait()
