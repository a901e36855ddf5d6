"""A busy system, with names as people give them: the page and what the API says, the same each time and without AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

from playwright.sync_api import Page, Route

from holdfast.console import policy
from holdfast.console.answers import Refused
from holdfast.console.desk.desk import Desk as Api
from holdfast.console.models.basics import Told
from holdfast.console.models.campaigns import Activity, Listed, Shown
from holdfast.console.models.drafts import Drafted
from holdfast.console.models.known import Came, Catalogs, LookOn, Me, SeenNames, Sources, Tailed
from holdfast.console.models.messages import Explained, Occurrence
from holdfast.console.models.numbers import Behind, Statistics
from holdfast.console.models.policy import PolicyShown, PolicyText
from holdfast.console.models.queues import Counts, Queued
from holdfast.core.intake.volume import SHOWN_DAYS
from holdfast.core.messages import statistics
from holdfast.core.plans.plans import Plans
from infra.page import build_page

NOW = 1_790_000_000_000
MINUTE = 60_000
DAY = 24 * 60 * MINUTE

NAMES = [
    "Abandoned cart, coats",
    "🔥🔥 Flash sale 🔥🔥 follow up 🛍️",
    "سلة مهجورة الرياض",
    "עגלה נטושה",
    "Price drop on something you looked at more than three times in the last weeks but did not buy (EMEA, v7 FINAL)",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsgutschein_ohne_Leerzeichen_2026",
    "放弃的购物车",
    "<b>bold</b> & 'quoted'",
]
PRODUCTS = [
    "red hat",
    "a product with an extremely long name that nobody would ever want to read in…ize M",
    "مِعْطَف أبيض",
    "🧥 coat",
    "averyveryveryverylongskuwithoutanyspaceinit-0123456789-0123456789",
]
CAMPAIGN = "c-05"
USER = "a.very.long.user.name.with.many.parts.and.more@a-long-subdomain.of.a-company.example.com"
SOURCE = f"""\
id: {CAMPAIGN}
name: {json.dumps(NAMES[5], ensure_ascii=False)}
when:
  did: added_to_cart_from_the_recommendations_of_the_product_page
  did_not: [charged, "{NAMES[2]}"]
  within: 30 minutes
constant:
  name: product
  in:
    added_to_cart_from_the_recommendations_of_the_product_page: product_name
    charged: Items[].prod_name
    "{NAMES[2]}": Items[].prod_name
send:
  audience: Profile.country == 'DE' && !Profile.unsubscribed
  hours: {{days: [mon, tue, wed, thu, fri], from: "08:00", to: "21:00", zone: America/Argentina/ComodRivadavia}}
  per_user:
    - {{at_most: 1, in: 1 day}}
    - {{at_most: 3, in: 7 days}}
  instead_of: [c-06, c-07]
  control: 5%
  variants:
    - {{name: plain, weight: 2, values: {{body: "مرحبا"}}}}
    - {{name: a-long-name-of-a-variant, values: {{body: "{{{{ Profile.first_name | default: 'Hi' }}}}, {"y" * 80}"}}}}
  values:
    title: "{{{{ Profile.first_name | default: 'Hi' }}}}, your {{{{ ConstantEventProperty }}}} is waiting"
    body: "مرحبا {{{{ Profile.first_name | default: 'أهلا' }}}} 👋 لا تنس"
    a_key_with_a_very_long_name_that_nobody_shortened: https://shop.example.com/{"x" * 90}
"""


SOURCE += """\
convert: {on: charged, within: 7 days, amount: "Items[?prod_name == $value].price", currency: "'EUR'"}
"""

HINTS = [
    {"path": ["when", "did"], "place": "when.did", "line": 4, "column": 3, "message": f"{NAMES[5]} was never seen"}
]
"""The same whatever the stack has seen."""


def rows() -> list[dict[str, Any]]:
    return [
        {
            "id": f"c-{number:02}",
            "name": NAMES[number % len(NAMES)],
            "revision": 1 + number % 7,
            "paused": number % 9 == 4,
            "published_at": NOW - number * DAY,
            "published_by": "ann",
            "did": ["added to cart"] if number % 3 else ["added_to_cart_from_the_recommendations_of_the_product_page"],
            "did_not": ["charged", "checked out"] if number % 2 else ["charged"],
            "within": "30 minutes",
            "one_per": "value",
        }
        for number in range(40)
    ]


COMPARISONS = [
    {
        "variant": None,
        "against": "control",
        "verdict": "not yet",
        "sentence": "Not yet: about 9 more days at this traffic (-0.8 to +4.1 points).",
        "plain_dashboard": "A plain dashboard would say: +38%, significant.",
        "treated": {"users": 12_345, "converted": 741, "amount": 65_432.1},
        "control": {"users": 651, "converted": 28, "amount": 2_345.67},
        "points": (-0.0083, 0.0412),
        "currency": "EUR",
        "amount_per_user": (-0.31, 3.71),
    },
    {
        "variant": "a-long-name-of-a-variant-in-full",
        "against": "plain",
        "verdict": "harms",
        "sentence": "Harms: +0.3 to +4.0 points fewer users convert.",
        "plain_dashboard": "A plain dashboard would say: -31%, significant.",
        "treated": {"users": 4_115, "converted": 180, "amount": 12_000.0},
        "control": {"users": 8_230, "converted": 561, "amount": 53_432.1},
        "points": (-0.04, -0.003),
        "currency": None,
        "amount_per_user": None,
    },
]


def followed(days: int) -> list[dict[str, Any]]:
    arms = [("plain", ""), ("a-long-name-of-a-variant-in-full", ""), ("plain", "control"), ("", "stack")]
    return [
        {
            "day": day,
            "revision": 6,
            "variant": variant,
            "group": group,
            "messages": 400 - number * 90 + at,
            "converted": 23 - number * 5,
            "amount": 1_234.5 - number * 300,
            "currency": "EUR" if number else "Rs.",
            "users": 390 - number * 90,
            "users_converted": 20 - number * 5,
            "users_amount": 1_034.5 - number * 300,
        }
        for at, day in enumerate(statistics.days(NOW, days))
        for number, (variant, group) in enumerate(arms)
    ]


def stats(days: int) -> dict[str, Any]:
    def numbers(number: int) -> dict[str, Any]:
        sent = [(number * 37 + day * 13) % 90 if day > 3 else 0 for day in range(days)]
        top = [{"value": PRODUCTS[(number + at) % len(PRODUCTS)], "count": 90 - at * 7} for at in range(5)]
        return {
            "waiting": number * 31 % 400,
            "waiting_at_least": number * 31 % 400,
            "sent": sent,
            "withheld": {
                "missing: Event.price": [each // 4 for each in sent],
                "in doubt: charged at 10:05 could not be read (Items[].prod_name is missing)": [1] * days,
            },
            "retracted": [each // 9 for each in sent],
            "failed": [0] * days,
            "top": top,
            "top_error": 0,
            "outcomes": followed(days) if number == int(CAMPAIGN[2:]) else [],
            "comparisons": COMPARISONS if number == int(CAMPAIGN[2:]) else [],
        }

    return {
        "days": statistics.days(NOW, days),
        "campaigns": {f"c-{number:02}": numbers(number) for number in range(39)},
        "waiting_at": NOW,
    }


def queue() -> dict[str, Any]:
    reasons = [
        "c-05: constant property product: product_name is missing in added_to_cart_from_the_recommendations",
        "the record is not JSON",
        f"too long: {'a' * 120}",
        "سبب غير معروف",
    ]
    groups = []
    for number, reason in enumerate(reasons):
        record = {"user": USER, "event": "added to cart", "long": "y" * 300}
        message = {"id": f"m{number}", "reason": reason, "campaigns": [], "at": NOW - number * MINUTE, "record": record}
        campaigns = [row["id"] for row in rows()[: 12 * (number % 2)]]
        groups.append(
            {
                "group": reason,
                "reason": reason,
                "count": 73 - number * 9,
                "first": NOW - 3 * DAY,
                "last": NOW - number * MINUTE,
                "campaigns": campaigns,
                "messages": [message],
            }
        )
    return {"groups": groups, "looked": 200, "found": 200, "approximate_total": 12_345}


def story() -> dict[str, Any]:
    statuses = ["waits", "sent", "withheld", "ended", "retracted"]
    told = []
    for number in range(15):
        at = NOW - number * 17 * MINUTE
        product = PRODUCTS[number % len(PRODUCTS)]
        clock, decided = (f"{datetime.fromtimestamp(each / 1000, UTC):%H:%M}" for each in (at, at + MINUTE))
        text = f"a message about {product} at {decided}, id 0123456789abcdef{number}"
        facts = [
            {"what": "seen", "at": at, "text": f"added to cart {product} at {clock}"},
            {"what": "decided", "at": at + MINUTE, "text": text},
        ]
        told.append(
            {
                "campaign": f"c-{number:02}",
                "name": NAMES[number % len(NAMES)],
                "constant": product,
                "status": statuses[number % len(statuses)],
                "facts": facts,
                "latest": at,
                "waits_for": [],
                "until": None,
                "decided": at + MINUTE if number % 5 == 1 else None,
                "message": f"0123456789abcdef{number}",
                "reason": "",
                "values": {"title": f"زوي, your {product} is waiting", "a_key": "x" * 90} if number % 5 < 2 else None,
                "text": "",
            }
        )
    return {
        "user": USER,
        "ids": [f"anon-{'7' * 60} is an id of this user, too."],
        "known": True,
        "profile": {"email": USER, "first_name": "زوي"},
        "explanations": told,
        "also": [f"No campaign has an event {name!r}." for name in NAMES[:3]],
    }


def acts() -> dict[str, Any]:
    deeds = ["published", "paused", "resumed", "tested", "rolled back", "deleted"]
    return {
        "acts": [
            {
                "at": NOW - number * 11 * MINUTE,
                "by": USER if number % 5 == 3 else "ann",
                "action": deeds[number % len(deeds)],
                "of": f"c-{number:02}",
                "revision": 3,
                "count": None,
                "note": NAMES[4] if number % 4 == 1 else None,
            }
            for number in range(14)
        ]
    }


def campaign() -> dict[str, Any]:
    revisions = [
        {
            "revision": number,
            "published_at": NOW - (9 - number) * DAY,
            "published_by": USER if number % 2 else "ann",
            "note": NAMES[(number + 3) % len(NAMES)] if number % 3 == 0 else None,
        }
        for number in range(1, 7)
    ]
    newest = revisions[-1]
    return {
        "id": CAMPAIGN,
        "live_revision": 6,
        "paused": False,
        "source": SOURCE,
        "campaign": {},
        "revisions": revisions,
        **newest,
    }


POLICY = """\
zone: Europe/Berlin
hours: {from: "08:00", to: "21:00"}
per_user:
  - {at_most: 1, in: 1 day}
control: 2%
exempt: [c-03, order-confirmation]
"""


def rules() -> dict[str, Any]:
    shown = campaign()
    return {
        key: shown[key] for key in ("revision", "live_revision", "revisions", "published_at", "published_by", "note")
    } | {"source": POLICY}


PROPERTIES = [
    "product_name",
    "price",
    "Items[].prod_name",
    "a_property.with.a_long_path[].that_nobody_shortened",
    "مدينة",
]


def seen() -> dict[str, Any]:
    events = []
    for number, name in enumerate(NAMES[:5]):
        properties = [{"path": path, "types": ["number", "string"][: 1 + at % 2]} for at, path in enumerate(PROPERTIES)]
        uses = [{"campaign": row["id"], "part": "did_not"} for row in rows()[number : number * 4]]
        volume = [0 if number == 2 else (at * at * 7_919 + number) % 10 ** (1 + number) for at in range(SHOWN_DAYS)]
        events.append({"name": name, "properties": properties, "campaigns": uses, "volume": volume})
    days = statistics.days(NOW, SHOWN_DAYS)
    return {"days": days, "events": events, "others": [0, 1_234] * (SHOWN_DAYS // 2), "profile": []}


def sources() -> dict[str, Any]:
    return {
        "sources": [
            {
                "id": f"source-{number}",
                "name": name,
                "revision": number + 1,
                "match": 'detail.metadata."X-Shopify-Topic" && ' * (1 + number * 4) + "true",
                "published_at": NOW - number * DAY,
                "published_by": USER if number % 2 else "ann",
                "note": NAMES[4] if number % 2 else None,
                "source": f"id: source-{number}\nname: {name}\n",
            }
            for number, name in enumerate(["Shopify", NAMES[5], NAMES[2]])
        ]
    }


def came() -> list[dict[str, Any]]:
    """One of each kind, again and again."""
    record: dict[str, Any] = {
        "form": "plain event",
        "user": "",
        "event": "",
        "at": None,
        "properties": [],
        "campaigns": [],
        "values": {},
    }
    long = {"user": USER, "event": NAMES[5], "form": "source a-source-with-a-long-name"}
    kinds: list[dict[str, Any]] = [
        {"read": "event", "user": "zoe", "event": "added to cart", "at": NOW - 2 * MINUTE, "campaigns": ["c-05: did"]},
        {"read": "rejected", **long, "reason": f"constant property product: {'x' * 150} is missing"},
        {"read": "event", **long, "campaigns": [f"c-{number:02}: did_not" for number in range(12)]},
        {"read": "profile", "user": USER, "event": NAMES[2]},
        {"read": "tie", "user": f"anon-{'7' * 60}"},
        {"read": "ignored", "reason": "a page view"},
        {"read": "later", "reason": "source shopify is of a newer release", "again": True},
    ]
    shapes = [
        f"{kind} {path}"
        for kind, path in zip(["string", "number", "string", "list", "string"], PROPERTIES, strict=True)
    ]
    return [
        {"reason": "", "again": False, **record, "came": NOW - (20 - at) * 1000, "properties": shapes[: at % 6], **kind}
        for at, kind in enumerate(kinds * 2)
    ]


LOOKED_ON: set[str] = set()
"""Ids that were answered before: then nothing more came."""


def tailed(asked: LookOn) -> Tailed:
    new = asked.id not in LOOKED_ON
    LOOKED_ON.add(asked.id)
    return Tailed(records=[Came(**each) for each in came()] if new else [], more=1_234 if new else 0)


def answer(path: str, query: str) -> Any:
    """The answer to a GET, as the API's models have it; None for an unknown path."""
    days = int(parse_qs(query).get("days", ["14"])[0])
    kind, _, one = path.partition("/api/")[2].partition("/")
    if one.endswith("/users"):
        kind, one = "users", ""
    known: dict[str, tuple[type[Told], Callable[[], Any]]] = {
        "me": (Me, lambda: {"name": "ann", "groups": ["editor"], "may_edit": True, "stage": "local"}),
        "campaigns": (Shown, campaign) if one else (Listed, lambda: {"campaigns": rows()}),
        "users": (Behind, lambda: {"users": [f"user-{at}-{'x' * at}" for at in range(50)], "complete": False}),
        "stats": (Statistics, lambda: stats(days)),
        "policy": (PolicyShown, rules),
        "queues": (Queued, queue) if one else (Counts, lambda: {"rejected": 12_345, "undelivered": 5}),
        "explain": (Explained, story),
        "activity": (Activity, acts),
        "seen": (SeenNames, seen),
        "sources": (Sources, sources),
        "catalogs": (Catalogs, lambda: {"catalogs": []}),
    }
    if kind not in known:
        return None
    model, made = known[kind]
    return model.model_validate(made()).model_dump(mode="json")


def pure(path: str, body: Any) -> tuple[int, Any]:
    """The answer to a POST that changes nothing: the API's own, of a system that has seen nothing."""
    kind = path.partition("/api/")[2]
    known: dict[str, Callable[[], Told]] = {
        "check": lambda: API.check(Drafted.model_validate(body)),
        "preview": lambda: API.preview(Occurrence.model_validate(body)),
        "policy/check": lambda: policy.check(PolicyText.model_validate(body), PUBLISHED),
        "suggestions": lambda: API.suggest(Drafted.model_validate(body)),
        "tail": lambda: tailed(LookOn.model_validate(body)),
    }
    if kind not in known:
        return 404, {"error": {"code": "not_found", "message": path}}
    try:
        told = known[kind]().model_dump(mode="json")
    except Refused as error:
        return error.status, error.body
    return 200, told | ({"hints": HINTS} if kind == "check" and CAMPAIGN in json.dumps(body) else {})


PUBLISHED: Any = SimpleNamespace(live=lambda: [SimpleNamespace(plan=SimpleNamespace(id="c-03"))])
NOBODY: Any = SimpleNamespace(sample_profiles=lambda _number: [], read=dict, all=list)
API = Api(
    stage="local",
    source="holdfast",
    campaigns=NOBODY,
    policies=NOBODY,
    live=cast("Any", SimpleNamespace(current=lambda: SimpleNamespace(newest=Plans([])))),
    users=NOBODY,
    observations=NOBODY,
    catalogs=NOBODY,
    lookup=NOBODY,
    recommendations=NOBODY,
    sources=NOBODY,
    tails=NOBODY,
    volumes=NOBODY,
    statistics=NOBODY,
    bus=NOBODY,
    activity=NOBODY,
    queues={},
    clock=lambda: NOW,
)

ADDRESS = "https://holdfast.test/"
CONFIG = {
    "stage": "local",
    "auth": {
        "kind": "cognito",
        "authorize_url": ADDRESS,
        "token_url": f"{ADDRESS}token",
        "logout_url": ADDRESS,
        "client_id": "",
        "scopes": [],
    },
}
SIGNED_IN = """sessionStorage.setItem("holdfast.sign-in", '{"verifier": "v", "state": "s", "hash": "%s"}')"""


def busy(page: Page, place: str = "") -> None:
    """Show this system, at its time: first of all a place of it, else its campaigns.

    No other one has a part in it: what it looks like depends on nothing else.
    """
    folder = build_page()

    def fulfil(route: Route) -> None:
        parts, request = urlsplit(route.request.url), route.request
        name = parts.path.removeprefix("/") or "index.html"
        if parts.path in {"/config.json", "/token"}:
            route.fulfill(json=CONFIG if name == "config.json" else {"access_token": "x"})
        elif parts.path.startswith("/api/") and request.method == "POST":
            status, told = pure(parts.path, request.post_data_json)
            route.fulfill(status=status, json=told)
        elif parts.path.startswith("/api/"):
            told = answer(unquote(parts.path), parts.query)
            route.fulfill(status=404 if told is None else 200, json=told)
        elif (folder / name).is_file():
            route.fulfill(path=folder / name)
        else:
            route.fulfill(status=404)

    page.route("**/*", fulfil)
    page.clock.set_fixed_time(NOW / 1000)  # Playwright's are seconds
    page.add_init_script(SIGNED_IN % place)
    page.goto(f"{ADDRESS}?code=c&state=s")
