"""`holdfast send --check`, and what `simulate` says of names: nothing is sent, and no stack is needed."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from holdfast_cli.main import app
from holdfast_cli.output import Failure
from tests.unit.builders import HOUR, NOON

CAMPAIGN = """\
id: cart
when: {did: Product Added, did_not: Order Completed, within: 30 minutes}
send: {values: {t: waiting}}
"""


def file_of(folder: Path, *records: object) -> Path:
    path = folder / "events.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    return path


def test_simulate_says_where_the_time_seems_to_be_that_no_event_has(tmp_path: Path) -> None:
    campaign = tmp_path / "a.yaml"
    campaign.write_text("id: a\nwhen: {did: added}\nsend: {values: {t: x}}\n", encoding="utf-8")
    added = {"user": "u", "event": "added"}
    file = file_of(
        tmp_path, {**added, "timestamp": "2026-11-20T10:00:00Z"}, {**added, "user": "v", "created_at": 1}, added
    )
    stated = CliRunner().invoke(app, ["simulate", "-c", str(campaign), "-e", str(file)], env={"COLUMNS": "300"}).stderr
    said = "events have no ts, so they happened when the record before them did; their"
    assert f"! 1 {said} 'timestamp' is a property: rename it, or read the file by a source" in stated
    assert f"! 1 {said} 'created_at' is a property" in stated
    assert stated.count("have no ts") == 2


def test_a_file_is_checked_without_sending_it(tmp_path: Path) -> None:
    good = {"user": "u", "event": "added", "ts": "2026-11-20T10:00:00Z"}
    page = {"type": "page", "userId": "u", "messageId": "m"}
    file = file_of(tmp_path, good, {"event": "added"}, page, {"user": "u", "profile": {"a": 1}})
    result = CliRunner().invoke(app, ["send", "--check", "--json", str(file)])
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "records": {"added": 1, "(page call, ignored)": 1, "(profile)": 1},
        "rejected": [{"record": 2, "rejected": "no user: user must be a string"}],
    }
    shown = CliRunner().invoke(app, ["send", "--check", str(file)])
    assert "record 2: no user: user must be a string" in shown.stdout
    assert "1 would be rejected" in shown.stdout
    assert CliRunner().invoke(app, ["send", "--check", str(file_of(tmp_path, good))]).exit_code == 0


def test_simulate_says_where_an_event_occurs_only_under_another_name(tmp_path: Path) -> None:
    campaign = tmp_path / "cart.yaml"
    campaign.write_text(CAMPAIGN, encoding="utf-8")
    at = "2026-11-20T10:00:00Z"
    file = file_of(tmp_path, {"user": "u", "event": "product_added", "ts": at})
    result = CliRunner().invoke(app, ["simulate", "-c", str(campaign), "-e", str(file)])
    assert "'Product Added' never occurs in the file; 'product_added' does" in result.stderr
    file = file_of(tmp_path, {"user": "u", "event": "product added", "ts": at})
    assert (
        "'Product Added' never occurs"
        not in CliRunner().invoke(app, ["simulate", "-c", str(campaign), "-e", str(file)]).stderr
    )


def test_simulate_counts_a_record_once_that_several_campaigns_reject(tmp_path: Path) -> None:
    file = file_of(tmp_path, {"user": "u", "event": "Product Added", "ts": "2026-11-20T10:00:00Z", "sku": "A"})
    campaigns = [tmp_path / f"{name}.yaml" for name in ("sku", "size", "color")]
    for path in campaigns:
        constant = f"constant: {{name: p, in: {{Product Added: {path.stem}, Order Completed: x}}}}\n"
        path.write_text(CAMPAIGN.replace("cart", path.stem) + constant, encoding="utf-8")

    options = ["-e", str(file), *(each for path in campaigns for each in ("-c", str(path)))]
    result = CliRunner().invoke(app, ["simulate", *options], env={"COLUMNS": "300"})
    said = "1 records rejected: 1 times size: constant property p: size is missing in Product Added; color: constant"
    assert said in result.stderr
    assert "1 send" in result.stdout
    assert result.exit_code == 0
    assert isinstance(CliRunner().invoke(app, ["simulate", *options[:2], *options[4:]]).exception, Failure)


FILTERED = """\
id: cart
when: {did: added, did_not: charged, within: 30 minutes, where: {added: 'kind == "shoes"', charged: total > `5`}}
constant: {name: p, in: {added: p, charged: p}}
send: {values: {t: x}}
"""


def test_simulate_says_which_filter_no_event_passes_and_why(tmp_path: Path) -> None:
    campaign, html = tmp_path / "cart.yaml", tmp_path / "page.html"
    campaign.write_text(FILTERED, encoding="utf-8")
    added = [{"user": f"u-{n}", "event": "added", "ts": NOON + n, "p": "A", "kind": "shoes"} for n in range(9)]
    file = file_of(tmp_path, *added, {"user": "u-1", "event": "charged", "ts": NOON + 9, "p": "A", "total": 6})
    options = ["simulate", "-c", str(campaign), "-e", str(file), "--html", str(html), "--jobs"]
    one, two = (CliRunner().invoke(app, [*options, jobs], env={"COLUMNS": "300"}).stderr for jobs in ("1", "2"))
    assert """! cart: no 'added' passes the filter kind == "shoes"; shoes is read as a property's name: a text""" in one
    assert "'shoes' was never seen in 'added'" in one
    assert "charged" not in one
    assert two == one
    assert "<td>kind == &quot;shoes&quot;</td>" in html.read_text()
    campaign.write_text(FILTERED.replace('kind == "shoes"', "kind == 'shoes'"), encoding="utf-8")
    assert "passes the filter" not in CliRunner().invoke(app, [*options, "2"]).stderr


def test_simulate_says_how_much_was_history(tmp_path: Path) -> None:
    campaign, html = tmp_path / "cart.yaml", tmp_path / "page.html"
    campaign.write_text(CAMPAIGN, encoding="utf-8")
    names = ("page", "Product Added", "Product Added", "Order Completed")
    ages = (0, 3, 1, 5)
    file = file_of(
        tmp_path,
        *(
            {"user": f"u-{n}", "event": name, "ts": NOON - age * HOUR}
            for n, (name, age) in enumerate(zip(names, ages, strict=True))
        ),
    )
    options = ["simulate", "-c", str(campaign), "-e", str(file), "--html", str(html), "--jobs", "2"]
    arrived = CliRunner().invoke(app, [*options, "--as-arrived"], env={"COLUMNS": "300"})
    assert "! 1 events came so late that they are history, and opened nothing: max_age" in arrived.stderr
    assert "1 send" in arrived.stdout
    assert "was history" in html.read_text()
    assert "history" not in CliRunner().invoke(app, options).stderr
