"""Between due and sent, on the command line: rules and policy in simulations and in the tests beside campaigns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from holdfast.core.authoring.policy import Policy
from holdfast_cli.campaign_file import read_model, read_policy
from holdfast_cli.main import app

EXAMPLES = Path(__file__).parents[2] / "examples"
CAMPAIGN = """\
id: {id}
when: {{did: {did}, did_not: Order Completed, within: 30 minutes}}
constant:
  name: product
  in: {{{did}: product_id, Order Completed: "products[].product_id"}}
send:
  values: {{title: "{{{{ ConstantEventProperty }}}} is waiting"}}
"""


def campaign(folder: Path, id_: str, *lines: str, did: str = "Product Added") -> Path:
    """A file, with more lines under `send`."""
    path = folder / f"{id_}.yaml"
    path.write_text(CAMPAIGN.format(id=id_, did=did) + "".join(f"  {line}\n" for line in lines), encoding="utf-8")
    return path


def did(user: str, name: str, at: str, product: str = "A1") -> dict[str, Any]:
    """A call of Segment's."""
    at = f"2026-11-20T{at}:00Z"
    return {
        "type": "track",
        "messageId": f"{user} {name} {at}",
        "userId": user,
        "event": name,
        "timestamp": at,
        "properties": {"product_id": product, "products": [{"product_id": product}]},
    }


def simulated(folder: Path, campaigns: list[Path], *records: object, options: list[str] | None = None) -> list[Any]:
    """When each decision was made on that day, of which campaign, and the reason, or that it was sent."""
    events = folder / "events.jsonl"
    events.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    files = [part for path in campaigns for part in ("-c", str(path))]
    result = CliRunner().invoke(app, ["simulate", *files, "-e", str(events), "--json", *(options or [])])
    assert result.exit_code == 0, result.output
    rows = map(json.loads, result.stdout.splitlines())
    midnight = 1_795_132_800_000
    return [
        (
            f"{(row['decided_at'] - midnight) // 3_600_000}:{(row['decided_at'] - midnight) // 60_000 % 60:02}",
            row["campaign"],
            row.get("reason", row["decision"]),
        )
        for row in rows
    ]


# --- As others have it ------------------------------------------------------------------------------------------------


def test_eight_adds_in_eight_hours_make_one_message_where_again_after_says_so(tmp_path: Path) -> None:
    """As Klaviyo's re-entry, Braze's re-eligibility and Customer.io's frequency."""
    adds = [did("u1", "Product Added", f"{hour}:00") for hour in range(10, 18)]
    eight = simulated(tmp_path, [campaign(tmp_path, "cart")], *adds)
    assert [what for _, _, what in eight] == ["send"] * 8
    once = simulated(tmp_path, [campaign(tmp_path, "cart", "again_after: 1 day")], *adds)
    assert once == [("10:30", "cart", "send"), *((f"{hour}:30", "cart", "again too soon") for hour in range(11, 18))]


def test_of_two_campaigns_about_one_product_the_carts_message_goes(tmp_path: Path) -> None:
    viewed, cart = campaign(tmp_path, "viewed", did="Product Viewed"), campaign(tmp_path, "cart")
    events = [did("u1", "Product Viewed", "09:59"), did("u1", "Product Added", "10:00")]
    both = [("10:29", "viewed", "send"), ("10:30", "cart", "send")]
    assert simulated(tmp_path, [viewed, cart], *events) == both
    cart = campaign(tmp_path, "cart", "instead_of: viewed")
    assert simulated(tmp_path, [viewed, cart], *events) == [
        ("10:29", "viewed", "instead: cart"),
        ("10:30", "cart", "send"),
    ]
    other = did("u1", "Product Viewed", "09:59", "B2")
    assert simulated(tmp_path, [viewed, cart], other, events[1]) == both, "about another product"


def test_who_is_unsubscribed_gets_nothing(tmp_path: Path) -> None:
    profiles = tmp_path / "profiles.jsonl"
    known = ({"user": "u1", "profile": {"unsubscribed": True}}, {"user": "u2", "profile": {"unsubscribed": False}})
    profiles.write_text("".join(json.dumps(each) + "\n" for each in known))
    file = campaign(tmp_path, "p", 'audience: "!Profile.unsubscribed"')
    adds = [did(user, "Product Added", "10:00") for user in ("u1", "u2", "u3")]
    found = simulated(tmp_path, [file], *adds, options=["-p", str(profiles)])
    assert [what for _, _, what in found] == ["audience", "send", "send"]


# --- The policy -------------------------------------------------------------------------------------------------------


def test_a_simulation_goes_by_a_policy(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("per_user: {at_most: 1, in: 1 day}\nexempt: vital\n")
    files = [campaign(tmp_path, "a"), campaign(tmp_path, "b", "priority: 1"), campaign(tmp_path, "vital")]
    events = [did("u1", "Product Added", "10:00"), did("u1", "Product Added", "11:00", "B2")]
    options = ["--policy", str(policy)]
    capped = "capped: 1 in 1 day, the last was b at 2026-11-20T10:30Z"
    found = simulated(tmp_path, files, *events, options=options)
    assert [each for each in found if each[1] != "vital"] == [
        ("10:30", "b", "send"),
        ("10:30", "a", capped),
        ("11:30", "b", capped),
        ("11:30", "a", capped),
    ]
    assert [each for each in found if each[1] == "vital"] == [("10:30", "vital", "send"), ("11:30", "vital", "send")]


def test_a_simulation_waits_for_the_hours_of_the_policy_in_the_zone_of_the_user(tmp_path: Path) -> None:
    policy, profiles = tmp_path / "policy.yaml", tmp_path / "profiles.jsonl"
    policy.write_text('zone: Europe/Berlin\nhours: {from: "18:00", to: "21:00"}\n')
    profiles.write_text('{"user": "u2", "profile": {"timezone": "America/New_York"}}\n')
    adds = [did(user, "Product Added", "10:00") for user in ("u1", "u2")]
    found = simulated(
        tmp_path, [campaign(tmp_path, "cart")], *adds, options=["--policy", str(policy), "-p", str(profiles)]
    )
    assert found == [("17:00", "cart", "send"), ("23:00", "cart", "send")]


def test_a_mistake_in_the_policy_of_a_simulation_is_shown_with_its_line(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("zone: Europe/Berln\n")
    file = campaign(tmp_path, "cart")
    result = CliRunner().invoke(app, ["simulate", "-c", str(file), "-e", str(policy), "--policy", str(policy)])
    assert result.exit_code == 1
    assert "did you mean 'Europe/Berlin'?" in result.stderr


@pytest.mark.parametrize(("expected", "passes"), [("withheld: capped", True), ("at: 30m", False)])
def test_the_tests_beside_a_campaign_may_say_the_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected: str, *, passes: bool
) -> None:
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    file = campaign(tmp_path, "cart")
    file.with_suffix(".test.yaml").write_text(
        "policy: {per_user: {at_most: 1, in: 1 day}}\n"
        "cases:\n"
        "  - name: two\n"
        "    events:\n"
        "      - {at: 0m, user: u1, event: Product Added, product_id: A1}\n"
        "      - {at: 5m, user: u1, event: Product Added, product_id: B2}\n"
        "    messages:\n"
        "      - {user: u1, constant: A1, values: {title: A1 is waiting}}\n"
        f"      - {{user: u1, constant: B2, {expected}}}\n"
    )
    result = CliRunner().invoke(app, ["campaign", "test", str(file)])
    assert (result.exit_code == 0) == passes, result.output


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("policies/*.yaml")), ids=lambda path: path.stem)
def test_an_example_is_a_policy(path: Path) -> None:
    policy, _ = read_model(path, Policy)
    assert read_policy(path) == policy.plan()
    assert Policy.model_validate(policy.model_dump(mode="json", by_alias=True)) == policy
