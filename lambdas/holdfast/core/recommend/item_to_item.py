"""The query for items that go together, and for popular ones: one SQL text, which DuckDB and Athena take as it is.

Two items belong together by how many users did it to both (the support), never by how often: an event that came twice,
or a user who does it daily, changes nothing. The score of an item beside another says how many more of the other's
users did it to the item, too, than of all users, counted carefully:

    (support - sqrt(support) - users of one * users of the other / all users) / users of the other

It is between 0 and 1, as the share of users is by which an item is popular, and the two add up: so what goes with an
item only by few users' word comes behind what everybody likes. One standard deviation of the support (sqrt(support), if
users come as they like: Poisson) is taken off, by which few users say less than many. It is made of sums, products and
a root, so both engines come to the same digits.

Where nothing popular stands beside it (`fallback: none`), a pair counts only where its log-likelihood ratio (Dunning
1993) is above 2 ln n, about what the largest of n ratios is that are nothing but chance; n is the number of pairs that
there may be. Of noise, hardly a pair is left then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Final, NamedTuple

from holdfast.core.recommend.ranking import POPULAR, Neighbour, Recommender

KEPT: Final = 25
"""Items that go with one, at most: what the catalog's columns and the user's own items exclude is to leave enough."""
KEPT_POPULAR: Final = 50
PER_USER: Final = 100
"""Items of one user, the newest: one who did it to thousands (a robot, a reseller) would make millions of pairs."""

COLUMNS: Final = {"who": "varchar", "event": "varchar", "path": "varchar", "item": "varchar", "at_ms": "bigint"}
"""The columns of the history table, beside the partition `day`. Neither dialect reserves one of these words."""

_QUERY: Final = """\
WITH
done AS ( -- who did it to which item, once, and when last
    SELECT who, item, max(at_ms) AS latest
    FROM {table}
    WHERE {days}at_ms >= {since} AND at_ms < {until} AND ({sources})
    GROUP BY who, item
),
numbered AS (
    SELECT who, item, row_number() OVER (PARTITION BY who ORDER BY latest DESC, item) AS place
    FROM done
),
recent AS (
    SELECT who, item FROM numbered WHERE place <= {per_user}
),
popular AS (
    SELECT item, count(*) AS users FROM recent GROUP BY item
),
totals AS (
    SELECT CAST(count(DISTINCT who) AS double) AS everyone FROM recent
),
common AS ( -- no pair has more users than its items have
    SELECT item, users FROM popular WHERE users >= {min_support}
),
possible AS (
    SELECT greatest(2e0, count(*) * (count(*) - 1) / 2e0) AS pairs FROM common
),
together AS ( -- each pair once
    SELECT one.item AS item, two.item AS other, count(*) AS support
    FROM recent AS one
    JOIN common AS a ON a.item = one.item
    JOIN recent AS two ON two.who = one.who AND two.item > one.item
    JOIN common AS b ON b.item = two.item
    GROUP BY one.item, two.item
    HAVING count(*) >= {min_support}
),
counted AS (
    SELECT
        together.item, together.other, together.support,
        CAST(together.support AS double) AS in_both,
        CAST(a.users - together.support AS double) AS in_one,
        CAST(b.users - together.support AS double) AS in_other,
        everyone - a.users - b.users + together.support AS in_neither,
        CAST(a.users AS double) AS users,
        CAST(b.users AS double) AS users_of_other,
        everyone - a.users AS without_one,
        everyone - b.users AS without_other,
        everyone
    FROM together
    JOIN common AS a ON a.item = together.item
    JOIN common AS b ON b.item = together.other
    CROSS JOIN totals
),
weighed AS (
    SELECT
        item, other, support,
        users, users_of_other,
        in_both - sqrt(in_both) - users * users_of_other / everyone AS more,
        2e0 * (
            in_both * ln(in_both * everyone / (users * users_of_other))
            + CASE WHEN in_one > 0
                THEN in_one * ln(in_one * everyone / (users * without_other)) ELSE 0e0 END
            + CASE WHEN in_other > 0
                THEN in_other * ln(in_other * everyone / (users_of_other * without_one)) ELSE 0e0 END
            + CASE WHEN in_neither > 0
                THEN in_neither * ln(in_neither * everyone / (without_one * without_other)) ELSE 0e0 END
        ) AS ratio
    FROM counted
    WHERE in_both * everyone > users * users_of_other
),
certain AS (
    SELECT weighed.item, weighed.other, weighed.users, weighed.users_of_other, weighed.more, weighed.support
    FROM weighed
    CROSS JOIN possible
    WHERE weighed.more > 0{and_beyond_chance}
),
both_ways AS (
    SELECT item, other, more / users AS score, support FROM certain
    UNION ALL
    SELECT other AS item, item AS other, more / users_of_other AS score, support FROM certain
),
neighbours AS (
    SELECT
        item, other, score, support,
        row_number() OVER (PARTITION BY item ORDER BY score DESC, support DESC, other) AS place
    FROM both_ways
),
favourites AS (
    SELECT
        '{popular}' AS item, item AS other, users / everyone AS score, users AS support,
        row_number() OVER (ORDER BY users DESC, item) AS place
    FROM popular
    CROSS JOIN totals
)
SELECT item, other, score, support, place FROM neighbours WHERE place <= {kept}
UNION ALL
SELECT item, other, score, support, place FROM favourites WHERE place <= {kept_popular}
ORDER BY item, place
"""


class Found(NamedTuple):
    """A row that the query finds: an item, another that goes with it, and how well."""

    item: str
    other: str
    score: float
    support: int


def grouped(rows: Iterable[Found]) -> Iterator[tuple[str, list[Neighbour]]]:
    """The items that go with each item, best first. Rows come in the order of the query."""
    for item, group in groupby(rows, key=lambda row: row.item):
        yield item, [Neighbour(other, round(score, 6), support) for _, other, score, support in group]


def query(recommender: Recommender, until: int, *, table: str = "history", partitioned: bool = True) -> str:
    """Rows (item, other, score, support, place) in order of item and place; what is popular is with item `POPULAR`.

    Counts what happened in the lookback before `until` (epoch milliseconds). A table that is not `partitioned` by day
    is read whole.
    """
    since = until - recommender.lookback
    return _QUERY.format(
        table=table,
        # By when it came, which is two minutes before it happened at the earliest.
        days=f"day >= '{first_day(recommender, until)}' AND " if partitioned else "",
        since=since,
        until=until,
        sources=sources(recommender),
        per_user=PER_USER,
        min_support=recommender.min_support,
        and_beyond_chance="" if recommender.popular else " AND weighed.ratio > 2e0 * ln(possible.pairs)",
        popular=POPULAR,
        kept=KEPT,
        kept_popular=KEPT_POPULAR,
    )


def first_day(recommender: Recommender, until: int) -> str:
    """The first partition that the query reads: `2026-11-24`."""
    return str(_day(until - recommender.lookback) - timedelta(days=1))


def sources(recommender: Recommender) -> str:
    """The condition that a row of history is of one of the recommender's events, from where it bears its items."""
    places = sorted(recommender.did.items())
    return " OR ".join(f"(event = {_literal(event)} AND path = {_literal(path)})" for event, path in places)


def _day(at: int) -> date:
    return datetime.fromtimestamp(at / 1000, UTC).date()


def _literal(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"'{quoted}'"
