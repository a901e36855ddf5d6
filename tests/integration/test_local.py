"""The embedded AWS, as `holdfast local` starts it."""

from __future__ import annotations

import socket
from pathlib import Path
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
