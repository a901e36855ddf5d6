"""What is read by the heads of events is what would be found by reading each line in full."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdfast.core.intake.fields import LATEST_MS, RULES
from holdfast.core.intake.flat import is_usual_user, usual_event
from holdfast.core.plans.plans import Plans
from holdfast_cli.heads import FEW, MOST_NAMES, MOST_ODD, Head, Heads, Piece
from holdfast_cli.reading import Found, Reader, chunks
from holdfast_cli.runs import Entry, Runs, in_order
from tests.examples import examples
from tests.unit.builders import ADDED, HOUR, MINUTE, NOON, a_plan

LATEST = NOON + HOUR
NUMBERS = st.sampled_from(
    ["0", "-1", "1.5", "1e5", "1e308", "1e309", "-1E+400", "1e-999", "9" * 18, "9" * 19, "1" * 400]
)
ODD = st.sampled_from(
    ["a", "", "ä", "1e999", "[", "{", "\\u00e4", "\\ud83e", "\\", "\t", "x" * 120, "x" * 121, "x" * 600]
)
VALUES = NUMBERS | ODD.map('"{}"'.format) | st.sampled_from(["true", "null", "[1]", "{}", "nul", "01"])
NAMES = st.sampled_from(["user", "event", "ts", "id", "alias", "n", "x" * 121])
many = settings(max_examples=examples(250), deadline=None)


# --- One text. ---


def heads_like(*names: str) -> Heads:
    heads = Heads(LATEST)
    heads.learn([dict.fromkeys(names)])
    return heads


def read(heads: Heads, text: bytes) -> list[Head] | None:
    (piece,) = heads.pieces(text, text.removesuffix(b"\n").split(b"\n"))
    return piece.heads


@st.composite
def flat_lines(draw: st.DrawFn) -> bytes:
    """Mostly flat objects, some not, and what should be none."""
    lines = draw(st.lists(st.lists(st.tuples(NAMES, VALUES), max_size=5), min_size=1, max_size=4))
    texts = ["{" + ",".join(f'"{name}":{value}' for name, value in line) + "}" for line in lines]
    texts += draw(
        st.lists(st.sampled_from(["", "{", "[1]", "5", "{} {}", "{" + '"a":1,' * 256 + '"b":1}']), max_size=1)
    )
    return "\n".join(texts).encode() + draw(st.sampled_from([b"", b"\n", b"\xff\n"]))


@st.composite
def usual_lines(draw: st.DrawFn) -> bytes:
    """Mostly events that are valid, some with a value that is not usual."""
    text = st.sampled_from(['"u"', '" u"', '"0"', '""', "5", "null", f'"{"x" * 1025}"', f'"{"ü" * 513}"'])
    whole = st.fixed_dictionaries(
        {"user": text, "event": text, "ts": st.sampled_from([str(NOON), str(LATEST), str(LATEST + 1), "5", '"x"'])},
        optional={"id": VALUES, "n": VALUES, "m": VALUES, "other": VALUES, "alias": VALUES},
    )
    usual = st.fixed_dictionaries(
        {"user": st.sampled_from(['"u"', '" u"']), "event": st.just('"e"'), "ts": st.just(str(NOON))},
        optional={"id": ODD.map('"{}"'.format), "n": VALUES, "m": NUMBERS},
    )
    texts = [
        "{" + ",".join(f'"{name}":{value}' for name, value in line.items()) + "}"
        for line in [*draw(st.lists(usual, min_size=1, max_size=3)), *draw(st.lists(whole, max_size=1))]
    ]
    return "\n".join(texts).encode()


@many
@given(flat_lines() | usual_lines())
@example(b'{"user":"u","event":"e","ts":%d}{"user":"u","event":"e","ts":%d}\n' % (NOON, NOON))
@example(b'{"user":"u","event":"e"\n,"ts":%d}' % NOON)
@example(b'{"user":"u","event":"e","ts":%d\n}{"user":"u","event":"e","ts":%d}' % (NOON, NOON))
def test_heads_are_those_of_the_events_that_the_lines_are(text: bytes) -> None:
    heads = read(heads_like("n", "m"), text)
    if heads is None:
        return
    for head, line in zip(heads, text.removesuffix(b"\n").split(b"\n"), strict=True):
        if is_usual_user(head.user, RULES) and head.event.strip():
            event = usual_event(line, LATEST, RULES)
            assert event
            assert (head.user, head.event, head.ts) == (event.user, event.name, event.at)


@pytest.mark.parametrize("more", ["", '"n":1.5,', '"n":"Größe",', '"n":"7e123456789",', '"n":true,"id":"x",'])
def test_heads_are_read_of_what_is_like_events_that_were_read(more: str) -> None:
    text = b"".join(b'{"user":"u","event":"e",%b"ts":%d}\n' % (more.encode(), NOON + n) for n in range(3))
    heads = read(heads_like("n"), text)
    assert heads
    assert [(head.user, head.event, head.ts) for head in heads] == [("u", "e", NOON + n) for n in range(3)]


@pytest.mark.parametrize(
    "more", ['"m":1,', '"n":1e999,', '"n":[1],', '"alias":"a",', '"id":5,', '"n":"' + "x" * 600 + '",']
)
def test_heads_are_not_read_of_what_is_otherwise(more: str) -> None:
    assert read(heads_like("n", "alias"), b'{"user":"u","event":"e",%b"ts":%d}' % (more.encode(), NOON)) is None


def test_heads_are_read_of_events_with_few_properties() -> None:
    text = b'{"user":"u","event":"e","ts":%d}' % NOON
    heads = heads_like(*(f"n{number}" for number in range(MOST_NAMES)))
    assert read(heads, text)
    heads.learn([{"more": 1}])
    assert read(heads, text) is None
    heads.learn([{}])
    assert read(heads, text) is None
    assert read(Heads(LATEST_MS), text) is None


@pytest.mark.parametrize("name", ["", "ü", "a b", "property0", "ts "])
def test_names_are_learned(name: str) -> None:
    assert read(heads_like(name), json.dumps({"user": "u", "event": "e", "ts": NOON, name: 1}).encode())


@pytest.mark.parametrize("name", ['"', "\\", "\n", "\x7f", "\u200b"])
def test_names_that_the_decoder_cannot_be_told_are_left_out(name: str) -> None:
    assert read(heads_like(name), json.dumps({"user": "u", "event": "e", "ts": NOON, name: 1}).encode()) is None


def pieces(lines: Sequence[bytes]) -> list[tuple[int, int, bool]]:
    """Where each piece begins, how many lines it has, and whether its heads were read."""
    found = [*heads_like("n").pieces(b"\n".join(lines), lines)]
    assert [line for piece in found for line in piece.lines] == lines
    return [(piece.start, len(piece.lines), piece.heads is not None) for piece in found]


USUAL, OTHER = b'{"user":"u","event":"e","ts":%d}' % NOON, b'{"user":"u","alias":"v","ts":%d}' % NOON


def test_one_line_that_is_not_usual_leaves_most_of_the_others_to_their_heads() -> None:
    lines = [USUAL] * 8 * FEW
    lines[5 * FEW + 3] = OTHER
    assert pieces(lines) == [
        (0, 4 * FEW, True),
        (4 * FEW, FEW, True),
        (5 * FEW, FEW, False),
        (6 * FEW, 2 * FEW, True),
    ]


def test_where_many_lines_are_not_usual_the_rest_is_not_divided() -> None:
    found = pieces(([USUAL] * (FEW - 1) + [OTHER]) * 4 * MOST_ODD)
    assert [read for *_, read in found] == [False] * len(found)
    assert MOST_ODD < len(found) < 2 * MOST_ODD


# --- A file, read as a simulation reads it. ---

PLANS = Plans([a_plan("one", within=3 * MINUTE)])


def whole(_: Heads, text: bytes, lines: Sequence[bytes]) -> Iterator[Piece]:
    yield Piece(0, text, lines, None)


def reading(text: str, *, as_arrived: bool) -> tuple[Found, list[Entry]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        patch("holdfast_cli.reading.BLOCK", 350),
        patch("holdfast_cli.heads.FEW", 2),
    ):
        path = Path(folder) / "events.jsonl"
        path.write_text(text)
        reader = Reader(PLANS, Runs(path, 1), 1, latest=LATEST, as_arrived=as_arrived)
        found = reader.read(chunks(path, 0, path.stat().st_size), lambda _: None)
        return replace(found, runs=[]), [entry for *_, entries in in_order(found.runs) for entry in entries]


def line_by_line(text: str, *, as_arrived: bool) -> tuple[Found, list[Entry]]:
    with patch.object(Heads, "pieces", whole), patch("holdfast_cli.reading.flat_objects", lambda _: None):
        return reading(text, as_arrived=as_arrived)


def page(more: str = "", user: str = "ann", event: str = "page", at: object = NOON) -> str:
    return f'{{"user":"{user}",{more}"event":"{event}","ts":{at}}}'


PLAIN = [page(user=user, at=NOON + n * MINUTE) for n, user in enumerate(("ann", "bob", "cid"))]
LEARNED = [page('"n":1,"name":"coat",', at=NOON + n) for n in range(6)]
ODD_LINES: Sequence[str] = (
    *(page(f'"n":{n},') for n in ("1e999", "1" * 25, "0.5e-999", "[1]", "{}", "[[", "01")),
    *(page(f'"n":"{n}",') for n in ("x" * 120, "x" * 600, "\\u0000", "ü", "{[", "1e999")),
    *(page(at=at) for at in ("5", '"x"', "1.5", "null", f"{LATEST}", f"{LATEST + 1}", f"{NOON - HOUR}")),
    *(page(user=user) for user in ("null", " ann", "", "0", "x" * 1025, "ü" * 513)),
    page('"alias":"anon-7",'),
    page('"id":"e",'),
    page('"id":null,'),
    page('"a \\" and \\\\":1,'),
    page(f'"event":"{ADDED}","name":"coat",'),
    page('"name":"hat",', event=ADDED),
    page('"name":"hat",', event=ADDED, at=NOON - HOUR),
    page(event="x" * 200),
    '{"user":"ann","event":"page"}',
    f'{{"user":"ann","event":"{ADDED}","name":"coat"}}',
    '{"user":"ann","profile":{"n":1}}',
    "not json",
    "",
)
"""Mostly of an event that no campaign names, nearly all of them odd in a way that shows in one place of the line."""


@pytest.mark.parametrize("as_arrived", [False, True])
@pytest.mark.parametrize("odd", ODD_LINES, ids=range(len(ODD_LINES)))
def test_an_odd_line_among_others_counts_as_if_it_were_alone(odd: str, as_arrived: bool) -> None:
    untimed = f'{{"user":"ann","event":"{ADDED}","name":"hat"}}'
    text = "\n".join([*PLAIN * 3, *LEARNED, *PLAIN * 3, odd, *PLAIN[::-1], odd, untimed, *PLAIN[::-1] * 3, untimed, ""])
    assert reading(text, as_arrived=as_arrived) == line_by_line(text, as_arrived=as_arrived)


@many
@given(st.lists(st.sampled_from([*PLAIN, *LEARNED, *ODD_LINES]), max_size=14), st.booleans())
def test_a_file_is_read_as_if_each_line_were_alone(lines: list[str], as_arrived: bool) -> None:
    text = "\n".join([*PLAIN * 3, *LEARNED, *PLAIN * 2, *lines, *PLAIN[::-1] * 2, ""])
    assert reading(text, as_arrived=as_arrived) == line_by_line(text, as_arrived=as_arrived)


def test_most_lines_of_such_a_file_are_read_by_their_heads() -> None:
    text = "\n".join([*PLAIN * 3, *LEARNED, *(line for odd in ODD_LINES for line in (odd, *PLAIN, *PLAIN))]) + "\n"
    found: list[Piece] = []
    usual = Heads.pieces

    def noted(heads: Heads, *of: Any) -> Iterator[Piece]:
        for piece in usual(heads, *of):
            found.append(piece)
            yield piece

    with patch.object(Heads, "pieces", noted):
        reading(text, as_arrived=False)
    by_heads = {line.decode() for piece in found if piece.heads is not None for line in piece.lines}
    assert {*PLAIN, page('"n":"ü",'), page(user="null"), page(user=" ann"), page('"id":"e",')} <= by_heads
