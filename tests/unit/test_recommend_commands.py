"""`holdfast recommend` where it needs no stack: what it prints, and how it ends."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from holdfast_cli.main import app

FILE = "{id: also-bought, catalog: products, did: {charged: 'Items[].prod_id'}}"
T0 = 1_790_000_000_000


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["recommend", *map(str, arguments)])


def events(tmp_path: Path) -> Path:
    lines = [
        *(
            {"user": n, "event": "Charged", "Items": [{"prod_id": 7}, {"prod_id": "mat"}], "ts": T0}
            for n in range(1, 21)
        ),
        *({"user": n, "event": "Charged", "Items": [{"prod_id": "lamp"}], "ts": T0} for n in range(21, 61)),
        {"user": 1, "event": "charged", "Items": "none", "ts": T0},
        {"user": 1, "event": "viewed", "product": "lamp", "ts": T0},
        {"user": 1, "profile": {"a": 1}},
    ]
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join([*map(json.dumps, lines), "not json"]).encode()))
    return path


def file(tmp_path: Path, text: str = FILE) -> Path:
    path = tmp_path / "also-bought.yaml"
    path.write_text(text)
    return path


def test_build_from_events_shows_what_goes_with_what(tmp_path: Path) -> None:
    result = run("build", file(tmp_path), "--events", events(tmp_path), "--json")
    assert result.exit_code == 0, result.output
    rows = {row["item"]: row["neighbours"] for row in map(json.loads, result.stdout.splitlines())}
    assert rows["7"] == [{"item": "mat", "score": 0.44306, "support": 20}]
    assert rows["mat"] == [{"item": "7", "score": 0.44306, "support": 20}]
    assert [each["item"] for each in rows[None]] == ["lamp", "7", "mat"]


def test_people_are_told_in_words(tmp_path: Path) -> None:
    result = run("build", file(tmp_path), "--events", events(tmp_path))
    assert "with 7: mat (0.443, 20 users)" in result.stdout
    assert "2 items have others that go with them" in result.stdout


def test_events_without_an_item_are_told(tmp_path: Path) -> None:
    other = file(tmp_path, FILE.replace("charged", "watched"))
    for command in ("build", "evaluate"):
        result = run(command, other, "--events", events(tmp_path))
        assert (result.exit_code, "watched (Items[].prod_id)" in str(result.exception)) == (1, True)


def test_validate_tells_each_mistake_with_its_line(tmp_path: Path) -> None:
    result = run("validate", file(tmp_path, FILE.replace("catalog", "catalogue")))
    assert result.exit_code == 1
    assert "also-bought.yaml:1:" in result.stderr
    assert "did you mean 'catalog'?" in result.stderr
    assert run("validate", file(tmp_path)).exit_code == 0


def test_which_recommendation_has_to_be_said(tmp_path: Path) -> None:
    result = run("build", "--events", events(tmp_path))
    assert result.exit_code == 2
