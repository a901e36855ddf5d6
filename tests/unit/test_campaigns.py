"""Campaign files: what is accepted, and what each mistake is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.text import CampaignFileError
from holdfast.core.paths import Unclear, search
from holdfast.core.plans.plan import Plan
from holdfast_cli.campaign_file import read_campaign
from holdfast_cli.main import app

FILE = """\
id: abandoned-cart
name: Abandoned cart
when:
  did: added to cart
  did_not: charged
  within: 30 minutes
  where:
    added to cart: price >= `20`
constant:
  name: product
  in:
    added to cart: product_name
    charged: Items[].prod_name
send:
  values:
    title: "{{ Profile.first_name | default: 'Hi' }}, your {{ ConstantEventProperty }} is waiting"
    price: "{{ Event.price }}"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "campaign.yaml"
    path.write_text(FILE)
    return path


def test_the_plan_says_what_join_and_deliver_need(file: Path) -> None:
    campaign, text = read_campaign(file)
    plan = campaign.plan(3)
    assert text == FILE
    assert (plan.id, plan.revision, plan.name) == ("abandoned-cart", 3, "Abandoned cart")
    assert (plan.did, plan.did_not, plan.within) == (("addedtocart",), ("charged",), 1_800_000)
    assert plan.where == {"addedtocart": "price >= `20`"}
    assert plan.constant[0].paths == {"addedtocart": "product_name", "charged": "Items[].prod_name"}
    assert plan.keep == ("price",)


def test_a_plan_survives_its_json(file: Path) -> None:
    plan = read_campaign(file)[0].plan()
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_a_campaign_survives_its_json(file: Path) -> None:
    campaign, _ = read_campaign(file)
    assert Campaign.model_validate_json(campaign.model_dump_json(by_alias=True)) == campaign


def test_the_same_campaign_can_be_json(file: Path, tmp_path: Path) -> None:
    campaign, _ = read_campaign(file)
    other = tmp_path / "campaign.json"
    other.write_text(json.dumps(json.loads(campaign.model_dump_json(by_alias=True)), indent=2))
    assert read_campaign(other)[0] == campaign


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("  within:", "  withn:", 6, "unknown key 'withn'; did you mean 'within'?"),
        ("30 minutes", "30 parsecs", 6, "'30 parsecs' is not a duration; write it as 30 minutes, 24h, 3 days or PT30M"),
        ("30 minutes", "30", 6, "a duration is a number with its unit, such as 30 minutes, 24h, 3 days or PT30M"),
        ("30 minutes", "91 days", 6, "90 days is the longest"),
        ("  within: 30 minutes\n", "", 3, "within is missing: how long to wait for did_not, such as 30 minutes"),
        ("  did: added to cart\n", "", 3, "did is missing"),
        ("did_not: charged", "did_not: Added To Cart", 3, "an event is named once, in did or in did_not"),
        (
            "    charged: Items",
            "    chargd: Items",
            13,
            "'chargd' is in neither did nor did_not; did you mean 'charged'?",
        ),
        ("    charged: Items[].prod_name\n", "", 11, "say which property of 'charged' is the 'product'"),
        ("Items[].prod_name", "Items[.prod_name", 13, "'Items[.prod_name' is not a JMESPath expression"),
        ("    added to cart: price", "    viewed: price", 8, "'viewed' is in neither did nor did_not"),
        ("Profile.first_name", "Profil.first_name", 16, "Profile"),
        ("{{ Event.price }}", "{{ Event.price ", 17, ""),
        ("id: abandoned-cart", "id: Abandoned Cart", 1, "small letters, digits and hyphens, at most 63"),
        ("send:\n", "send:\n  one_per: people\n", 15, "'value' or 'user' is needed here"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_would_be_right(
    file: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in FILE
    file.write_text(FILE.replace(old, new, 1))
    with pytest.raises(CampaignFileError) as error:
        read_campaign(file)
    (mistake,) = error.value.mistakes
    assert mistake.line == line
    assert message in mistake.message


def test_all_mistakes_of_a_kind_are_told_at_once(file: Path) -> None:
    file.write_text(FILE.replace("name: Abandoned", "nme: Abandoned").replace("within: 30 minutes", "within: soon"))
    with pytest.raises(CampaignFileError) as error:
        read_campaign(file)
    assert [mistake.line for mistake in error.value.mistakes] == [2, 6]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id: [", "not YAML"),
        (b"\xff\xfe\x00", "cannot be read: it is not UTF-8 text"),
        (b"", "lines of `key: value` are needed here"),
    ],
)
def test_what_is_no_campaign_at_all_is_said_to_be_none(file: Path, content: bytes, message: str) -> None:
    file.write_bytes(content)
    with pytest.raises(CampaignFileError, match=message):
        read_campaign(file)


def test_validate_shows_the_line_and_ends_with_1(file: Path) -> None:
    file.write_text(FILE.replace("within: 30 minutes", "within: soon"))
    result = CliRunner().invoke(app, ["campaign", "validate", str(file)])
    assert result.exit_code == 1
    assert f"{file}:6:3 when.within: 'soon' is not a duration" in result.stderr
    assert "6 │   within: soon" in result.stderr


def test_validate_as_json_says_for_each_file_whether_it_is_valid(file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("id: x")
    result = CliRunner().invoke(app, ["campaign", "validate", str(file), str(bad), "--json"])
    rows: list[dict[str, Any]] = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert [row["valid"] for row in rows] == [True, False, False]
    assert {row["message"] for row in rows[1:]} == {"when is missing", "send is missing"}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (" || ".join(f"a{n}" for n in range(1000)), "longer than 2000 characters"),
        ("!" * 300 + "a", "nested"),
        ("[" * 900 + "a" + "]" * 900, "nested"),
        ("(" * 900 + "a" + ")" * 900, "nested too deep"),
        ("[].[@, @, @, @][]" + " | [].[@, @, @, @][]" * 13, "multi-selects"),
    ],
)
def test_a_path_that_could_stall_join_is_refused_and_evaluated_by_nobody(path: str, reason: str) -> None:
    campaign = {
        "id": "hostile",
        "when": {"did": "added", "did_not": "charged", "within": "30 minutes", "where": {"added": path}},
        "send": {"values": {"title": "hello"}},
    }
    with pytest.raises(ValueError, match=reason):
        Campaign.model_validate(campaign)
    with pytest.raises(Unclear, match=reason):
        search(path)({"a": [[1]], "product": "x"})


def test_of_a_file_that_is_too_long_no_more_is_read_than_shows_it(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    with path.open("wb") as file:
        file.write(b"id: ")
        file.truncate(1 << 36)  # sparse: whoever read it whole would not come back
    with pytest.raises(CampaignFileError, match="longer than 200000 characters"):
        read_campaign(path)
