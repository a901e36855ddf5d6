"""The console's API on moto: what it answers, and to whom."""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from holdfast.aws.queues import Message, Queue
from holdfast.aws.settings import ConsoleSettings
from holdfast.aws.tables import tail as tail_table
from holdfast.aws.tables.campaigns import Recommendations, Sources
from holdfast.aws.tables.catalog import Catalogs
from holdfast.aws.tables.tail import Tails
from holdfast.aws.tables.volume import Volumes
from holdfast.console.access import PURE
from holdfast.console.api import document, routes
from holdfast.console.app import Console
from holdfast.console.page import Page
from holdfast.core.authoring import text as campaign_text
from holdfast.core.catalog.csv_file import Row
from holdfast.core.fold.watches import Decision
from holdfast.core.gate.rules import Rules
from holdfast.core.intake.sources import Source
from holdfast.core.recommend.ranking import Recommender
from holdfast.services.tail import APART_MS, Tail
from holdfast_cli.detail_model import Detail
from tests.integration.conftest import MINUTE, T0, World, a_plan, throttled

ROOT = Path(__file__).parents[2]
EDITOR = {"token_use": "access", "username": "eve", "cognito:groups": "[editor]"}
VIEWER = {"token_use": "access", "username": "vic", "cognito:groups": "[viewer]"}
FILE = """\
# kept by the shop team
id: cart
when:
  did: Added
  did_not: charged
  within: 30 minutes  # long enough
constant: {name: product, in: {Added: product, charged: "Items[].name"}}
send:
  values:
    title: "{{ Profile.first_name | default: 'Hi' }}, your {{ ConstantEventProperty }}"
    price: "{{ Event.price }}"
"""
OCCURRENCE: dict[str, Any] = {
    "user": "ann",
    "event": {"product": "coat", "price": 89.0},
    "profile": {"first_name": "Ann"},
}


class Functions:
    """Lambda, as far as deliver is invoked by it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def invoke(self, *, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803 (AWS's names)
        assert FunctionName == "deliver"
        images = [record["dynamodb"]["NewImage"] for record in json.loads(Payload)["Records"]]
        self._world.deliver().take(images, lambda: 60.0)
        return {"StatusCode": 200}


def yaml(text: str) -> Any:
    return campaign_text.plain(campaign_text.parse(text).data)


@dataclass
class Browser:
    """Asks the console as the gateway does, once it has let a token pass."""

    console: Console
    claims: dict[str, str] | None = field(default_factory=lambda: EDITOR)

    def raw(self, method: str, path: str, body: object = None, **headers: str) -> dict[str, Any]:
        parts = urlsplit(path)
        context: dict[str, Any] = {"http": {"method": method, "path": parts.path}, "stage": "$default"}
        if self.claims is not None:
            context["authorizer"] = {"jwt": {"claims": self.claims}}
        event = {
            "version": "2.0",
            "rawPath": parts.path,
            "rawQueryString": parts.query,
            "queryStringParameters": {name: ",".join(values) for name, values in parse_qs(parts.query).items()},
            "headers": {"content-type": "application/json", **headers},
            "requestContext": context,
            "body": "" if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }
        return self.console.answer(event, None)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        answer = self.raw(method, path, body)
        return answer["statusCode"], json.loads(answer["body"])

    def get(self, path: str) -> Any:
        status, told = self.ask("GET", path)
        assert status == 200, told
        return told

    def post(self, path: str, status: int = 200, **body: object) -> Any:
        answered, told = self.ask("POST", path, body)
        assert answered == status, told
        return told


@pytest.fixture
def browser(world: World, tmp_path: Path) -> Browser:
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "main-1a2b3c.js").write_text("let a = 1;" * 100)
    (tmp_path / "assets" / "main-1a2b3c.js.br").write_bytes(b"brotli")
    settings = ConsoleSettings(
        stage="test",
        users_table="users",
        campaigns_table="campaigns",
        catalog_table="catalog",
        events_queue_url=world.queues["events"],
        rejected_queue_url=world.queues["rejected"],
        undelivered_queue_url=world.queues["undelivered"],
        deliver_function="deliver",
        bus_name="bus",
        sign_in_url="https://holdfast.auth.eu-central-1.amazoncognito.com",
        client_id="abc",
    )
    clients: dict[str, Any] = {
        "dynamodb": world.dynamodb,
        "sqs": world.sqs,
        "events": world.events,
        "lambda": Functions(world),
        "s3": None,  # for what the stream gave up on; here it gives up on nothing
    }
    console = Console(settings, clients.__getitem__, Page(tmp_path))
    console.desk.clock = lambda: world.now
    return Browser(console)


# --- To whom. ---------------------------------------------------------------------------------------------------------


def api() -> list[tuple[str, str]]:
    """Every route that the function has, with a value for what is variable in it."""

    def no_desk() -> Any:
        raise AssertionError("nothing is done for whoever may not")

    app = routes(no_desk)
    known = [(route.method, route.path) for route in (*app._static_routes, *app._dynamic_routes)]
    return sorted((m, p.replace("<campaign>", "cart").replace("<name>", "rejected")) for m, p in known)


def changes(route: tuple[str, str]) -> bool:
    method, path = route
    return method != "GET" and path not in PURE


def test_the_table_of_routes_is_the_one_that_is_served() -> None:
    assert {("GET", "/api/me"), ("POST", "/api/campaigns/cart/publish"), ("GET", "/api/queues/rejected")} <= set(api())
    assert {path for _, path in api()} >= PURE


@pytest.mark.parametrize("route", api())
@pytest.mark.parametrize(
    ("claims", "status"),
    [(None, 401), ({}, 401), ({**EDITOR, "token_use": "id"}, 401), ({**EDITOR, "cognito:groups": "[others]"}, 403)],
)
def test_no_route_answers_somebody_who_is_not_known(
    browser: Browser, route: tuple[str, str], claims: dict[str, str] | None, status: int
) -> None:
    browser.claims = claims
    answered, told = browser.ask(*route, body={})
    assert answered == status
    assert set(told) == {"error"}


@pytest.mark.parametrize("route", api())
def test_a_viewer_may_look_and_change_nothing(browser: Browser, route: tuple[str, str]) -> None:
    browser.claims = VIEWER
    answered, told = browser.ask(*route, body={})
    assert (answered == 403) == changes(route)
    if answered == 403:
        assert told["error"]["message"] == "Only the group editor may do that, and you are a viewer."


@pytest.mark.parametrize(
    ("claim", "may"), [("[viewer editor]", True), ("editor", True), ("[viewer]", False), (["editor"], True)]
)
def test_groups_are_read_however_the_gateway_writes_them(browser: Browser, claim: Any, may: bool) -> None:
    browser.claims = {**EDITOR, "cognito:groups": claim}
    assert browser.get("/api/me")["may_edit"] is may


# --- The page. --------------------------------------------------------------------------------------------------------


def test_the_page_needs_no_token_and_lets_nothing_from_elsewhere_in(browser: Browser) -> None:
    browser.claims = None
    answer = browser.raw("GET", "/")
    assert base64.b64decode(answer["body"]) == b"<!doctype html>"
    headers = answer["headers"]
    assert headers["cache-control"] == "no-cache"
    assert headers["x-content-type-options"] == "nosniff"
    policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self' https://holdfast.auth.eu-central-1.amazoncognito.com"
    assert policy["frame-ancestors"] == "'none'"


@pytest.mark.parametrize(
    ("accepted", "encoding", "opened"),
    [("gzip, deflate, br", "br", lambda _: b"brotli"), ("gzip", "gzip", gzip.decompress), ("", None, bytes)],
)
def test_what_has_a_hash_in_its_name_is_cached_for_ever_and_sent_as_small_as_can_be(
    browser: Browser, accepted: str, encoding: str | None, opened: Callable[[bytes], bytes]
) -> None:
    answer = browser.raw("GET", "/assets/main-1a2b3c.js", **{"accept-encoding": accepted})
    assert "immutable" in answer["headers"]["cache-control"]
    assert answer["headers"].get("content-encoding") == encoding
    assert opened(base64.b64decode(answer["body"])) in {b"brotli", b"let a = 1;" * 100}


@pytest.mark.parametrize("path", ["/nothing.js", "/assets/../index.html", "/assets/main-1a2b3c.js.br", "/..%2f"])
def test_there_is_nothing_beside_the_pages_own_files(browser: Browser, path: str) -> None:
    assert browser.raw("GET", path)["statusCode"] == 404


def test_the_settings_say_where_to_sign_in(browser: Browser) -> None:
    browser.claims = None
    assert browser.get("/config.json") == {
        "stage": "test",
        "auth": {
            "kind": "cognito",
            "authorize_url": "https://holdfast.auth.eu-central-1.amazoncognito.com/oauth2/authorize",
            "token_url": "https://holdfast.auth.eu-central-1.amazoncognito.com/oauth2/token",
            "logout_url": "https://holdfast.auth.eu-central-1.amazoncognito.com/logout",
            "client_id": "abc",
            "scopes": ["openid"],
        },
    }


def test_no_answer_of_the_api_is_cached_or_taken_for_a_page(browser: Browser) -> None:
    headers = browser.raw("GET", "/api/me")["headers"]
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].startswith("default-src 'none'")


# --- Campaigns. -------------------------------------------------------------------------------------------------------


def test_a_campaign_is_published_by_the_revision_one_saw(browser: Browser) -> None:
    assert [row["id"] for row in browser.get("/api/campaigns")["campaigns"]] == ["cart"]
    first = browser.post("/api/campaigns/cart/publish", source=FILE, seen_revision=1)
    assert (first["revision"], first["changed"]) == (2, True)
    again = browser.post("/api/campaigns/cart/publish", source=FILE, seen_revision=2)
    assert (again["revision"], again["changed"]) == (2, False)
    shown = browser.get("/api/campaigns/cart")
    assert shown["source"] == FILE
    assert shown["campaign"]["when"] == {"did": "Added", "did_not": "charged", "within": "30 minutes"}
    assert [each["revision"] for each in shown["revisions"]] == [1, 2]


def test_who_is_late_is_told_what_is_live_and_changes_nothing(browser: Browser) -> None:
    browser.post("/api/campaigns/cart/publish", source=FILE, seen_revision=1)
    late = browser.post("/api/campaigns/cart/publish", 409, source=FILE + "# mine\n", seen_revision=1)
    assert late["error"]["code"] == "conflict"
    assert late["error"]["live_revision"] == 2
    for change in ("pause", "resume", "rollback", "delete"):
        assert browser.post(f"/api/campaigns/cart/{change}", 409, seen_revision=1)["error"]["live_revision"] == 2
    assert browser.post("/api/campaigns/cart/publish", 409, source=FILE, seen_revision=0)
    assert browser.get("/api/campaigns/cart")["source"] == FILE


def test_of_two_who_publish_at_once_one_loses(world: World, browser: Browser) -> None:
    def overtake(_: dict[str, Any]) -> None:
        world.campaigns.pause("cart", paused=True)

    world.dynamodb.fault("transact_write_items", overtake)
    lost = browser.post("/api/campaigns/cart/publish", 409, source=FILE, seen_revision=1)
    assert lost["error"]["paused"] is True
    assert browser.get("/api/campaigns/cart")["paused"] is True


TYPED = FILE.replace('"{{ Event.price }}"', '{value: "{{ Event.price }}", type: number}')
GONE = FILE.replace('    price: "{{ Event.price }}"\n', "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (TYPED, "values.price was text and becomes number"),
        (GONE, "values.price is gone"),
        (FILE + "  detail_type: Reminder\n", "the detail type 'Personalized Message' becomes 'Reminder'"),
    ],
)
def test_what_breaks_consumers_is_refused_unless_it_is_forced(browser: Browser, text: str, why: str) -> None:
    browser.post("/api/campaigns/cart/publish", source=FILE, seen_revision=1, force=True)
    assert why in browser.post("/api/diff", source=text)["breaking"][0]
    refused = browser.post("/api/campaigns/cart/publish", 409, source=text, seen_revision=2)["error"]
    assert refused["code"] == "breaking"
    assert [why in each for each in refused["breaking"]] == [True]
    assert browser.get("/api/campaigns/cart")["source"] == FILE
    late = browser.post("/api/campaigns/cart/publish", 409, source=text, seen_revision=1)
    assert late["error"]["code"] == "conflict"
    assert browser.post("/api/campaigns/cart/publish", source=text, seen_revision=2, force=True)["revision"] == 3


def test_the_way_back_is_refused_where_it_breaks_consumers_unless_it_is_forced(browser: Browser) -> None:
    more = FILE + '    size: "{{ Event.size }}"\n'
    browser.post("/api/campaigns/cart/publish", source=FILE, seen_revision=1, force=True)
    browser.post("/api/campaigns/cart/publish", source=more, seen_revision=2)
    refused = browser.post("/api/campaigns/cart/rollback", 409, seen_revision=3)["error"]
    assert (refused["code"], refused["breaking"]) == ("breaking", ["values.size is gone"])
    assert browser.get("/api/campaigns/cart")["source"] == more
    assert browser.post("/api/campaigns/cart/rollback", seen_revision=3, force=True)["revision"] == 4


def test_pause_resume_and_the_way_back(browser: Browser) -> None:
    browser.post("/api/campaigns/cart/publish", source=FILE, seen_revision=1)
    browser.post("/api/campaigns/cart/publish", source=FILE.replace("your", "the"), seen_revision=2)
    assert browser.post("/api/campaigns/cart/pause", seen_revision=3)["paused"] is True
    assert browser.post("/api/campaigns/cart/resume", seen_revision=3)["paused"] is False
    assert browser.post("/api/campaigns/cart/rollback", seen_revision=3)["revision"] == 4
    assert browser.get("/api/campaigns/cart")["source"] == FILE
    assert browser.get("/api/campaigns/cart?revision=3")["source"] == FILE.replace("your", "the")
    assert browser.post("/api/campaigns/cart/rollback", 404, seen_revision=4, to=9)
    assert browser.post("/api/campaigns/cart/rollback", 422, seen_revision=4, to=1)["error"]["code"] == "no_way_back"


def test_a_deleted_campaign_is_listed_no_more_and_withholds_what_is_open(world: World, browser: Browser) -> None:
    join = world.join()
    join.take([world.body(world.added())])
    assert browser.post("/api/campaigns/cart/delete", seen_revision=1) == {"id": "cart", "revision": 1}
    assert browser.get("/api/campaigns")["campaigns"] == []
    assert browser.post("/api/campaigns/cart/delete", 404, seen_revision=1)["error"]["code"] == "not_found"
    world.now += 30 * MINUTE
    join.take([world.body({"holdfast": "tick", "users": {"ann": world.now}})])
    assert [(each["kind"], each["reason"]) for each in world.outbox()] == [("withhold", "campaign deleted")]


def test_a_file_is_of_the_campaign_it_is_published_as(browser: Browser) -> None:
    told = browser.post("/api/campaigns/other/publish", 422, source=FILE, seen_revision=0)
    assert told["error"]["message"] == "The file is of campaign cart, not of other."


def test_all_mistakes_are_told_at_once_with_their_places_also_in_the_templates(browser: Browser) -> None:
    wrong = FILE.replace("{{ Event.price }}", "a {{ Event.price | upcas }}").replace("Profile.", "Profil.")
    checked = browser.post("/api/check", source=wrong.replace("30 minutes", "soon"))
    assert checked["ok"] is False
    places = {
        each["place"]: (each["line"], each["template_line"], each["template_column"]) for each in checked["mistakes"]
    }
    assert places == {"when.within": (6, None, None), "send.values.title": (10, 1, 4), "send.values.price": (11, 1, 6)}
    assert browser.post("/api/campaigns/cart/publish", 422, source=wrong, seen_revision=1)["error"]["mistakes"]
    assert browser.post("/api/check", source="id: [")["mistakes"][0]["line"] == 1


def test_a_viewer_cannot_keep_the_api_busy_with_a_few_lines(browser: Browser) -> None:
    browser.claims = VIEWER
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]" for before, after in pairwise("abcdefghi")]
    for bomb in ("\n".join(lines), "when: " + "[" * 20_000, "id: a\x00"):
        started = time.process_time()
        checked = browser.post("/api/check", source=bomb)
        assert (checked["ok"], checked["campaign"], len(checked["mistakes"])) == (False, None, 1)
        assert browser.ask("POST", "/api/preview", {"source": bomb, "user": "ann"})[0] == 422
        assert time.process_time() - started < 3


def test_form_and_file_are_the_same_thing_and_comments_stay(browser: Browser) -> None:
    campaign = browser.post("/api/check", source=FILE)["campaign"]
    campaign["when"]["within"] = "45 minutes"
    campaign["send"]["values"] = {
        "price": "{{ Event.price }}",
        "extra": "yes",
        "title": campaign["send"]["values"]["title"],
    }
    checked = browser.post("/api/check", source=FILE, campaign=campaign)
    assert checked["ok"] is True
    assert checked["campaign"] == campaign
    assert list(checked["campaign"]["send"]["values"]) == ["price", "extra", "title"]
    assert "# kept by the shop team" in checked["source"]
    assert "within: 45 minutes  # long enough" in checked["source"]


def test_names_that_were_never_seen_are_hints(world: World, browser: Browser) -> None:
    world.dynamodb.put_item(
        TableName="campaigns",
        Item={"pk": {"S": "seen"}, "sk": {"S": "added"}, "name": {"S": "Added"}, "shapes": {"SS": ["string product"]}},
    )
    checked = browser.post("/api/check", source=FILE)
    assert checked["ok"] is True
    assert {hint["place"] for hint in checked["hints"]} == {"when.did_not", "send.values.price"}


def test_a_diff_says_what_changes_for_the_watches_that_are_open(world: World, browser: Browser) -> None:
    browser.post("/api/campaigns/cart/publish", source=FILE, seen_revision=1)
    world.join().take([world.body(world.added(price=7))])
    found = browser.post("/api/diff", source=FILE.replace("your", "the"))
    assert (found["live"], found["open"], found["effects"]["changed"], found["complete"]) == (2, 1, 1, True)
    assert found["changes"][0]["field"] == "send.values.title"
    assert found["examples"][0]["after"]["values"]["title"] == "Hi, the coat"
    assert browser.post("/api/diff", source=FILE.replace("id: cart", "id: new"))["live"] == 0


# --- Messages. --------------------------------------------------------------------------------------------------------


def test_a_preview_shows_each_value_where_it_came_from_and_a_rule_that_catches_it(browser: Browser) -> None:
    shown = browser.post("/api/preview", source=FILE, **OCCURRENCE)
    assert shown["values"]["title"]["text"] == "Ann, your coat"
    assert {v["name"]: v["origin"] for v in shown["values"]["title"]["variables"]} == {
        "Profile.first_name": "profile",
        "ConstantEventProperty": "constant",
    }
    assert shown["pattern"] == {
        "source": ["holdfast"],
        "detail-type": ["Personalized Message"],
        "detail": {"metadata": {"campaign": ["cart"]}},
    }
    assert (shown["ok"], shown["sent"], shown["revision"]) == (True, True, 2)


def test_one_template_that_is_wrong_hides_none_of_the_others(browser: Browser) -> None:
    shown = browser.post(
        "/api/preview", source=FILE.replace("{{ Event.price }}", "{{ Event.price | nope }}"), **OCCURRENCE
    )
    assert (shown["ok"], shown["sent"]) == (False, False)
    assert shown["values"]["title"]["text"] == "Ann, your coat"
    assert "unknown filter" in shown["values"]["price"]["error"]["message"]
    assert [each["place"] for each in shown["mistakes"]] == ["send.values.price"]


def test_without_an_event_the_latest_one_of_the_user_counts(world: World, browser: Browser) -> None:
    browser.post("/api/campaigns/cart/publish", source=FILE, seen_revision=1)
    world.join().take([world.body({"user": "ann", "profile": {"first_name": "Ann"}}, world.added("hat", price=7))])
    assert browser.post("/api/preview", source=FILE, user="ann")["values"]["title"]["text"] == "Ann, your hat"
    told = browser.post("/api/preview", 404, source=FILE, user="bob")
    assert told["error"] == {"code": "unknown_user", "message": "Nothing is known of the user bob: is it their id?"}
    world.join().take([world.body({"user": "bob", "profile": {"first_name": "Bob"}})])
    assert browser.post("/api/preview", 422, source=FILE, user="bob")["error"]["code"] == "no_message"


def test_markup_in_a_value_is_text_in_json(browser: Browser) -> None:
    occurrence: dict[str, Any] = {**OCCURRENCE, "event": {"product": "<script>alert(1)</script>", "price": 1}}
    assert browser.post("/api/preview", source=FILE, **occurrence)["detail"]["values"]["title"] == (
        "Ann, your <script>alert(1)</script>"
    )


def test_a_test_send_is_marked_as_one_and_fires_no_rule_of_the_campaigns(world: World, browser: Browser) -> None:
    told = browser.post("/api/campaigns/cart/test-send", source=FILE, **OCCURRENCE)
    (event,) = world.messages("rule")
    assert event["detail-type"] == told["detail_type"] == "Personalized Message Test"
    assert event["detail"]["metadata"]["test"] is True
    assert event["detail"] == told["detail"]
    Detail.model_validate(event["detail"])
    real = browser.post("/api/preview", source=FILE, **OCCURRENCE)["detail"]["metadata"]
    assert event["detail"]["metadata"]["id"] != real["id"]


def test_of_a_campaign_that_is_live_the_live_revision_is_tried(world: World, browser: Browser) -> None:
    browser.post("/api/campaigns/cart/publish", source=FILE, seen_revision=1)
    told = browser.post("/api/campaigns/cart/test-send", **OCCURRENCE)
    assert told["detail"]["metadata"]["revision"] == 2
    assert len(world.messages("rule")) == 1


def test_a_message_that_would_be_withheld_is_not_put_on_the_bus(world: World, browser: Browser) -> None:
    told = browser.post("/api/campaigns/cart/test-send", 422, source=FILE, user="ann", event={"product": "coat"})
    assert told["error"]["message"] == "Nothing was put on the bus, as the message is withheld: missing: Event.price."
    assert world.messages("rule") == []


def test_sample_events_show_whether_the_constant_property_agrees(browser: Browser) -> None:
    samples = [
        {"event": "added", "product": "coat"},
        {"event": "charged", "Items": [{"name": "hat"}, {"name": "coat"}]},
    ]
    told = browser.post("/api/match", source=FILE, events=samples)
    assert (told["match"], told["by_event"]["Added"]) == (True, ["coat"])
    assert (
        browser.post("/api/match", source=FILE, events=[{"event": "added", "product": "cap"}, samples[1]])["match"]
        is False
    )


# --- What is known. ---------------------------------------------------------------------------------------------------


def test_what_was_seen_is_offered_to_templates(world: World, browser: Browser) -> None:
    shapes = [
        "string product",
        "number unit price",
        "list Items",
        "string Items[].name",
        "object ship",
        "string ship.to",
    ]
    world.dynamodb.put_item(
        TableName="campaigns",
        Item={"pk": {"S": "seen"}, "sk": {"S": "added"}, "name": {"S": "Added"}, "shapes": {"SS": shapes}},
    )
    world.join().take([world.body({"user": "ann", "profile": {"first_name": "Ann"}})])
    seen = browser.get("/api/seen")
    assert [event["name"] for event in seen["events"]] == ["Added"]
    assert seen["events"][0]["campaigns"] == [{"campaign": "cart", "part": "did"}]
    assert seen["profile"] == [{"path": "first_name", "types": ["string"]}]
    today = seen["days"][-1]
    Volumes(world.dynamodb, "campaigns").add(today, {"added": 3, "never seen": 2})  # type: ignore[arg-type]
    counted = browser.get("/api/seen")
    assert (len(seen["days"]), today) == (14, datetime.fromtimestamp(world.now / 1000, UTC).date().isoformat())
    assert seen["events"][0]["volume"] == seen["others"] == [0] * 14
    assert (counted["events"][0]["volume"], counted["others"]) == ([0] * 13 + [3], [0] * 13 + [2])
    groups = {
        g["group"]: [i["insert"] for i in g["items"]] for g in browser.post("/api/suggestions", source=FILE)["groups"]
    }
    assert groups["User properties"] == ["Profile.first_name"]
    assert groups["Event properties"] == ["Event.product", "Event.ship.to", 'Event["unit price"]']
    assert groups["Constant property"] == ["ConstantEventProperty"]


@pytest.fixture
def one_clock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table's time is join's."""
    monkeypatch.setattr(tail_table, "aws_time", lambda _: world.now)


@pytest.mark.usefixtures("one_clock")
def test_who_looks_on_is_shown_what_came_since(world: World, browser: Browser) -> None:
    tail = Tail(Tails(world.dynamodb, "campaigns"), lambda: world.now)  # type: ignore[arg-type]
    join = world.join()
    join._tail = tail
    me: dict[str, Any] = {"id": "0123abcd", "user": "ann"}
    assert browser.post("/api/tail", **me) == {"records": [], "more": 0}
    join.take([world.body(*(world.added(f"p{n}") for n in range(30)), {**world.added(), "user": "bob"})])
    told = browser.post("/api/tail", **me)
    assert ({each["user"] for each in told["records"]}, len(told["records"]), told["more"]) == ({"ann"}, 25, 5)
    first = told["records"][0]
    assert (first["read"], first["form"], first["campaigns"], first["again"]) == (
        "event",
        "plain",
        ["cart: did"],
        False,
    )
    assert browser.post("/api/tail", **me) == {"records": [], "more": 0}
    for number in range(4):
        browser.post("/api/tail", id=f"{number}0000000")
    assert "people are following" in browser.post("/api/tail", 429, id="50000000")["error"]["message"]
    assert browser.post("/api/tail", 422, id="x")


@pytest.mark.usefixtures("one_clock")
def test_values_are_shown_to_editors_who_ask_for_them(world: World, browser: Browser) -> None:
    join = world.join(tail=Tail(Tails(world.dynamodb, "campaigns"), lambda: world.now))  # type: ignore[arg-type]
    me: dict[str, Any] = {"id": "0123abcd", "values": True}
    browser.post("/api/tail", **me)
    join.take([world.body(world.added())])
    (record,) = browser.post("/api/tail", **me)["records"]
    assert record["values"] == {"product": '"coat"'}
    browser.claims = VIEWER
    status, answer = browser.ask("POST", "/api/tail", me)
    assert (status, answer["error"]["code"]) == (403, "forbidden")
    world.now += APART_MS
    join.take([world.body(world.added("hat"))])
    (record,) = browser.post("/api/tail", id=me["id"])["records"]
    assert (record["properties"], record["values"]) == (["string product"], {}), "nor by an editor's tail"


def test_the_live_sources_are_listed_in_the_order_in_which_they_are_asked(world: World, browser: Browser) -> None:
    table = Sources(world.dynamodb, "campaigns")  # type: ignore[arg-type]
    a_source = Source(id="", match="shop", user=("who",), event="what")
    for id_, match in (("web", "old"), ("app", "old"), ("app", "shop")):
        made = partial(replace, a_source, id=id_, match=match)
        table.publish(id_, f"id: {id_}", lambda n: made(revision=n), world.now, by="eva", note="new")  # noqa: B023
    table.delete("web")
    table.publish("zoo", "id: zoo", lambda n: replace(a_source, id="zoo", name="The zoo", revision=n), world.now)
    app, zoo = browser.get("/api/sources")["sources"]
    assert app == {
        "id": "app",
        "name": "app",
        "revision": 2,
        "match": "shop",
        "published_at": world.now,
        "published_by": "eva",
        "note": "new",
        "source": "id: app",
    }
    assert (zoo["name"], zoo["published_by"], zoo["note"]) == ("The zoo", None, None)


def test_catalogs_and_recommendations_are_offered_with_their_columns(world: World, browser: Browser) -> None:
    importing = Catalogs(world.dynamodb, "catalog").importer(  # type: ignore[arg-type]
        "products", ("Identity", "Name", "List price"), (("Name",),), world.now, "me", lambda: world.now
    )
    (done,) = importing.run([Row(1, 1, 1, {"Identity": "1", "Name": "coat", "List price": "89"})])
    importing.finish(done.counts)
    plan = Recommender(id="also", catalog="products", did={"added": "product"})
    Recommendations(world.dynamodb, "campaigns").publish("also", "", lambda _: plan, world.now)  # type: ignore[arg-type]
    assert browser.get("/api/catalogs")["catalogs"] == [
        {"name": "products", "columns": ["Identity", "Name", "List price"], "rows": 1, "imported_at": world.now}
    ]
    (also,) = browser.get("/api/recommendations")["recommendations"]
    assert (also["name"], also["catalog"], also["columns"][1]) == ("also", "products", "Name")
    mapped = {**yaml(FILE), "catalogs": {"products": {"Name": "product"}}}
    groups = {g["group"]: g["items"] for g in browser.post("/api/suggestions", campaign=mapped)["groups"]}
    assert "Catalog" not in {g["group"] for g in browser.post("/api/suggestions", source=FILE)["groups"]}
    inserts = [item["insert"] for name in ("Catalog", "Recommendations") for item in groups[name]]
    assert 'Catalog.products["List price"]' in inserts
    values = {f"k{number}": f"{{{{ {insert} }}}}" for number, insert in enumerate(inserts)}
    assert browser.post("/api/check", campaign={**mapped, "send": {"values": values}})["mistakes"] == []
    priced = {**mapped, "send": {"values": {"price": '{{ Catalog.products["List price"] }}'}}}
    (price,) = browser.post("/api/preview", campaign=priced, **OCCURRENCE)["values"].values()
    assert price["text"] == "89"
    assert [variable["origin"] for variable in price["variables"]] == ["catalog"]


def test_explain_tells_a_users_story(world: World, browser: Browser) -> None:
    world.join().take([world.body(world.added(user="a/b c"))])
    told = browser.get("/api/explain?user=a%2Fb%20c&zone=Europe/Berlin")
    (about,) = told["explanations"]
    assert (about["status"], about["constant"]) == ("waits", "coat")
    assert browser.ask("GET", "/api/explain?user=ann&zone=Nowhere")[0] == 422


def test_explain_says_why_nothing_may_have_come_of_an_event(world: World, browser: Browser) -> None:
    assert browser.get("/api/explain?user=nobody")["also"][0].startswith("nobody was never seen")
    world.join().take([world.body(world.added(), {"user": "bob", "event": "charged", "ts": world.now})])
    assert browser.get("/api/explain?user=ann")["also"] == []
    told = browser.get("/api/explain?user=bob&zone=UTC")
    assert told["also"][0].endswith(": cart: constant property product: product is missing in charged")
    browser.claims = VIEWER
    assert not [each for each in browser.get("/api/explain?user=bob")["also"] if "rejected" in each]


def test_statistics_are_told_by_day_with_what_waits_now(world: World, browser: Browser) -> None:
    world.join().take([world.body(world.added())])
    world.now += 30 * MINUTE
    world.join().take([world.body({"holdfast": "tick", "users": {"ann": world.now}})])
    world.deliver_outboxes()
    world.join().take([world.body(world.added("hat"))])
    told = browser.get("/api/stats?days=2")
    assert told["days"] == ["2026-09-20", "2026-09-21"]
    cart = told["campaigns"]["cart"]
    assert (cart["waiting"], cart["sent"], cart["top"]) == (1, [0, 1], [{"value": "coat", "count": 1}])


def test_variants_are_counted_where_the_campaign_says_of_no_conversion(world: World, browser: Browser) -> None:
    """As `holdfast stats` does."""
    variants = {"long": {"title": "Your {{ ConstantEventProperty }} waits"}, "short": {"title": "{{ Event.price }}"}}
    plan = a_plan(variants=variants, rules=Rules(variants={"long": 1, "short": 1}))
    world.publish(plan)
    world.join().take([world.body(world.added(price=9))])
    world.now += 30 * MINUTE
    world.join().take([world.body({"holdfast": "tick", "users": {"ann": world.now}})])
    world.deliver_outboxes()
    cart = browser.get("/api/stats?days=2")["campaigns"]["cart"]
    (row,) = cart["outcomes"]
    assert (row["variant"], row["messages"], row["converted"]) == (plan.variant_of("ann"), 1, 0)
    assert cart["comparisons"] == []


# --- What could not go on. --------------------------------------------------------------------------------------------


def test_a_rejected_record_is_looked_at_and_goes_on(world: World, browser: Browser) -> None:
    world.join().take([world.body({"user": "ann", "event": "Added", "ts": T0}), world.body("not json", message="m2")])
    queued = browser.get("/api/queues/rejected")
    assert (queued["approximate_total"], queued["looked"], queued["found"]) == (2, 2, 2)
    assert browser.get("/api/queues") == {"rejected": 2, "undelivered": 0}
    (mine,) = (each for each in queued["groups"] if each["campaigns"] == ["cart"])
    assert mine["reason"] == "cart: constant property product: product is missing in Added"
    ids = [each["id"] for each in mine["messages"]]
    assert browser.post("/api/queues/rejected/redrive", ids=ids) == {"redriven": 1, "failed": {}, "left": 1}
    (again,) = world.messages("events")
    assert again["event"] == "Added"
    assert len(browser.get("/api/queues/rejected")["groups"]) == 1


def test_an_undelivered_decision_is_delivered(world: World, browser: Browser) -> None:
    decision = Decision("send", "cart", "coat", "coat", T0, "e1", T0, 1)
    body = {"reason": "not put: InternalFailure", "user": "ann", "outbox": [decision._asdict()]}
    Queue(world.sqs, world.queues["undelivered"]).send([Message(json.dumps(body))])  # type: ignore[arg-type]
    assert browser.get("/api/queues/undelivered")["groups"][0]["campaigns"] == ["cart"]
    assert browser.post("/api/queues/undelivered/redrive")["redriven"] == 1
    assert len(world.messages("rule")) == 1
    assert browser.ask("GET", "/api/queues/events")[0] == 404


def set_aside(world: World, *reasons: str) -> None:
    bodies = [{"reason": reason, "campaigns": [], "record": f"of {number}"} for number, reason in enumerate(reasons)]
    queue = Queue(world.sqs, world.queues["rejected"])  # type: ignore[arg-type]
    assert queue.send(Message(json.dumps(body)) for body in bodies) == []


def test_what_was_set_aside_is_grouped_by_reason_numbers_apart(world: World, browser: Browser) -> None:
    set_aside(world, "in the future by 130 s", "no user", "in the future by 4.5 s", "in the future by 9 s")
    first, second = browser.get("/api/queues/rejected")["groups"]
    assert (first["count"], first["group"], len(first["messages"])) == (3, "in the future by # s", 3)
    assert (second["count"], second["reason"]) == (1, "no user")
    found = browser.get("/api/queues/rejected?search=OF%201")
    assert [each["reason"] for each in found["groups"]] == ["no user"]


def test_what_is_discarded_is_gone_and_nothing_else_is(world: World, browser: Browser) -> None:
    set_aside(world, "no user", "late by 1 s", "no user", "late by 2 s")
    assert browser.ask("POST", "/api/queues/rejected/discard", {})[0] == 422
    told = browser.post("/api/queues/rejected/discard", groups=["late by # s"], search="of 3")
    assert told == {"discarded": 1, "left": 3}
    assert browser.post("/api/queues/rejected/discard", groups=["no user"]) == {"discarded": 2, "left": 1}
    (left,) = browser.get("/api/queues/rejected")["groups"]
    assert left["reason"] == "late by 1 s"
    assert world.messages("events") == []


# --- Who did it. ------------------------------------------------------------------------------------------------------


def test_every_revision_keeps_who_published_it_and_why(browser: Browser) -> None:
    browser.post("/api/campaigns/cart/publish", source=FILE, seen_revision=1, note="for the sale")
    browser.post("/api/campaigns/cart/pause", seen_revision=2)
    shown = browser.get("/api/campaigns/cart")
    assert (shown["published_by"], shown["note"], shown["paused"]) == ("eve", "for the sale", True)
    browser.claims = {**EDITOR, "username": "bob"}
    browser.post("/api/campaigns/cart/rollback", seen_revision=2, to=2)
    browser.post("/api/campaigns/cart/publish", source=FILE.replace("your", "the"), seen_revision=2)
    told = [(each["published_by"], each["note"]) for each in browser.get("/api/campaigns/cart")["revisions"]]
    assert told == [(None, None), ("eve", "for the sale"), ("bob", None)]
    assert browser.get("/api/campaigns")["campaigns"][0]["published_by"] == "bob"


def test_what_was_done_is_told_with_who_did_it_the_newest_first(world: World, browser: Browser) -> None:
    deeds: list[tuple[str, dict[str, Any]]] = [
        ("/api/campaigns/cart/publish", {"source": FILE, "seen_revision": 1}),
        ("/api/campaigns/cart/pause", {"seen_revision": 2, "note": "out of coats"}),
        ("/api/campaigns/cart/resume", {"seen_revision": 2}),
        ("/api/campaigns/cart/test-send", {"source": FILE, **OCCURRENCE}),
        ("/api/campaigns/cart/publish", {"source": FILE.replace("your", "the"), "seen_revision": 2}),
        ("/api/campaigns/cart/rollback", {"seen_revision": 3}),
        ("/api/queues/rejected/redrive", {"groups": ["no user"]}),
        ("/api/queues/rejected/discard", {"groups": ["late by # s"]}),
        ("/api/campaigns/cart/delete", {"seen_revision": 4, "note": "the sale is over"}),
    ]
    set_aside(world, "no user", "late by 1 s")
    for path, body in deeds:
        world.now += 1000
        browser.post(path, **body)
    acts = browser.get("/api/activity")["acts"]
    assert [(act["action"], act["of"], act["revision"], act["count"], act["note"]) for act in acts] == [
        ("deleted", "cart", 4, None, "the sale is over"),
        ("discarded", "rejected", None, 1, None),
        ("retried", "rejected", None, 1, None),
        ("rolled back", "cart", 4, None, None),
        ("published", "cart", 3, None, None),
        ("tested", "cart", None, None, None),
        ("resumed", "cart", 2, None, None),
        ("paused", "cart", 2, None, "out of coats"),
        ("published", "cart", 2, None, None),
    ]
    assert {act["by"] for act in acts} == {"eve"}
    assert acts[0]["at"] == world.now


def test_what_changed_nothing_is_no_activity(browser: Browser) -> None:
    browser.post("/api/campaigns/cart/publish", source=FILE, seen_revision=1)
    browser.post("/api/campaigns/cart/publish", source=FILE, seen_revision=2)
    browser.post("/api/queues/rejected/redrive")
    assert len(browser.get("/api/activity")["acts"]) == 1


def test_a_publication_that_cannot_be_recorded_is_a_publication(world: World, browser: Browser) -> None:
    world.dynamodb.fault("put_item", throttled)
    assert browser.post("/api/campaigns/cart/publish", source=FILE, seen_revision=1)["revision"] == 2
    assert browser.get("/api/campaigns/cart")["published_by"] == "eve"


def test_a_viewer_is_shown_decisions_and_no_profile(world: World, browser: Browser) -> None:
    world.join().take([world.body({"user": "ann", "profile": {"email": "ann@example.com"}}, world.added())])
    told = browser.get("/api/explain?user=ann")
    assert told["profile"] == {"email": "ann@example.com"}
    assert "coat" in told["explanations"][0]["values"]["title"]
    browser.claims = VIEWER
    told = browser.get("/api/explain?user=ann")
    assert (told["known"], told["profile"], told["explanations"][0]["status"]) == (True, None, "waits")
    assert told["explanations"][0]["values"] is None
    assert browser.get("/api/explain?user=nobody")["known"] is False


# --- What goes wrong. -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/api/check", {"sauce": ""}, "body.sauce: Extra inputs are not permitted"),
        ("/api/campaigns/cart/publish", {"source": ""}, "body.seen_revision: Field required"),
        ("/api/campaigns/NO!/pause", {"seen_revision": 1}, "path.campaign"),
        ("/api/preview", {"source": "x" * 200_001, "user": "u"}, "body.source: String should have at most 200000"),
    ],
)
def test_a_request_that_is_not_as_it_should_be_is_told_so(browser: Browser, path: str, body: Any, told: str) -> None:
    status, answer = browser.ask("POST", path, body)
    assert (status, answer["error"]["code"]) == (422, "request")
    assert told in answer["error"]["message"]


def test_there_is_no_route_beside_those_there_are(browser: Browser) -> None:
    assert browser.ask("GET", "/api/nothing")[0] == 404
    assert browser.ask("GET", "/api/campaigns/nothing")[1]["error"]["message"] == "There is no campaign nothing."


def test_what_aws_refuses_is_told_without_its_inside(world: World, browser: Browser) -> None:
    world.dynamodb.fault("scan", throttled)
    status, told = browser.ask("GET", "/api/seen")
    assert (status, told["error"]["code"]) == (502, "aws")


def test_the_published_document_is_that_of_the_routes() -> None:
    assert (ROOT / "schemas" / "console.json").read_text(encoding="utf-8") == document(), "make schemas"


def test_the_document_describes_every_route(browser: Browser) -> None:
    served_document = browser.get("/api/openapi.json")
    described = {(m.upper(), path) for path, item in served_document["paths"].items() for m in item}
    served = {(m, p.replace("/cart", "/{campaign}").replace("/rejected", "/{name}")) for m, p in api()}
    assert described == served
    assert served_document["security"] == [{"token": []}]
