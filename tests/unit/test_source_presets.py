"""The sources in examples/, each with a body as its vendor documents it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from holdfast.core.authoring.source import SourceFile
from holdfast.core.events import Event, Json, ProfileChange, Tie
from holdfast.core.intake.fields import Rules
from holdfast.core.intake.forms import records
from holdfast.core.intake.sources import Source
from holdfast_cli.campaign_file import read_model
from holdfast_cli.main import app

FOLDER = Path(__file__).parents[2] / "examples" / "sources"
PRESETS = {path.stem: read_model(path, SourceFile)[0].plan() for path in sorted(FOLDER.glob("*.yaml"))}
NOW = 1_790_000_000_000


def ordered(customer: int = 115310627314723954) -> dict[str, Any]:
    """An order as Shopify's webhooks bear it, with the fields that matter here."""
    return {
        "id": 820982911946154508,
        "admin_graphql_api_id": "gid://shopify/Order/820982911946154508",
        "created_at": "2026-01-05T10:30:00-05:00",
        "updated_at": "2026-01-05T10:30:00-05:00",
        "customer": {"id": customer, "email": "jane@example.com", "first_name": "Jane", "phone": None},
        "line_items": [{"id": 487817672276298554, "product_id": 788032119674292922, "sku": "SKU2006-001"}],
    }


HEADERS = {
    "X-Shopify-Topic": "orders/create",
    "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
    "X-Shopify-Triggered-At": "2026-01-05T15:30:01.123Z",
}


class Case(NamedTuple):
    """A body, and of each event that it holds: user, name, id, time, and one thing that it carries, by its path."""

    preset: str
    body: Any
    events: list[tuple[str, str, str, int]]
    carries: tuple[str, Json]
    profile: Mapping[str, Json] = MappingProxyType({})
    alias: str = ""
    """The other id of the user that each event names."""


JAN_5 = 1_767_627_000_000  # 15:30 UTC
CASES = [
    Case(
        "shopify-eventbridge",
        {
            "version": "0",
            "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
            "detail-type": "shopifyWebhook",
            "source": "aws.partner/shopify.com/4321/shop",
            "account": "111122223333",
            "time": "2026-01-05T15:30:02Z",
            "region": "us-east-1",
            "resources": [],
            "detail": {"metadata": HEADERS, "payload": ordered()},
        },
        [("115310627314723954", "shopifyWebhook", HEADERS["X-Shopify-Webhook-Id"], JAN_5 + 1123)],
        ("payload.line_items[].product_id", [788032119674292922]),
        {"email": "jane@example.com", "first_name": "Jane"},
    ),
    Case(
        "shopify-webhook",
        {"metadata": HEADERS, "payload": ordered()},
        [("115310627314723954", "orders/create", HEADERS["X-Shopify-Webhook-Id"], JAN_5 + 1123)],
        ("line_items[].sku", ["SKU2006-001"]),
        {"email": "jane@example.com", "first_name": "Jane"},
    ),
    Case(
        "snowplow-enriched",
        {
            "app_id": "website",
            "platform": "web",
            "collector_tstamp": "2026-01-05T15:30:05.957Z",
            "derived_tstamp": "2026-01-05T15:30:00.000Z",
            "event": "unstruct",
            "event_id": "f9a58d5d-cd13-4bfe-b9b2-5136ce1cb9fa",
            "v_tracker": "js-3.5.0",
            "user_id": "jane",
            "domain_userid": "bc2e92ec6c204a14",
            "event_name": "viewed_product",
            "event_vendor": "com.my_company",
            "unstruct_event_com_my_company_viewed_product_1": {"product_id": "ASO01043", "price": 49.95},
        },
        [("jane", "viewed_product", "f9a58d5d-cd13-4bfe-b9b2-5136ce1cb9fa", JAN_5)],
        ("unstruct_event_com_my_company_viewed_product_1.product_id", "ASO01043"),
        alias="bc2e92ec6c204a14",
    ),
    Case(
        "mparticle",
        {
            "environment": "production",
            "mpid": -7346244611012968789,
            "user_identities": {"customer_id": "go1234", "email": "go-example@foo.com"},
            "user_attributes": {"foo": "bar", "foo-array": ["bar1", "bar2"]},
            "events": [
                {"event_type": "session_start", "data": {"timestamp_unixtime_ms": JAN_5}},
                {
                    "event_type": "custom_event",
                    "data": {
                        "event_name": "Viewed product",
                        "custom_event_type": "navigation",
                        "timestamp_unixtime_ms": JAN_5,
                        "source_message_id": "e8335d31-2031-4bff-afec-17ffc1784697",
                    },
                },
                {
                    "event_type": "commerce_event",
                    "data": {
                        "timestamp_unixtime_ms": JAN_5 + 1,
                        "event_id": 6004677780660780000,
                        "product_action": {"action": "purchase", "products": [{"id": "sku-1", "price": 3}]},
                    },
                },
            ],
        },
        [
            ("go1234", "Viewed product", "e8335d31-2031-4bff-afec-17ffc1784697", JAN_5),
            ("go1234", "purchase", "6004677780660780000", JAN_5 + 1),
        ],
        ("product_action.products[].id", ["sku-1"]),
        {"foo": "bar", "foo-array": ["bar1", "bar2"]},
        alias="-7346244611012968789",
    ),
    Case(
        "mixpanel",
        [
            {
                "event": name,
                "properties": {
                    "time": time,
                    "distinct_id": "jane",
                    "$device_id": "91304156-cafc",
                    "$user_id": "jane",
                    "$insert_id": f"i-{name}",
                    **more,
                },
            }
            for name, time, more in (("Signup", JAN_5 // 1000, {}), ("Purchase", JAN_5, {"Item": "Coffee"}))
        ],
        [("jane", "Signup", "i-Signup", JAN_5), ("jane", "Purchase", "i-Purchase", JAN_5)],
        ("Item", "Coffee"),
        alias="91304156-cafc",
    ),
    Case(
        "amplitude",
        {
            "api_key": "secret",
            "events": [
                {
                    "user_id": "jane@example.com",
                    "device_id": "C8F9E604",
                    "event_type": "watch_tutorial",
                    "time": JAN_5,
                    "event_properties": {"load_time": 0.8371},
                    "user_properties": {"gender": "female"},
                    "insert_id": "5f0adeff",
                }
            ],
        },
        [("jane@example.com", "watch_tutorial", "5f0adeff", JAN_5)],
        ("load_time", 0.8371),
        {"gender": "female"},
        alias="C8F9E604",
    ),
    Case(
        "amplitude",
        {
            "user_id": None,
            "device_id": "C8F9E604",
            "event_type": "watch_tutorial",
            "event_time": "2026-01-05 15:30:00.250000",
            "event_properties": {"load_time": 2},
            "user_properties": {},
            "$insert_id": "5f0adeff",
        },
        [("C8F9E604", "watch_tutorial", "5f0adeff", JAN_5 + 250)],
        ("load_time", 2),
        alias="C8F9E604",
    ),
    Case(
        "ga4",
        {
            "client_id": "1234567.7654321",
            "user_id": "jane",
            "timestamp_micros": str(JAN_5 * 1000),
            "events": [{"name": "purchase", "params": {"transaction_id": "T-1", "items": [{"item_id": "SKU_1"}]}}],
        },
        [("jane", "purchase", "", JAN_5)],
        ("items[].item_id", ["SKU_1"]),
        alias="1234567.7654321",
    ),
    Case(
        "klaviyo",
        {
            "data": [
                {
                    "external_id": "4vRpBT",
                    "topic": "event:klaviyo.email_delivered",
                    "payload": {
                        "data": {
                            "type": "event",
                            "id": "4vRpBT",
                            "attributes": {
                                "timestamp": JAN_5 // 1000,
                                "datetime": "2026-01-05T15:30:00+00:00",
                                "event_properties": {"Subject": "Hello"},
                                "uuid": "21a8c9d0",
                            },
                            "relationships": {
                                "profile": {"data": {"type": "profile", "id": "01GDDKASAP8TKDDA2GRZDSVP4H"}}
                            },
                        }
                    },
                }
            ],
            "meta": {"klaviyo_account_id": "abc", "klaviyo_webhook_id": "def", "timestamp": "2026-01-05T15:30:09Z"},
        },
        [("01GDDKASAP8TKDDA2GRZDSVP4H", "event:klaviyo.email_delivered", "4vRpBT", JAN_5)],
        ("Subject", "Hello"),
    ),
    Case(
        "commercetools",
        {
            "notificationType": "Message",
            "projectKey": "shop",
            "resource": {"typeId": "order", "id": "6f6ec5f9"},
            "resourceUserProvidedIdentifiers": {"orderNumber": "A-1"},
            "type": "OrderCreated",
            "id": "5a4f2d4e-9cd7",
            "version": 1,
            "sequenceNumber": 1,
            "resourceVersion": 1,
            "createdAt": "2026-01-05T15:30:00.000Z",
            "lastModifiedAt": "2026-01-05T15:30:00.000Z",
            "order": {
                "customerId": "jane",
                "anonymousId": "a-7",
                "lineItems": [{"productId": "c1", "name": {"en": "coat"}}],
            },
        },
        [("jane", "OrderCreated", "5a4f2d4e-9cd7", JAN_5)],
        ("order.lineItems[].productId", ["c1"]),
        alias="a-7",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.preset)
def test_a_documented_body_is_read(case: Case) -> None:
    found = records(json.dumps(case.body), NOW, Rules(sources=(PRESETS[case.preset],)))
    events = [each for each in found if isinstance(each, Event)]
    assert [(each.user, each.name, each.id, each.at) for each in events] == case.events, found
    source = Source(id="x", match=case.carries[0], user=("x",))
    assert source.compiled[case.carries[0]](events[-1].properties) == case.carries[1]
    profiles = [dict(each.properties) for each in found if isinstance(each, ProfileChange)]
    assert profiles == [case.profile] * len(events) if case.profile else profiles == []
    ties = [each for each in found if isinstance(each, Tie)]
    assert {(each.user, each.alias, each.along) for each in ties} == {
        (user, case.alias, name) for user, name, _, _ in case.events if case.alias and user != case.alias
    }
    assert len(found) == len(events) + len(profiles) + len(ties)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.preset)
def test_all_presets_together_read_it_as_its_own_does(case: Case) -> None:
    text = json.dumps(case.body)
    alone = records(text, NOW, Rules(sources=(PRESETS[case.preset],)))
    assert records(text, NOW, Rules(sources=tuple(PRESETS[name] for name in sorted(PRESETS)))) == alone


def test_every_preset_has_its_case() -> None:
    assert {case.preset for case in CASES} == set(PRESETS)
    assert all(source.id == name for name, source in PRESETS.items())


def test_commercetools_comes_by_an_event_bus_too() -> None:
    (case,) = (each for each in CASES if each.preset == "commercetools")
    envelope = {"detail-type": "any", "detail": case.body, "id": "e", "time": "2026-01-05T15:31:00Z"}
    _, event = records(json.dumps(envelope), NOW, Rules(sources=(PRESETS["commercetools"],)))
    assert isinstance(event, Event)
    assert (event.user, event.name, event.id, event.at) == case.events[0]


CAMPAIGN = """\
id: sh
when:
  did: shopifyWebhook
  within: 30 minutes
  where: {shopifyWebhook: "metadata.\\"X-Shopify-Topic\\" == 'carts/update'"}
constant:
  name: product
  in:
    shopifyWebhook: payload.line_items[].product_id
send: {values: {t: x}}
"""


@pytest.mark.parametrize("customer", [{"customer": {"id": 77}}, {"customer_id": 77}, {"customer": {"id": 77.0}}])
def test_a_cart_on_a_partner_bus_is_folded_for_its_customer(tmp_path: Path, customer: dict[str, Any]) -> None:
    campaign, events = tmp_path / "campaign.yaml", tmp_path / "events.jsonl"
    campaign.write_text(CAMPAIGN)
    detail = {
        "metadata": {"X-Shopify-Topic": "carts/update"},
        "payload": {**customer, "line_items": [{"product_id": 7}]},
    }
    envelope = {"id": "e1", "detail-type": "shopifyWebhook", "time": "2026-11-20T10:00:00Z", "detail": detail}
    events.write_text(json.dumps(envelope))
    source = FOLDER / "shopify-eventbridge.yaml"
    args = ["simulate", "-c", str(campaign), "-e", str(events), "--source", str(source), "--json"]
    result = CliRunner().invoke(app, args)
    (decided,) = map(json.loads, result.stdout.splitlines())
    assert (decided["decision"], decided["user"], decided["constant"]) == ("send", "77", 7), result.output
