"""The bench's campaign, which its traces match."""

from __future__ import annotations

from typing import Any

from bench.traces import ADDED, CHARGED
from holdfast.core.authoring.campaign import Campaign


def a_campaign(
    id_: str = "abandoned-cart", *, within: float = 1800, kept: tuple[str, ...] = ("price",), **when: Any
) -> Campaign:
    """`within` is seconds; `kept` are the add's properties that the message names."""
    return Campaign.model_validate(
        {
            "id": id_,
            "when": {"did": ADDED, "did_not": CHARGED, "within": f"{within} s"}
            | {name: f"{value} s" for name, value in when.items()},
            "constant": {"name": "product", "in": {ADDED: "product", CHARGED: "product"}},
            "send": {
                "values": {
                    "title": "{{ Profile.first_name | default: 'Hi' }}, your {{ ConstantEventProperty }} is waiting",
                    **{name: f"{{{{ Event.{name} }}}}" for name in kept},
                }
            },
        }
    )
