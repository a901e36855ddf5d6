"""Catalogs on moto: what an import writes and what it leaves alone; two imports keep out of each other's way."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from holdfast.aws.tables.catalog import LEASE_MS, WINDOW, Catalogs, Importing, UnknownCatalog
from holdfast.core.catalog.csv_file import header, records
from holdfast.core.catalog.rows import Match
from tests.integration.conftest import World, throttled

HEAD = "Identity,Name,ImageURL,Price"


def catalogs(world: World) -> Catalogs:
    return Catalogs(world.dynamodb, "catalog")  # type: ignore[arg-type]


def line(identity: int | str, name: str = "", price: str = "1") -> str:
    return f"{identity},{name or f'thing {identity}'},https://shop.example/{identity}.jpg,{price}"


def importer(world: World, *, at: int | None = None, by: str = "me", match: Match = ()) -> Any:
    columns = header([HEAD.encode()]).columns
    return catalogs(world).importer("products", columns, match, at or world.now, by, lambda: world.now)


def load(world: World, *lines: str, at: int | None = None, **more: Any) -> Counter[str]:
    """Import a file; answers its counts."""
    importing = importer(world, at=at, **more)
    counts: Counter[str] = Counter()
    for done in importing.run(
        records(header([HEAD.encode()]), importing.known.match, [f"{x}\n".encode() for x in lines])
    ):
        counts.update(done.counts)
    importing.finish(counts)
    return counts


def test_what_was_imported_is_shown_by_identity_and_by_name(world: World) -> None:
    load(world, line(1, "white coat", "89"), line(2, "red hat"))
    table = catalogs(world)
    assert table.row("products", {"Identity": "1"})["Price"] == "89"
    assert table.row("products", {"Name": "red hat"})["Identity"] == "2"
    assert sorted(row["Identity"] for row in table.rows("products")) == ["1", "2"]
    (known,) = table.all()
    assert (known.name, known.at, known.counts["rows"]) == ("products", world.now, 2)


def test_the_same_file_again_is_read_and_not_written(world: World) -> None:
    lines = [line(n) for n in range(60)]
    load(world, *lines)
    world.dynamodb.calls.clear()
    world.now += 1
    assert load(world, *lines)["unchanged"] == 60
    assert world.dynamodb.calls["batch_write_item"] == 0
    assert world.dynamodb.calls["batch_get_item"] == 2


def test_a_file_of_many_windows_goes_in_whole_and_reads_and_writes_in_batches(world: World) -> None:
    rows = WINDOW + 200
    assert load(world, *(line(n) for n in range(rows)))["new"] == rows
    assert len(list(catalogs(world).rows("products"))) == rows
    assert world.dynamodb.calls["batch_write_item"] == 2 * rows / 25


def test_unprocessed_items_are_written_again(world: World) -> None:
    def half(arguments: dict[str, Any]) -> dict[str, Any]:
        requests = arguments["RequestItems"]["catalog"]
        world.dynamodb._real.batch_write_item(RequestItems={"catalog": requests[:1]})
        return {"UnprocessedItems": {"catalog": requests[1:]}}

    def slow_down(_: dict[str, Any]) -> None:
        raise world.dynamodb.exceptions.ProvisionedThroughputExceededException({"Error": {}}, "BatchWriteItem")

    world.dynamodb.fault("batch_write_item", half, slow_down)
    world.dynamodb.fault("batch_get_item", slow_down)
    load(world, line(1), line(2))
    assert len(world.items("catalog")) == 1 + 2 * 2


def test_other_columns_to_look_up_by_are_remembered(world: World) -> None:
    load(world, line(1, "coat", "89"), match=(("Name", "Price"),))
    load(world, line(2, "hat", "20"))
    assert catalogs(world).row("products", {"Name": "hat", "Price": "20"})["Identity"] == "2"


def test_a_renamed_row_leaves_nothing_behind(world: World) -> None:
    load(world, line(1, "white coat"))
    load(world, line(1, "ivory coat"), at=world.now + 1)
    with pytest.raises(UnknownCatalog):
        catalogs(world).row("products", {"Name": "white coat"})
    assert len(world.items("catalog")) == 3


def test_while_one_import_runs_another_is_refused_and_a_dead_one_ends_with_its_lease(world: World) -> None:
    importer(world, by="first")
    with pytest.raises(Importing):
        importer(world, by="second")
    importer(world, by="first")
    world.now += LEASE_MS + 1
    importer(world, by="second")
    with pytest.raises(Importing):
        importer(world, by="first")


def test_an_import_that_was_overtaken_stops(world: World) -> None:
    slow = importer(world, by="slow")
    world.now += LEASE_MS + 1
    importer(world, by="fast")
    with pytest.raises(Importing):
        list(slow.run(records(header([HEAD.encode()]), (), [b"1,a,https://x.example/1,1\n"])))


def test_delete_takes_rows_and_copies_and_can_be_done_again_after_it_failed(world: World) -> None:
    load(world, *(line(n) for n in range(40)), match=(("Price",),))
    world.dynamodb.fault("batch_write_item", throttled)
    with pytest.raises(Exception, match="any"):
        list(catalogs(world).delete("products"))
    list(catalogs(world).delete("products"))
    assert world.items("catalog") == []
    with pytest.raises(UnknownCatalog):
        list(catalogs(world).delete("products"))


def test_one_row_is_deleted_with_its_copies(world: World) -> None:
    load(world, line(1), line(2))
    catalogs(world).delete_row("products", "1")
    assert [row["Identity"] for row in catalogs(world).rows("products")] == ["2"]
    assert len(world.items("catalog")) == 3
