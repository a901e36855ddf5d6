"""A campaign's file may be any text: it is read, or refused with a place and a reason, in bounded time."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.core.authoring import text as campaign_text
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.text import MAX_CHARACTERS, CampaignFileError, fields, parse, plain, rewritten, validate
from holdfast.core.events import Json

FILE = """\
id: cart
name: Cart
when:
  did: added
  did_not: charged
  within: 30 minutes
constant: {name: product, in: {added: product, charged: "Items[].name"}}
send:
  values:
    title: "{{ Profile.first_name | default: 'Hi' }}"
"""


def bomb(levels: int) -> str:
    letters = "abcdefghijklmnop"
    lines = [f"{letters[0]}: &{letters[0]} [x, x, x, x, x, x, x, x, x]"]
    for before, after in pairwise(letters[: levels + 1]):
        lines.append(f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]")
    return "\n".join(lines) + "\n"


def refused(text: str) -> campaign_text.Mistake:
    with pytest.raises(CampaignFileError) as caught:
        validate(parse(text), Campaign)
    return caught.value.mistakes[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (bomb(7), "parts"),
        (bomb(15), "parts"),
        ("a: &a [*a]\n", ""),
        ("a: &a {b: *a}\n", ""),
        ("when: " + "[" * 20_000, "levels deep"),
        ("when: " + "{a: " * 20_000, "levels deep"),
        ("- " * 20_000, "levels deep"),
        ("when: " + "[" * 60 + "]" * 60, "levels deep"),
        ("id: " + "9" * 100_000, ""),
        ("id: a\x00b", "U+0000 is not text"),
        ("id: \ud800", "U+D800 is not text"),
        (FILE.replace("'Hi'", "'\\ud800'"), "U+D800 is not text"),
        (FILE.replace("'Hi'", "'\\0'"), "U+0000 is not text"),
        ("id: 2026-99-99T99:99:99Z", ""),
        ("id: !!int x", ""),
        ("id: !!binary x", ""),
        ("? [a]\n: b", ""),
        ("x" * (MAX_CHARACTERS + 1), "characters"),
        (FILE.replace("30 minutes", "9" * 5_000 + " days"), "characters at most"),
        (FILE.replace("30 minutes", "9" * 90 + " days"), "90 days is the longest"),
        (FILE.replace("30 minutes", f"P{'9' * 5_000}D"), "characters at most"),
        (FILE.replace("Items[].name", "a[" * 900), ""),
        (FILE.replace("Items[].name", "(" * 1_900), ""),
        (FILE.replace("Items[].name", "a." * 5_000), ""),
    ],
    ids=lambda value: repr(value[:30]),
)
def test_what_is_too_much_is_refused_with_a_reason_and_at_once(text: str, told: str) -> None:
    started = time.process_time()
    mistake = refused(text)
    assert told in mistake.message
    assert mistake.line >= 1
    assert time.process_time() - started < 5


def test_aliases_that_stand_for_little_are_read() -> None:
    text = FILE.replace("title: ", "title: &t ") + "    again: *t\n"
    assert validate(parse(text), Campaign).send.values["again"] == "{{ Profile.first_name | default: 'Hi' }}"
    assert parse("a: &a [1, 2]\nb: [*a, *a]\n").data["b"] == [[1, 2], [1, 2]]


_marks = [
    "*a",
    "&a ",
    "[",
    "]",
    "{",
    "}",
    ": ",
    "- ",
    "? ",
    "!!int ",
    "!x ",
    "|",
    ">",
    "'",
    '"',
    "#",
    "%",
    "@",
    "\t",
    "<<: ",
]
_marks += [
    "\n",
    "  ",
    "---\n",
    "...\n",
    "0x",
    "1e999",
    "2026-11-25",
    "=",
    "~",
    "\x85",
    "\ufeff",
    "é",
    "😀",
    "a",
    "id: ",
]
anything = st.lists(st.sampled_from(_marks), max_size=30).map("".join)
edited = st.tuples(st.integers(0, len(FILE)), st.integers(0, 20), st.lists(st.sampled_from(_marks), max_size=4)).map(
    lambda edit: FILE[: edit[0]] + "".join(edit[2]) + FILE[edit[0] + edit[1] :]
)


@given(st.one_of(anything, edited, st.text(max_size=200)))
@example("!!timestamp 1")
@example("<<: 1")
@example("<<: [1]")
@example("!!omap [a]")
@example("!!set {a: 1}")
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    mistakes = mistakes_of(text)
    assert all(mistake.line >= 1 and mistake.column >= 1 for mistake in mistakes)
    fields(text)


def mistakes_of(text: str) -> list[campaign_text.Mistake]:
    try:
        source = parse(text)
        plain(source.data)
        validate(source, Campaign)
    except CampaignFileError as error:
        return error.mistakes
    return []


@given(st.one_of(anything, edited))
def test_any_text_can_be_rewritten_to_say_something_else(text: str) -> None:
    said: Json = {"id": "cart", "send": {"values": {"title": "new"}}}
    assert plain(parse(rewritten(said, text)).data) == said


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("when:\n  did: added\n  did_not: charged\n  within: 30 minutes\n", "when: now\n", "`key: value`"),
        ("name: Cart", "name: [a]", "has to be a text"),
        ('in: {added: product, charged: "Items[].name"}', "in: x", "`key: value`"),
        ("values:", "limit: many\n  values:", "a whole number is needed here"),
    ],
)
def test_people_are_told_in_their_words_what_is_needed(old: str, new: str, told: str) -> None:
    assert old in FILE
    assert told in refused(FILE.replace(old, new)).message
