"""An upgrade from the release before and the way back, amid traffic: each by its own `holdfast local up`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from pathlib import Path

import pytest

from holdfast import __version__
from holdfast.aws.clock import now_ms
from holdfast.aws.queues import Message, Queue
from holdfast_cli import local
from holdfast_cli.stack import Deployment
from holdfast_cli.watching import Tap, tap
from tests.compat.make_golden import NoHistory, source
from tests.embedded import at_home
from tests.eventually import eventually

PREVIOUS = "d5c770d"
WINDOW = 60
"""Seconds. A batch that fails while the embedded AWS replaces a function comes again after 20. The release before loses
a watch that is already due when it is first folded: its tick can be folded before the watch is saved.
"""
AFTERWARDS = 25
"""Seconds to wait for messages that should not come, such as those of a batch that comes again."""
APART = 0.25
"""Seconds from one user to the next."""
CAMPAIGN = f"""\
id: upgrade
when: {{did: added, did_not: charged, within: {WINDOW} seconds, settle: 0 seconds}}
constant: {{name: product, in: {{added: product, charged: product}}}}
send: {{values: {{title: "your {{{{ ConstantEventProperty }}}}"}}}}
"""
RUN = "import sys; from holdfast_cli.main import app; app(sys.argv[1:])"


class Before:
    """The release before, from git, with today's packages."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._at = source(PREVIOUS, folder)
        for shared in ("node_modules", ".venv"):
            (self._at / shared).symlink_to(local.ROOT / shared)
        paths = os.pathsep.join(str(self._at / each) for each in ("lambdas", "cli", "."))
        self._environment = os.environ | {"PYTHONPATH": paths, "HOLDFAST_HOME": str(home)}

    def holdfast(self, *arguments: str) -> None:
        ended = subprocess.run(
            [sys.executable, "-c", RUN, *arguments],
            cwd=self._at,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr


class Traffic(threading.Thread):
    """A user after the other adds a coat. Every second one buys it a little later."""

    def __init__(self, queue: Queue) -> None:
        super().__init__()
        self._queue = queue
        self._over = threading.Event()
        self.left: set[str] = set()
        self.bought: set[str] = set()

    def run(self) -> None:
        buyers: list[str] = []
        while not self._over.wait(APART):
            leaver, buyer = uuid.uuid4().hex, uuid.uuid4().hex
            records = [("added", leaver), ("added", buyer), *(("charged", bought) for bought in buyers)]
            buyers = [buyer]
            self._send(records)
            self.left.add(leaver)
            self.bought.add(buyer)
        self._send([("charged", bought) for bought in buyers])

    def _send(self, records: list[tuple[str, str]]) -> None:
        now = now_ms()
        unsent = [Message(json.dumps({"user": u, "event": e, "product": "coat", "ts": now})) for e, u in records]
        while unsent:  # as whoever sends does: what the queue has not taken is sent again
            unsent = self._queue.send(unsent)

    def end(self) -> None:
        self._over.set()
        self.join()


class Heard:
    """Who got a message, and whose was taken back: that is what becomes of it where the purchase, which came in time,
    is folded after it, as on a slow machine.
    """

    def __init__(self, tapped: Tap) -> None:
        self._tapped = tapped
        self._ids: dict[str, dict[str, str]] = {"Personalized Message": {}, "Personalized Message Retracted": {}}

    def listen(self) -> Heard:
        for event in self._tapped.messages():
            self._ids[event["detail-type"]][event["detail"]["metadata"]["id"]] = event["detail"]["user"]["identity"]
        return self

    @property
    def sent(self) -> Counter[str]:
        return Counter(self._ids["Personalized Message"].values())

    @property
    def kept(self) -> Counter[str]:
        """Messages that were not taken back."""
        return self.sent - Counter(self._ids["Personalized Message Retracted"].values())


@pytest.mark.timeout(900)
def test_an_upgrade_and_the_way_back_in_the_middle_of_traffic_lose_nothing_and_send_nothing_twice(
    tmp_path: Path,
) -> None:
    try:
        before = Before(tmp_path, tmp_path / "home")
    except NoHistory as reason:
        pytest.skip(f"git has no {PREVIOUS} here, which a shallow clone lacks: {reason}")
    (tmp_path / "upgrade.yaml").write_text(CAMPAIGN)
    with at_home(tmp_path / "home"):
        before.holdfast("local", "up")
        before.holdfast("campaign", "publish", str(tmp_path / "upgrade.yaml"))
        deployment = Deployment.find("local")
        traffic = Traffic(Queue(deployment.client("sqs"), deployment.outputs["EventsQueueUrl"]))
        with tap(deployment) as tapped:
            traffic.start()
            try:
                local.up(print)
                assert Deployment.find("local").outputs["Version"] == __version__
                upgraded = len(traffic.left)
                before.holdfast("local", "up")
                assert "Version" not in Deployment.find("local").outputs
            finally:
                traffic.end()
            heard = eventually(Heard(tapped).listen, lambda heard: heard.kept.keys() == traffic.left)
            assert heard.kept.keys() == traffic.left
            ends = time.monotonic() + AFTERWARDS
            while time.monotonic() < ends:
                heard.listen()
            heard = eventually(heard.listen, lambda heard: heard.kept.keys() == traffic.left)
    assert 0 < upgraded < len(traffic.left)
    assert heard.kept == Counter(traffic.left)
    assert set(heard.sent.values()) == {1}
    assert heard.sent.keys() <= traffic.left | traffic.bought
