"""Tables of results for people: each column can be read, however narrow the terminal is."""

from __future__ import annotations

import pytest
from rich.console import Console

from holdfast_cli import output
from holdfast_cli.output import LONGEST, print_rows

REASON = "too long: properties.products.0.url has 542 bytes, 512 are allowed"
RECORD = {"type": "track", "userId": "u1", "properties": {"products": [{"url": "https://shop.example/?" + "x" * 2000}]}}


@pytest.mark.parametrize("width", [60, 80, 120, 240])
def test_a_long_record_leaves_room_for_its_reason(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "out", Console(highlight=False, width=width))
    print_rows([{"reason": REASON, "record": RECORD}], ["reason", "record"], as_json=False)
    shown = capsys.readouterr().out
    head = next(line for line in shown.splitlines() if "reason" in line)
    at = head.index("record")
    column = [line[:at].strip() for line in shown.splitlines()]
    assert REASON.replace(" ", "") in "".join(column).replace(" ", "")
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= width


def test_what_is_cut_in_a_table_is_whole_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"reason": REASON, "record": RECORD}], ["reason", "record"], as_json=False)
    assert "x" * 1000 not in capsys.readouterr().out.replace("\n", "").replace(" ", "")
    print_rows([{"reason": REASON, "record": RECORD}], ["reason", "record"], as_json=True)
    assert "x" * 2000 in capsys.readouterr().out
    assert LONGEST < 1000
