"""Names for writing a campaign: events and properties, catalogs, recommendations, sources, and incoming records."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from msgspec import structs

from holdfast.aws.tables.tail import TooMany
from holdfast.console.answers import Refused
from holdfast.console.desk.drafts import source_of
from holdfast.console.desk.ports import Ports
from holdfast.console.models.drafts import Drafted
from holdfast.console.models.known import (
    Catalog,
    Catalogs,
    LiveSource,
    LookOn,
    Recommendation,
    Recommendations,
    SeenEvent,
    SeenNames,
    SeenProperty,
    Sources,
    Suggested,
    Tailed,
    Use,
)
from holdfast.core.authoring import suggestions
from holdfast.core.authoring import text as campaign_text
from holdfast.core.authoring.suggestions import Known as Suggestible
from holdfast.core.events import event_key
from holdfast.core.intake.shapes import Shapes
from holdfast.core.intake.tail import mark
from holdfast.core.intake.volume import OTHERS, SHOWN_DAYS, by_event
from holdfast.core.messages.statistics import days
from holdfast.core.plans.uses import used

MOST_BATCHES: Final = 20
"""Batches of a tail in one answer: each may have 25 records, and is deleted by a call of its own."""


class KnownDesk(Ports):
    def seen(self) -> SeenNames:
        events, profile = self._seen()
        uses = used(self.live.current().newest.values())
        wanted = days(self.clock(), SHOWN_DAYS)
        volume = by_event(self.volumes.read(wanted[0], wanted[-1]), wanted, events)
        return SeenNames(
            days=wanted,
            events=sorted(
                (
                    SeenEvent(
                        name=each.name,
                        properties=_properties(each),
                        campaigns=_uses(uses.get(key, {})),
                        volume=volume[key],
                    )
                    for key, each in events.items()
                ),
                key=lambda each: each.name.casefold(),
            ),
            others=volume[OTHERS],
            profile=_properties(profile),
        )

    def list_catalogs(self) -> Catalogs:
        return Catalogs(
            catalogs=[
                Catalog(
                    name=each.name,
                    columns=list(each.columns),
                    rows=each.counts.get("rows") if each.at else None,
                    imported_at=each.at,
                )
                for each in self.catalogs.all()
            ]
        )

    def list_recommendations(self) -> Recommendations:
        columns = self._columns()
        return Recommendations(
            recommendations=[
                Recommendation(
                    name=live.plan.id,
                    title=live.plan.name or live.plan.id,
                    revision=live.plan.revision,
                    published_at=live.published_at,
                    catalog=live.plan.catalog,
                    columns=columns.get(live.plan.catalog, []),
                    limit=live.plan.limit,
                )
                for live in self.recommendations.live()
            ]
        )

    def tail(self, asked: LookOn) -> Tailed:
        """At most a few hundred records; the rest is counted. Values are left out unless this request asks for them,
        even if somebody else's tail has them.
        """
        user = mark(asked.id, asked.user) if asked.user else ""
        try:
            self.tails.ask(asked.id, user=user, event=event_key(asked.event), values=asked.values)
        except TooMany:
            raise Refused(429, "too_many", "Too many people are following already: try again in a minute.") from None
        found = list(islice(self.tails.take(asked.id), MOST_BATCHES))
        records: list[Any] = [
            {**structs.asdict(line), "at": line.at or None, **({} if asked.values else {"values": {}})}
            for lines, _ in found
            for line in lines
        ]
        return Tailed(records=records, more=sum(more for _, more in found))

    def list_sources(self) -> Sources:
        return Sources(
            sources=[
                LiveSource(
                    id=live.plan.id,
                    name=live.plan.name or live.plan.id,
                    revision=live.plan.revision,
                    match=live.plan.match,
                    published_at=live.published_at,
                    published_by=live.by or None,
                    note=live.note or None,
                    source=live.source,
                )
                for live in self.sources.live()
            ]
        )

    def suggest(self, asked: Drafted) -> Suggested:
        events, profile = self._seen()
        data: Any = campaign_text.plain(source_of(asked, rewrite=False).data) if asked.campaign or asked.source else {}
        columns = self._columns()
        recommended = {
            each.id: columns.get(each.catalog, []) for each in self.live.current().newest.recommenders.values()
        }
        groups = suggestions.suggest(data, Suggestible(events, profile, columns, recommended))
        return Suggested.model_validate(
            {"groups": [{"group": name, "items": [each._asdict() for each in items]} for name, items in groups]}
        )


def _uses(campaigns: Mapping[str, Any]) -> list[Use]:
    return [Use(campaign=campaign, part=part) for campaign, part in sorted(campaigns.items())]


def _properties(seen: Shapes) -> list[SeenProperty]:
    return [SeenProperty(path=path, types=sorted(seen.types(path))) for path in sorted(seen.paths)]
