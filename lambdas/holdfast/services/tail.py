"""The live tail, as join feeds it: it reads nothing, and writes nothing unless somebody follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from holdfast.aws.retry import CALL_SECONDS, SecondsLeft, plenty
from holdfast.aws.tables.tail import Tails, wanted
from holdfast.core.intake.batch import Body, Parsed, Reject
from holdfast.core.intake.fields import Rules
from holdfast.core.intake.forms import form_of
from holdfast.core.intake.tail import Wanted, lines, some
from holdfast.core.intake.timeline import Timeline

PAUSE_MS = 60_000
"""How long nothing is written after it has failed."""
APART_MS = 1_000
"""Between two writes of one container: what comes in between is only counted."""


class Tail:
    """The lines that join shows of its batches."""

    def __init__(self, tails: Tails, clock: Callable[[], int], *, seconds_left: SecondsLeft = plenty) -> None:
        self._tails = tails
        self._clock = clock
        self._seconds_left = seconds_left
        self._wanted: Sequence[Wanted] = ()
        self._after: dict[str, int] = {}
        self._missed: Counter[str] = Counter()

    def look(self, epoch: Mapping[str, Any] | None) -> None:
        """Take the followers from the epoch's item."""
        self._wanted = wanted(epoch, self._clock())

    def show(
        self,
        bodies: Sequence[Body],
        batch: Sequence[Parsed],
        timeline: Timeline,
        rejects: Mapping[str, Sequence[Reject]],
        failed: Collection[str],
        rules: Rules,
    ) -> None:
        """Write what is wanted of a batch that was folded. Raises what AWS raises."""
        if not self._wanted:
            return
        texts = {body.message: body.text for body in bodies}

        def form(message: str, arrived: int) -> str:
            return form_of(texts[message], rules._replace(sources=timeline.sources.at(arrived)))

        now = self._clock()
        values = any(each.values for each in self._wanted)
        found = list(lines(batch, timeline.at, rejects, failed, form, values=values))
        for each in self._wanted:
            shown, more = some(iter(found), each)
            if not shown:
                continue
            self._missed[each.id] += len(shown) + more
            if now < self._after.get(each.id, 0) or self._seconds_left() < CALL_SECONDS:
                continue
            self._after[each.id] = now + PAUSE_MS
            self._tails.write(each.id, shown, self._missed[each.id] - len(shown), now)
            del self._missed[each.id]
            self._after[each.id] = now + APART_MS
