"""The contents of what is deployed, as far as they need no synthesis."""

from __future__ import annotations

import json

from holdfast.core.templates.locales import LANGUAGES
from holdfast_cli.contracts import SCHEMAS
from infra.dependencies import _KEPT_LOCALES
from infra.registry import openapi


def test_the_functions_layer_has_the_languages() -> None:
    assert LANGUAGES < _KEPT_LOCALES


def test_for_the_registry_it_is_written_as_openapi_3_0() -> None:
    document = openapi(SCHEMAS["detail"](), "shop")
    parts = document["components"]["schemas"]
    assert parts["AWSEvent"]["x-amazon-events-source"] == "shop"
    written = json.dumps(document)
    for unknown in ('"$defs"', '"const"', '"null"', "#/$defs", '"examples"', '"$schema"'):
        assert unknown not in written
    references = {reference.split('"')[0] for reference in written.split("#/components/schemas/")[1:]}
    assert references <= set(parts)
    assert parts["Metadata"]["properties"]["variant"]["nullable"] is True
    assert parts["Metadata"]["properties"]["schema"]["enum"] == ["1"]
