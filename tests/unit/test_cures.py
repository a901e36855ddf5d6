"""Mistakes in campaign files, each with the cure: JMESPath, YAML, and names that are not what they seem."""

from __future__ import annotations

import pytest

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.hints import Known, hints
from holdfast.core.authoring.text import CampaignFileError, Source, parse, plain, validate
from holdfast.core.events import event_key
from holdfast.core.intake.shapes import Shapes

FILE = """\
id: cart
when:
  did: added
  where: {added: PATH}
send:
  values:
    t: VALUE
"""
HYPHEN = "a - stands among lines of `key: value`; take it away, or indent it like the other items of its list"


def mistakes(path: str = "price", value: str = "x", text: str = FILE) -> list[str]:
    with pytest.raises(CampaignFileError) as error:
        validate(parse(text.replace("PATH", path).replace("VALUE", value)), Campaign)
    return [f"{each.line}: {each.message}" for each in error.value.mistakes]


@pytest.mark.parametrize(
    ("path", "cure"),
    [
        ("price >= 20", "a number stands between backticks: price >= `20`"),
        ("price < -1.5", "a number stands between backticks: price < `-1.5`"),
        ("price == 20 && stock", "a number stands between backticks: price == `20` && stock"),
        ("items[?price > 20].name", "a number stands between backticks: items[?price > `20`].name"),
        ("Product Name", 'a name with a space, a hyphen or $ stands between double quotes: "Product Name"'),
        ("product-id", '"product-id"'),
        ("$product_id", '"$product_id"'),
        ("items[0].Product Name", 'items[0]."Product Name"'),
        ("items.0.id", "an item of a list stands in brackets: items[0].id"),
        ("items.0", "items[0]"),
        ("price = `20`", "two are compared by ==: price == `20`"),
        ("a and b", "and is written &&"),
        ("a == 'x' or b", "or is written ||"),
        ("category == \u201cshoes\u201d", "text stands between straight quotes: 'shoes'"),
    ],
)
def test_an_expression_that_is_refused_says_what_to_write(path: str, cure: str) -> None:
    (message,) = mistakes(path=f'"{path}"'.replace('""', '"') if '"' not in path else f"'{path}'")
    assert message.startswith("4: ")
    assert message.endswith(cure)


def test_an_expression_without_a_known_cure_says_what_jmespath_says() -> None:
    (message,) = mistakes(path='"items["')
    assert "is not a JMESPath expression: Invalid jmespath expression" in message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{{ Event.price }}", "7: to YAML this is not text: put quotes around a value that starts with {{"),
        ("2026", "7: to YAML this is the number 2026, not a text: put it between quotes"),
        ("1.5", "7: to YAML this is the number 1.5, not a text: put it between quotes"),
        ("true", "7: to YAML this is true, not a text: put it between quotes"),
        ("2026-11-23", "7: to YAML this is a date, not a text: put it between quotes"),
        ("", "7: is blank: write a text, or leave the key out"),
        ("[a]", "7: has to be a text"),
        ("{value: 1, type: number}", "7: to YAML this is the number 1, not a text: put it between quotes"),
    ],
)
def test_what_yaml_does_not_read_as_text_says_so_once(value: str, message: str) -> None:
    assert mistakes(value=value) == [message]


@pytest.mark.parametrize(
    ("value", "cure"),
    [
        ("{{ Event.price }} EUR", "put quotes around a value that starts with {{ or {%"),
        ("{% if Event.a %}x{% endif %}", "put quotes around a value that starts with {{ or {%"),
        ("@Profile - name", "put quotes around a value that starts with @, ` or %"),
        ("Price: 5 EUR", "put quotes around a value with a colon in it"),
        ("{title: 'x', hint: only: 5 EUR}", "put quotes around a value with a colon in it"),
        ("> 20 EUR", "put quotes around a value that starts with > or |"),
        (
            "'it's here'",
            """the closing quote ends the value; write '' for a ' inside of '…', \\" for a " inside of "…\"""",
        ),
    ],
)
def test_a_line_that_is_not_yaml_says_what_to_quote(value: str, cure: str) -> None:
    (message,) = mistakes(value=value)
    assert message.startswith("7: not YAML: ")
    assert message.endswith(f"; {cure}")


@pytest.mark.parametrize(
    ("value", "more", "message"),
    [
        ("*SALE* now", "", "7: not YAML: no part is named &SALE*; put quotes around a value that starts with *"),
        ("x", "when: {did: viewed}", '8: not YAML: the key "when" is there twice in one place; keep one of the two'),
        ("x", "    t: y", '8: not YAML: the key "t" is there twice in one place; keep one of the two'),
        ("x", "---\nid: other", "8: not YAML: a second document begins here; put it into a file of its own"),
        ("x", "- y", f"8: not YAML: {HYPHEN}"),
        ("x", "  detail_type:\n    - y\n   - z", f"10: not YAML: {HYPHEN}"),
    ],
)
def test_a_file_that_is_not_yaml_is_described_in_words(value: str, more: str, message: str) -> None:
    text = FILE.replace("PATH", "price").replace("VALUE", value) + more + "\n"
    assert mistakes(text=text) == [message]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- id: cart\n  when: {did: added}\n", 1),
        ("id: cart\nwhen:\n  - did: added\nsend:\n  values: {t: x}\n", 2),
        ("id: cart\nwhen: {did: added}\nsend:\n  values:\n    - t: x\n", 4),
        ("id: cart\nwhen: [did]\nsend:\n  values: {t: x}\n", 2),
    ],
)
def test_a_list_in_the_place_of_keys_says_what_is_wanted(text: str, line: int) -> None:
    (message,) = mistakes(text=text)
    assert message == (f"{line}: this is a list, and lines of `key: value` are needed here, without a - or brackets")


def hinted(path: str = "price", value: str = "x", seen: dict[str, Shapes] | None = None) -> list[str]:
    source = parse(FILE.replace("PATH", path).replace("VALUE", value))
    return [each.message for each in hints(validate(source, Campaign), Known(seen or {}), source)]


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("Save 10 # today", "Save 10"),
        ("Save\n      10 #today", "Save 10"),
        (
            "x\n  variants:\n    - {name: a, values: {t: one}}\n    - name: b\n      values:\n        t: two # three",
            "two",
        ),
    ],
)
def test_a_template_that_a_comment_ends_is_hinted_at(value: str, left: str) -> None:
    (hint,) = hinted(value=value)
    assert hint == (
        f"to YAML a comment begins at the #, and the text ends before it: {left!r}; put quotes around the text"
    )


@pytest.mark.parametrize(
    "value",
    [
        "'Save 10 # today'",
        "'Save 10'  # a comment",
        '"Save 10"  # a comment',
        "Save 10#today",
        "Save 10\n    # on a line of its own",
        "|\n      Save 10 # today",
        ">-  # folded\n      Save 10",
        "Save 10  # a comment, apart from the text",
        "# a comment\n      Save 10",
        "&base 'Save 10' # a comment\n    u: *base",
        "&base Save 10\n    u: *base\n    w: *base # a comment",
        "\"a\u2028b\"\n    u: 'Save 10' # a comment",
    ],
)
def test_a_comment_that_cuts_no_text_is_not_hinted_at(value: str) -> None:
    assert hinted(value=value) == []


def test_a_template_that_begins_with_an_anchor_is_hinted_at() -> None:
    (hint,) = hinted(value="&amp; more")
    assert hint == "YAML leaves &amp; out of the text: put quotes around a value that starts with &"
    assert hinted(value="&title Save 10\n    other: *title") == []
    assert mistakes(value="!important") == [
        "7: to YAML !important is a type, and no part of the text: put it between quotes, or take it away"
    ]
    assert mistakes(value="!!str 'hi'")[0].endswith("put it between quotes, or take it away")


def test_a_draft_without_a_text_has_no_comments() -> None:
    source = parse(FILE.replace("PATH", "price").replace("VALUE", "x"))
    bare = Source("", "", plain(source.data))
    assert hints(validate(bare, Campaign), Known(), bare) == []


def test_text_between_double_quotes_is_hinted_at_without_any_stage() -> None:
    (hint,) = hinted(path="""'category == "shoes"'""")
    assert hint == "shoes is read as a property's name: a text stands between single quotes, 'shoes'"
    assert hinted(path="price > minimum") == []
    assert hinted(path="\"category == 'shoes'\"") == []


def test_a_number_between_quotes_is_hinted_at_where_it_is_compared() -> None:
    assert hinted(path="\"price > '20'\"") == ["'20' is a text: a number stands between backticks, `20`"]
    assert hinted(path="\"day > '2026-11-23'\"") == []
    assert hinted(path="\"size == '20'\"") == []


def test_the_length_of_a_list_is_its_size() -> None:
    (hint,) = hinted(value='"{{ Event.items.length }}"')
    assert hint == "length is a property here, if there is one; how many there are is Event.items.size"
    assert hinted(value='"{{ Event.items.size }} {{ Event.length }}"') == []


@pytest.mark.parametrize("name", ["id", "ts", "user", "event"])
def test_a_plain_records_own_keys_are_no_properties(name: str) -> None:
    (hint,) = hinted(value=f'"{{{{ Event.{name} }}}}"')
    assert hint.startswith(f"{name} of a plain event is the event's own, and never a property")
    assert hinted(path=name) == [hint]


def test_what_a_campaign_does_not_have_is_hinted_at() -> None:
    assert hinted(value='"{{ Campaign.subject }}"') == ["Campaign.subject is not there; there are id, name, revision"]
    assert hinted(value='"{{ Campaign.name }}"') == []


def test_an_event_that_occurs_only_under_another_name_is_named() -> None:
    seen = {event_key(name): Shapes(name) for name in ("ADDED_", "viewed")}
    assert "'added' was never seen; 'ADDED_' was" in hinted(seen=seen)
