"""One way from a decision to its outcome: what people are shown beforehand is what goes on the bus."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.events import Json
from holdfast.core.explain.preview import made_up, preview, read_events
from holdfast.core.explain.replay import NO_ARRIVAL, Replay
from holdfast.core.fold.watches import Decision
from holdfast.core.gate.policy import NONE as NO_POLICY
from holdfast.core.intake.forms import records
from holdfast.core.messages import rendering
from holdfast.core.messages.rendering import Rendering, ToRender
from holdfast.core.messages.rows import RowsInMemory, found_by, placed
from holdfast.core.plans.plan import Plan
from holdfast.core.plans.plans import Plans
from holdfast.core.templates.templates import compile_values
from holdfast.services.deliver import Deliver, UserDecision
from holdfast.services.message_data import Gathered
from holdfast_cli.fixtures import START_MS, Case, Fixtures, _Trace
from holdfast_cli.folding import Setup
from holdfast_cli.simulating import Simulated
from tests.examples import examples
from tests.unit.builders import MINUTE, a_plan

USER = "u-1"
ONE_BY_ONE = (
    "{{ Event.price }}",
    "{{ Profile.first_name | default: 'Hi' }}, your {{ ConstantEventProperty }}",
    "{{ Profile.last_name }}",
    "{{ Event.note }}",
    "{% if Event.price > 3 %}{{ Event.note }}{% endif %}",
    "{% for i in (1..40) %}{{ Event.note }}{% endfor %}",
    '{{ Catalog["products"].Name }}',
    '{{ Catalog["products"].Price | default: "cheap" }}',
    "{{ TriggeredAt }} {{ DecidedAt }} {{ Campaign.name }}",
    "{{ Event.price | times: 2 | round }}",
)
SUMMED_UP = (
    "{% for each in Events %}{{ each.price }};{% endfor %}",
    "{{ ConstantEventProperty | join: ', ' }}",
    "{{ Events | size }} {{ Profile.first_name }}",
    '{% for row in Catalog["products"] %}{{ row.Name }}{% endfor %}',
)
ROWS = [{"Identity": "p1", "Name": "White coat"}, {"Identity": "p2", "Name": "Hat", "Price": "7"}]


def campaigns() -> st.SearchStrategy[Campaign]:
    def built(drawn: tuple[bool, list[int], bool]) -> Campaign:
        summary, numbers, typed = drawn
        pool = SUMMED_UP if summary else ONE_BY_ONE
        values: dict[str, Any] = {f"v{at}": pool[number % len(pool)] for at, number in enumerate(numbers)}
        if typed and not summary:
            values["typed"] = {"type": "number", "value": "{{ Event.price }}"}
        return Campaign.model_validate(
            {
                "id": "cart",
                "name": "Cart",
                "when": {"did": "added to cart", "did_not": "charged", "within": "30 minutes"},
                "constant": {"name": "product", "in": {"added to cart": "product_id", "charged": "product_id"}},
                "send": {"one_per": "user" if summary else "value", "values": values},
                "catalogs": {"products": {"Identity": "product_id"}},
            }
        )

    return st.tuples(st.booleans(), st.lists(st.integers(0, 99), min_size=1, max_size=4), st.booleans()).map(built)


TEXTS = st.sampled_from(["", " ", "x", "ä", "n" * 400, "7"])
EVENTS = st.lists(
    st.fixed_dictionaries(
        {"product_id": st.sampled_from(["p1", "p2", "p3"])},
        optional={"price": st.one_of(st.integers(0, 9), st.floats(0, 9, width=16), TEXTS), "note": TEXTS},
    ),
    min_size=1,
    max_size=3,
)
PROFILES = st.fixed_dictionaries({}, optional={"first_name": TEXTS, "last_name": TEXTS, "email": st.just("a@b.c")})


class Sent(NamedTuple):
    """The outcome of a decision, however one looks at it."""

    kind: str
    values: Mapping[str, Json] | None
    reason: str


class Bus:
    def __init__(self) -> None:
        self.details: list[dict[str, Any]] = []

    def put(self, entries: list[Any], _seconds_left: Callable[[], float]) -> dict[Any, str]:
        self.details += [{"type": entry.detail_type, **json.loads(entry.detail)} for entry in entries]
        return {}


def delivered(plans: Plans, decisions: list[Decision], profile: Mapping[str, Json], rows: RowsInMemory) -> list[Any]:
    """The entries that deliver puts on the bus, where the tables hold this profile and these rows."""
    timeline = SimpleNamespace(newest=plans, epoch="1")

    def gather(messages: dict[int, ToRender], _recommenders: object) -> Gathered:
        found = rows(messages)
        return Gathered({number: found(number) for number in messages}, {USER: dict(profile)}, set(), "1")

    bus = Bus()
    doubles: Any = {
        "lookup": SimpleNamespace(gather=gather),
        "campaigns": SimpleNamespace(),
        "live": SimpleNamespace(known=lambda: timeline, refresh=lambda: timeline),
        "bus": bus,
        "undelivered": SimpleNamespace(send=lambda messages: [*map(pytest.fail, map(str, messages))]),
    }
    Deliver(**doubles).deliver([UserDecision(USER, each) for each in decisions], lambda: 60.0)
    return bus.details


def as_sent(detail: Mapping[str, Any]) -> Sent:
    kind = "withhold" if detail["type"].endswith("Withheld") else "send"
    return Sent(kind, detail.get("values"), detail.get("reason", ""))


@settings(max_examples=examples(15))
@given(campaigns(), EVENTS, PROFILES)
def test_what_is_shown_beforehand_is_what_is_sent(
    campaign: Campaign, events: list[dict[str, Any]], profile: dict[str, Any]
) -> None:
    plan = campaign.plan()
    plans = Plans([plan])
    rows = RowsInMemory(placed("products", found_by("products", [plan]), ROWS))
    lines: list[Any] = [
        {"user": USER, "event": "added to cart", "ts": START_MS + number * MINUTE, "id": f"e{number}", **each}
        for number, each in enumerate(events)
    ]
    replay = Replay(plans, lambda _user, decision, _profile: decision, start=START_MS)
    for line in lines:
        for record in records(json.dumps(line), NO_ARRIVAL):
            assert replay.take(record) == []
    decisions = replay.until()
    on_the_bus = delivered(plans, decisions, profile, rows)
    expected = [as_sent(each) for each in on_the_bus]
    assert len(expected) == len(decisions) > 0

    known = [json.dumps({"user": USER, "profile": profile}).encode()] if profile else []
    run = Simulated(Setup([plan], [], NO_POLICY, rows))
    found = run.rows(known, [json.dumps(line).encode() for line in lines])
    simulated = [json.loads(each) for some in found for each in some]
    kept = {name: value for name, value in profile.items() if value is not None}
    assert [Sent(each["decision"], each.get("values"), each.get("reason", "")) for each in simulated] == expected, kept

    case = Case(name="case", profiles={USER: profile} if profile else {}, events=lines)
    trace = _Trace(campaign, Fixtures(catalogs={"products": ROWS}, cases=[case]))
    trace.run(case.profiles, case.events, None, ())  # type: ignore[arg-type]
    told = {"send": "sent", "withhold": "withheld"}
    for message, sent in zip(trace.messages, expected, strict=True):
        values = {key.removeprefix("values."): each for key, each in message.items() if key.startswith("values.")}
        assert (message["decision"], message.get("reason", "")) == (told[sent.kind], sent.reason)
        assert values == (sent.values or {})

    made = made_up(plan, read_events(lines, plan, USER, START_MS + 10 * MINUTE))
    shown = preview(plan, USER, made, profile, rows({0: ToRender(USER, made, plan)})(0))
    (same,) = [each for each in on_the_bus if each["metadata"]["id"] == shown.detail["metadata"]["id"]]  # type: ignore[index,call-overload]
    assert {"type": shown.detail_type, **json.loads(json.dumps(shown.detail))} == same


def test_templates_are_compiled_once_for_each_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[Mapping[str, str]] = []

    def counted(values: Mapping[str, str], **more: Any) -> Any:
        compiled.append(values)
        return compile_values(values, **more)

    monkeypatch.setattr(rendering, "compile_values", counted)
    live = a_plan("cart", revision=2, values={"t": "new {{ ConstantEventProperty }}"}, keep=("colour",))
    folded = a_plan("cart", revision=1, values={"t": "old {{ ConstantEventProperty }}"})
    one = Rendering(lambda _campaign, _revision: folded)
    decisions = [Decision("send", "cart", "coat", "coat", 1, "e", 2, revision) for revision in (1, 2) * 20]
    texts = [each.values for each in one.outcomes([(USER, each, live, {}) for each in decisions])]
    assert texts == [{"t": "old coat"}, {"t": "new coat"}] * 20
    assert compiled == [folded.values, live.values]


def test_templates_that_are_refused_today_are_compiled_once_too(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = a_plan("cart", values={"t": "{{ Nothing.of_this }}"})
    one = Rendering(lambda _campaign, _revision: plan)
    decision = Decision("send", "cart", "coat", "coat", 1, "e", 2, 1)
    (first,) = one.outcomes([(USER, decision, plan, {})])
    monkeypatch.setattr(rendering, "compile_values", lambda *_, **__: pytest.fail("once more"))
    (second,) = one.outcomes([(USER, decision, plan, {})])
    assert first.reason == second.reason
    assert first.reason.startswith("refused: ")


def test_what_the_bus_would_refuse_is_withheld_wherever_one_looks() -> None:
    plan: Plan = a_plan("cart", values={f"v{at}": "{{ Event.note }}" for at in range(40)}, keep=("note",))
    decision = Decision("send", "cart", "coat", "coat", 1, "e", 2, 1, {"note": "n" * 30_000})
    (outcome,) = Rendering(lambda *_: plan).outcomes([(USER, decision, plan, {})])
    assert (outcome.kind, outcome.values) == ("withhold", None)
    assert outcome.reason.startswith("limit: ")
    assert preview(plan, USER, decision, {}).reason == outcome.reason
