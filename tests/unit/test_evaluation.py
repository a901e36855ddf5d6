"""How good recommendations are: the trials, what counts as a hit, and that noise is told from what was planted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from holdfast.core.recommend.evaluation import Done, Trial, evaluate, trials
from holdfast.core.recommend.ranking import Neighbour
from holdfast_cli.main import app
from tests.histories import history
from tests.otto import OTTO, needs_otto

ROWS = {"tent": [Neighbour("mat", 0.9, 9), Neighbour("stove", 0.5, 5)]}
POPULAR = [Neighbour("tent", 0.5, 50), Neighbour("lamp", 0.4, 40)]


def test_a_trial_is_what_a_known_user_did_next() -> None:
    ann = [Done("ann", 1, "a"), Done("ann", 2, "b"), Done("ann", 3, "c"), Done("ann", 4, "d"), Done("ann", 9, "e")]
    assert list(trials(ann, 5)) == [Trial(("d", "c", "b"), frozenset("abcd"), frozenset("e"))]


def test_what_was_done_at_once_is_one_trial_and_what_was_done_before_is_not_wanted() -> None:
    ann = [Done("ann", 1, "a"), Done("ann", 9, "a"), Done("ann", 9, "b"), Done("ann", 9, "c"), Done("ann", 10, "b")]
    assert list(trials(ann, 5)) == [Trial(("a",), frozenset("a"), frozenset("bc"))]


def test_of_who_is_new_nothing_can_be_asked() -> None:
    assert list(trials([Done("ann", 9, "a"), Done("bob", 9, "b")], 5)) == []


def test_doing_it_again_makes_an_item_one_of_the_last() -> None:
    ann = [Done("ann", at, item) for at, item in enumerate("abcda")]
    assert [trial.seeds for trial in trials([*ann, Done("ann", 9, "e")], 5)] == [("a", "d", "c")]


def test_hits_and_coverage_are_counted_for_both_ways() -> None:
    asked = [Trial(("tent",), frozenset({"tent"}), frozenset({item})) for item in ("mat", "lamp", "rope", "tarp")]
    found = evaluate(asked, ROWS, POPULAR, items=10, fallback=True)
    assert (found.trials, found.known) == (4, 4)
    assert found.rates(found.recommended) == {
        "hit_rate_3": 0.5, "hit_rate_10": 0.5, "coverage_3": 0.3, "coverage_10": 0.3,
    }  # fmt: skip
    assert found.rates(found.popular) == {
        "hit_rate_3": 0.25, "hit_rate_10": 0.25, "coverage_3": 0.1, "coverage_10": 0.1,
    }  # fmt: skip


def test_without_a_fallback_what_is_popular_is_no_recommendation() -> None:
    asked = [Trial(("rope",), frozenset({"rope"}), frozenset({"lamp"}))]
    found = evaluate(asked, ROWS, POPULAR, items=10, fallback=False)
    assert (found.known, found.recommended.hits[3], found.popular.hits[3]) == (0, 0, 1)


def test_of_nothing_follows_nothing() -> None:
    found = evaluate([], {}, [], items=0, fallback=True)
    assert found.rates(found.recommended)["hit_rate_3"] == 0.0


# With the command, from generated events

FILE = "{id: also-bought, catalog: products, did: {charged: 'Items[].prod_id'}, fallback: popular}"


def command(tmp_path: Path, events: Path, *more: str, file: str = FILE) -> list[dict[str, Any]]:
    (tmp_path / "also-bought.yaml").write_text(file)
    arguments = ["recommend", "evaluate", str(tmp_path / "also-bought.yaml"), "--events", str(events), "--json", *more]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def generated(tmp_path: Path, **how: Any) -> Path:
    events = tmp_path / "events.jsonl"
    events.write_text("".join(json.dumps(event) + "\n" for event in history(**how)))
    return events


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_of_planted_pairs_it_finds_far_more_than_popularity(tmp_path: Path, seed: int) -> None:
    recommended, popular = command(tmp_path, generated(tmp_path, seed=seed))
    assert recommended["hit_rate_3"] > 3 * popular["hit_rate_3"]
    assert recommended["hit_rate_10"] > 1.8 * popular["hit_rate_10"]
    assert recommended["coverage_3"] > 10 * popular["coverage_3"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_of_noise_it_does_not_pretend_to_know_anything(tmp_path: Path, seed: int) -> None:
    recommended, popular = command(tmp_path, generated(tmp_path, seed=seed, pairs=0))
    assert recommended["known"] <= recommended["trials"] / 25  # a weak neighbour comes first where nothing popular does
    assert recommended["hit_rate_3"] == pytest.approx(popular["hit_rate_3"], abs=0.005)


@needs_otto
def test_on_real_sessions_it_runs_and_says_what_it_finds(tmp_path: Path) -> None:
    file = "{id: otto, catalog: products, did: {viewed: product, added_to_cart: product, charged: product}}"
    recommended, popular = command(tmp_path, OTTO.path, file=file)
    assert recommended["trials"] == popular["trials"] == 95
    assert recommended["known"] == 0  # twenty sessions: nothing that chance would not do
