"""Traces in order of time, whatever order their lines come in, and no more of them in memory than agreed."""

from __future__ import annotations

import json
import os
import random
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from holdfast.core.plans.plans import Plans
from holdfast_cli.main import app
from holdfast_cli.reading import Reader, numbered
from holdfast_cli.runs import Entry, Runs, in_order
from tests.unit.builders import a_plan

T0 = 1_760_000_000_000
MINUTE = 60_000
CAMPAIGN = """
id: cart
when: {did: added, did_not: charged, within: 30 minutes}
constant: {name: product, in: {added: product, charged: product}}
send: {values: {title: x}}
"""

PLANS = Plans([a_plan(did="added", constant=None)])


def entries(lines: list[bytes], most: int, folder: str) -> Iterator[Entry]:
    reader = Reader(PLANS, Runs(Path(folder) / "run", 1, most), 1)
    found = reader.read(numbered(lines), lambda _: None)
    return (entry for _, _, some in in_order(found.runs) for entry in some)


def ordered(lines: list[bytes], most: int = 1000) -> list[bytes]:
    """The lines as a simulation takes them, but for those that are rejected at once."""
    with tempfile.TemporaryDirectory() as folder:
        return [lines[entry.number] for entry in entries(lines, most, folder)]


def flat(at: int, number: int = 0) -> bytes:
    return json.dumps({"user": "u", "event": "added", "ts": at, "n": number}).encode()


def iso(at: int, number: int = 0) -> bytes:
    return json.dumps({"user": "u", "event": "added", "ts": f"2026-01-01T00:{at:02}:00Z", "p": {"n": number}}).encode()


@given(st.lists(st.integers(0, 5)), st.integers(1, 1000))
def test_lines_are_sorted_by_time_and_those_of_one_time_stay_as_they_were(times: list[int], most: int) -> None:
    lines = [flat(T0 + at, number) for number, at in enumerate(times)]
    assert ordered(lines, most) == sorted(lines, key=lambda line: json.loads(line)["ts"])


@given(st.permutations([iso(1), iso(2), iso(3), iso(4)]))
def test_times_of_any_form_are_read(lines: list[bytes]) -> None:
    assert ordered(lines) == [iso(1), iso(2), iso(3), iso(4)]


def test_what_says_no_time_stays_behind_what_it_was_behind() -> None:
    unclear, timeless = b'{"user": "u", "event": "charged", "ts": 5}', b'{"user": "u", "event": "added"}'
    lines = [flat(T0 + 2), unclear, flat(T0 + 1), timeless]
    assert ordered(lines) == [flat(T0 + 1), timeless, flat(T0 + 2), unclear]


def test_a_property_of_the_name_ts_is_no_time() -> None:
    nested = b'{"user": "u", "event": "added", "p": {"ts": 1000000000000}}'
    assert ordered([flat(T0), nested, flat(T0 + 1)]) == [flat(T0), nested, flat(T0 + 1)]


def test_what_is_in_order_makes_one_run_however_much_it_is(tmp_path: Path) -> None:
    reader = Reader(PLANS, Runs(tmp_path / "run", 1, most=1), 1)
    found = reader.read(numbered(flat(T0 + at) for at in range(100)), lambda _: None)
    assert [run.entries for run in found.runs] == [100]


@pytest.mark.slow
def test_lines_that_are_not_in_order_are_not_held_in_memory(tmp_path: Path) -> None:
    times = random.Random(1).sample(range(30_000), 30_000)
    lines = [flat(T0 + at) for at in times]
    tracemalloc.start()
    last = 0
    for entry in entries(lines, 500_000, str(tmp_path)):
        assert entry.at > last
        last = entry.at
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < sum(map(len, lines))


def simulated(tmp_path: Path, *records: dict[str, Any], arguments: tuple[str, ...] = (), stdin: bool = False) -> Any:
    (tmp_path / "c.yaml").write_text(CAMPAIGN)
    text = "".join(json.dumps(record) + "\n" for record in records)
    (tmp_path / "e.jsonl").write_text(text)
    events = "-" if stdin else str(tmp_path / "e.jsonl")
    command = ["simulate", "-c", str(tmp_path / "c.yaml"), "-e", events, "--json", *arguments]
    return CliRunner().invoke(app, command, input=text if stdin else None)


def sends(result: Any) -> list[tuple[str, int]]:
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    return [(row["user"], row["decided_at"]) for row in rows if row["decision"] == "send"]


def an(event: str, user: str, minutes: int) -> dict[str, Any]:
    return {"user": user, "event": event, "product": "coat", "ts": T0 + minutes * MINUTE}


def test_an_export_that_is_not_in_order_is_simulated_as_it_happened(tmp_path: Path) -> None:
    records = [an("added", "late", 600), an("charged", "buyer", 5), an("added", "buyer", 0), an("added", "early", 10)]
    expected = [("early", T0 + 40 * MINUTE), ("late", T0 + 630 * MINUTE)]
    assert sends(simulated(tmp_path, *records)) == expected
    assert sends(simulated(tmp_path, *records, stdin=True)) == expected


def test_as_arrived_takes_the_order_of_the_file(tmp_path: Path) -> None:
    """An event that comes after ten hours is history."""
    records = [an("added", "late", 600), an("added", "early", 10)]
    assert sends(simulated(tmp_path, *records, arguments=("--as-arrived",))) == [("late", T0 + 630 * MINUTE)]


def test_a_clock_in_the_future_is_rejected_and_moves_nobody_s_time(tmp_path: Path) -> None:
    future = {"user": "f", "event": "added", "product": "coat", "ts": 4_000_000_000_000}
    result = simulated(tmp_path, an("added", "one", 0), future, an("added", "two", 1))
    assert sends(result) == [("one", T0 + 30 * MINUTE), ("two", T0 + 31 * MINUTE)]
    assert "1 records rejected: 1 times the time is in the future" in result.stderr


def test_every_reason_and_every_event_that_never_came_is_named(tmp_path: Path) -> None:
    bad: list[dict[str, Any]] = [{"user": "u"}, {"event": "added"}, {"user": "u", "event": "added", "ts": 5}, {"d": 1}]
    result = simulated(tmp_path, *bad, {"user": "u", "event": "Added", "ts": T0})
    for reason in ("no event name", "no user", "ts must be", "a record of no known form", "product is missing"):
        assert reason in result.stderr
    assert "'charged' never occurs in the file" in result.stderr
    assert "'added' never" not in result.stderr


def test_there_may_be_more_runs_than_files_may_be_open(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="POSIX")
    lines = [flat(T0 - at) for at in range(150)]
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = entries(lines, 1, str(tmp_path))
    with open(os.devnull) as file:  # noqa: PTH123
        free = file.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 50, limits[1]))
    try:
        assert [entry.at for entry in found] == sorted(T0 - at for at in range(150))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
