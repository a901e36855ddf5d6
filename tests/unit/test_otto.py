"""Real shopping events (OTTO, CC-BY 4.0, not part of the project) through `simulate`, against an independent SQL
query: added and not charged for the same product within the window.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from holdfast_cli.main import app
from tests.otto import OTTO, needs_otto, simulate

pytestmark = needs_otto

COUNTS = {60: 49, 3_600: 45, 86_400: 43}
CAMPAIGN = """
id: otto
when: {did: added_to_cart, did_not: charged, within: %d seconds, grace: 0 seconds}
constant: {name: product, in: {added_to_cart: product, charged: product}}
send: {values: {title: "{{ ConstantEventProperty }}"}}
"""


@pytest.mark.parametrize(("seconds", "sends"), COUNTS.items())
@pytest.mark.parametrize("twice", [False, True], ids=["as it is", "every third line twice"])
def test_the_command_finds_as_many_abandoned_products_as_sql(
    seconds: int, sends: int, twice: bool, tmp_path: Path
) -> None:
    campaign, events = tmp_path / "otto.yaml", OTTO.path
    campaign.write_text(CAMPAIGN % seconds)
    if twice:
        events = tmp_path / "twice.jsonl"
        lines = OTTO.lines()
        events.write_text("\n".join("\n".join([line] * (2 if n % 3 == 0 else 1)) for n, line in enumerate(lines)))
    result = CliRunner().invoke(app, ["simulate", "--campaign", str(campaign), "--events", str(events), "--json"])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [row["decision"] for row in rows] == ["send"] * sends
    assert [row["decided_at"] for row in rows] == sorted(row["decided_at"] for row in rows)
    assert all(row["decided_at"] == row["trigger_at"] + seconds * 1000 for row in rows)
    assert len({row["id"] for row in rows}) == sends


SHUFFLED = {
    # In order, the send comes first and the charge 129 s (196 s) after the add. Shuffled within ten minutes, the add
    # may come so late that the charge is known before the watch falls due. What is known counts: no message.
    (60, "0", "461689", 1659369898050): "the charge was known before the watch fell due",
    (60, "0", "1199474", 1661552744284): "the charge was known before the watch fell due",
    # Added again seconds later, which in order restarts the watch: one message, for the second add. Shuffled, the
    # second may come when the message for the first is out already: one message each.
    (60, "0", "543308", 1661552090532): "the second add was not known yet when the watch fell due",
}


@pytest.mark.parametrize("seconds", COUNTS)
def test_shuffled_within_ten_minutes_only_what_was_known_when_makes_a_difference(seconds: int) -> None:
    lines = OTTO.lines()
    in_order = Counter(decision[1:] for decision in simulate(lines, seconds) if decision[0] == "send")
    differences: set[tuple[int, str, str, int]] = set()
    for seed in range(40):
        shuffle = random.Random(seed)
        late = sorted((json.loads(line)["ts"] + shuffle.uniform(0, 600_000), line) for line in lines)
        decided = simulate((line for _, line in late), seconds)
        sent = Counter(decision[1:] for decision in decided if decision[0] == "send")
        sent.subtract(decision[1:] for decision in decided if decision[0] == "retract")
        changed = {key for key in sent | in_order if sent[key] != in_order[key]}
        for user, product, at in changed:
            explanation = _what_was_known(late, seconds, (user, product, at), more=sent[user, product, at] > 0)
            assert explanation == SHUFFLED.get((seconds, user, product, at)), (seed, user, product, at)
            differences.add((seconds, user, product, at))
    assert differences == {case for case in SHUFFLED if case[0] == seconds}


def _what_was_known(
    late: list[tuple[float, str]], seconds: int, occurrence: tuple[str, str, int], *, more: bool
) -> str | None:
    """Why there is a message more, or less, than in order: by the time of the trace at which each event came in."""
    user, product, at = occurrence
    now = 0
    arrived: dict[tuple[str, int], int] = {}
    for _, line in late:
        event = json.loads(line)
        now = max(now, event["ts"])
        if (event["user"], event["product"]) == (user, product):
            arrived.setdefault((event["event"], event["ts"]), now)
    due = max(at + seconds * 1000, arrived["added_to_cart", at] + min(seconds, 60) * 1000)
    for (name, happened), known in arrived.items():
        if not more and name == "charged" and happened > at + seconds * 1000 and known < due:
            return "the charge was known before the watch fell due"
        if more and name == "added_to_cart" and at < happened <= at + seconds * 1000 and known >= due:
            return "the second add was not known yet when the watch fell due"
    return None
