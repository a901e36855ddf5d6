"""The policy of a stack as its owner writes it: the rules for the messages of all campaigns together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from holdfast.core.authoring.basics import did_you_mean, one_or_many
from holdfast.core.authoring.sending import CampaignId, Hours, PerUser, Share, Zone
from holdfast.core.gate import policy
from holdfast.core.gate.hours import USER


def _a_place(value: str) -> str:
    if value == USER:
        msg = "this zone is for users whose own is not known: write one such as Europe/Berlin"
        raise ValueError(msg)
    return value


_Place: TypeAlias = Annotated[Zone, AfterValidator(_a_place)]


class Policy(BaseModel):
    """A policy file. What is left out forbids nothing: an empty mapping, `{}`, takes the policy back."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zone: _Place = "UTC"
    hours: Hours | None = None
    per_user: Annotated[
        tuple[PerUser, ...],
        BeforeValidator(one_or_many, json_schema_input_type=PerUser | list[PerUser]),
        Field(max_length=5),
    ] = ()
    control: Share | None = None
    exempt: Annotated[
        tuple[CampaignId, ...],
        BeforeValidator(one_or_many, json_schema_input_type=CampaignId | list[CampaignId]),
        Field(max_length=100),
    ] = ()

    def plan(self, revision: int = 1) -> policy.Policy:
        """The policy that decides by this revision."""
        return policy.Policy(
            revision=revision,
            zone=self.zone,
            hours=self.hours.hours() if self.hours else None,
            per_user=tuple(each.cap() for each in self.per_user),
            control=self.control or 0.0,
            exempt=self.exempt,
        )

    def unknown(self, campaigns: Iterable[str]) -> list[tuple[tuple[str | int, ...], str]]:
        """Exempt campaigns that are not published: the place of each, and a hint."""
        known = sorted(campaigns)
        return [
            (("exempt", number), f"no campaign {each!r} is published{did_you_mean(each, known)}")
            for number, each in enumerate(self.exempt)
            if each not in known
        ]
