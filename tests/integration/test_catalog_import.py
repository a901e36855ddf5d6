"""Catalogs' files in the bucket, on moto: what goes in, what is reported, and what a second or a later run changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

import catalog_import
from holdfast.aws import drop_bucket
from holdfast.aws.drop_bucket import DropBucket
from holdfast.aws.queues import Queue
from holdfast.aws.tables import catalog
from holdfast.aws.tables.catalog import Catalogs
from holdfast.services import import_catalog
from holdfast.services.import_catalog import CatalogImport
from tests.integration.conftest import Client, World, client

HEAD = "Identity,Name,ImageURL,Price"
ENOUGH, NONE = (lambda: True), (lambda: False)


class Drop:
    """The bucket, and the function that takes what is dropped into it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.s3 = Client(client("s3"))
        self.s3._real.create_bucket(Bucket="drop", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        self.s3._real.put_bucket_versioning(Bucket="drop", VersioningConfiguration={"Status": "Enabled"})
        self.catalogs = Catalogs(world.dynamodb, "catalog")  # type: ignore[arg-type]
        self.function = CatalogImport(
            catalogs=self.catalogs,
            bucket=DropBucket(self.s3, "drop", piece=100),  # type: ignore[arg-type]
            queue=Queue(world.sqs, world.queues["imports"]),  # type: ignore[arg-type]
            clock=lambda: world.now,
        )

    def put(self, text: str, key: str = "products.csv") -> str:
        """Answers what EventBridge says of it."""
        put = self.s3._real.put_object(Bucket="drop", Key=key, Body=text.encode())
        return json.dumps({"detail": {"object": {"key": key, "version-id": put["VersionId"]}}})

    def take(self, body: str, time_left: Callable[[], bool] = ENOUGH) -> None:
        self.function.take(catalog_import._task(body), time_left)

    def waiting(self) -> list[str]:
        return [json.dumps(each) for each in self.world.messages("imports")]

    def reports(self) -> dict[str, list[dict[str, Any]]]:
        found = self.s3._real.list_objects_v2(Bucket="drop", Prefix="reports/").get("Contents", [])
        return {
            each["Key"]: [
                json.loads(line)
                for line in self.s3._real.get_object(Bucket="drop", Key=each["Key"])["Body"].read().splitlines()
            ]
            for each in found
        }

    def report(self) -> list[dict[str, Any]]:
        (only,) = self.reports().values()
        return only

    def prices(self) -> dict[str, str]:
        return {row["Identity"]: row["Price"] for row in self.catalogs.rows("products")}


@pytest.fixture
def drop(world: World) -> Drop:
    return Drop(world)


def line(identity: int | str, price: int | str = 1) -> str:
    return f"{identity},thing {identity},https://shop.example/{identity}.jpg,{price}"


def file(*lines: str) -> str:
    return "\n".join([HEAD, *lines, ""])


def test_the_good_rows_go_in_and_the_report_names_each_bad_one_and_counts_all(drop: Drop) -> None:
    drop.take(drop.put(file(line(1, 89), "2,hat,http://shop.example/2.jpg,5", "3,globe", line(4))))
    assert drop.prices() == {"1": "89", "4": "1"}
    *bad, whole = drop.report()
    assert [(each["line"], each["reason"][:12]) for each in bad] == [(3, "ImageURL is "), (4, "2 cells wher")]
    assert (whole["file"], whole["complete"], whole["rows"], whole["bad"]) == ("products.csv", True, 2, 2)
    (key,) = drop.reports()
    assert key.startswith("reports/products-20")
    assert drop.catalogs.get("products").counts["rows"] == 2
    assert drop.waiting() == []


def test_where_time_runs_short_the_next_run_goes_on_where_this_one_ended(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "WINDOW", 2)
    lines = [
        line(1),
        '2,"over\ntwo lines",https://shop.example/2.jpg,1',
        line(3),
        "bad",
        line(5, "ä"),
        line(1, 7),
        "worse",
    ]
    pending = [drop.put(file(*lines))]
    runs = 0
    while pending:
        (body,) = pending
        drop.take(body, NONE)
        pending = drop.waiting()
        runs += 1
    assert runs == 4
    assert drop.prices() == {"1": "7", "2": "1", "3": "1", "5": "ä"}
    reports = drop.reports()
    told = [line for key in sorted(reports) for line in reports[key]]
    assert [each["goes_on_in"] for each in told if "goes_on_in" in each] == sorted(reports)[1:]
    assert [each["line"] for each in told if "line" in each] == [6, 9]
    assert [each["complete"] for each in told if "file" in each] == [False, False, False, True]
    assert (told[-1]["rows"], told[-1]["bad"], told[-1]["new"], told[-1]["changed"]) == (5, 2, 4, 1)
    assert drop.catalogs.get("products").counts["rows"] == 5


def test_a_report_that_grows_too_long_goes_on_in_another(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "WINDOW", 2)
    monkeypatch.setattr(import_catalog, "MAX_REPORT", 50)
    drop.take(drop.put(file("bad", "bad", line(1))))
    assert drop.report()[-1]["complete"] is False
    assert len(drop.waiting()) == 1


def test_a_notification_that_comes_twice_changes_nothing(drop: Drop) -> None:
    body = drop.put(file(line(1), "bad", line(2), line(1, 2)))
    drop.take(body)
    items = drop.world.items("catalog")
    bad = drop.report()[:-1]
    drop.world.dynamodb.calls.clear()
    drop.take(body)
    assert drop.world.dynamodb.calls["batch_write_item"] == 0
    assert [each for each in drop.world.items("catalog") if each["pk"]["S"] != "catalog"] == [
        each for each in items if each["pk"]["S"] != "catalog"
    ]
    assert drop.report()[:-1] == bad


def test_a_part_that_comes_again_after_all_is_done_takes_nothing_back(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "WINDOW", 1)
    first = drop.put(file(line(1, "old"), line(1, "new")))
    drop.take(first, NONE)
    (rest,) = drop.waiting()
    drop.take(rest)
    drop.take(first, NONE)
    assert drop.prices() == {"1": "new"}


def test_of_two_files_the_newer_counts_in_whatever_order_they_are_taken(drop: Drop) -> None:
    older = drop.put(file(line(1, "old"), line(2, "only here")))
    newer = drop.put(file(line(1, "new")))
    real = drop.s3._real.head_object
    times = {catalog_import._task(older).version: 1, catalog_import._task(newer).version: 2}

    def at(arguments: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = real(**arguments)
        return {**found, "LastModified": found["LastModified"].replace(second=times[arguments["VersionId"]])}

    drop.s3.fault("head_object", at, at)
    drop.take(newer)
    last = drop.catalogs.get("products")
    drop.take(older)
    assert drop.prices() == {"1": "new", "2": "only here"}
    assert drop.catalogs.get("products") == last


def test_while_another_import_runs_a_file_waits_its_turn(drop: Drop) -> None:
    other = drop.catalogs.importer("products", ("Identity", "Name", "ImageURL"), (), 1, "other", lambda: drop.world.now)
    drop.world.sqs.fault("send_message_batch", lambda sent: sent["Entries"][0].update(DelaySeconds=0))
    drop.take(drop.put(file(line(1))))
    assert (drop.prices(), drop.reports()) == ({}, {})
    other.pause()
    (again,) = drop.waiting()
    drop.take(again)
    assert drop.prices() == {"1": "1"}


@pytest.mark.parametrize("key", ["My Products.csv", "shop/products.csv", "products.txt", ".csv"])
def test_a_key_that_names_no_catalog_is_reported(drop: Drop, key: str) -> None:
    drop.take(drop.put(file(line(1)), key))
    (whole,) = drop.report()
    assert whole["complete"] is False
    assert "names no catalog" in whole["reason"]
    assert drop.catalogs.all() == []


@pytest.mark.parametrize(
    ("text", "reason"), [("", "no columns"), ("Identity,Name\n1,coat\n", "no column ImageURL"), ("\x00" * 300, "NUL")]
)
def test_a_file_without_its_columns_is_reported(drop: Drop, text: str, reason: str) -> None:
    drop.take(drop.put(text))
    (whole,) = drop.report()
    assert (whole["complete"], reason in whole["reason"]) == (False, True)


def test_a_line_without_an_end_fills_no_memory_and_what_came_before_goes_in(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drop_bucket, "MAX_LINE", 500)
    drop.take(drop.put(file(line(1), "x" * 2_000)))
    assert drop.prices() == {"1": "1"}
    whole = drop.report()[-1]
    assert (whole["complete"], "longer than 500 bytes" in whole["reason"]) == (False, True)


def test_a_report_and_a_file_that_is_gone_are_no_import(drop: Drop) -> None:
    drop.take(drop.put("{}", "reports/products.csv"))
    body = drop.put(file(line(1)))
    version = catalog_import._task(body).version
    drop.s3._real.delete_object(Bucket="drop", Key="products.csv", VersionId=version)
    drop.take(body)
    assert list(drop.reports()) == ["reports/products.csv"]
    assert drop.catalogs.all() == []


def test_a_connection_that_breaks_is_tried_again_and_no_line_is_lost(drop: Drop) -> None:
    def broken(_: dict[str, Any]) -> None:
        raise ReadTimeoutError(endpoint_url="s3")

    drop.s3.fault("get_object", lambda _: None, broken)
    drop.take(drop.put(file(*(line(n) for n in range(20)))))
    assert len(drop.prices()) == 20


def test_where_the_rest_cannot_be_sent_the_message_comes_again(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "WINDOW", 1)
    monkeypatch.setattr(Queue, "send", lambda _self, messages: list(messages))
    body = drop.put(file(line(1), line(2)))
    with pytest.raises(import_catalog.NotSent):
        drop.take(body, NONE)
    drop.take(body)
    assert drop.prices() == {"1": "1", "2": "1"}
