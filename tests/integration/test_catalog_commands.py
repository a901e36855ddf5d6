"""`holdfast catalog` on moto: what is told of bad rows, and by which exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from holdfast.aws.tables.catalog import WINDOW, Throttled
from holdfast.core.catalog.csv_lines import MAX_LINE
from holdfast_cli.main import app
from holdfast_cli.output import Failure
from holdfast_cli.stack import Deployment
from tests.integration.conftest import World
from tests.integration.test_users_commands import Stack

FILE = """Identity,Name,ImageURL,Price
1,white coat,https://shop.example/1.jpg,89
2,red hat,http://shop.example/2.jpg,20
3,globe
4,kettle,https://shop.example/4.jpg,
"""


@pytest.fixture
def file(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(Deployment, "find", lambda _stage: Stack(world))
    path = tmp_path / "products.csv"
    path.write_text(FILE)
    return path


def run(*arguments: str, code: int = 0) -> list[dict[str, Any]]:
    done = CliRunner().invoke(app, ["catalog", *arguments, "--json"])
    assert done.exit_code == code, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_good_rows_go_in_and_each_bad_one_is_listed_with_its_line(file: Path) -> None:
    *bad, summary = run("import", "products", str(file), code=1)
    assert [(each["line"], each["reason"][:12]) for each in bad] == [(3, "ImageURL is "), (4, "2 cells wher")]
    assert (summary["rows"], summary["new"], summary["bad"]) == (2, 2, 2)
    assert {row["Identity"] for row in run("show", "products")} == {"1", "4"}


def test_a_row_is_shown_as_a_message_would_find_it_and_deleted_with_its_copies(file: Path) -> None:
    run("import", "products", str(file), "--find-by", "Price,Name", code=1)
    (row,) = run("show", "products", "--where", "Name=white coat", "--where", "Price=89")
    assert row["Identity"] == "1"
    assert run("delete", "products", "1") == [{"catalog": "products", "deleted": 1, "whole": False}]
    assert [row["Identity"] for row in run("show", "products")] == ["4"]
    (listed,) = run("list")
    assert listed["found_by"] == ["Identity", "Name", "Name+Price"]
    assert run("delete", "products")[0]["whole"] is True
    assert run("list") == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "nothing"), "There is no catalog nothing"),
        (("delete", "nothing"), "There is no catalog nothing"),
        (("import", "products", "/no/such.csv"), "cannot be read"),
    ],
)
@pytest.mark.usefixtures("file")
def test_what_is_not_there_is_told(arguments: tuple[str, ...], told: str) -> None:
    done = CliRunner().invoke(app, ["catalog", *arguments])
    assert isinstance(done.exception, Failure)
    assert told in str(done.exception)


def test_a_file_without_its_columns_and_a_name_that_is_none_are_refused(file: Path) -> None:
    file.write_text("Identity,Name,Image\n")
    done = CliRunner().invoke(app, ["catalog", "import", "products", str(file)])
    assert "did you mean 'Image'" in str(done.exception)
    assert CliRunner().invoke(app, ["catalog", "import", "My Products", str(file)]).exit_code == 2


@pytest.mark.parametrize(
    ("error", "told"), [(KeyboardInterrupt, "interrupted; nothing yet"), (Throttled, "not imported to its end")]
)
def test_an_import_that_ends_early_says_what_went_in_and_leaves_no_lease(
    error: type[BaseException], told: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> Any:
        raise error

    with monkeypatch.context() as context:
        context.setattr("holdfast.aws.tables.catalog.Importer.run", interrupted)
        done = CliRunner().invoke(app, ["catalog", "import", "products", str(file)])
    assert done.exit_code != 0
    assert told in " ".join(done.output.split())
    *_, summary = run("import", "products", str(file), code=1)
    assert summary["new"] == 2


def test_a_line_without_an_end_fills_no_memory_and_what_came_before_goes_in(file: Path) -> None:
    row = "5,globe,https://shop.example/5.jpg,\n"
    file.write_text("Identity,Name,ImageURL,Price\n" + row * WINDOW + "x" * (MAX_LINE + 1))
    done = CliRunner().invoke(app, ["catalog", "import", "products", str(file)])
    assert "longer than 1,048,576 bytes" in str(done.exception)
    assert "not imported to its end; 1,000 rows" in " ".join(done.output.split())
    assert [row["Identity"] for row in run("show", "products")] == ["5"]
