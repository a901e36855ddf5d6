"""Explain: from a state to a sentence that a person in customer support understands."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.events import event_key
from holdfast.core.explain.explanation import explain
from holdfast.core.explain.facts import Explanation, Status
from holdfast.core.explain.words import REASONS
from holdfast.core.fold import deciding
from holdfast.core.fold.fold import fold
from holdfast.core.fold.forgetting import Limits
from holdfast.core.fold.stored import decode, encode
from holdfast.core.fold.watches import Decision, State, Trigger, Watch
from holdfast.core.gate import gate
from holdfast.core.gate.hours import USER
from holdfast.core.messages.detail import message_id
from holdfast.core.messages.rendering import Outcome, Rendering
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from tests.unit.builders import (
    ADDED,
    CHARGED,
    DAY,
    HOUR,
    LIMITS,
    MINUTE,
    PRODUCT,
    History,
    a_plan,
    a_tick,
    added,
    an_event,
    charged,
    events,
    hits,
    minute,
)
from tests.unit.test_laws import CAMPAIGNS

VIEWED = "viewed"
NAMES = {event_key(name): name for name in (ADDED, CHARGED, VIEWED, "removed")}


def campaign(**more: Any) -> Plan:
    return a_plan(**{"names": NAMES, "name": "Abandoned cart", **more})


def told(history: History, now: float, **more: Any) -> list[Explanation]:
    """At a minute after noon."""
    return explain("u-1", history.state, history.plans, minute(now), zone=UTC, outbox=history.decisions, **more)


def the_one(history: History, now: float, **more: Any) -> Explanation:
    (only,) = told(history, now, **more)
    return only


def history(*steps: Any, plan: Plan | None = None, limits: Limits | None = None) -> History:
    """Events, each folded as it arrives; a number is a tick at that minute."""
    made = History(plan or campaign(), limits=limits or LIMITS)
    for step in steps:
        if isinstance(step, int | float):
            made.tick(minute(step))
        else:
            made.fold(step, now=step.arrived)
    return made


BOTH = campaign(did=[ADDED, VIEWED], constant=PRODUCT | {VIEWED: "product_name"})
LATER = campaign(did_not=[], constant={ADDED: "product_name"})
SUMMARY = campaign(summary=True)
OR = campaign(did_not=[CHARGED, "removed"], constant=PRODUCT | {"removed": "product_name"})
COMPOSITE = {
    "product": {ADDED: "product_name", CHARGED: "Items[].prod_name"},
    "size": {ADDED: "size", CHARGED: "Items[].size"},
}
COAT = added("white coat", minute(2))


def _viewed(at: int) -> Any:
    return an_event(VIEWED, at=at, product_name="white coat")


SEEN = "added to cart white coat at 12:02"
WAITS = "waits until 12:32 for charged, and if it does not come, a message is sent"
SENT = "decided at 12:32 to send a message, id {id}"

SENTENCES: list[tuple[str, History, float, str, list[str]]] = [
    ("waits", history(COAT), 12, "waits", [SEEN, WAITS]),
    (
        "due",
        history(COAT),
        40,
        "due",
        [SEEN, "due since 12:32: decided as soon as the events that wait in the queue are folded"],
    ),
    (
        "ended by a purchase",
        history(COAT, charged("white coat", minute(6))),
        12,
        "ended",
        [SEEN, "charged 4 min after it: no message"],
    ),
    (
        "ended at the same time",
        history(COAT, charged("white coat", minute(2))),
        12,
        "ended",
        [SEEN, "charged at the same time: no message"],
    ),
    (
        "two names of exits",
        history(COAT, an_event("removed", at=minute(3), product_name="white coat"), plan=OR),
        12,
        "ended",
        [SEEN, "charged or removed 1 min after it: no message"],
    ),
    (
        "an exit before the trigger",
        history(charged("white coat", minute(0)), COAT),
        12,
        "waits",
        [SEEN, "charged 2 min before that does not count", WAITS],
    ),
    (
        "a late arrival",
        history(added("white coat", minute(2), arrived=minute(40))),
        40.5,
        "waits",
        [
            SEEN,
            "that arrived late, at 12:40",
            "waits until 12:41 for charged, and if it does not come, a message is sent",
        ],
    ),
    (
        "a purchase alone",
        history(charged("white coat", minute(2))),
        12,
        "remembered",
        ["charged white coat at 12:02, and no added to cart before it: nothing to send"],
    ),
    ("sent", history(COAT, 32), 50, "sent", [SEEN, SENT]),
    (
        "bought after the message",
        history(COAT, 32, charged("white coat", minute(45))),
        50,
        "sent",
        [SEEN, SENT, "charged 13 min later, after the message"],
    ),
    (
        "taken back",
        history(COAT, 32, charged("white coat", minute(20), arrived=minute(40))),
        50,
        "retracted",
        [SEEN, SENT, "taken back: charged at 12:20 became known at 12:40"],
    ),
    (
        "too late to take back",
        history(COAT, 32, charged("white coat", minute(20), arrived=minute(200))),
        210,
        "sent",
        [SEEN, SENT, "charged at 12:20 became known only after it, too late to take it back"],
    ),
    (
        "added again after a message",
        history(COAT, 32, added("white coat", minute(60))),
        61,
        "waits",
        [
            "earlier, for what was seen at 12:02: decided at 12:32 to send a message, id {id}",
            "added to cart white coat at 13:00",
            "waits until 13:30 for charged, and if it does not come, a message is sent",
        ],
    ),
    (
        "paused and open",
        history(COAT, plan=campaign(paused=True)),
        12,
        "waits",
        [SEEN, WAITS, "but the campaign is paused, and withholds what falls due"],
    ),
    (
        "paused when it fell due",
        history(COAT, 32, plan=campaign(paused=True)),
        50,
        "withheld",
        [SEEN, "withheld at 12:32: the campaign was paused"],
    ),
    ("nothing to wait for but time", history(COAT, plan=LATER), 12, "waits", [SEEN, "at 12:32 a message is sent"]),
    (
        "one of two",
        history(_viewed(minute(1)), plan=BOTH),
        12,
        "incomplete",
        ["viewed white coat at 12:01", "1 of 2 events: waits for added to cart"],
    ),
    ("both", history(_viewed(minute(1)), COAT, plan=BOTH), 12, "waits", ["viewed white coat at 12:01", SEEN, WAITS]),
    (
        "both, but far apart",
        history(_viewed(minute(1) - 31 * DAY), COAT, plan=BOTH),
        12,
        "incomplete",
        ["viewed white coat at 2026-04-28 12:01", SEEN, "no message: not all within 30 days"],
    ),
    (
        "a summary that waits",
        history(added("hat", minute(2)), added("hat", minute(9)), plan=SUMMARY),
        12,
        "waits",
        [
            "added to cart hat at 12:09",
            WAITS.replace("12:32", "12:39").replace("a message", "one message") + " about all that is open (1 now)",
        ],
    ),
    (
        "a composite value",
        history(added("coat", minute(2), size=7), plan=campaign(constant=COMPOSITE)),
        12,
        "waits",
        ["added to cart coat, 7 at 12:02", WAITS],
    ),
    (
        "no constant",
        history(an_event(CHARGED, at=minute(2)), plan=campaign(constant=None)),
        12,
        "remembered",
        ["charged at 12:02, and no added to cart before it: nothing to send"],
    ),
    (
        "a window of seconds",
        history(COAT, plan=campaign(within=90000)),
        2,
        "waits",
        [
            "added to cart white coat at 12:02:00",
            "waits until 12:03:30 for charged, and if it does not come, a message is sent",
        ],
    ),
    ("nothing", history(), 12, "nothing", ["no added to cart is remembered: none that still counts was seen lately"]),
]


@pytest.mark.parametrize(
    ("history", "now", "status", "facts"), [each[1:] for each in SENTENCES], ids=[each[0] for each in SENTENCES]
)
def test_a_state_is_told_in_a_sentence(history: History, now: float, status: str, facts: list[str]) -> None:
    ids = {message_id("u-1", decision) for decision in history.decisions}
    explanation = the_one(history, now)
    assert [fact.text for fact in explanation.facts] == [fact.format(id=min(ids, default="")) for fact in facts]
    assert explanation.text == "; ".join(fact.text for fact in explanation.facts)
    assert explanation.status == status
    assert explanation.name == "Abandoned cart"


def test_a_summary_is_explained_for_each_of_its_values() -> None:
    known = history(added("hat", minute(1)), COAT, 32, charged("hat", minute(20), arrived=minute(40)), plan=SUMMARY)
    hat, coat = told(known, 50)
    (id_,) = {message_id("u-1", decision) for decision in known.decisions}
    decided = f"decided at 12:32 to send one message about all that was open, id {id_}"
    assert hat.text == f"added to cart hat at 12:01; {decided}; taken back: charged at 12:20 became known at 12:40"
    assert coat.text == (
        f"added to cart white coat at 12:02; {decided};"
        " taken back: charged, of one of its values, happened before it and became known at 12:40"
    )
    assert (coat.message, coat.status) == (id_, "retracted")


def test_too_many_watches_are_told() -> None:
    adds = [added(f"p{n}", minute(n)) for n in range(4)]
    full = told(history(*adds, limits=Limits(watches=2)), 12)[-1]
    assert (full.status, full.reason) == ("full", "too many watches")
    assert full.text == (
        "what was seen until 12:01 and is not listed was let go:"
        " too many watches of this user were open, and the oldest were let go"
    )


def test_a_campaign_that_is_gone_is_told_as_far_as_the_state_knows() -> None:
    state = history(COAT).state
    (gone,) = explain("u-1", state, {}, minute(12), zone=UTC)
    assert gone.text == ("its event white coat at 12:02; the campaign is gone: withheld with that reason, due at 12:32")


def test_what_is_retracted_without_the_outbox_is_told_without_the_time() -> None:
    known = history(COAT, 32, charged("white coat", minute(20), arrived=minute(40)))
    known.decisions.clear()
    assert the_one(known, 50).text.endswith("taken back: charged at 12:20 became known only after that")


def test_times_are_told_in_the_zone_that_is_asked_for_with_the_date_where_it_is_not_todays() -> None:
    known = history(COAT)
    (berlin,) = explain("u-1", known.state, known.plans, minute(12), zone=ZoneInfo("Europe/Berlin"))
    assert "at 14:02; waits until 14:32" in berlin.text
    (tomorrow,) = explain("u-1", known.state, known.plans, minute(12) + DAY, zone=UTC)
    assert "added to cart white coat at 2026-05-29 12:02" in tomorrow.text


def test_with_the_profile_at_hand_what_will_be_missing_is_told_beforehand() -> None:
    plan = campaign(values={"title": "{{ Profile.first_name }}, {{ Event.price }}"}, keep=("price",))
    known, rendering = history(added("coat", minute(2), price=7), plan=plan), Rendering(lambda *_: plan)

    def render(first_name: str) -> Any:
        return lambda decision: rendering.outcomes([("u-1", decision, plan, {"first_name": first_name})])[0]

    assert the_one(known, 12, render=render("")).reason == "missing: Profile.first_name"
    assert the_one(known, 12, render=render("")).text.endswith(
        "as things stand, it would be withheld: missing: Profile.first_name"
    )
    assert the_one(known, 12, render=render("Ann")).reason == ""
    assert [the_one(known, 12, render=render(name)).values for name in ("", "Ann")] == [None, {"title": "Ann, 7"}]


def test_with_the_outbox_at_hand_what_was_missing_is_told_afterwards() -> None:
    plan = campaign(values={"price": "{{ Event.price }}"}, keep=("price",))
    known, rendering = history(COAT, 32, plan=plan), Rendering(lambda *_: plan)
    lacking = the_one(known, 50, render=lambda each: rendering.outcomes([("u-1", each, plan, {})])[0])
    assert (lacking.status, lacking.reason, lacking.message) == ("withheld", "missing: Event.price", "")
    assert lacking.text.endswith("withheld at delivery: missing: Event.price (rendered with the data of now)")
    assert lacking.values is None
    known = history(added("coat", minute(2), price=7), 32, plan=plan)
    sent = the_one(known, 50, render=lambda each: rendering.outcomes([("u-1", each, plan, {})])[0])
    assert (sent.status, sent.values) == ("sent", {"price": "7"})


def test_the_facts_are_there_for_programs_too() -> None:
    data = the_one(history(COAT, 32), 50).to_json()
    assert json.loads(json.dumps(data)) == data
    assert data["constant"] == "white coat"
    assert data["decided"] == minute(32)
    assert data["facts"] == [
        {"what": "seen", "at": minute(2), "text": "added to cart white coat at 12:02"},
        {"what": "decided", "at": minute(32), "text": f"decided at 12:32 to send a message, id {data['message']}"},
    ]
    waits = the_one(history(COAT), 12).to_json()
    assert (waits["until"], waits["waits_for"]) == (minute(32), ["charged"])


ALL = [*CAMPAIGNS, replace(campaign(summary=True, within=3 * MINUTE), id="summary")]
RENDERED = Outcome("withhold", 1, "missing: Event.price")


@given(
    st.sampled_from(ALL),
    st.lists(st.one_of(events((ADDED, CHARGED, VIEWED, "removed")), st.integers(0, 20)), max_size=12),
    st.sampled_from(["as it was", "paused", "gone", "several", "one", "none", "summary"]),
    st.integers(1, 3),
    st.integers(-5, 40),
)
def test_no_state_that_the_fold_makes_is_too_much_for_it(
    plan: Plan, steps: list[Any], since: str, cap: int, now: int
) -> None:
    plans, state, outbox = Plans([plan]), State(), list[Decision]()
    for step in steps:
        at = minute(step) if isinstance(step, int) else step.arrived
        inputs = [a_tick(at)] if isinstance(step, int) else hits(plans, step)
        state, decided = fold(state, inputs, plans, at, Limits(waiting=HOUR, watches=cap))
        outbox += decided
    key = {name: event_key(name) for name in (ADDED, VIEWED)}
    changed = {
        "paused": replace(plan, paused=True),
        "several": replace(plan, did=(key[ADDED], key[VIEWED])),
        "one": replace(plan, did=(key[ADDED],)),
        "none": replace(plan, did_not=()),
        "summary": replace(plan, summary=True),
    }
    live = {} if since == "gone" else {plan.id: changed.get(since, plan)}
    state = decode(encode(state))
    for known in ((), outbox):
        for render in (None, lambda _: RENDERED):
            found = explain("u", state, live, minute(now), zone=UTC, outbox=known, render=render)
            assert all(each.text and "None" not in each.text for each in found)
            json.dumps([each.to_json() for each in found], allow_nan=False)
            listed = [each for each in found if each.status not in {"full", "nothing"}]
            assert len(listed) == sum(map(len, state.watches.values()))


def test_each_reason_has_its_sentence() -> None:
    texts = {value for module in (deciding, gate) for name, value in vars(module).items() if name.isupper()}
    fixed = {text for text in texts if isinstance(text, str)}
    built = {gate.CAPPED, gate.LAST, gate.MINUTE, USER}  # parts of a reason that says more
    assert fixed - built <= REASONS.keys()


def test_each_status_is_in_the_glossary() -> None:
    page = (Path(__file__).parents[2] / "docs" / "concepts.md").read_text(encoding="utf-8")
    _, _, table = page.partition("| status | meaning |")
    table, _, _ = table.partition("\n\n")
    assert set(re.findall(r"`(\w+)`", table)) == set(get_args(Status))


def test_a_watch_without_anything_is_nothing_to_stumble_over() -> None:
    odd = {"": Watch(), "[": Watch(exit=1), "[1]": Watch(parts={"added": Trigger(1, "e", 0, 1)})}
    found = explain("u", State({"odd": odd}), {}, minute(0), zone=UTC)
    assert [each.constant for each in found] == [None, "[", None]
