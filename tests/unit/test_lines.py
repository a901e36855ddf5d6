"""Records in files of every kind."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto import mock_aws

from holdfast.core.events import Event
from holdfast.core.intake.forms import records
from holdfast_cli.lines import plain, read_lines
from holdfast_cli.output import Failure

TS = 1_790_000_000_000
CSV = f"""\ufeffuser,event,ts,product,sku,price,gift,Items,note
007,added,{TS},white coat,00123,89.5,true,,
007,charged,{TS},,,,,"[{{""prod_name"": ""white coat""}}]","two
lines"
,,,,,,,,
"""
WANTED = [
    {"user": "007", "event": "added", "ts": TS, "product": "white coat", "sku": "00123", "price": 89.5, "gift": True},
    {"user": "007", "event": "charged", "ts": TS, "Items": [{"prod_name": "white coat"}], "note": "two\nlines"},
]


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in read_lines(path)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_row_of_csv_is_a_record(tmp_path: Path, separator: str) -> None:
    """As Excel writes it, with a mark at the beginning and lines that end in CRLF."""
    path = tmp_path / "events.csv"
    text = CSV if separator == "," else CSV.replace(",", separator)
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert read(path) == json.loads(json.dumps(WANTED).replace(r"two\nlines", r"two\r\nlines"))


@pytest.mark.parametrize("name", ["events.csv.gz", "EVENTS.CSV.GZ"])
def test_it_may_be_packed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(CSV.encode()))
    assert read(path) == WANTED


@pytest.mark.parametrize("true", ["true", "True", "TRUE"])
def test_true_is_true_as_pandas_and_excel_write_it_too(tmp_path: Path, true: str) -> None:
    path = tmp_path / "events.csv"
    path.write_text(CSV.replace("true", true))
    assert read(path) == WANTED


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"user,event\nann,added,3\n", "line 2: 3 cells for 2 columns"),
        (b"user,event\nann,\xff\n", "is not UTF-8 text: save it as 'CSV UTF-8'"),
        (b"user,event,p,p\nann,added,1,2\n", "there are two columns p: give one of them another name"),
        (b'user,event\nann,"added\n', "line 2: unexpected end of data"),
    ],
)
def test_csv_that_cannot_be_read_says_where_and_why(tmp_path: Path, text: bytes, reason: str) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(text)
    with pytest.raises(Failure, match=reason):
        read(path)


MANY = [{"user": f"u-{n}", "event": "ädded", "ts": TS + n, "Items": [{"id": 1}, {"id": 2}]} for n in range(1_100)]
"""More than one message may hold."""
LINES = [json.dumps(each) for each in MANY]
LAYOUTS = {
    "on lines": "\n".join(LINES),
    "with blank lines": "\n\n" + "\r\n\r\n".join(LINES),
    "a list on one line": json.dumps(MANY),
    "lists on lines": "".join(json.dumps(MANY[at : at + 100]) + "\n" for at in range(0, len(MANY), 100)),
    "a list over lines": json.dumps(MANY, indent=2),
    "a list with a record on each line": "[\n" + ",\n".join(LINES) + "\n]\n",
    "as PostgreSQL writes it": "[" + ", \n ".join(LINES) + "]",
    "one behind the other": "".join(LINES),
    "each over lines": "\n".join(json.dumps(each, indent=2) for each in MANY),
}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_records_of_json_are_read_in_any_layout(tmp_path: Path, layout: str, mark: str) -> None:
    path = tmp_path / "events.json"
    path.write_text(mark + LAYOUTS[layout], encoding="utf-8")
    assert read(path) == MANY
    assert plain(path) == (layout in {"on lines", "with blank lines"})


@pytest.mark.parametrize("name", ["events.json", "events.csv"])
def test_half_of_a_surrogate_pair_is_left_to_be_rejected_with_its_record(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    text = json.dumps([{"user": "u", "event": "e", "x": ["\ud83d"]}], indent=2)
    path.write_text(text if name.endswith("json") else 'user,event,x\nu,e,"[""\\ud83d""]"\n')
    (line,) = read_lines(path)
    assert [getattr(each, "reason", "") for each in records(line, TS)] == ["not Unicode: half of a surrogate pair"]


def test_a_broken_line_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    text = "\n".join(['{"user": broken', *LINES[:3]])
    path.write_text(text)
    assert b"".join(read_lines(path)) == text.encode()
    assert plain(path)


def test_a_row_of_parquet_is_a_record(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    with duckdb.connect() as duck:
        duck.execute(
            f"""COPY (
                SELECT 'ann' AS "user", 'added' AS event, make_timestamp({TS} * 1000) AS ts, 'coat' AS product,
                       89.5::DECIMAL(8, 2) AS price, NULL AS id, [{{'prod_name': 'coat'}}] AS "Items",
                       make_timestamp({TS} * 1000)::TIMESTAMP_NS AS pandas, 'NaN'::DOUBLE AS nan, 'x' AS t
            ) TO '{path}' (FORMAT parquet)"""
        )
    expected = {"user": "ann", "event": "added", "ts": TS, "product": "coat", "price": 89.5}
    assert read(path) == [{**expected, "Items": [{"prod_name": "coat"}], "pandas": TS, "t": "x"}]
    (event,) = (each for line in read_lines(path) for each in records(line, TS))
    assert isinstance(event, Event)
    assert event.at == TS


def test_what_is_called_parquet_and_is_not_says_so(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    path.write_text("no")
    with pytest.raises(Failure, match="cannot be read"):
        read(path)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="shop")
        yield s3


def test_a_file_may_be_in_s3(bucket: Any) -> None:
    bucket.put_object(Bucket="shop", Key="2026/events.csv.gz", Body=gzip.compress(CSV.encode()))
    bucket.put_object(Bucket="shop", Key="events.jsonl", Body=b'{"user": "ann"}\n\n{"user": "bob"}\n')
    assert read(Path("s3://shop/2026/events.csv.gz")) == WANTED
    assert read(Path("s3://shop/events.jsonl")) == [{"user": "ann"}, {"user": "bob"}]
    with pytest.raises(Failure, match=r"s3://shop/none cannot be read: .*NoSuchKey"):
        read(Path("s3://shop/none"))
