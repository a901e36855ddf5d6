"""Users' items of today's release, with each of its features, so that the next release has to read it.

`scenario.py` runs in older releases, too, and holds no more than all of them know. This one is for what came since:
persons of several ids, spaces, exits for every value, doubts, rules between due and sent, variants and conversions.

    python -m tests.compat.features    write golden/features/COMMIT.json; files of earlier commits stay
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from holdfast.aws.tables.campaigns import Recommendations
from holdfast.core.gate.hours import Hours
from holdfast.core.gate.rules import Rules
from holdfast.core.plans.goal import Goal
from holdfast.core.plans.plan import Constant
from holdfast.core.recommend.ranking import Recommender
from tests.compat.make_golden import ON_MOTO
from tests.compat.scenario import MINUTE, Left, Met, Shop, decided, empty, found
from tests.integration import conftest

GOLDEN = Path(__file__).parent / "golden" / "features"
HOUR = 60 * MINUTE
ACTIONS = ("tick", "buy", "clear", "order")


def _on(path: str, *names: str) -> tuple[Constant, ...]:
    return (Constant("product", dict.fromkeys(names, path)),)


def _also(revision: int) -> Recommender:
    did, done = {"added": "product"}, {"charged": "product"}
    return Recommender(id="also", revision=revision, catalog="products", did=did, exclude_done=done)


def _publish(world: Any, id_: str, **more: Any) -> None:
    world.publish(conftest.a_plan(id=id_, **more))


def leave(world: Any) -> Left:
    shop = Shop(world)
    hours = Hours(8 * 60, 9 * 60, zone="UTC")
    _publish(world, "cart", grace=MINUTE)
    _publish(world, "basket", did=("put",), did_not=("cleared",), every=("cleared",), constant=_on("product", "put"))
    _publish(world, "ruled", did=("viewed",), rules=Rules(hours=hours), constant=_on("product", "viewed", "charged"))
    told = Rules(again_after=2 * HOUR, variants={"short": 1.0}, control=0.0)
    goal = Goal(("charged",), amount="price", currency="currency")
    paths = _on("product", "saved", "charged")
    _publish(
        world, "told", did=("saved",), rules=told, convert=goal, variants={"short": {"title": "v"}}, constant=paths
    )
    Recommendations(world.dynamodb, "campaigns").publish("also", "", _also, world.now)
    world.now += MINUTE
    shop.take(shop.event("told", "added"), shop.event("told", "charged", ago=2 * MINUTE))

    # Persons: before the tie something was decided for a guest, and something is open.
    shop.take(shop.event("anon-1", "added"), shop.event("anon-1", "saved", "hat"), shop.event("anon-2", "added", "hat"))
    shop.take({"user": "anon-1", "profile": {"first_name": "Ann"}, "ts": world.now, "id": "p1"})
    # Spaces: what was open, ended and in doubt before the campaign read it in another way.
    shop.take(
        shop.event("elder", "added", sku="77"), shop.event("ended", "added", sku="77"), shop.event("ended", "charged")
    )
    shop.take(shop.event("emptied", "put", "coat"), shop.event("emptied", "cleared"))
    shop.take(shop.event("told", "saved"), shop.event("waits", "viewed"))
    world.now += 35 * MINUTE
    shop.tick("anon-1", "told", "waits", "emptied")
    shop.take({"user": "u-1", "alias": "anon-1"})
    shop.take({"user": "anon-1", "alias": "anon-2"}, shop.event("u-1", "added", "Silk  scarf"))
    world.now += MINUTE
    shop.take(shop.event("told", "charged", price=9.5, currency="EUR"), shop.event("told", "saved", "hat"))
    world.now += MINUTE
    _publish(world, "cart", grace=MINUTE, constant=_on("sku", "added", "charged"))
    _publish(
        world,
        "basket",
        did=("put",),
        did_not=("cleared", "charged"),
        every=("cleared",),
        constant=_on("product", "put", "charged"),
    )
    shop.take(shop.event("elder", "added", "coat", sku="77"), shop.event("ended", "charged", "coat", sku="77"))
    shop.take(shop.event("anew", "added", "coat", sku="78"), shop.event("emptied", "put", "hat"))
    world.now += MINUTE
    shop.take(shop.event("emptied", "cleared"), shop.event("emptied", "put", "scarf"))
    shop.take({"user": "elder", "event": "charged", "product": "coat", "ts": world.now, "id": "o1"})
    shop.take({"user": "doubtful", "event": "charged", "sku": "1", "ts": world.now, "id": "o2"})
    shop.take(shop.event("doubtful", "added", sku="2"))
    return {
        "now": world.now,
        "tables": {name: sorted(world.items(name), key=json.dumps) for name in ("users", "campaigns")},
    }


def meet(fresh: Callable[[], Any], left: Left) -> Met:
    """The outcome for each id when something happens to it, and for all by a tick an hour later."""
    met: Met = {}
    users = sorted(item["user"]["S"] for item in left["tables"]["users"] if item["part"]["S"] == "watches")
    for action in ACTIONS:
        with found(fresh, left) as world:
            world.now += HOUR if action == "tick" else MINUTE
            shop = Shop(world)
            for user in users:
                if action == "tick":
                    shop.tick(user)
                else:
                    name = {"buy": "charged", "clear": "cleared", "order": "charged"}[action]
                    shop.take(shop.event(user, name, "hat" if action == "order" else "coat", sku="77", price=3))
                met[f"{user}: {action}"] = decided(world, user)
            world.now += HOUR
            shop.tick(*users)
            met |= {f"{user}: {action}, then a tick": decided(world, user) for user in users}
    with found(fresh, left) as world:
        images = [item for item in left["tables"]["users"] if "outbox" in item]
        world.deliver().take(images, lambda: 60.0)
        met["delivered"] = sorted(
            [each["detail-type"], each["detail"]["user"]["identity"], each["detail"]["metadata"]["id"]]
            for each in world.messages("rule")
        )
    return met


def main() -> None:
    os.environ.update(ON_MOTO)
    with empty() as world:
        left = json.loads(json.dumps(leave(world)))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    GOLDEN.mkdir(exist_ok=True)
    text = json.dumps({"left": left, "met": meet(empty, left)}, sort_keys=True, indent=1)
    (GOLDEN / f"{commit.stdout.strip()}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
