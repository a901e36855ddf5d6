"""The page of a simulation: what it counts, and that it is one file that says what came of hostile names."""

from __future__ import annotations

import json
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from holdfast.core.events import Event
from holdfast.core.explain.replay import Decided, Simulation
from holdfast.core.plans.plans import Plans
from holdfast_cli.main import app
from tests.unit.builders import ADDED, CHARGED, MINUTE, NOON, events
from tests.unit.test_simulation import PLANS, VIEWED

CAMPAIGN = """
id: cart
when: {did: added, did_not: charged, within: 30 minutes}
constant: {name: product, in: {added: product, charged: product}}
send: {values: {title: "{{ Event.price }} for your {{ ConstantEventProperty }}"}}
"""


def test_the_page_says_what_was_sent_skipped_ended_rejected_ignored_and_never_seen(tmp_path: Path) -> None:
    (tmp_path / "cart.yaml").write_text(CAMPAIGN)
    (tmp_path / "other.yaml").write_text(CAMPAIGN.replace("cart", "other").replace("charged", "paid"))
    day = 24 * 60 * MINUTE
    lines: list[object] = [
        {"user": f"u{n}", "event": "added", "product": "p", "ts": NOON + n * day, "price": 5} for n in range(3)
    ]
    lines += [
        {"user": "u0", "event": "charged", "product": "p", "ts": NOON + 4 * MINUTE},
        {"user": "u1", "event": "added", "product": "q", "ts": NOON + day},
        {"user": "u1", "event": "added", "ts": NOON},
        {"type": "page", "userId": "u1"},
    ]
    (tmp_path / "profiles.jsonl").write_text('{"user": "u1", "profile": {"name": "Ann"}}')
    file = tmp_path / "events of <b>today.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    page = tmp_path / "page.html"
    files = [f"--campaign={tmp_path / name}" for name in ("cart.yaml", "other.yaml")]
    given_ = [
        "simulate",
        *files,
        "--events",
        str(file),
        "--profiles",
        str(tmp_path / "profiles.jsonl"),
        "--html",
        str(page),
        "--json",
    ]
    result = CliRunner().invoke(app, given_)
    assert result.exit_code == 0, result.output
    text = page.read_text("utf-8")
    told = " ".join(re.sub(r"<style>.*</style>|<title>[^<]*</title>|<[^>]+>", " ", text, flags=re.DOTALL).split())
    rows = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    kinds = [row["decision"] for row in rows]
    assert f"{kinds.count('send')} sent {kinds.count('withhold')} skipped" in told
    assert "cart 2 1 other 3 1" in told
    assert "cart missing: Event.price 1" in told
    assert "cart 1 ≤ 1 minute ≤ 5 minutes" in told
    assert "constant property product: product is missing in added" in told
    assert "page call 1" in told
    assert "Events that never occurred event a name like it that did paid" in told
    assert "events of &lt;b&gt;today.jsonl" in text
    assert not re.findall(r"https?:|<script|<link|<img|@import|url\(", text)


def test_with_nothing_decided_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "cart.yaml").write_text(CAMPAIGN)
    (tmp_path / "none.jsonl").write_text("")
    page = tmp_path / "page.html"
    given_ = [f"--campaign={tmp_path / 'cart.yaml'}", f"--events={tmp_path / 'none.jsonl'}", f"--html={page}"]
    assert CliRunner().invoke(app, ["simulate", *given_]).exit_code == 0
    assert "Nothing was decided." in page.read_text("utf-8")


@given(st.lists(events((ADDED, VIEWED, CHARGED)), max_size=8))
def test_who_looks_for_what_is_ended_changes_no_decision(trace: list[Event]) -> None:
    found: list[list[Decided]] = []
    for ended in (None, lambda _campaign, _after: None):
        simulation = Simulation(Plans(PLANS), Decided, ended=ended)
        for event in trace:
            simulation.event(event)
        found.append(simulation.until())
    assert found[0] == found[1]
