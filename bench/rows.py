"""The price that a message's catalog row and its recommendations add: reads, counted by table.

    python -m bench --only rows

Deliver's own handler renders the same messages three times: without a catalog, with the row of their product, and with
three recommendations besides, from a live build. No two messages share an item, so no read serves two messages. A
message reads no more than this, unless the catalog's columns or the user's own items exclude the best items. Plans and
the pointer to the live build, which a container reads once a minute, are read beforehand.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from typing import NamedTuple
from unittest.mock import patch

import deliver
from bench.capacity import item_bytes
from bench.emulated import client
from bench.ledger import Call, Counts, Ledger
from bench.prices import MILLION, PRICES
from bench.prod import memory_mb, prod
from bench.report import Part
from bench.tables import create, environment, put_profiles
from bench.traces import ADDED, CHARGED, START
from bench.virtual import Meter
from holdfast.aws import clients
from holdfast.aws.clock import now_ms
from holdfast.aws.tables.builds import Build, Builds
from holdfast.aws.tables.campaigns import Campaigns, Recommendations
from holdfast.aws.tables.catalog import Catalogs
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.recommendation import Recommendation
from holdfast.core.catalog.csv_file import Row
from holdfast.core.catalog.rows import BY_NAME, place
from holdfast.core.fold.watches import Decision
from holdfast.core.recommend.ranking import POPULAR, RECENT, Items, Neighbour

NAME = "rows"
DECISIONS = 300
OTHERS = 50
"""Items that go with one. A build keeps half as many at most; a row of either is one read of the smallest size."""
DESCRIPTION = "x" * 201
"""So that a row is 400 bytes as it is stored."""
LIKELY = 2 * RECENT
"""The candidates of a message whose rows are read at first: twice as many as it recommends."""
CATALOG, RECOMMENDATION, BUILD = "products", "also-bought", "b1"
PRICE = {"price": '{{ Catalog["products"].Price }}'}
ALSO = {"also": '{% for it in Recommendations["also-bought"] %}{{ it.Name }};{% endfor %}'}
CAMPAIGNS: Mapping[str, Mapping[str, str]] = {
    "no catalog": {},
    "a catalog row": PRICE,
    "a row and recommendations": PRICE | ALSO,
}


class Reads(NamedTuple):
    """The reads for each message: units by table, and calls."""

    units: Mapping[str, float]
    calls: float

    @property
    def dollars(self) -> float:
        """The price of a million messages."""
        return sum(self.units.values()) * PRICES["read_units"] * MILLION


def reads(counts: Counts, messages: int) -> Reads:
    units = {table.removeprefix(f"{NAME}-"): number / messages for table, number in counts.reads.items()}
    return Reads(units, counts.calls["dynamodb:BatchGetItem"] / messages)


def rows(part: Part, endpoint: str, *, decisions: int = DECISIONS) -> None:
    """Measure the same messages of three campaigns. Raises RuntimeError if not all of them were sent."""
    found: dict[str, Reads] = {}
    with ExitStack() as stack:
        create(endpoint, NAME)
        stack.enter_context(patch.dict(os.environ, environment(endpoint, NAME), clear=True))
        clients._session.cache_clear()  # noqa: SLF001  (the ledger is told of clients made from here on)
        deliver.build.cache_clear()
        size = _fill(endpoint, decisions)
        meter = Meter(Ledger(clients._session().register))  # noqa: SLF001  (all clients come from it)
        for number, what in enumerate(CAMPAIGNS):
            meter.counting = False
            _deliver(meter, [decision(number, 0)])  # plans and pointers
            meter.counts, meter.counting = Counts(), True
            _deliver(meter, [decision(number, each) for each in range(decisions)])
            found[what] = reads(meter.counts, decisions)
    part.row("decisions of each campaign", decisions, note=f"rows of {size} bytes, {OTHERS} others to an item")
    none = found["no catalog"]
    for what, each in found.items():
        tables = ", ".join(f"{table} {units:.2f}" for table, units in sorted(each.units.items()) if units)
        part.row(f"read units of a message, {what}", sum(each.units.values()), note=f"{tables}; {each.calls:.3f} calls")
        part.row("  a million of them, reads alone", each.dollars, "$")
        if each is not none:
            more = sum(each.units.values()) - sum(none.units.values())
            part.row("  more than without", each.dollars - none.dollars, "$", note=f"{more:.2f} read units a message")
    part.data["reads"] = {what: each._asdict() | {"dollars": each.dollars} for what, each in found.items()}


# --- The messages -----------------------------------------------------------------------------------------------------


def own(message: int) -> list[str]:
    """A user's latest items; the first is the message's product. No other user has them."""
    return [f"p-{message * RECENT + n:06d}" for n in range(RECENT)]


def others(item: str) -> list[Neighbour]:
    """Items that go with an item, best first: first some that go only with it, then some that go with many."""
    number = int(item.removeprefix("p-"))
    best = [f"r-{number * LIKELY // RECENT + n:06d}" for n in range(LIKELY // RECENT)]
    common = [f"c-{(number + n) % 1000:06d}" for n in range(OTHERS - len(best))]
    scores = [0.9, 0.8, *(round(0.1 - n / 1000, 4) for n in range(len(common)))]
    return [
        Neighbour(each, score, 40 - n // 2) for n, (each, score) in enumerate(zip(best + common, scores, strict=True))
    ]


def decision(campaign: int, message: int) -> tuple[str, Decision]:
    """The user, and the decision."""
    product, *_ = items = own(message)
    recent: Items = {item: START - n for n, item in enumerate(items)}
    return f"u-{message}", Decision(
        "send", _id(campaign), product, product, START, f"{campaign}-{message}", START, 1, {"product": product},
        recent={RECOMMENDATION: recent},
    )  # fmt: skip


def _deliver(meter: Meter, decided: list[tuple[str, Decision]]) -> None:
    sent, size = 0, prod().deliver_batch_size
    for first in range(0, len(decided), size):
        batch = decided[first : first + size]
        images = [{"user": {"S": user}, "outbox": {"S": json.dumps([each._asdict()])}} for user, each in batch]
        records = [{"dynamodb": {"NewImage": image}} for image in images]
        calls = meter.invoke("deliver", deliver.handler, {"Records": records}, memory_mb=memory_mb("deliver"))
        sent += sum(map(_sent, calls))
    if sent != len(decided):
        raise RuntimeError(f"{sent} of {len(decided)} messages were sent")


def _sent(call: Call) -> int:
    if call.operation != "events:PutEvents":
        return 0
    return sum(not entry["DetailType"].endswith("Withheld") for entry in call.parameters["Entries"])


# --- What there is ----------------------------------------------------------------------------------------------------


def _id(campaign: int) -> str:
    return f"rows-{campaign}"


def _fill(endpoint: str, decisions: int) -> float:
    """Write everything that the messages need. Returns the size of a row of the catalog."""
    dynamodb, now = client("dynamodb", endpoint), now_ms()
    messages = range(decisions)
    put_profiles(dynamodb, f"{NAME}-users", (f"u-{each}" for each in messages))
    campaigns = Campaigns(dynamodb, f"{NAME}-campaigns")
    for number, values in enumerate(CAMPAIGNS.values()):
        campaigns.publish(_id(number), "", _campaign(number, values).plan, now)
    recommendation = Recommendation.model_validate(
        {"id": RECOMMENDATION, "catalog": CATALOG, "did": {CHARGED: "product"}, "limit": RECENT, "fallback": "popular"}
    )
    Recommendations(dynamodb, f"{NAME}-campaigns").publish(RECOMMENDATION, "", recommendation.plan, now)
    build = {item: others(item) for each in messages for item in own(each)}
    popular = [Neighbour(f"c-{n:06d}", 0.5, 40) for n in range(OTHERS)]
    builds = Builds(dynamodb, f"{NAME}-catalog")
    list(builds.write(RECOMMENDATION, BUILD, [*build.items(), (POPULAR, popular)], now))
    builds.publish(RECOMMENDATION, Build(BUILD, 1, "bench", now, now, len(build), len(build) * OTHERS))
    catalog = dict.fromkeys([*build, *(each.item for found in build.values() for each in found)])
    importer = Catalogs(dynamodb, f"{NAME}-catalog").importer(CATALOG, COLUMNS, BY_NAME, now, "bench", now_ms)
    list(importer.run(Row(line, line, 0, _row(item)) for line, item in enumerate(catalog, start=2)))
    importer.finish({})
    where = place(CATALOG, {"Identity": own(0)[0]})
    key = {"pk": {"S": where.pk}, "sk": {"S": where.sk}}
    return item_bytes(dynamodb.get_item(TableName=f"{NAME}-catalog", Key=key)["Item"])


COLUMNS = ("Identity", "Name", "ImageURL", "Price", "Description")


def _row(item: str) -> Mapping[str, str]:
    text = {"Identity": item, "Name": f"A thing called {item}", "ImageURL": f"https://shop.example/{item}.jpg"}
    return {**text, "Price": "89.00", "Description": DESCRIPTION}


def _campaign(number: int, values: Mapping[str, str]) -> Campaign:
    data = {
        "id": _id(number),
        "when": {"did": ADDED, "did_not": CHARGED, "within": "30 minutes"},
        "constant": {"name": "product", "in": {ADDED: "product", CHARGED: "product"}},
        "send": {
            "values": {"title": "{{ Profile.first_name }}, your {{ ConstantEventProperty }} is waiting", **values}
        },
    }
    return Campaign.model_validate(data | ({"catalogs": {CATALOG: {"Identity": "product"}}} if values else {}))
