"""The report of a campaign's effect, held against a known truth: a small `python -m bench.uplift`."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from bench import uplift
from bench.uplift import HELD, MAX_AGE, RIPE, SENT, START, WITHIN, Seen, World, broken, live, looked_at, worlds
from holdfast.core.measure.report import HOUR_MS, over
from holdfast.core.measure.uplift import Group
from tools import power

FINE = Seen(missed=False, right=False, wrong=False, plain=False, agrees=True)


def small(effect: float, count: int) -> list[World]:
    """Those with less traffic, which take less time."""
    return [each for each in worlds(effect, count) if each.persons < max(uplift.TRAFFIC)]


@pytest.mark.slow
def test_campaigns_without_an_effect_are_not_declared_to_have_one_though_a_plain_dashboard_would() -> None:
    seen = [looked_at(each) for each in small(0.0, 36)]
    assert not broken(0.0, seen)
    assert sum(each.plain for each in seen) > 0.2 * len(seen)


@pytest.mark.slow
@pytest.mark.parametrize("effect", [0.01, 0.05, 0.2])
def test_the_interval_holds_a_planted_effect_at_every_hour(effect: float) -> None:
    seen = [looked_at(each) for each in small(effect, 18)]
    assert not broken(effect, seen)
    assert effect < 0.2 or sum(each.right for each in seen) > len(seen) / 2


def test_users_are_compared_in_the_first_hour_in_which_the_report_would() -> None:
    end = START + HOUR_MS
    assert [over(end, WITHIN * HOUR_MS, MAX_AGE * HOUR_MS, end + hours * HOUR_MS) for hours in (RIPE - 1, RIPE)] == [
        False,
        True,
    ]


def test_late_purchases_retractions_and_persons_with_two_ids_are_among_them() -> None:
    """Nothing follows what is ripe; before, it goes up and down; and there are more ids than persons."""
    world = World(persons=16, held=0.5, rate=0.3, effect=0.0, seed="1")
    counts = [[*map(tuple, counters.converted[:24])] for counters in live(world)]
    ripe = 24 + RIPE - 1
    assert len({str(each) for each in counts[ripe:]}) == 1
    assert any(counts[hour + WITHIN][hour] != counts[ripe][hour] for hour in range(24)), "nothing came late"
    day = [sum(map(sum, each)) for each in counts]
    assert any(after < before for before, after in pairwise(day))
    *_, counters = live(world)
    assert sum(map(sum, counters.users[24:48])) > 24 * world.persons


def test_the_table_of_power_in_the_docs_is_the_one_that_is_computed() -> None:
    assert power.table() in (Path(__file__).parents[2] / "docs" / "measure.md").read_text(encoding="utf-8")


def test_the_same_campaign_goes_the_same_way_every_time() -> None:
    (world,) = worlds(0.05, 1)
    assert looked_at(world) == looked_at(world)
    assert {arm.group for arm in (SENT, HELD)} == {"", "control"}


def test_each_broken_bound_is_named() -> None:
    assert broken(0.0, [FINE] * 95 + [FINE._replace(missed=True, wrong=True)] * 5) == []
    assert len(broken(0.0, [FINE] * 94 + [FINE._replace(missed=True, wrong=True)] * 6)) == 2
    assert broken(0.1, [FINE, FINE._replace(agrees=False)]) == ["10 points: the report counts or says something else"]


def test_an_interval_for_one_day_is_found_to_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof would be worth little otherwise."""

    def once(treated: Group, control: Group, supposed: float) -> bool:
        if not (treated.users and control.users):
            return True
        one, other = (each.converted / each.users for each in (treated, control))
        error = sum(p * (1 - p) / g.users for p, g in ((one, treated), (other, control))) ** 0.5
        return bool(abs(one - other - supposed) <= 1.96 * error)

    monkeypatch.setattr(uplift, "covers", once)
    assert broken(0.05, [looked_at(each) for each in worlds(0.05, 6)])


def test_the_command_fails_where_a_bound_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Typer()
    app.command()(uplift.main)
    monkeypatch.setattr(uplift, "tried", lambda _effect, campaigns: [FINE] * campaigns)
    done = CliRunner().invoke(app, ["--campaigns", "10", "--json"])
    assert done.exit_code == 0
    assert [json.loads(line)["campaigns"] for line in done.stdout.splitlines()] == [10, 2, 2, 2, 2, 2]
    monkeypatch.setattr(uplift, "tried", lambda _effect, campaigns: [FINE._replace(missed=True)] * campaigns)
    assert CliRunner().invoke(app, ["--campaigns", "10"]).exit_code == 1
