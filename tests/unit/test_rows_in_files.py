"""Rows for messages out of files: what simulate and the campaign tests render is what deliver would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from holdfast_cli.main import app

CAMPAIGN = """\
id: cart
when: {did: added to cart, did_not: charged, within: 30 minutes}
constant: {name: product, in: {added to cart: product_id, charged: product_id}}
catalogs: {products: {Identity: product_id}, shops: {City: city}}
send:
  values:
    name: '{{ Catalog["products"].Name }}'
    shop: '{{ Catalog["shops"].Name | default: "none" }}'
    more: '{{ Recommendations["also-bought"] | map: "Name" | join: ";" | default: "nothing" }}'
"""
ALSO_BOUGHT = """\
id: also-bought
catalog: products
did: {charged: product_id}
min_support: 2
limit: 2
"""
IMAGE = "https://shop.example/x.png"
PRODUCTS = f"Identity,Name,ImageURL\np1,Coat,{IMAGE}\np2,Hat,{IMAGE}\np3,Scarf,{IMAGE}\n"
SHOPS = f"Identity,Name,ImageURL,City\ns1,The shop,{IMAGE},Berlin\ns2,The later one,{IMAGE},Berlin\n"


def bought(user: str, *items: str) -> list[dict[str, Any]]:
    return [
        {"user": user, "event": "charged", "ts": f"2026-11-01T10:{at:02}:00Z", "product_id": item}
        for at, item in enumerate(items)
    ]


def added(**more: Any) -> dict[str, Any]:
    return {"user": "u", "event": "added to cart", "ts": "2026-11-20T10:00:00Z", "product_id": "p1", **more}


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        for name, text in (
            ("cart.yaml", CAMPAIGN),
            ("also-bought.yaml", ALSO_BOUGHT),
            ("products.csv", PRODUCTS),
            ("shops.csv", SHOPS),
        ):
            (path / name).write_text(text, encoding="utf-8")

    def lines(self, name: str, records: list[dict[str, Any]]) -> str:
        (self.path / name).write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
        return str(self.path / name)

    def simulate(self, events: list[dict[str, Any]], *options: str) -> list[dict[str, Any]]:
        command = ["simulate", "--json", "-c", str(self.path / "cart.yaml"), "-e", self.lines("events.jsonl", events)]
        result = CliRunner().invoke(app, [*command, *options])
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    def catalog(self, name: str) -> list[str]:
        return ["--catalog", f"{name}={self.path / name}.csv"]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_simulate_renders_rows_of_catalogs(folder: Folder) -> None:
    options = [*folder.catalog("products"), *folder.catalog("shops")]
    (row,) = folder.simulate([added(city="Berlin")], *options)
    assert row["values"] == {"name": "Coat", "shop": "The later one", "more": "nothing"}
    (row,) = folder.simulate([added(city="Paris")], *options)
    assert row["values"]["shop"] == "none"
    (row,) = folder.simulate([added(product_id="p9")], *options)
    assert (row["decision"], row["reason"]) == ("withhold", 'missing: Catalog["products"].Name')


def test_simulate_renders_what_is_recommended_by_a_history(folder: Folder) -> None:
    history = folder.lines(
        "history.jsonl",
        [
            *(one for each in "abcd" for one in bought(each, "p1", "p2")),
            *(one for each in "efghijkl" for one in bought(each, "p3")),
        ],
    )
    options = [*folder.catalog("products"), "-r", str(folder.path / "also-bought.yaml"), "--history", history]
    # the user bought p1 before: with it goes p2
    (row,) = folder.simulate([*bought("u", "p1"), added(product_id="p3")], *options)
    assert row["values"]["more"] == "Hat"


def test_what_is_no_catalog_is_said(folder: Folder) -> None:
    command = ["simulate", "-c", str(folder.path / "cart.yaml"), "-e", folder.lines("events.jsonl", [added()])]
    assert "NAME=FILE" in CliRunner().invoke(app, [*command, "--catalog", "products.csv"]).output
    gone = CliRunner().invoke(app, [*command, "--catalog", f"products={folder.path / 'gone.csv'}"])
    assert gone.exit_code == 1
    assert "cannot be read" in str(gone.exception)


def test_a_campaign_test_gives_rows(folder: Folder) -> None:
    case = """\
catalogs:
  products: [{Identity: p1, Name: Coat}]
cases:
  - name: rows
    events: [{at: 0m, user: u, event: added to cart, product_id: p1}]
    messages: [{user: u, values: {name: %s, shop: none}}]
"""
    test = folder.path / "cart.test.yaml"
    test.write_text(case % "Coat", encoding="utf-8")
    passed = CliRunner().invoke(app, ["campaign", "test", str(folder.path / "cart.yaml")])
    assert passed.exit_code == 0, passed.output
    test.write_text(case % "Hat", encoding="utf-8")
    failed = CliRunner().invoke(app, ["campaign", "test", str(folder.path / "cart.yaml")])
    assert failed.exit_code == 1
    assert "got values.name: Coat" in failed.output
