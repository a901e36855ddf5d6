"""Recommendation files: what is accepted, and what each mistake is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from holdfast.core.authoring.recommendation import Recommendation
from holdfast.core.authoring.text import CampaignFileError
from holdfast.core.recommend.ranking import Recommender
from holdfast_cli.campaign_file import read_model

FILE = """\
id: also-bought
catalog: products
did:
  Charged: Items[].prod_id
  added to cart: product_id
lookback: 30 days
include:
  Category: [coat, 7, true]
exclude:
  Available: "no"
exclude_done:
  charged: Items[].prod_id
limit: 5
fallback: popular
"""
ARN = "arn:aws:personalize:eu-central-1:123456789012:recommender/also-bought"
DAY = 24 * 60 * 60_000


def read(tmp_path: Path, text: str) -> Recommendation:
    path = tmp_path / "also-bought.yaml"
    path.write_text(text)
    return read_model(path, Recommendation)[0]


def test_the_recommender_says_what_join_and_the_build_and_deliver_need(tmp_path: Path) -> None:
    assert read(tmp_path, FILE).plan(3) == Recommender(
        id="also-bought",
        revision=3,
        name="also-bought",
        catalog="products",
        names={"charged": "charged", "addedtocart": "added to cart"},
        did={"charged": "Items[].prod_id", "addedtocart": "product_id"},
        lookback=30 * DAY,
        include={"Category": ("coat", "7", "true")},
        exclude={"Available": ("no",)},
        exclude_done={"charged": "Items[].prod_id"},
        limit=5,
        popular=True,
    )


def test_a_recommender_survives_its_json(tmp_path: Path) -> None:
    recommender = read(tmp_path, f"{FILE}personalize: {ARN}\n").plan(3)
    assert recommender.personalize == ARN
    assert Recommender.from_json(json.loads(json.dumps(recommender.to_json()))) == recommender


def test_of_most_there_is_a_default(tmp_path: Path) -> None:
    plan = read(tmp_path, "{id: also-bought, catalog: products, did: {charged: item}}").plan()
    assert (plan.lookback, plan.limit, plan.popular, plan.personalize) == (90 * DAY, 3, False, None)


@pytest.mark.parametrize(
    ("before", "after", "line", "message"),
    [
        ("catalog: products\n", "", 1, "catalog is missing"),
        ("limit: 5", "limt: 5", 13, "unknown key 'limt'; did you mean 'limit'?"),
        ("Items[].prod_id", "Items[.prod_id", 4, "'Items[.prod_id' is not a JMESPath expression"),
        ("  added to cart", "  CHARGED", 5, "'CHARGED' is named twice: case and spaces do not matter"),
        ("30 days", "91 days", 6, "90 days is the longest"),
        ("30 days", "2 hours", 6, "a day is the shortest"),
        ("[coat, 7, true]", "[]", 8, "at least 1 is needed"),
        ("popular", "newest", 14, "'popular' or 'none'"),
        ("limit: 5", "limit: 21", 13, "20 or less is needed"),
        ("limit: 5", "personalize: arn:aws:s3:::bucket", 13, "characters that match"),
    ],
    ids=lambda value: str(value).strip(),
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, before: str, after: str, line: int, message: str) -> None:
    with pytest.raises(CampaignFileError) as raised:
        read(tmp_path, FILE.replace(before, after, 1))
    (mistake,) = raised.value.mistakes
    assert (mistake.line, message in mistake.message) == (line, True), mistake
