"""The queues of rejected records and undelivered messages."""

from __future__ import annotations

import time
from typing import Final

from holdfast.console.answers import Refused
from holdfast.console.desk.ports import LOOKING_SECONDS, MESSAGES, SECONDS, Ports
from holdfast.console.models.queues import Chosen, Counts, Discarded, Queued, QueueGroup, Redriven, Waiting
from holdfast.services.set_aside import Aside, Wanted

EXAMPLES: Final = 5
"""Messages of a group that are shown."""


class QueuesDesk(Ports):
    def counts(self) -> Counts:
        return Counts(**{name: queue.total() for name, queue in self.queues.items()})

    def look(self, name: str, search: str = "") -> Queued:
        queue, ends = self._queue(name), time.monotonic() + LOOKING_SECONDS
        looked = queue.look(MESSAGES, time_left=lambda: time.monotonic() < ends)
        found = [each for each in looked if each.holds(search)]
        groups: dict[str, list[Aside]] = {}
        for each in sorted(found, key=lambda aside: -aside.at):
            groups.setdefault(each.group, []).append(each)
        return Queued(
            groups=[_group(name, of) for name, of in sorted(groups.items(), key=lambda item: -len(item[1]))],
            looked=len(looked),
            found=len(found),
            approximate_total=max(queue.total(), len(looked)),
        )

    def redrive(self, name: str, asked: Chosen, by: str) -> Redriven:
        queue, ends = self._queue(name), time.monotonic() + SECONDS
        done, failed = queue.redrive(
            max(queue.total(), len(asked.ids or ())),
            wanted=_wanted(asked),
            time_left=lambda: time.monotonic() < ends,
        )
        if done:
            self._record(by, "retried", name, number=done, note=asked.note)
        return Redriven(redriven=done, failed=dict(failed), left=queue.total())

    def discard(self, name: str, asked: Chosen, by: str) -> Discarded:
        """Only the named messages: discarding everything would include messages that came in meanwhile."""
        if not asked.ids and not asked.groups:
            raise Refused(422, "request", "Say which messages: their ids, or their groups.")
        queue, ends = self._queue(name), time.monotonic() + SECONDS
        limit = max(queue.total(), len(asked.ids or ()))
        done = queue.discard(limit, wanted=_wanted(asked), time_left=lambda: time.monotonic() < ends)
        if done:
            self._record(by, "discarded", name, number=done, note=asked.note)
        return Discarded(discarded=done, left=queue.total())


def _wanted(asked: Chosen) -> Wanted:
    """All, where nothing is chosen."""
    ids, groups = frozenset(asked.ids or ()), frozenset(asked.groups or ())
    chosen = ids or groups
    return lambda aside: (not chosen or aside.id in ids or aside.group in groups) and aside.holds(asked.search)


def _group(name: str, of: list[Aside]) -> QueueGroup:
    """`of` are its messages, the newest first."""
    return QueueGroup(
        group=name,
        reason=of[0].reason,
        count=len(of),
        first=of[-1].at,
        last=of[0].at,
        campaigns=sorted({campaign for each in of for campaign in each.campaigns}),
        messages=[
            Waiting(id=each.id, reason=each.reason, campaigns=each.campaigns, at=each.at, record=each.body)
            for each in of[:EXAMPLES]
        ],
    )
