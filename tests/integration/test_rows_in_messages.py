"""Catalog rows and recommendations in messages, with a fault at every read: delivered, withheld or set aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from holdfast.aws.personalize import Personalize
from holdfast.aws.tables.campaigns import Recommendations
from holdfast.aws.tables.catalog import Catalogs
from holdfast.core.catalog.csv_file import Row
from holdfast.core.catalog.rows import BY_NAME
from holdfast.core.recommend.ranking import POPULAR, Neighbour, Recommender, encode, pointer_key, row_key
from tests.integration.conftest import MINUTE, World, a_plan, throttled

PRICE = '{{ Catalog["products"].Price }}'
ALSO = '{% for it in Recommendations["also-bought"] %}{{ it.Name }};{% endfor %}'
ARN = "arn:aws:personalize:eu-central-1:111111111111:recommender/also-bought"


def load(world: World, *rows: dict[str, str]) -> None:
    world.now += 1
    known = {column for row in rows for column in row}
    table = Catalogs(world.dynamodb, "catalog")  # type: ignore[arg-type]
    importer = table.importer("products", tuple(known), BY_NAME, world.now, "test", lambda: world.now)
    list(importer.run([Row(number + 2, number + 2, 0, row) for number, row in enumerate(rows)]))
    importer.finish({})


def a_row(identity: str, **more: str) -> dict[str, str]:
    return {"Identity": identity, "Name": f"{identity}!", "ImageURL": f"https://shop.example/{identity}.jpg", **more}


def publish(world: World, *, values: dict[str, str], **more: Any) -> None:
    world.publish(
        a_plan(values=values, keep=("product", "price"), catalogs={"products": {"Identity": "product"}}, **more)
    )


def recommend(world: World, built: dict[str, Sequence[tuple[str, float]]] | None = None, **more: Any) -> None:
    """A recommendation by what users added, and its build."""
    recommender = Recommender(id="also-bought", catalog="products", did={"added": "product"}, **more)
    Recommendations(world.dynamodb, "campaigns").publish(  # type: ignore[arg-type]
        "also-bought", "", lambda revision: Recommender(**{**_fields(recommender), "revision": revision}), world.now
    )
    items = [
        (row_key("also-bought", "b1", item), "-", {"items": {"S": encode(Neighbour(i, s, 5) for i, s in others)}})
        for item, others in (built or {}).items()
    ]
    for pk, sk, rest in [*items, (pointer_key("also-bought"), "live", {"build": {"S": "b1"}})]:
        world.dynamodb.put_item(TableName="catalog", Item={"pk": {"S": pk}, "sk": {"S": sk}, **rest})


def _fields(recommender: Recommender) -> dict[str, Any]:
    return {name: getattr(recommender, name) for name in Recommender.__slots__}


def leave_behind(world: World, *products: str, user: str = "ann") -> None:
    """The user adds products, one after the other, and the window runs out."""
    for product in products:
        world.now += 1000
        world.join().take([world.body(world.added(product, user=user))])
    world.now += 31 * MINUTE
    world.join().take([world.body({"holdfast": "tick", "users": {user: world.now}})])


def delivered(world: World) -> dict[str, Any]:
    """The messages on the bus, by constant value: the text, or the reason."""
    world.deliver_outboxes()
    details = [event["detail"] for event in world.messages("rule")]
    return {each["constant"]["value"]: each.get("reason") or each["values"]["k"] for each in details}


def test_a_message_has_its_rows_price_by_one_read_with_the_profile(world: World) -> None:
    load(world, a_row("coat", Price="89"), a_row("hat", Price="20"))
    publish(world, values={"k": PRICE})
    leave_behind(world, "coat", "hat")
    world.dynamodb.calls.clear()
    assert delivered(world) == {"coat": "89", "hat": "20"}
    assert world.dynamodb.calls["batch_get_item"] == 1


def test_the_price_is_the_one_at_delivery(world: World) -> None:
    load(world, a_row("coat", Price="89"))
    publish(world, values={"k": PRICE})
    leave_behind(world, "coat")
    load(world, a_row("coat", Price="79"))
    assert delivered(world) == {"coat": "79"}


def test_a_row_that_is_gone_withholds_or_takes_the_default(world: World) -> None:
    publish(world, values={"k": PRICE})
    leave_behind(world, "coat")
    assert delivered(world) == {"coat": 'missing: Catalog["products"].Price'}
    publish(world, values={"k": '{{ Catalog["products"].Price | default: "a good price" }}'})
    leave_behind(world, "coat", user="bob")
    assert "a good price" in str(delivered(world))


def test_a_product_is_found_by_its_name(world: World) -> None:
    load(world, a_row("1", Name="white coat", Price="89"))
    world.publish(a_plan(values={"k": PRICE}, keep=("product",), catalogs={"products": {"Name": "product"}}))
    leave_behind(world, "white coat")
    assert delivered(world) == {"white coat": "89"}


def test_a_summary_has_the_rows_of_all_values_in_step(world: World) -> None:
    load(world, a_row("coat", Price="89"), a_row("hat", Price="20"))
    text = '{% for it in Catalog["products"] %}{{ it.Price }} {{ ConstantEventProperty[forloop.index0] }};{% endfor %}'
    publish(world, values={"k": text}, summary=True)
    leave_behind(world, "coat", "hat")
    world.deliver_outboxes()
    (event,) = world.messages("rule")
    assert event["detail"]["values"]["k"] == "20 hat;89 coat;"


def test_recommendations_follow_from_the_users_last_items_and_are_told_in_the_detail(world: World) -> None:
    load(world, *(a_row(item) for item in ("scarf", "gloves", "boots", "umbrella")))
    recommend(world, {"coat": [("scarf", 0.9), ("gloves", 0.5)], "hat": [("gloves", 0.6), ("coat", 0.9)]})
    publish(world, values={"k": ALSO}, recommendations=("also-bought",))
    leave_behind(world, "coat", "hat")
    world.deliver_outboxes()
    events = world.messages("rule")
    assert {event["detail"]["values"]["k"] for event in events} == {"gloves!;scarf!;"}
    assert events[0]["detail"]["recommendations"] == {"also-bought": ["gloves", "scarf"]}


def test_what_is_not_in_the_catalog_or_not_to_be_shown_is_passed_over(world: World) -> None:
    load(world, a_row("scarf", Stock="no"), a_row("gloves", Stock="yes"), a_row("boots"), a_row("umbrella"))
    many = [("gone", 0.99), ("scarf", 0.9), *((f"x{n}", 0.8) for n in range(9)), ("gloves", 0.5), ("boots", 0.4)]
    recommend(world, {"coat": many}, include={"Stock": ("yes",)}, limit=1)
    publish(world, values={"k": ALSO}, recommendations=("also-bought",))
    leave_behind(world, "coat")
    assert delivered(world) == {"coat": "gloves!;"}


def test_what_the_user_has_done_with_already_is_not_recommended(world: World) -> None:
    load(world, a_row("scarf"), a_row("gloves"))
    recommend(world, {"coat": [("scarf", 0.9), ("gloves", 0.5)]}, exclude_done={"charged": "product"})
    publish(world, values={"k": ALSO}, recommendations=("also-bought",))
    world.join().take([world.body(world.charged("scarf"))])
    leave_behind(world, "coat")
    assert delivered(world) == {"coat": "gloves!;"}


def test_where_nothing_is_known_of_a_user_what_is_popular_is_recommended_or_nothing(world: World) -> None:
    load(world, a_row("scarf"))
    recommend(world, {POPULAR: [("scarf", 0.9)]})
    publish(world, values={"k": ALSO}, recommendations=("also-bought",))
    leave_behind(world, "coat")
    assert delivered(world) == {"coat": "no recommendation: also-bought"}
    recommend(world, {POPULAR: [("scarf", 0.9)]}, popular=True)
    leave_behind(world, "coat", user="bob")
    assert "scarf!;" in str(delivered(world))


def test_a_recommendation_that_is_gone_or_was_never_built_withholds(world: World) -> None:
    publish(world, values={"k": ALSO}, recommendations=("also-bought",))
    leave_behind(world, "coat")
    assert delivered(world) == {"coat": "no recommendation: also-bought"}


def test_delivered_twice_it_says_the_same_though_the_user_went_on(world: World) -> None:
    load(world, a_row("scarf"), a_row("boots"))
    recommend(world, {"coat": [("scarf", 0.9)], "socks": [("boots", 0.9)]})
    publish(world, values={"k": ALSO}, recommendations=("also-bought",))
    leave_behind(world, "coat")
    images = world.items("users")
    world.deliver().take([each for each in images if "outbox" in each], lambda: 60.0)
    world.join().take([world.body(world.added("socks"))])
    world.deliver().take([each for each in images if "outbox" in each], lambda: 60.0)
    one, two = (event["detail"] for event in world.messages("rule"))
    assert one == two
    assert one["values"]["k"] == "scarf!;"


def test_what_cannot_be_read_for_a_moment_is_delivered_all_the_same(world: World) -> None:
    load(world, a_row("coat", Price="89"))
    publish(world, values={"k": PRICE})
    leave_behind(world, "coat")
    world.dynamodb.fault("batch_get_item", *[throttled] * 4)
    assert delivered(world) == {"coat": "89"}


def test_what_cannot_be_read_sets_the_message_aside_whole_and_a_redrive_delivers_it(world: World) -> None:
    load(world, a_row("coat", Price="89"))
    publish(world, values={"k": PRICE})
    leave_behind(world, "coat")
    world.dynamodb.fault("batch_get_item", *[throttled] * 40)
    world.deliver_outboxes()
    assert world.messages("rule") == []
    (aside,) = world.messages("undelivered")
    assert aside["reason"].startswith("the campaigns could not be read")  # nor could anything else in that call
    world.dynamodb._faults["batch_get_item"].clear()
    assert delivered(world) == {"coat": "89"}


def _refused_where(refused: Callable[[dict[str, Any]], bool]) -> Callable[[dict[str, Any]], None]:
    """DynamoDB, which refuses the whole call for one key."""

    def answer(arguments: dict[str, Any]) -> None:
        if any(refused(key) for of in arguments["RequestItems"].values() for key in of["Keys"]):
            raise ClientError({"Error": {"Code": "ValidationException"}}, "BatchGetItem")

    return answer


def test_values_that_are_longer_than_any_key_find_no_row_and_harm_no_neighbour(world: World) -> None:
    found = {"products": {"Name": "product", "Colour": "colour"}}
    values = {"k": "{{ Catalog['products'].Price | default: 'none' }}"}
    world.publish(a_plan(values=values, keep=("product", "colour"), catalogs=found))
    for user, product in (("ann", "coat"), ("bob", "p" * 512)):
        world.join().take([world.body(world.added(product, user=user, colour="c" * 512))])
    world.now += 31 * MINUTE
    world.join().take([world.body({"holdfast": "tick", "users": {"ann": world.now, "bob": world.now}})])
    longest = 1024
    refusal = _refused_where(lambda key: "sk" in key and len(key["sk"]["S"].encode()) > longest)
    world.dynamodb.fault("batch_get_item", *[refusal] * 10)
    assert set(delivered(world).values()) == {"none"}
    assert world.messages("undelivered") == []


def test_a_key_that_dynamodb_refuses_sets_its_own_message_aside_and_no_other(world: World) -> None:
    world.publish(a_plan(values={"k": "{{ Profile.first_name | default: 'Hi' }}"}))
    for user in ("ann", "bob", "eve"):
        world.join().take([world.body(world.added(user=user))])
    world.now += 31 * MINUTE
    world.join().take([world.body({"holdfast": "tick", "users": dict.fromkeys(("ann", "bob", "eve"), world.now)})])
    refusal = _refused_where(lambda key: key.get("user") == {"S": "bob"})
    world.dynamodb.fault("batch_get_item", *[refusal] * 10)
    world.deliver_outboxes()
    assert {each["detail"]["user"]["identity"] for each in world.messages("rule")} == {"ann", "eve"}
    assert [each["user"] for each in world.messages("undelivered")] == ["bob"]


def test_a_catalog_that_cannot_be_read_holds_up_no_message_that_does_without(world: World) -> None:
    load(world, a_row("coat", Price="89"))
    publish(world, values={"k": PRICE})
    world.publish(a_plan(id="plain", values={"k": "hi"}))
    leave_behind(world, "coat")

    def profiles_only(arguments: dict[str, Any]) -> dict[str, Any]:
        asked = arguments["RequestItems"]
        answer: dict[str, Any] = {"Responses": {}, "UnprocessedKeys": {"catalog": asked["catalog"]}}
        if "users" in asked:
            wanted = {table: asked[table] for table in ("users", "campaigns")}
            found = world.dynamodb._real.batch_get_item(RequestItems=wanted)
            answer["Responses"] = found["Responses"]
        return answer

    world.dynamodb.fault("batch_get_item", *[profiles_only] * 4)
    world.deliver_outboxes()
    assert [event["detail"]["metadata"]["campaign"] for event in world.messages("rule")] == ["plain"]
    assert [each["reason"] for each in world.messages("undelivered")] == ["the catalog could not be read"]


# Amazon Personalize


def personalize(world: World) -> Stubber:
    client = boto3.client("personalize-runtime")
    world.personalize = Personalize(client)
    stubber = Stubber(client)
    stubber.activate()
    return stubber


ASKED = {"recommenderArn": ARN, "userId": "ann", "numResults": 6, "itemId": "coat"}


def test_personalize_is_asked_for_the_user_and_their_latest_item(world: World) -> None:
    load(world, a_row("scarf"), a_row("boots"))
    recommend(world, personalize=ARN)
    publish(world, values={"k": ALSO}, recommendations=("also-bought",))
    answer = {"itemList": [{"itemId": "boots", "score": 0.5}, {"itemId": "coat"}, {"itemId": "scarf"}]}
    stubber = personalize(world)
    stubber.add_response("get_recommendations", answer, ASKED)
    leave_behind(world, "coat")
    assert delivered(world) == {"coat": "boots!;scarf!;"}
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize(("popular", "told"), [(True, "scarf!;"), (False, "no recommendation: also-bought")])
def test_personalize_is_asked_once_more_and_then_the_fallback_counts(world: World, popular: bool, told: str) -> None:
    load(world, a_row("scarf"))
    recommend(world, {POPULAR: [("scarf", 0.9)]}, personalize=ARN, popular=popular)
    publish(world, values={"k": ALSO}, recommendations=("also-bought",))
    stubber = personalize(world)
    for _ in range(2):
        stubber.add_client_error("get_recommendations", "ThrottlingException", expected_params=ASKED)
    leave_behind(world, "coat")
    assert delivered(world) == {"coat": told}
    stubber.assert_no_pending_responses()


def test_a_second_answer_of_personalize_is_as_good_as_the_first(world: World) -> None:
    load(world, a_row("boots"))
    recommend(world, personalize=ARN)
    publish(world, values={"k": ALSO}, recommendations=("also-bought",))
    stubber = personalize(world)
    stubber.add_client_error("get_recommendations", "ThrottlingException", expected_params=ASKED)
    stubber.add_response("get_recommendations", {"itemList": [{"itemId": "boots"}]}, ASKED)
    leave_behind(world, "coat")
    assert delivered(world) == {"coat": "boots!;"}


@pytest.mark.usefixtures("world")
def test_while_personalize_is_down_nobody_waits_for_it_again() -> None:
    now = 0.0
    client = boto3.client("personalize-runtime")
    asked = Personalize(client, clock=lambda: now)
    with Stubber(client) as stubber:
        for _ in range(2):
            stubber.add_client_error("get_recommendations", "ThrottlingException")
        assert asked.recommend(ARN, "ann", [], 3) is None
        assert asked.recommend(ARN, "bob", [], 3) is None
        stubber.add_response("get_recommendations", {"itemList": []})
        now = 31.0
        assert asked.recommend(ARN, "bob", [], 3) == []
