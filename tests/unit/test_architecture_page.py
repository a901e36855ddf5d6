"""docs/architecture.md names every room of the core, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from holdfast.core.fold import fold
from tests.unit.test_purity import CORE, LIGHT

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PATHS = sorted({name for name in re.findall(r"`([\w./-]+/[\w./-]+)`", PAGE) if name.split("/")[0] != ".."})
NAMES = re.findall(r"`([\w./-]+/[\w./-]+\.py)`: (?:a line in )?`(\w+)`(?:,? and `(\w+)`)?", PAGE)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("file", "names"), [(file, names) for file, *names in NAMES], ids=[n[0] for n in NAMES])
def test_a_name_is_where_the_page_says(file: str, names: list[str]) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    for name in filter(None, names):
        assert re.search(rf"^(def |class )?{name}\b", text, re.MULTILINE), name


def test_every_room_is_on_the_page() -> None:
    rooms = {path.name for path in CORE.iterdir() if (path / "__init__.py").exists()}
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == rooms


def test_the_light_rooms_are_those_that_the_page_names() -> None:
    (named,) = re.findall(r"\*Light\* rooms \(([^)]*)\)", PAGE)
    assert set(re.findall(r"\w+", named)) == LIGHT


def test_the_laws_are_those_of_the_fold() -> None:
    of_the_fold = re.findall(r"^(\d+)\. (\w[\w, ]*)\. ", fold.__doc__ or "", re.MULTILINE)
    of_the_page = re.findall(r"^(\d+)\. \*\*(\w[\w, ]*)\.\*\*", PAGE, re.MULTILINE)
    assert of_the_page == of_the_fold
