"""The stories of `holdfast demo`: what people do, and what is expected to come of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

CATALOG = Path(__file__).with_name("demo_campaigns") / "catalog"

with (CATALOG / "products.csv").open(encoding="utf-8", newline="") as _file:
    IDENTITIES = {row["Name"]: row["Identity"] for row in csv.DictReader(_file)}

Row = tuple[str, str, str, str]
"""A message that the target received, or should have: user, product, kind, and the title or the reason."""
BASKET = ("tent", "stove", "lamp", "rope", "map")


class Scene(NamedTuple):
    """One person's story: the lines that are sent, each after so many seconds, and what is expected to come of it.

    On no machine, however slow, does another outcome follow. A purchase that is folded after its message went out takes
    that message back. For all else that counts only if it is known when a message is due, one line holds both.
    """

    story: str
    lines: list[tuple[float, str]]
    expected: list[Row]

    def records(self) -> list[dict[str, Any]]:
        """Those that can be read."""
        read = [json.loads(line) for _, line in self.lines if line.startswith(("{", "["))]
        return [record for one in read for record in (one if isinstance(one, list) else [one])]

    @property
    def unreadable(self) -> int:
        """How many lines are no records."""
        return sum(not line.startswith(("{", "[")) for _, line in self.lines)


def _together(*lines: str) -> str:
    """One line with several records: they are folded together."""
    return f"[{', '.join(lines)}]"


class Lines(NamedTuple):
    """Writes lines. `start` is epoch milliseconds; `at` is seconds after it."""

    start: int

    def added(self, user: str, product: str, at: float = 0) -> str:
        return self._event(user, "added to cart", at, product_name=product, price=89.0)

    def added_without_price(self, user: str, product: str) -> str:
        return self._event(user, "added to cart", 0, product_name=product)

    def saved(self, user: str, product: str, at: float) -> str:
        return self._event(user, "Saved For Later", at, product_name=product)

    def viewed(self, user: str, product: str) -> str:
        return self._event(user, "Product Viewed", 0, product_name=product)

    def watched_the_price(self, user: str, product: str) -> str:
        return self._event(user, "Watched the price", 0.5, product_name=product)

    def charged(self, user: str, *products: str, at: float = 1) -> str:
        items = [{"prod_name": each, "prod_id": IDENTITIES.get(each, each), "quantity": 1} for each in products]
        return self._event(user, "Charged", at, Items=items)

    def profile(self, user: str, **properties: str) -> str:
        return json.dumps({"user": user, "profile": properties, "ts": self.start})

    def _event(self, user: str, name: str, at: float, **properties: object) -> str:
        return json.dumps({"user": user, "event": name, "ts": self.start + int(at * 1000), **properties})


def stories(start: int) -> list[Scene]:
    """All that begins at `start` (epoch milliseconds)."""
    lines = Lines(start)
    return [*_carts(lines), *_odd_records(lines), *_other_campaigns(lines)]


def _carts(lines: Lines) -> list[Scene]:
    return [
        Scene(
            "Ann leaves one product of two behind",
            [
                (
                    0,
                    _together(
                        lines.profile("ann", first_name="Ann", email="ann@example.com"),
                        lines.added("ann", "white coat"),
                        lines.added("ann", "red hat"),
                    ),
                ),
                (1.5, lines.charged("ann", "red hat")),
            ],
            [_message("ann", "white coat", "Ann")],
        ),
        Scene(
            "Bob buys everything",
            [(0, lines.added("bob", "white coat")), (1.5, lines.charged("bob", "white coat"))],
            [],
        ),
        Scene(
            "Cleo buys three of the five items of her basket",
            [
                (
                    0,
                    _together(
                        lines.profile("cleo", first_name="Cleo"), *(lines.added("cleo", item) for item in BASKET)
                    ),
                ),
                (1.5, lines.charged("cleo", *BASKET[:3])),
            ],
            [_message("cleo", "rope", "Cleo"), _message("cleo", "map", "Cleo")],
        ),
        Scene(
            "Dan's purchase arrives before the add it belongs to",
            [(0, lines.charged("dan", "drum", at=0.5)), (1.5, lines.added("dan", "drum", at=0.1))],
            [],
        ),
    ]


def _odd_records(lines: Lines) -> list[Scene]:
    twice = lines.added("eve", "kettle")
    return [
        Scene("Eve's add is sent twice", [(0, twice), (1.5, twice)], [_message("eve", "kettle", "Hi")]),
        Scene(
            "Fay's profile has no first name",
            [(0, lines.profile("fay", city="Ulm")), (0, lines.added("fay", "globe"))],
            [_message("fay", "globe", "Hi")],
        ),
        Scene(
            "Gus's add does not say the price",
            [(0, lines.added_without_price("gus", "flute"))],
            [_withheld("gus", "flute", "missing: Event.price")],
        ),
        Scene("Somebody sends what is not JSON", [(0, "this is not JSON")], []),
    ]


def _other_campaigns(lines: Lines) -> list[Scene]:
    return [
        Scene(
            "Hal saves three things, buys one, and gets one message about the rest",
            [
                (
                    1.5,
                    _together(
                        *(lines.saved("hal", item, at) for at, item in ((0, "harp"), (0.1, "horn"), (0.2, "hammer"))),
                        lines.charged("hal", "hammer"),
                    ),
                ),
            ],
            [("hal", "horn, harp", "Personalized Message", "Still on your list: horn and harp")],
        ),
        Scene(
            "Ivy hears the tent's price of today, and what goes with the stove she bought",
            [(1.5, _together(lines.charged("ivy", "stove", at=0), lines.watched_the_price("ivy", "tent")))],
            [
                (
                    "ivy",
                    "tent",
                    "Personalized Message",
                    "Your tent is 189.00 today; with it go gas bottle and pan",
                )
            ],
        ),
        Scene(
            "Lea looks at a kite and puts it in her cart: one message, the cart's",
            [(1.5, _together(lines.added("lea", "kite", at=0.1), lines.viewed("lea", "kite")))],
            [_message("lea", "kite", "Hi"), _withheld("lea", "kite", "instead: abandoned-cart")],
        ),
        Scene(
            "Jil looks at a kite, too; she is one of the 5 % who are held back",
            [(0, lines.viewed("jil", "kite"))],
            [_withheld("jil", "kite", "control group")],
        ),
    ]


def _message(user: str, product: str, name: str) -> Row:
    return user, product, "Personalized Message", f"{name}, your {product} is waiting"


def _withheld(user: str, product: str, reason: str) -> Row:
    return user, product, "Personalized Message Withheld", reason
