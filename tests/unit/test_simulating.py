"""`simulate` prints the same whatever the number of processes, and says so when one of them fails."""

from __future__ import annotations

import errno
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from holdfast.core.explain import replay
from holdfast.core.gate.policy import Cap, Policy
from holdfast_cli import simulating, team
from holdfast_cli.folding import Setup
from holdfast_cli.main import app
from holdfast_cli.output import Failure
from holdfast_cli.page import ranked
from holdfast_cli.runs import moved, part_of
from holdfast_cli.simulating import Reading, Simulated
from tests.unit import simulated_alone
from tests.unit.builders import ADDED, CHARGED, HOUR, MINUTE, NOON, a_plan
from tests.unit.failing import Failing
from tests.unit.simulated_alone import JOBS, WAYS, Alone, printed, trace

VIEWED = "viewed"
PATHS = {ADDED: "name", VIEWED: "name", CHARGED: "bought"}
PLANS = [
    a_plan("one", within=3 * MINUTE, constant=PATHS, max_age=4 * MINUTE, settle=MINUTE),
    a_plan("sum", within=4 * MINUTE, summary=True, constant=PATHS, settle=MINUTE),
    a_plan("at once", did=VIEWED, did_not=[], within=0, constant=PATHS, settle=0),
]
POLICY = Policy(per_user=(Cap(2, HOUR),), control=0.1)
USERS = ("ann", "bob", "cid", "dora", "eve", "anon-7", "anon-8")
BASKETS: Sequence[Any] = (["coat"], ["hat"], ["coat", "hat"], None, 5.5)
LATEST = NOON + HOUR


MORE: Sequence[dict[str, Any]] = (
    *({"event": ADDED, "name": name} for name in ("coat", "hat", "coat", "hat")),
    *({"event": VIEWED, "name": name, "ts": at} for name in ("coat", "hat") for at in (None, LATEST + HOUR)),
    *({"event": CHARGED, "bought": basket} for basket in BASKETS),
    *({"event": "page", "n": n} for n in (1, "x", [2], 1 << 70)),
    *({"alias": user} for user in USERS),
    {"profile": {"first_name": "Ann", "n": {"$incr": 1}}},
    {"user": "", "event": ADDED},
    {"user": "null", "event": CHARGED, "bought": "coat"},
    {"type": "page", "userId": "u", "messageId": "m", "user": None},
    {"event": CHARGED, "bought": "coat", "id": "x" * 300},
    {"event": VIEWED, "name": "coat"},
)
"""The rest of a record, besides its user and time."""


@st.composite
def records(draw: st.DrawFn, number: int) -> Any:
    at = NOON + draw(st.integers(0, 12)) * MINUTE
    record = {"user": draw(st.sampled_from(USERS)), "ts": at, **draw(st.sampled_from(MORE))}
    record |= {"id": f"e{number}"} if draw(st.booleans()) and "id" not in record else {}
    return {name: value for name, value in record.items() if value is not None}


@st.composite
def bodies(draw: st.DrawFn) -> list[str]:
    found: list[str] = []
    for number in range(draw(st.integers(1, 14))):
        several = draw(st.integers(0, 4)) == 0
        body = [draw(records(number)) for _ in range(draw(st.integers(0, 3)))] if several else draw(records(number))
        found.append(json.dumps(body))
    return [*found, *draw(st.lists(st.sampled_from([*found, "", "not json"]), max_size=3))]


def outcome(text: str, known: Sequence[bytes], parts: int, chunks: int, *, as_arrived: bool) -> Any:
    with (
        tempfile.TemporaryDirectory() as folder,
        patch("holdfast_cli.folding.STEP", 3),
        patch("holdfast_cli.folding.ROWS", 2),
        patch("holdfast_cli.reading.BLOCK", 160),
        patch("holdfast_cli.runs.BLOCK", 160),
        patch("holdfast_cli.runs.FIRST_RUN", 700),
        patch("holdfast_cli.simulating.CHUNKS", chunks),
    ):
        events = Path(folder) / "events.jsonl"
        events.write_text(text)
        run = Simulated(Setup(PLANS, [], POLICY, page=True), Reading(latest=LATEST, as_arrived=as_arrived), 1, parts)
        rows = [row for some in run.rows(known, events) for row in some]
    numbers = run.counts.numbers
    counted = ranked(run.rejected), ranked(run.found.ignored), run.counts.decisions, run.records, [*run.never()]
    return rows, counted, numbers.by_day, numbers.by_campaign, numbers.reasons, numbers.exits


@given(bodies(), st.lists(records(99), max_size=2), st.booleans())
def test_what_comes_out_is_the_same_in_whatever_pieces_it_is_read_and_folded(
    lines: list[str], known: list[Any], as_arrived: bool
) -> None:
    text = "\n".join(lines) + "\n"
    before = [json.dumps(each).encode() for each in known]
    whole = outcome(text, before, 1, 1, as_arrived=as_arrived)
    for parts, chunks in ((2, 1), (3, 5)):
        assert outcome(text, before, parts, chunks, as_arrived=as_arrived) == whole


@given(st.lists(records(0).filter(lambda record: "ts" in record), max_size=9), st.integers(0, 9), st.booleans())
def test_records_on_one_line_are_decided_as_on_lines_of_their_own(
    given: list[Any], first: int, as_arrived: bool
) -> None:
    """A CleverTap upload or a line of Firehose may hold a whole day, in any order."""
    apart = "".join(json.dumps(each) + "\n" for each in given)
    together = "".join(json.dumps(each) + "\n" for each in (given[:first], given[first:]) if each)
    expected = outcome(apart, [], 1, 1, as_arrived=as_arrived)
    for parts, chunks in ((1, 1), (3, 2)):
        assert outcome(together, [], parts, chunks, as_arrived=as_arrived) == expected


def test_of_users_who_are_folded_nobody_is_held_until_garbage_is_collected() -> None:
    text = "".join(json.dumps({"user": user, "event": ADDED, "name": "coat", "ts": NOON}) + "\n" for user in USERS)
    gc.collect()
    gc.disable()
    try:
        _, counted, *_ = outcome(text, [], 3, 1, as_arrived=False)
        users = [each for each in gc.get_objects() if isinstance(each, replay._User)]
    finally:
        gc.enable()
    assert counted[2]
    assert not [user for user in users if user is not replay.NOBODY]


UNTIMED = [
    {"user": "ann", "profile": {"first_name": "Ann"}},
    *({"user": user, "event": ADDED, "name": name} for name in ("coat", "hat") for user in USERS),
    {"user": "bob", "event": CHARGED, "bought": ["coat"]},
]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("timed", [None, 0, 5, len(UNTIMED)])
def test_records_without_a_time_happen_at_that_of_the_line_before_in_whatever_pieces(
    first: int, timed: int | None
) -> None:
    """And at the beginning, where no line says one, at the beginning of time: each is decided."""
    records = UNTIMED[first:]
    if timed is not None:
        records = [*records[:timed], {"user": "zed", "event": "page", "ts": NOON}, *records[timed:]]
    text = "".join(json.dumps(each) + "\n" for each in records)
    whole = outcome(text, [], 1, 1, as_arrived=False)
    decided = whole[1][2]
    assert decided["send"] + decided["withheld"] >= len(USERS)
    for parts, chunks in ((2, 1), (3, 5), (32, 2)):
        assert outcome(text, [], parts, chunks, as_arrived=False) == whole


def test_ids_that_are_tied_belong_to_one_part() -> None:
    ties = [("a", "b"), ("c", "d"), ("b", "c"), ("x", "y")]
    elsewhere = moved(ties, 7)
    parts = {id_: elsewhere.get(id_, part_of(id_, 7)) for id_ in "abcdxy"}
    assert len({parts[id_] for id_ in "abcd"}) == 1
    assert parts["x"] == parts["y"]
    assert not moved([], 7)


# --- Processes. ---


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Alone:
    return simulated_alone.alone(tmp_path_factory.mktemp("alone"))


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_one_process_and_several_print_the_same(alone: Alone, way: str) -> None:
    assert alone.started == ("fork" if sys.platform == "linux" else "spawn")
    one, *several = alone.by[way]
    assert "records rejected" in one.err
    assert one.out.count("\n") > 20
    assert len(several) == len(JOBS) - 1
    for more in several:
        assert more == one


@pytest.mark.slow
def test_processes_that_are_begun_anew_instead_of_forked_print_the_same(tmp_path: Path) -> None:
    arguments = [*trace(tmp_path), "--json"]
    alone = printed(arguments, tmp_path, "--jobs", "1")
    with patch.object(team, "_start_method", lambda: "spawn"):
        assert printed(arguments, tmp_path, "--jobs", "2") == alone


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("raise", "A worker process failed: ValueError: oh"),
        ("refuse", "the file is no good"),
        ("die", "ended by signal 9: there may not be enough memory"),
    ],
)
def test_a_worker_that_fails_fails_the_work_and_leaves_no_process(task: str, said: str) -> None:
    with team.team(Failing, None, 2) as workers:
        assert isinstance(workers, team.Processes)
        pids = {workers.each("do", ["well"], lambda _: None)[0] for _ in range(2)}
        with pytest.raises(Failure, match=said):
            workers.each("do", ["well", task, "well"], lambda _: None)
        processes = workers._processes
    assert all(not process.is_alive() for process in processes)
    assert pids <= {process.pid for process in processes}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, sent: signal.Signals) -> None:
    """A pipe in place of the events, of which the end never comes, so that it is under way when the signal comes."""
    arguments = trace(tmp_path)
    arguments[-1] = str(tmp_path / "pipe")
    os.mkfifo(arguments[-1])
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    run = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # where it is ignored
    run += "from holdfast_cli.main import main; main()"
    command = [sys.executable, "-c", run, "simulate", "--jobs", "2", "--json", *arguments]
    process = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(temporary)}, stderr=subprocess.PIPE)
    with open(arguments[-1], "wb") as file:  # noqa: PTH123  (is open once the other side reads)
        file.write(b"{}\n")
        file.flush()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 2
        assert [*temporary.iterdir()]
        process.send_signal(sent)
        _, said = process.communicate(timeout=60)
    assert process.returncode in {130, 128 + signal.SIGTERM}
    assert b"Traceback" not in said
    assert not [*temporary.iterdir()]
    assert not any(Path(f"/proc/{child}").exists() for child in children)


ENDLESS = """
from holdfast_cli import team
from tests.unit.failing import Endless
if {start!r}: team._start_method = lambda: {start!r}
with team.team(Endless, None, 3) as workers:
    workers.each("do", ["at work"] * 3, lambda _: None)
"""


@pytest.mark.parametrize("start", ["", "spawn"])
def test_workers_end_with_a_parent_that_is_killed_whatever_they_are_at(start: str) -> None:
    """All of them hold its standard output, which ends with the last."""
    command = [sys.executable, "-c", ENDLESS.format(start=start)]
    path = os.pathsep.join(filter(None, sys.path))
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(3)] == ["at work\n"] * 3
    process.kill()
    assert process.communicate(timeout=60)[0] == ""


def test_a_small_file_is_left_to_this_process(tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    file.write_text("{}\n")
    with patch.object(simulating, "cores", lambda: 8):
        assert simulating.jobs_for(file, None) == 1
        assert simulating.jobs_for(file, 3) == 3
        assert simulating.jobs_for(Path("-"), None) == 8
        with patch.object(simulating, "SMALL", 2):
            assert simulating.jobs_for(file, None) == 8
    assert simulating.parts_for(file) == 1
    assert simulating.parts_for(Path("-")) == simulating.PARTS


def test_a_disk_that_is_full_is_said_with_where_to_put_temporary_files(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with patch.object(simulating, "merged", side_effect=full):
        result = CliRunner().invoke(app, ["simulate", *trace(tmp_path), "--json"])
    assert isinstance(result.exception, Failure)
    assert "No space left on device" in str(result.exception)
    assert "TMPDIR" in str(result.exception)
