"""The tables in docs/ that follow from the code are up to date."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast_cli import contracts
from tools.reference import DOCS, TABLES, written


@pytest.mark.parametrize("page", TABLES)
def test_the_tables_of_a_page_are_up_to_date(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert written(page, text) == text, "run: make schemas"


@pytest.mark.parametrize(
    "schema", [contracts.campaign(), contracts.recommendation()], ids=lambda schema: schema["title"]
)
def test_every_key_of_a_file_is_described(schema: dict[str, Any]) -> None:
    for name, model in {"": schema, **schema.get("$defs", {})}.items():
        for key, field in model.get("properties", {}).items():
            assert field.get("description"), f"{name}.{key} has none: {json.dumps(field)}"


def test_a_page_without_a_place_for_its_table_is_refused() -> None:
    with pytest.raises(ValueError, match="has no place for when"):
        written("campaigns.md", "<!-- campaign: begin --><!-- campaign: end -->")
