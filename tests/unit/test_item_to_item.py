"""The one SQL text: what it finds together, what it takes for chance, and that DuckDB and Athena both read it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import replace
from math import log, sqrt
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from holdfast.core.recommend.history import Row
from holdfast.core.recommend.item_to_item import KEPT, KEPT_POPULAR, PER_USER, first_day, grouped, query
from holdfast.core.recommend.ranking import POPULAR, Neighbour, Recommender
from holdfast.services.build_engines import Duck

NOW = 1_790_000_000_000
DAY = 24 * 60 * 60_000
PATH = "Items[].prod_id"
ALSO = Recommender(id="also-bought", catalog="products", did={"charged": PATH})


def bought(
    *items: str, by: Iterable[object], at: int = NOW - DAY, event: str = "charged", path: str = PATH
) -> list[Row]:
    return [Row(str(who), event, path, item, at) for who in by for item in items]


def found(tmp_path: Path, rows: Iterable[Row], recommender: Recommender = ALSO) -> dict[str, list[Neighbour]]:
    file = tmp_path / "rows.json"
    file.write_text("".join(row.line() for row in rows))
    duck = Duck(tmp_path)
    duck.load(file)
    try:
        return dict(grouped(duck.find(recommender, NOW)))
    finally:
        duck.close()
        (tmp_path / "history.duckdb").unlink()


def popular(tmp_path: Path, rows: Iterable[Row], **changes: Any) -> set[str]:
    return {each.item for each in found(tmp_path, rows, replace(ALSO, **changes))[POPULAR]}


OTHERS = bought("lamp", by=range(100, 140)) + bought("rope", by=range(140, 180))


def test_what_many_did_together_belongs_together_both_ways(tmp_path: Path) -> None:
    rows = [*bought("tent", "mat", by=range(20)), *bought("tent", by=range(20, 25)), *OTHERS]
    beyond = 20 - sqrt(20) - 25 * 20 / 105
    result = found(tmp_path, rows)
    assert result.pop(POPULAR)[:2] == [
        Neighbour("lamp", round(40 / 105, 6), 40),
        Neighbour("rope", round(40 / 105, 6), 40),
    ]
    assert result == {
        "tent": [Neighbour("mat", round(beyond / 25, 6), 20)],
        "mat": [Neighbour("tent", round(beyond / 20, 6), 20)],
    }


def test_what_goes_with_it_best_comes_first(tmp_path: Path) -> None:
    rows = [*bought("tent", "mat", by=range(20)), *bought("tent", "stove", by=range(20, 30)), *OTHERS]
    assert [each.item for each in found(tmp_path, rows)["tent"]] == ["mat", "stove"]


def test_what_comes_twice_and_what_one_user_does_daily_counts_once(tmp_path: Path) -> None:
    rows = [*bought("tent", "mat", by=range(20)), *OTHERS]
    daily = [row for day in range(1, 30) for row in bought("tent", "mat", by=[0], at=NOW - day * DAY)]
    assert found(tmp_path, rows + rows + daily) == found(tmp_path, rows)


def test_what_is_popular_with_all_belongs_to_nothing(tmp_path: Path) -> None:
    chance = random.Random(1)
    rows = [row for who in range(500) for row in bought("bag", f"thing-{chance.randrange(10)}", by=[who])]
    assert set(found(tmp_path, rows)) == {POPULAR}


@pytest.mark.slow
def test_of_chance_hardly_anything_is_left(tmp_path: Path) -> None:
    chance = random.Random(2)
    rows = [row for who in range(5000) for _ in range(4) for row in bought(f"i{chance.randrange(300)}", by=[who])]
    assert sum(len(neighbours) for item, neighbours in found(tmp_path, rows).items() if item != POPULAR) <= 2


def test_a_pair_counts_above_the_ratio_that_chance_reaches(tmp_path: Path) -> None:
    """By hand: two of thirty did it to both, and both did nothing else; there is one pair of items that two did."""
    rows = [*bought("tent", "mat", by=range(2)), *(row for who in range(2, 30) for row in bought(f"i{who}", by=[who]))]
    ratio = 2 * (2 * log(30 / 2) + 28 * log(30 / 28))
    assert ratio > 2 * log(2)
    assert set(found(tmp_path, rows)) == {POPULAR, "tent", "mat"}
    assert set(found(tmp_path, rows, replace(ALSO, min_support=3))) == {POPULAR}


def test_where_what_is_popular_stands_beside_them_pairs_are_weighed_and_not_cut(tmp_path: Path) -> None:
    rows = [*bought("tent", "mat", by=range(2)), *bought("tent", by=[2]), *bought("mat", by=range(3, 5))]
    rows += [row for who in range(5, 40) for row in bought("lamp", f"i{who // 2}", by=[who])]
    assert set(found(tmp_path, rows)) == {POPULAR}
    weighed = found(tmp_path, rows, replace(ALSO, popular=True))
    assert weighed["tent"] == [Neighbour("mat", round((2 - sqrt(2) - 3 * 4 / 40) / 3, 6), 2)]
    assert weighed["tent"][0].score < weighed[POPULAR][0].score


def test_only_the_lookback_counts(tmp_path: Path) -> None:
    rows = [
        *bought("tent", "mat", by=range(20), at=NOW - 31 * DAY),
        *bought("lamp", by=range(20, 40)),
        *bought("x", by=[1], at=NOW),
    ]
    assert set(found(tmp_path, rows, replace(ALSO, lookback=30 * DAY))) == {POPULAR}
    assert [each.item for each in found(tmp_path, rows, replace(ALSO, lookback=30 * DAY))[POPULAR]] == ["lamp"]
    assert "tent" in found(tmp_path, rows)


def test_only_the_events_that_it_names_count_from_where_they_bear_the_item(tmp_path: Path) -> None:
    quoted = "items[?kind=='a'].id"
    other = [*bought("tent", "mat", by=range(20), event="viewed"), *bought("a", "b", by=range(20), path=quoted)]
    rows = [*other, *bought("lamp", by=range(20, 40))]
    assert set(found(tmp_path, rows)) == {POPULAR}
    assert popular(tmp_path, rows, did={"viewed": PATH}) == {"tent", "mat"}
    assert popular(tmp_path, rows, did={"charged": quoted}) == {"a", "b"}
    assert popular(tmp_path, rows, did={"charged": quoted, "viewed": PATH}) == {"tent", "mat", "a", "b"}


@pytest.mark.slow
def test_of_one_who_did_it_to_thousands_the_newest_count(tmp_path: Path) -> None:
    robot = [row for n in range(3000) for row in bought(f"i{n:04}", by=["robot"], at=NOW - 1 - n)]
    assert [each.item for each in found(tmp_path, robot)[POPULAR]] == [f"i{n:04}" for n in range(KEPT_POPULAR)]
    counted = robot + [row for n in range(3000) for row in bought(f"i{n:04}", by=["second"], at=NOW - 1 - n)]
    counted += bought("lamp", by=range(10_000))
    items = set(found(tmp_path, counted)) - {POPULAR}
    assert items == {f"i{n:04}" for n in range(PER_USER)}
    assert {len(each) for item, each in found(tmp_path, counted).items() if item} == {KEPT}


def test_of_nothing_follows_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, []) == {}


def test_items_may_have_any_name(tmp_path: Path) -> None:
    odd = ["it's", 'a "b", c', "Grüße\n", "2026-11-24", "007", "null", "#"]
    result = found(tmp_path, [*bought(*odd, by=range(20)), *OTHERS])
    assert {each.item for each in result["it's"]} == set(odd) - {"it's"}


def test_the_partitions_read_begin_a_day_before_the_lookback() -> None:
    # What happened at the very beginning of a day may, by two minutes of a fast clock, have come the day before.
    at = 1_763_942_400_000  # 2025-11-24T00:00Z
    recommender = replace(ALSO, lookback=DAY)
    assert first_day(recommender, at) == "2025-11-22"
    assert "day >= '2025-11-22'" in query(recommender, at)
    assert "day >=" not in query(recommender, at, partitioned=False)


@pytest.mark.parametrize("dialect", ["athena", "trino", "duckdb"])
def test_both_dialects_know_every_word_of_the_text(dialect: str) -> None:
    tree = sqlglot.parse_one(query(ALSO, NOW), read=dialect)
    assert not [*tree.find_all(exp.Command), *tree.find_all(exp.Anonymous)]


def test_read_as_athenas_and_written_as_duckdbs_it_finds_the_same(tmp_path: Path) -> None:
    """Were there in it what the dialects have in different ways (division, order), it would come to other rows."""
    rows = [*bought("tent", "mat", by=range(20)), *bought("tent", "stove", by=range(20, 30)), *OTHERS]
    file = tmp_path / "rows.json"
    file.write_text("".join(row.line() for row in rows))
    text = query(replace(ALSO, did={**ALSO.did, "viewed": "items[?a=='b'].id"}), NOW, partitioned=False)
    duck = Duck(tmp_path)
    duck.load(file)
    found = list(duck.run(text))
    assert len(found) == 9
    assert list(duck.run(sqlglot.transpile(text, read="athena", write="duckdb")[0])) == found
    duck.close()


def test_history_holds_no_name_of_a_user() -> None:
    row = Row("0" * 16, "charged", PATH, "tent", NOW)
    assert json.loads(row.line()) == {
        "who": "0" * 16, "event": "charged", "path": PATH, "item": "tent", "at_ms": NOW,
    }  # fmt: skip
