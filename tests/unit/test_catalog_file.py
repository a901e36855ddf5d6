"""A catalog's CSV file: what is good goes in, what is bad is named with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.catalog.csv_file import (
    _USUAL,
    MAX_COLUMNS,
    MAX_ROW,
    SHORT_RECORD,
    Bad,
    Header,
    Row,
    _shows,
    header,
    match,
    records,
)
from holdfast.core.catalog.csv_lines import MAX_RECORD, BadFile, Lines, LineTooLong
from holdfast.core.catalog.rows import BY_NAME, MAX_KEY, key_bytes

HEAD = b"Identity,Name,ImageURL,Price\n"
COAT = b"1,white coat,https://shop.example/1.jpg,89.00\n"
HAT = b"2,red hat,https://shop.example/2.jpg,\n"


def read(*lines: bytes, head: bytes = HEAD) -> list[Row | Bad]:
    return list(records(header([head]), BY_NAME, lines))


def test_rows_are_columns_to_texts_and_an_empty_cell_is_no_value() -> None:
    coat, hat = read(COAT, HAT)
    assert isinstance(coat, Row)
    assert coat.line == 2
    assert coat.values == {
        "Identity": "1",
        "Name": "white coat",
        "ImageURL": "https://shop.example/1.jpg",
        "Price": "89.00",
    }
    assert isinstance(hat, Row)
    assert "Price" not in hat.values


@pytest.mark.parametrize("separator", [b",", b";", b"\t"])
def test_the_first_line_says_what_separates_cells(separator: bytes) -> None:
    (coat,) = read(COAT.replace(b",", separator), head=HEAD.replace(b",", separator))
    assert isinstance(coat, Row)


def test_a_byte_order_mark_and_line_ends_of_windows_are_no_part_of_the_data() -> None:
    (coat,) = read(COAT.replace(b"\n", b"\r\n"), head=b"\xef\xbb\xbf" + HEAD.replace(b"\n", b"\r\n"))
    assert isinstance(coat, Row)
    assert coat.values["Price"] == "89.00"


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (
            b"SKU,Title,Image\n",
            "no column Identity, Name, ImageURL (did you mean 'Image'?); the first line names 'SKU', 'Title', 'Image'",
        ),
        (b"Identity|Name|ImageURL\n", "the first line names 'Identity|Name|ImageURL'"),
        (b'Identity,"Na\n', "a quote is not closed"),
        (b"PK\x03\x04\x14\0\x06\0\n", "this is an Excel file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\n", "an old Excel"),
        (b"\x1f\x8b\x08\0\n", "compressed"),
        (b"<!DOCTYPE html>\n", "not a CSV file"),
        (b'[{"Identity": 1}]\n', "not a CSV file"),
        ("Identity,Name,ImageURL\n".encode("utf-16"), "UTF-16"),
        ("Identity,Name,ImageURL\n".encode("utf-16-be"), "UTF-16"),
        (b"", "names no columns"),
        (b"\n", "names no columns"),
        (b"Identity,Name,Price\n", "there is no column ImageURL"),
        (b"Identity,Name,imageUrl\n", "did you mean 'imageUrl'"),
        (b"Identity,Name,ImageURL,Price,Price\n", "Price is there twice"),
        (b"Identity,Name,,ImageURL\n", "column 3 has no name"),
        (b"Identity,Name,ImageURL,a#b\n", "'a#b' is not a valid name of a column"),
        (b"Identity,Name,ImageURL," + b",".join(b"c%d" % n for n in range(18)), "21 columns; 20 is the most"),
        ("Identity,Name,ImageURL,größe".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_says_why(head: bytes, reason: str) -> None:
    with pytest.raises(BadFile, match=re.escape(reason)):
        header([head])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"3,globe\n", "2 cells where there are 4 columns"),
        (b"3,globe,https://shop.example/3.jpg,1,2\n", "5 cells"),
        (b" ,globe,https://shop.example/3.jpg,1\n", "Identity is empty"),
        (b"3,,https://shop.example/3.jpg,1\n", "Name is empty"),
        (b"3,globe,,1\n", "ImageURL is empty"),
        (b"3,globe,http://shop.example/3.jpg,1\n", "not an https:// address: 'http://shop.example/3.jpg'"),
        (b"3,globe,https://,1\n", "not an https:// address"),
        (b"3,globe,https://a b/3.jpg,1\n", "not an https:// address"),
        (b"3,globe,https://user:word@shop.example/3.jpg,1\n", "not an https:// address"),
        (b"3,globe,https://shop.example\\@else.example/3.jpg,1\n", "not an https:// address"),
        ("3,globe,https://shop.example/\u202egpj.3,1\n".encode(), "not an https:// address"),
        (b"3,gl\0obe,https://shop.example/3.jpg,1\n", "Name holds a NUL character"),
        (b"1.23457E+12,globe,https://shop.example/3.jpg,1\n", "a long number that Excel has cut"),
        (b"3,gl\xffobe,https://shop.example/3.jpg,1\n", "not UTF-8 text"),
        (b'3,"globe"s,https://shop.example/3.jpg,1\n', "expected after"),
        (b"3,globe,https://shop.example/3.jpg," + b"x" * MAX_ROW + b"\n", "16,384 is the most"),
        (b"3," + b"g" * 901 + b",https://shop.example/3.jpg,1\n", "Name: too long to be looked up by"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_bad_row_is_listed_with_its_line_and_the_others_go_in(line: bytes, reason: str) -> None:
    coat, bad, hat = read(COAT, line, HAT)
    assert isinstance(coat, Row)
    assert isinstance(hat, Row)
    assert isinstance(bad, Bad)
    assert bad.line == 3
    assert reason in bad.reason


def test_a_record_that_is_not_measured_has_no_key_that_is_too_long() -> None:
    """All columns are one key, and all bytes of the record are in it, but for the separators."""
    columns = [*["Identity", "Name", "ImageURL"], *(f"c{number}" for number in range(MAX_COLUMNS - 3))]
    cells = ["1", "a", "https://x/y", *["x"] * (MAX_COLUMNS - 3)]
    cells[-1] *= SHORT_RECORD - len(",".join(cells))
    known = header([",".join(columns).encode() + b"\n"])
    (row,) = records(known, (tuple(columns),), [",".join(cells).encode()])
    assert isinstance(row, Row)
    assert key_bytes(row.values.values()) <= MAX_KEY


@given(st.from_regex(_USUAL, fullmatch=True))
def test_an_address_that_needs_no_closer_look_would_pass_it(address: str) -> None:
    assert _shows(address)


def test_a_cell_may_go_over_several_lines() -> None:
    both = read(b'1,"white\n', b'coat",https://shop.example/1.jpg,89\n', HAT)
    coat, hat = both
    assert isinstance(coat, Row)
    assert (coat.line, coat.values["Name"]) == (2, "white\ncoat")
    assert hat.line == 4


@pytest.mark.parametrize("more", [3, 5_000])
def test_a_quote_that_is_never_closed_costs_its_own_row_and_no_other(more: int) -> None:
    def lines() -> Iterator[bytes]:
        yield b'1,"white coat,https://shop.example/1.jpg,89\n'
        for n in range(more):
            yield b"%d,thing,https://shop.example/t.jpg,1\n" % (n + 2)

    found = list(records(header([HEAD]), BY_NAME, lines()))
    assert [each.line for each in found if isinstance(each, Bad)] == [2]
    assert sum(isinstance(each, Row) for each in found) == more
    assert more * 40 > MAX_RECORD or more == 3


def test_where_a_record_ends_reading_can_go_on() -> None:
    whole = HEAD + COAT + b'3,"glo\nbe",https://shop.example/3.jpg,1\n' + b"bad\n" + HAT
    known = header([HEAD])
    all_of_them = list(records(known, BY_NAME, whole[len(HEAD) :].splitlines(keepends=True)))
    for number, each in enumerate(all_of_them):
        assert each.last == whole[: each.end].count(b"\n")
        rest = records(known, BY_NAME, whole[each.end :].splitlines(keepends=True), line=each.last, end=each.end)
        assert list(rest) == all_of_them[number + 1 :]


def test_columns_to_look_up_by_must_be_there() -> None:
    known = Header(("Identity", "Name", "ImageURL", "Colour"), ",")
    assert match([" Name", "Colour"], known) == ("Colour", "Name")
    with pytest.raises(BadFile, match="did you mean 'Colour'"):
        match(["Color"], known)


@given(st.lists(st.binary(max_size=60), max_size=12))
def test_whatever_the_bytes_every_line_is_accounted_for_and_nothing_raises(noise: list[bytes]) -> None:
    text = b"\n".join([*noise, COAT.strip(), b""])
    lines = text.splitlines(keepends=True) if b"\r" not in text else text.replace(b"\r", b" ").splitlines(keepends=True)
    found = list(records(header([HEAD]), BY_NAME, lines))
    assert [each.end for each in found] == sorted(each.end for each in found)
    assert not found or found[-1].end <= len(HEAD) + sum(map(len, lines))


PIECES = (COAT, HAT, b'"', b",", b"\n", b" ", b"\r", b"\0", b"\xff", b'"a\nb"', b"x" * 1_000, b"https://x.example/a")


@given(st.lists(st.sampled_from(PIECES), max_size=24))
def test_lines_without_a_quote_are_read_together_as_each_would_be_alone(pieces: list[bytes]) -> None:
    def none(source: Lines) -> list[bytes]:
        source.ended = not source.look()
        return []

    lines = re.findall(rb"[^\n]*\n|[^\n]+", b"".join(pieces))
    together = read(*lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lines, "plain", none)
        assert together == read(*lines)


def test_what_comes_before_a_line_that_is_too_long_is_read() -> None:
    def lines() -> Iterator[bytes]:
        yield COAT
        yield HAT
        raise LineTooLong(1)

    found = records(header([HEAD]), BY_NAME, lines())
    assert [each.line for each in (next(found), next(found))] == [2, 3]
    with pytest.raises(LineTooLong):
        next(found)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"Identity,Name,ImageURL\r1,coat,https://x/y\r2,hat,https://x/z\r", "old Macs"),
        (b'"' + b"x" * 200_000 + b'"\n', "not one of a CSV file"),
    ],
)
def test_a_first_line_that_the_csv_reader_refuses_is_a_bad_file_and_no_crash(head: bytes, reason: str) -> None:
    with pytest.raises(BadFile, match=reason):
        header([head])


URL = b"https://shop.example/1.jpg"


@pytest.mark.parametrize(
    "file",
    [
        b"sep=;\nIdentity;Name;ImageURL;Price incl. VAT (EUR)\n1;coat;%s;9,90\n" % URL,
        b'\xef\xbb\xbf"sep=;"\r\nIdentity;Name;ImageURL;Price\r\n1;coat;%s;9,90\r\n' % URL,
        b"Identity;Name;ImageURL;Price incl. VAT (EUR)\n1;coat;%s;9,90\n" % URL,
        b'Identity,Name,ImageURL,Price,,\n1,coat,%s,"9,90",,\n' % URL,
        b'Identity,Name,ImageURL,Price\n1,coat,%s,"9,90",,\n' % URL,
        b'Identity,Name,ImageURL,"Price\n(EUR)"\n1,coat,%s,"9,90"\n' % URL,
        b'Identity,"Name","ImageURL","Price\r\n(EUR)"\r\n1,coat,%s,"9,90"\r\n' % URL,
        "\u200bIdentity,Name\xa0, ImageURL ,Price\n".encode() + b'1,coat,%s,"9,90"\n' % URL,
        b'Identity,Name,ImageURL,Price\n  \n,,,\n1,coat,%s,"9,90"\n   ,\n' % URL,
    ],
)
def test_files_that_excel_makes_are_read(file: bytes) -> None:
    known = header(file.splitlines(keepends=True))
    (row,) = records(known, BY_NAME, file[known.end :].splitlines(keepends=True))
    assert isinstance(row, Row)
    assert list(row.values.values()) == ["1", "coat", URL.decode(), "9,90"]
    assert file[: row.end].rstrip(b"\r\n").endswith((b"9,90", b'9,90"', b'9,90",,'))


def test_a_name_over_two_lines_is_shown_as_one() -> None:
    with pytest.raises(BadFile, match=r"no column Name .did you mean 'Na me'"):
        header([b'Identity,"Na\n', b'me",ImageURL\n'])


def test_a_comma_that_is_part_of_a_cell_is_put_in_quotes() -> None:
    (bad,) = read(b"1,coat,%s,9,90\n" % URL)
    assert isinstance(bad, Bad)
    assert "such as 9,90, is put in quotes" in bad.reason


@pytest.mark.parametrize("filler", [b"\n", b"a\n", b'""\n'])
def test_the_lines_after_a_quote_that_is_not_closed_are_read_twice_and_no_more(filler: bytes) -> None:
    reads = sizes = 0

    class Counted(bytes):
        def decode(self, *_: str) -> str:
            nonlocal reads
            reads += 1
            return bytes(self).decode()

        def __len__(self) -> int:
            nonlocal sizes
            sizes += 1
            return super().__len__()

    lines = [Counted(each) for each in [b'"\n', *[filler] * (MAX_RECORD // len(filler)), COAT] * 2]
    found = list(records(header([HEAD]), BY_NAME, lines))
    assert sum(isinstance(each, Row) for each in found) == 2
    assert reads <= 2 * len(lines)
    assert sizes <= 6 * len(lines)
