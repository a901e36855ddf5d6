"""The report: outcomes of messages, added up, and the sentences about them."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from math import sqrt
from statistics import NormalDist, fmean, variance
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.fold.watches import Bought, Conversion, Decision
from holdfast.core.gate.rules import Rules
from holdfast.core.measure.report import comparable, compare, end_of, over, plain_dashboard, reported
from holdfast.core.measure.uplift import ALPHA, Amounts, Group, covers, difference
from holdfast.core.messages.scores import NOTHING, Arm, Score, scores, total
from holdfast.core.messages.statistics import Became
from holdfast.core.plans.goal import Goal
from tests.unit.builders import DAY, HOUR, NOON, a_plan

DAY_OF_NOON = "2026-05-29"


def became(kind: Any = "send", *, reason: str = "", **more: Any) -> Became:
    given_: dict[str, Any] = {"key": "coat", "shown": "coat", "at": NOON, "id": "1", "when": NOON, "revision": 1} | more
    return Became(Decision(kind, "cart", reason=reason, **given_), kind, reason)


def bought(amount: float | None, at: int = 1, currency: str = "EUR") -> Bought:
    return Bought(NOON + at, "b", amount, currency)


def converted(now: Bought | None, before: Bought | None = None, *, control: str = "", **more: Any) -> Became:
    """Decided two days after the message."""
    about = Conversion(NOON, control, now, before)
    return became("convert" if now else "unconvert", conversion=about, **{"when": NOON + 2 * DAY, **more})


def test_messages_users_and_conversions_count_for_the_day_of_the_message() -> None:
    found = scores(
        [
            became(followed=True, first=True, variant="short"),
            became(followed=True, variant="short"),
            became("withhold", reason="control group", followed=True, first=True),
            became("withhold", reason="control group of the stack", followed=True, first=True),
            became("withhold", reason="audience"),
            became(),
            converted(bought(40), variant="short", first=True),
            converted(bought(10), control="control", first=True),
            converted(bought(7), variant="short"),
        ]
    )
    assert found == {
        ("cart", DAY_OF_NOON): {
            Arm(1, "short"): Score(2, 2, {"EUR": 47.0}, 1, 1, {"EUR": 40.0}, {"EUR": 1600.0}),
            Arm(1, "", "control"): Score(1, 1, {"EUR": 10.0}, 1, 1, {"EUR": 10.0}, {"EUR": 100.0}),
            Arm(1, "", "stack"): Score(1, users=1),
        }
    }


def test_a_message_that_a_value_lacks_for_counts_its_user_as_the_control_group_would() -> None:
    decision = became(followed=True, first=True).decision
    (of,) = scores([Became(decision, "withhold", "missing: Event.price")]).values()
    assert of == {Arm(1): Score(0, users=1)}


def test_what_could_not_be_delivered_counts_when_it_is() -> None:
    assert scores([Became(became(followed=True, first=True).decision, None)]) == {}


def test_of_campaigns_that_count_nothing_there_is_nothing_to_write() -> None:
    assert scores([became(), became("withhold", reason="control group"), became("retract")]) == {}


@given(st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=6), st.booleans())
def test_whatever_was_told_in_between_the_last_purchase_is_what_adds_up(told: list[int | None], first: bool) -> None:
    purchases = [None if each is None else bought(10.5 * each or None, each) for each in [None, *told]]
    changes = [converted(now, before, first=first) for before, now in pairwise(purchases)]
    sums = total(score for of in scores(changes).values() for score in of.values())
    last = purchases[-1]
    amount = (last.amount if last else None) or 0.0
    assert (sums.converted, sums.users_converted) == (int(last is not None), int(last is not None and first))
    assert sums.amounts.get("EUR", 0.0) == pytest.approx(amount)
    assert sums.users_squares.get("EUR", 0.0) == pytest.approx(amount**2 * first)


def test_amounts_of_different_currencies_are_not_added_up() -> None:
    ((_, of),) = scores([converted(bought(5)), converted(bought(6, currency="CHF"))]).items()
    assert of[Arm(1)].amounts == {"EUR": 5.0, "CHF": 6.0}


def a_day(treated: tuple[int, int], control: tuple[int, int] = (0, 0), *, amount: float = 10) -> dict[Arm, Score]:
    of = {}
    for arm, (users, number) in ((Arm(1), treated), (Arm(1, "", "control"), control)):
        if users:
            paid, squares = {"EUR": number * amount}, {"EUR": number * amount**2}
            of[arm] = Score(users, number, paid, users, number, paid, squares)
    return of


def test_a_clear_uplift_works_and_says_how_much_it_is() -> None:
    (found,) = compare({"2026-01-01": a_day((10_000, 1_500), (2_000, 150))})
    low, high = difference(Group(10_000, 1_500), Group(2_000, 150))
    assert (found.verdict, found.points) == ("works", (low, high))
    assert found.sentence == f"Works: +{low * 100:.1f} to +{high * 100:.1f} points more users convert."
    assert found.plain == "A plain dashboard would say: +100%, significant; amount per user +100%, significant."
    assert found.amount is not None
    assert found.amount.low < 0.75 < found.amount.high


def test_a_clear_loss_harms() -> None:
    (found,) = compare({"2026-01-01": a_day((10_000, 500), (2_000, 250))})
    assert found.verdict == "harms"
    assert found.sentence.startswith("Harms: +")
    assert found.sentence.endswith("points fewer users convert.")


def test_what_is_not_clear_yet_says_how_many_days_it_takes_at_this_traffic() -> None:
    """With that many more days like those, it is clear; and with fewer it is not."""
    days = {f"2026-01-{n:02}": a_day((200, 24), (40, 3)) for n in range(1, 6)}
    (found,) = compare(days)
    assert found.verdict == "not yet"
    more = int(found.sentence.partition("about ")[2].partition(" more")[0])
    assert more > 1
    for extra, verdict in ((more + 1, "works"), (more - 2, "not yet")):
        also = {f"2027-{n:03}": a_day((200, 24), (40, 3)) for n in range(extra)}
        (later,) = compare(days | also)
        assert later.verdict == verdict


def test_a_plain_dashboard_claims_what_is_not_clear_yet() -> None:
    (found,) = compare({"2026-01-01": a_day((1_000, 130), (200, 15))})
    assert found.verdict == "not yet"
    assert found.plain.startswith("A plain dashboard would say: +73%, significant; amount per user +73%, ")


def test_a_plain_dashboard_claims_of_amounts_what_a_z_test_of_means_does() -> None:
    """Against the standard library's samples: whoever pays much once makes the mean unsure."""
    rng = random.Random(7)
    for mean, said in ((10.0, "not significant"), (14.0, "significant")):
        samples = [[rng.gauss(each, 12.0) for _ in range(400)] for each in (mean, 10.0)]
        error = sqrt(sum(variance(each) / len(each) for each in samples))
        p = 2 * (1 - NormalDist().cdf(abs(fmean(samples[0]) - fmean(samples[1])) / error))
        assert (p < 0.05) == (said == "significant")
        amounts = [Amounts(len(each), sum(each), sum(value**2 for value in each)) for each in samples]
        groups = Group(400, 40), Group(400, 40)
        ratio = fmean(samples[0]) / fmean(samples[1]) - 1
        claim = f"A plain dashboard would say: +0%, not significant; amount per user {ratio:+.0%}, {said}."
        assert plain_dashboard(groups, (amounts[0], amounts[1])) == claim


def test_a_plain_dashboard_says_nothing_of_amounts_where_nobody_of_the_control_group_paid() -> None:
    groups = Group(100, 10), Group(100, 5)
    free = Amounts(100, 0.0, 0.0)
    assert plain_dashboard(groups, (free, free)) == "A plain dashboard would say: +100%, not significant."


@pytest.mark.parametrize(
    ("of", "sentence"),
    [
        (a_day((10, 1)), "There is no control group: send.control says how many users to hold back."),
        (a_day((0, 0), (10, 1)), "Not yet: no user of each group whose time to convert is over."),
        (a_day((10, 1), (10, 1)), "At this traffic and with this difference it takes more than a year."),
    ],
)
def test_where_nothing_can_be_said_it_says_why(of: dict[Arm, Score], sentence: str) -> None:
    (found,) = compare({"2026-01-01": of})
    assert sentence in found.sentence


def arms(**of: tuple[int, int]) -> dict[Arm, Score]:
    named = {"control": Arm(1, "", "control"), "stack": Arm(1, "", "stack")}
    return {
        named.get(name, Arm(1, name)): Score(users, number, {}, users, number) for name, (users, number) in of.items()
    }


def test_a_control_group_that_has_no_user_yet_is_not_missing() -> None:
    """On the first days the time to convert of nobody is over."""
    plan = replace(a_plan(convert=Goal(("charged",), DAY)), rules=Rules(control=0.05))
    (said,) = reported(plan, {"2026-09-21": {Arm(1): Score(9, users=9)}}, {1}, end_of("2026-09-21")).comparisons
    assert (said.against, said.verdict) == ("control", "not yet")
    assert said.sentence == "Not yet: no user of each group whose time to convert is over."
    (without,) = reported(replace(plan, rules=Rules()), {}, {1}, NOON).comparisons
    assert without.verdict == "nothing to compare"


def test_each_of_several_variants_is_compared_with_its_share_of_the_error() -> None:
    found = compare({"2026-01-01": arms(long=(5_000, 700), short=(5_000, 500), control=(1_000, 80))})
    assert [(each.variant, each.against) for each in found] == [
        ("", "control"),
        ("long", "control"),
        ("short", "control"),
    ]
    assert found[0].points == difference(Group(10_000, 1_200), Group(1_000, 80), ALPHA)
    assert found[1].points == difference(Group(5_000, 700), Group(1_000, 80), ALPHA / 2)


def test_without_a_control_group_variants_are_compared_with_the_first_one() -> None:
    found = compare({"2026-01-01": arms(long=(5_000, 700), short=(5_000, 500))})
    assert [(each.variant, each.against, each.verdict) for each in found] == [("short", "long", "harms")]


def test_the_campaigns_own_control_group_comes_before_that_of_the_stack() -> None:
    found = compare({"2026-01-01": arms(a=(100, 1), control=(10, 1), stack=(20, 2))})
    assert (found[0].against, found[0].control) == ("control", Group(10, 1))
    found = compare({"2026-01-01": arms(a=(100, 1), stack=(20, 2))})
    assert (found[0].against, found[0].control) == ("stack", Group(20, 2))


GOAL = Goal(("charged",), DAY)
PLAN = replace(a_plan(convert=GOAL, revision=4), rules=Rules(control=0.1))


def test_a_day_counts_once_all_that_may_follow_its_messages_is_known() -> None:
    end = NOON // DAY * DAY + DAY
    later = end + DAY + PLAN.max_age + HOUR
    assert over(end, DAY, PLAN.max_age, later)
    assert not over(end, DAY, PLAN.max_age, later - 1)
    by_day = {DAY_OF_NOON: {Arm(4): Score(users=5)}}
    for now, users in ((later, 5), (later - 1, 0)):
        assert reported(PLAN, by_day, {4}, now).comparisons[0].treated.users == users


def test_revisions_are_compared_together_up_to_a_change_of_what_is_held_back_or_counted() -> None:
    others = [
        replace(PLAN, revision=1),
        replace(PLAN, revision=2, convert=None),
        replace(PLAN, revision=3, name="another"),
        PLAN,
    ]
    assert comparable(PLAN, others) == {3, 4}


def test_rows_have_a_line_for_each_currency() -> None:
    score = Score(3, 2, {"EUR": 5.0, "CHF": 1.0}, 2, 1, {"EUR": 5.0}, {"EUR": 25.0})
    found = [*reported(PLAN, {DAY_OF_NOON: {Arm(4, "long"): score}}, {4}, NOON).rows()]
    assert [(each["currency"], each["amount"], each["users_amount"]) for each in found] == [
        ("CHF", 1.0, 0.0),
        ("EUR", 5.0, 5.0),
    ]
    assert {each["variant"] for each in found} == {"long"}


def test_scores_add_up_in_any_order() -> None:
    rng = random.Random(5)
    some = [Score(n, n, {"EUR": n / 10}, n, n, {"CHF": n / 3}) for n in range(20)]
    assert total(rng.sample(some, len(some))).messages == total(some).messages == 190
    assert total([]) == NOTHING


HOURS = 30 * 24
REFUNDS = 0.2


def what_happens(rng: random.Random, effect: float) -> list[tuple[int, Became]]:
    """Of one campaign, by the hour at which it is decided: messages, purchases that come late, and refunds."""
    found: list[tuple[int, Became]] = []
    for hour in range(HOURS):
        for _ in range(2):
            control = "control" if rng.random() < 0.3 else ""
            when = NOON + hour * HOUR
            kind, reason = ("withhold", "control group") if control else ("send", "")
            found.append((hour, became(kind, reason=reason, when=when, followed=True, first=True)))
            if rng.random() < 0.1 + (0 if control else effect):
                known = hour + rng.randint(0, 24 + 2)  # within a day, and known two hours later at most
                purchase = Bought(when, "b", round(rng.expovariate(1 / 40), 2), "EUR")
                about: dict[str, Any] = {"conversion": Conversion(when, control, purchase), "first": True}
                found.append((known, became("convert", **about)))
                if rng.random() < REFUNDS:
                    undone = rng.randint(known, hour + 24 + 2)
                    about = {"conversion": Conversion(when, control, None, purchase), "first": True}
                    found.append((undone, became("unconvert", **about)))
    return sorted(found, key=lambda each: each[0])


@pytest.mark.slow
@pytest.mark.parametrize("effect", [0.01, 0.05, 0.2])
def test_with_late_purchases_and_refunds_the_interval_covers_the_truth_at_every_hour(effect: float) -> None:
    rng, wrong, looks = random.Random(17), 0, set[tuple[Group, Group]]()
    for _ in range(20):
        by_day: dict[str, dict[Arm, Score]] = {}
        happens, seen, missed = iter(what_happens(rng, effect)), None, False
        upcoming = next(happens, None)
        for hour in range(HOURS):
            while upcoming and upcoming[0] <= hour:
                for (_, day_), of in scores([upcoming[1]]).items():
                    for arm, score in of.items():
                        known = by_day.setdefault(day_, {})
                        known[arm] = total([known.get(arm, NOTHING), score])
                upcoming = next(happens, None)
            groups = groups_over(by_day, NOON + hour * HOUR)
            if groups != seen:
                seen = groups
                looks.add(groups)
                missed = missed or not covers(*groups, effect * (1 - REFUNDS))
        wrong += missed
    assert wrong <= 1  # five percent of twenty
    assert len(looks) > 20 * 20


ends = lru_cache(maxsize=None)(end_of)


def groups_over(by_day: dict[str, dict[Arm, Score]], now: int) -> tuple[Group, Group]:
    """Treated and control, of the days that are over."""
    done = {day_: of for day_, of in by_day.items() if over(ends(day_), DAY, PLAN.max_age, now)}
    sums = [
        total(s for of in done.values() for arm, s in of.items() if arm.group == group) for group in ("", "control")
    ]
    treated, control = (Group(each.users, each.users_converted) for each in sums)
    return treated, control
