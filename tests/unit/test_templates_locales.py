"""Money, numbers, dates and plurals, as the language of the profile has them."""

from __future__ import annotations

import itertools

import pytest

from holdfast.core.templates import locales
from holdfast.core.templates.templates import TemplateError, Withheld, compile_values

MONEY = "{{ 1234.5 | money: 'EUR' }}"
DAY = "{{ '2026-11-23' | date: 'long' }}"
MONTH = "{{ '2026-11-23' | date: '%B' }}, {{ '2026-11-23' | date: '%A, %d %B' }}"
WITH_ZERO = (
    "{{ Event.n }} {{ Event.n | plural: zero: 'нет товаров', one: 'товар', few: 'товара', many: 'товаров',"
    " other: 'товара' }}"
)
NONE = "{{ Event.n | plural: zero: 'none', one: 'one', other: 'some' }}"
COATS = "{{ Event.n }} {{ Event.n | plural: one: 'coat', other: 'coats' }}"
TOVAR = "{{ Event.n | plural: one: 'товар', few: 'товара', many: 'товаров', other: 'товара' }}"

CASES = [
    ("de_DE", MONEY, "1.234,50\xa0€"),
    ("de", MONEY, "1.234,50\xa0€"),
    ("de-AT", MONEY, "€\xa01.234,50"),
    ("en-GB", MONEY, "€1,234.50"),
    ("fr", MONEY, "1\u202f234,50\xa0€"),
    ("ja", MONEY, "€1,234.50"),
    ("ar", MONEY, "\u200f1,234.50\xa0€"),
    ("hi", "{{ 1234567.5 | number: 2 }}", "12,34,567.50"),
    ("de", "{{ 1234.5 | number }}", "1.234,5"),
    ("en", DAY, "November 23, 2026"),
    ("en_GB", DAY, "23 November 2026"),
    ("de", DAY, "23. November 2026"),
    ("cs", DAY, "23. listopadu 2026"),
    ("zh-TW", DAY, "2026年11月23日"),
    ("he", MONTH, "נובמבר, יום שני, 23 נובמבר"),
    ("fr", MONTH, "novembre, lundi, 23 novembre"),
    ("pl", MONTH, "listopad, poniedziałek, 23 listopada"),
    ("fi", "{{ '2026-11-23' | date: '%A' }}", "maanantai"),
    ("fi", MONTH, "marraskuu, maanantaina, 23 marraskuuta"),
    ("de", "{{ '2026-11-23T16:05:00Z' | time }}", "16:05"),
    ("en", "{{ '2026-11-23T16:05:00Z' | time }}", "4:05\u202fPM"),
    ("ja", "{{ '2026-11-23T16:05:00Z' | date: '%p %I:%M', 'Asia/Tokyo' }}", "午前 01:05"),
    *((tag, "{{ 12 | money: 'CHF' }}", "CHF\xa012.00") for tag in ("es_MX", "en", "zh", "ta")),
    ("es_MX", "{{ 1.5 | money: 'KWD' }} {{ 1234.5 | money: 'EUR' }}", "KWD\xa01.500 EUR\xa01,234.50"),
    ("en", "{{ -12 | money: 'CHF' }} {{ 12 | money: 'CAD' }}", "-CHF\xa012.00 CA$12.00"),
    *(
        (tag, DAY, day)
        for tag, day in {
            "bg": "23 ноември 2026\u202f\u0433.",
            "hr": "23. studenoga 2026.",
            "et": "23. november 2026",
            "ga": "23 Samhain 2026",
            "lv": "2026. gada 23. novembris",
            "lt": "2026 m. lapkričio 23 d.",
            "mt": "23 ta\u2019 Novembru 2026",
            "sk": "23. novembra 2026",
            "sl": "23. november 2026",
            "ca": "23 de novembre del 2026",
            "sr": "23. новембар 2026.",
            "fa": "23 نوامبر 2026",
            "bn": "23 নভেম্বর, 2026",
            "ta": "23 நவம்பர், 2026",
            "th": "23 พฤศจิกายน ค.ศ. 2026",
            "vi": "23 tháng 11, 2026",
            "ms": "23 November 2026",
        }.items()
    ),
]


def test_every_language_of_the_eu_is_there() -> None:
    of_the_eu = "bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv"
    assert locales.LANGUAGES.issuperset(f"{of_the_eu} ca sr fa bn ta th vi ms".split())


@pytest.mark.parametrize("tag", ["de", "de_AT", "en", "en-GB", "EN", "zh-Hant-TW", "sr_Latn"])
def test_a_language_that_is_here_is_known(tag: str) -> None:
    assert locales.known(tag) == tag


@pytest.mark.parametrize("tag", ["sw", "xx", "german", "eng-land", ""])
def test_a_language_that_is_not_here_is_said(tag: str) -> None:
    with pytest.raises(ValueError, match=r"is not here; there are ar, bg, bn"):
        locales.known(tag)


@pytest.mark.parametrize(("locale", "source", "text"), CASES)
def test_prints_as_the_locale_has_it(locale: str, source: str, text: str) -> None:
    assert compile_values({"k": source}).render({"Profile": {"locale": locale}, "Event": {}}) == {"k": text}


def test_no_locale_shows_in_another() -> None:
    """As they do in Babel: https://github.com/python-babel/babel/issues/1234."""
    tags = [*sorted(locales.LANGUAGES), "de_AT", "fr_CA", "pt_PT", "zh_TW"]
    values = compile_values({"k": f"{MONTH} {DAY} {MONEY}"})

    def all_of(order: list[str]) -> dict[str, str]:
        locales._locale.cache_clear()
        return {tag: str(values.render({"Profile": {"locale": tag}})["k"]) for tag in order}

    there, back = all_of(tags), all_of(tags[::-1])
    assert there == back
    assert there["fr"].startswith("novembre")
    assert there["de"].startswith("November")


@pytest.mark.parametrize(
    ("profile", "locale"),
    [
        ({"locale": "de_DE"}, "de_DE"),
        ({"locale": "de_DE.UTF-8"}, "de_DE"),
        ({"locale": "de_DE@euro"}, "de_DE"),
        ({"locale": "DE"}, "de"),
        ({"locale": "de_XX"}, "de"),
        ({"locale": "de-Latn-DE"}, "de_DE"),
        ({"language": "de-ch"}, "de_CH"),
        ({"locale": "fr", "language": "de"}, "fr"),
        ({"locale": " ", "language": "de"}, "de"),
        ({"locale": None, "language": "de"}, "de"),
        ({"locale": 7, "language": "de"}, "de"),
        ({"locale": "zh_TW"}, "zh_Hant_TW"),
        ({"locale": "nb_NO"}, "nb_NO"),
        ({"locale": "iw"}, "he_IL"),
        ({"locale": "th_TH"}, "th_TH"),
        ({"locale": "sw_KE"}, "en"),
        ({"locale": "nn"}, "en"),
        ({"locale": "xx"}, "en"),
        ({"locale": "german"}, "en"),
        ({"locale": "../../etc/passwd"}, "en"),
        ({"locale": "d" * 300_000}, "en"),
        ({}, "en"),
    ],
)
def test_finds_the_locale_its_language_or_english(profile: dict[str, object], locale: str) -> None:
    tag = next((v for v in (profile.get("locale"), profile.get("language")) if isinstance(v, str) and v.strip()), "en")
    assert str(locales.find(tag)) == locale
    expected = locales.money(1234.5, "EUR", locales.find(locale))
    assert compile_values({"k": MONEY}).render({"Profile": profile}) == {"k": expected}  # type: ignore[dict-item]


def test_without_a_profile_it_is_english() -> None:
    assert compile_values({"k": MONEY}).render({}) == {"k": "€1,234.50"}


@pytest.mark.parametrize(
    ("locale", "source", "forms"),
    [
        ("ru", WITH_ZERO, {0: "0 нет товаров", 5: "5 товаров", 21: "21 товар"}),
        ("en", NONE, {0: "none", 1: "one", 7: "some"}),
        ("ja", NONE, {0: "none", 1: "one", 7: "some"}),
        ("de", TOVAR, {1: "товар", 5: "товара"}),
        ("en", COATS, {0: "0 coats", 1: "1 coat", 2: "2 coats", 21: "21 coats"}),
        ("fr", COATS, {0: "0 coat", 1: "1 coat", 2: "2 coats"}),
        ("ru", TOVAR, {1: "товар", 2: "товара", 5: "товаров", 11: "товаров", 21: "товар"}),
        # an English text for a user whose language has other forms
        ("ru", COATS, {1: "1 coat", 21: "21 coats"}),
        ("ja", COATS, {1: "1 coat", 2: "2 coats"}),
        ("en", TOVAR, {1: "товар", 5: "товара"}),
    ],
)
def test_plurals_follow_the_users_language_if_the_text_has_its_forms(
    locale: str, source: str, forms: dict[int, str]
) -> None:
    values = compile_values({"k": source})
    assert {n: values.render({"Profile": {"locale": locale}, "Event": {"n": n}})["k"] for n in forms} == forms


@pytest.mark.parametrize(
    ("source", "message"),
    {
        "{{ Event.price | money }}": "filter 'money': missing a required argument: 'currency'",
        "{{ Event.price | money: 'EURO' }}": "not a currency: 'EURO'",
        "{{ Event.price | money: '€' }}": "there are EUR, USD, GBP and the others of ISO 4217",
        "{{ Event.at | date: '%F', 'Europe/Berln' }}": "not a time zone: 'Europe/Berln'; such as 'Europe/Berlin'",
        "{{ Event.at | date: Event.layout, '../etc' }}": "not a time zone",
        "{{ Event.at | date: '%q' }}": "date prints by a layout such as",
        "{{ Event.at | time: 'long' }}": "time prints 'short' or 'medium'",
        "{{ Event.at | time: 'short', 'CEST+1' }}": "not a time zone",
        "{{ 1 | number: 10 }}": "number prints 0 to 9 digits after the point",
        "{{ Event.n | plural: one: 'item' }}": "filter 'plural': missing a required",
        "{{ Event.n | plural: 'item', 'items' }}": "filter 'plural': too many positional arguments",
        "{{ Event.n | plural: ones: 'item', other: 'items' }}": "by name only few, many, one, other, two, zero",
        "{{ Event.price | money: currency: 'EUR' }}": "filter 'money' takes no arguments by name",
    }.items(),
)
def test_refuses_and_says_what_would_be_right(source: str, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        compile_values({"k": source})
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("source", "reason"),
    {
        "{{ Event.text | money: 'EUR' }}": "failed: not a number: 'dear'",
        "{{ Event.n | money: Event.text }}": "failed: not a currency: 'dear'; there are EUR, USD, GBP and the others",
        "{{ Event.n | money: Event.none }}": "missing: Event.none",
        "{{ Event.none | money: 'EUR' }}": "missing: Event.none",
        "{{ Event.n | plural: one: Event.none, other: 'x' }}": "missing: Event.none",
        "{{ Event.n | date: '%F', Event.text }}": "failed: not a time zone: 'dear'",
        "{{ Event.n | date: '%F', Profile.zone }}": "missing: Profile.zone",
        "{{ Event.huge | money: 'EUR' }}": "limit: a number beyond 2^63",
        "{{ Event.huge | number }}": "limit: a number beyond 2^63",
        "{{ Event.nan | money: 'EUR' }}": "limit: a number beyond 2^63",
        "{{ Event.huge | plural: other: 'x' }}": "limit: a number beyond 2^63",
        "{{ Event.n | number: Event.nan }}": "failed: ",
    }.items(),
)
def test_withholds_with_a_reason(source: str, reason: str) -> None:
    event: dict[str, object] = {"text": "dear", "n": 1795435200, "huge": 1e300, "nan": float("nan")}
    with pytest.raises(Withheld) as withheld:
        compile_values({"k": source}).render({"Profile": {}, "Event": event})  # type: ignore[dict-item]
    assert withheld.value.reason.startswith(reason)


@pytest.mark.parametrize(
    ("form", "zone"),
    [*itertools.product(["%Q", "%", "a" * 65], ["UTC"]), *itertools.product(["full", "%A"], ["x", " "])],
)
def test_a_layout_or_zone_from_a_variable_may_be_wrong(form: str, zone: str) -> None:
    values = compile_values({"k": "{{ 0 | date: Event.form, Event.zone }}"})
    with pytest.raises(Withheld, match=r"^(failed: date prints|failed: not a time zone|missing: Event.zone)"):
        values.render({"Event": {"form": form, "zone": zone}})
