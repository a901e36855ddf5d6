"""Catalog rows and recommendations in templates: what is refused, what is missing, and where a preview found it."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.templates.templates import TemplateError, Withheld, compile_values
from holdfast.core.templates.trace import preview

COAT: dict[str, Any] = {"Identity": "1", "Name": "white coat", "Price": "89.00"}
HAT: dict[str, Any] = {"Identity": "2", "Name": "red hat"}
CONTEXT: dict[str, Any] = {
    "Profile": {},
    "Catalog": {"products": COAT, "stores": None},
    "Recommendations": {"also-bought": [HAT, COAT], "also-viewed": None},
}


def render(source: str, context: dict[str, Any] = CONTEXT) -> str:
    return str(compile_values({"k": source}, catalogs=["products", "stores"]).render(context)["k"])


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('{{ Catalog["products"].Price }}', "89.00"),
        ("{{ Catalog.products.Price | money: 'EUR' }}", "€89.00"),
        ("@products - Price", "89.00"),
        ('@products - Colour | default: "any"', "any"),
        ('{{ Catalog["stores"].Name | default: "our store" }}', "our store"),
        ('{{ Recommendations["also-bought"][0].Name }}', "red hat"),
        ('{% for it in Recommendations["also-bought"] %}{{ it.Name }};{% endfor %}', "red hat;white coat;"),
        ('{% for it in Recommendations["also-viewed"] %}{{ it.Name }}{% else %}nothing{% endfor %}', "nothing"),
        ('{{ Recommendations["also-bought"] | map: "Name" }}', "red hat, white coat"),
        ('{{ Recommendations["also-bought"].size }}', "2"),
        ('{{ Recommendations["also-viewed"][0].Name | default: "a gift" }}', "a gift"),
        ('{% if Catalog["stores"].Name %}there{% else %}gone{% endif %}', "gone"),
    ],
)
def test_renders(source: str, text: str) -> None:
    assert render(source) == text


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ('{{ Catalog["products"].Colour }}', 'missing: Catalog["products"].Colour'),
        ('{{ Catalog["stores"].Name }}', 'missing: Catalog["stores"].Name'),
        ('{{ Recommendations["also-bought"][0].Price }}', 'missing: Recommendations["also-bought"][0].Price'),
        (
            '{% for it in Recommendations["also-bought"] %}{{ it.Price }}{% endfor %}',
            'missing: Recommendations["also-bought"][0].Price',
        ),
        ('{{ Recommendations["also-bought"][2].Name }}', "no recommendation: also-bought"),
        ('{{ Recommendations["also-viewed"][0].Name }}', "no recommendation: also-viewed"),
        ('{% for it in Recommendations["also-viewed"] %}{{ it.Name }}{% endfor %}', "no recommendation: also-viewed"),
    ],
)
def test_withholds_with_the_reason_and_a_preview_gives_the_same(source: str, reason: str) -> None:
    with pytest.raises(Withheld) as withheld:
        render(source)
    assert withheld.value.reason == reason
    assert preview({"k": source}, CONTEXT, catalogs=["products", "stores"])["k"].reason == reason


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('{{ Catalog["product"].Price }}', "did you mean 'products'?"),
        ('{{ Catalog["products"] }}', 'Catalog["products"].Price'),
        ("{{ Catalog[Event.name].Price }}", "Catalog is by name"),
        ('{{ Recommendations["also-bought"] }}', 'Recommendations["also-bought"][0].Name'),
        ("{% for Catalog in Events %}{% endfor %}", "Catalog is the name of an object"),
    ],
)
def test_refuses_and_says_what_would_be_right(source: str, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        render(source)
    assert message in str(refused.value)


def test_a_campaign_without_catalogs_is_told_how_to_map_one() -> None:
    with pytest.raises(TemplateError, match=r"products: \{Identity: product_id\}"):
        compile_values({"k": '{{ Catalog["products"].Price }}'})


def test_a_summary_has_a_row_for_each_value_and_names_the_one_that_is_missing() -> None:
    context = {"Catalog": {"products": [COAT, {}]}}
    loop = '{% for it in Catalog["products"] %}{{ it.Name | default: "?" }};{% endfor %}'
    assert render(loop, context) == "white coat;?;"
    with pytest.raises(Withheld, match=r'missing: Catalog\["products"\]\[1\].Name'):
        render('{% for it in Catalog["products"] %}{{ it.Name }}{% endfor %}', context)


def test_what_templates_name_is_known() -> None:
    values = compile_values(
        {"a": '{{ Recommendations["also-bought"][0].Name }}', "b": '{{ Recommendations["new"] | size }}'}
    )
    assert values.recommendations == {"also-bought", "new"}


def test_a_preview_says_what_came_from_where() -> None:
    source = '{{ Catalog["products"].Price }} {% for it in Recommendations["also-bought"] %}{{ it.Name }}{% endfor %}'
    variables = {v.name: v.origin for v in preview({"k": source}, CONTEXT, catalogs=["products"])["k"].variables}
    assert variables['Catalog["products"].Price'] == "catalog"
    assert variables['Recommendations["also-bought"][0].Name'] == "recommendation"


def test_rows_are_data_and_no_templates_and_are_paid_for_like_everything() -> None:
    assert render('{{ Catalog["products"].Name }}', {"Catalog": {"products": {"Name": "{{ Profile.x }}"}}}) == (
        "{{ Profile.x }}"
    )
    big = {"Recommendations": {"all": [{"Name": "x" * 1000}] * 1200}}
    with pytest.raises(Withheld, match="limit"):
        render('{{ Recommendations["all"] | map: "Name" | join: "" }}', big)
