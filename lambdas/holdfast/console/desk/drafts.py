"""A campaign that is being written, as the page sends it: read, and what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from holdfast.console.answers import Refused
from holdfast.console.models.drafts import Drafted, Mistake
from holdfast.core.authoring import text as campaign_text
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.text import CampaignFileError, Source
from holdfast.core.plans.plan import Plan


class Draft(NamedTuple):
    """A campaign that is being written. `mistakes` are those of templates only: with others it is refused whole."""

    source: Source
    campaign: Campaign
    mistakes: list[campaign_text.Mistake]

    def plan(self, revision: int) -> Plan:
        plan = self.campaign.plan(revision)
        if not self.mistakes:
            return plan
        templates, types = campaign_text.templates_of(self.source.data["send"]["values"])
        return replace(plan, values=templates, types=types)


def source_of(draft: Drafted, *, rewrite: bool = True) -> Source:
    """Raises CampaignFileError. A draft that is JSON need not become text to be read (`rewrite`)."""
    if draft.campaign is None:
        return campaign_text.parse(draft.source or "")
    if not rewrite:
        return Source("", "", draft.campaign)
    return campaign_text.parse(campaign_text.rewritten(draft.campaign, draft.source or ""))


def draft_of(asked: Drafted, *, tolerant: bool = False, rewrite: bool = False) -> Draft:
    """Raises Refused. A tolerant one may have mistakes in its templates, and nowhere else."""
    try:
        source = source_of(asked, rewrite=rewrite)
        try:
            return Draft(source, campaign_text.validate(source, Campaign), [])
        except CampaignFileError as error:
            rest = campaign_text.without_templates(source) if tolerant else None
            if rest is None:
                raise
            return Draft(source, campaign_text.validate(rest, Campaign), error.mistakes)
    except CampaignFileError as error:
        told = [mistake_of(each).model_dump() for each in error.mistakes]
        raise Refused(
            422, "invalid", f"The campaign has a mistake: {error.mistakes[0].message}.", mistakes=told
        ) from None


def mistakes_of(error: CampaignFileError) -> list[Mistake]:
    return [mistake_of(each) for each in error.mistakes]


def mistake_of(mistake: campaign_text.Mistake) -> Mistake:
    told = mistake._asdict()
    return Mistake(path=list(told.pop("at")), **{key: value for key, value in told.items() if key != "file"})
