"""The spaces of a campaign: one for each way in which its revisions read keys and exits.

    cart      |-- by name -------------|
    cart@2                             |-- by number ---------
    arrived        trigger   exit           exit   trigger

A record is read by the revision that was in force when it arrived. An exit is read by older revisions, too, as their
watches may be open. Each space is folded like a separate campaign. Values in two spaces are compared as the older space
reads them: a trigger keeps the keys of its value in older spaces (`Trigger.elder`), and older spaces keep apart which
exits arrived while they were the newest (`Watch.own`, `Ends.own`, `Doubt.later`). So

* of two occurrences of a value the later one counts, whichever space it is in; each space's last one stands for all;
* an exit ends a trigger, whichever of the two arrived first, and in whatever order they are folded.

The result (`Watch.elsewhere`) follows from the contents of the spaces, so the order of folding makes no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from holdfast.core.fold.watches import Trigger, Watch, Watches, furthest

Mark: TypeAlias = tuple[int, int]
"""The time and the grace of the exit that reaches furthest."""
NO_MARK: Mark = (0, 0)
NOTHING = Watch()


class Ends:
    """The marks (time, grace) of the exits for every value, by place: of `all` exits, and of a place's `own`. The own
    exits arrived before a newer space began; their mark is kept only if it differs.
    """

    def __init__(self, all_: Mapping[str, Mark], own: Mapping[str, Mark]) -> None:
        self.all = {**all_}
        self.own = {**own}

    def own_of(self, place: str) -> Mark:
        return self.own.get(place) or self.all.get(place, NO_MARK)

    def end(self, place: str, mark: Mark, *, later: bool) -> None:
        own = self.own_of(place) if later else furthest(self.own_of(place), mark)
        self.all[place] = furthest(self.all.get(place, NO_MARK), mark)
        self.own.pop(place, None)
        if own != self.all[place]:
            self.own[place] = own

    def merged(self, other: Ends) -> Ends:
        both = Ends(self.all, self.own)
        for place, mark in other.all.items():
            both.end(place, other.own_of(place), later=False)
            both.end(place, mark, later=True)
        return both

    def put(self, place: str, key: str, watches: Watches) -> None:
        """Merge the marks into one watch of the place. A watch that holds nothing beyond these marks is removed."""
        if place not in self.all:
            return
        own, mark = self.own_of(place), self.all[place]
        watch = watches[key].ended(*own).ended(*mark, later=True)
        if watch.trigger or watch.decided or watch.parts or (watch.own_exit, (watch.exit, watch.grace)) != (own, mark):
            if watch is not watches[key]:
                watches.put(key, watch)
        else:
            del watches[key]


def links(trigger: Trigger) -> Iterator[tuple[str, str]]:
    """The older spaces, and the keys of the value in each."""
    for place, keys in trigger.elder.items():
        for key in keys:
            yield place, key


def settle(places: Mapping[str, Mapping[str, Watch]], ends: Ends, draft: Callable[[str], Watches]) -> None:
    """Mark the watches of a campaign that are decided in another space, or not at all. `places` are its watches by
    place; `draft` returns the watches of one place, for changing.
    """
    found: dict[tuple[str, str], tuple[int, str]] = {}
    for place, watches in places.items():
        for key, watch in watches.items():
            trigger = watch.trigger
            if trigger is None:
                continue
            for elder, same in links(trigger):
                known = places.get(elder, {}).get(same, NOTHING)
                if known.trigger and known.trigger.mark <= trigger.mark:
                    found[elder, same] = max(trigger.mark, found.get((elder, same), trigger.mark))
                if _over(trigger, known, ends.own_of(elder)):
                    found[place, key] = max(trigger.mark, found.get((place, key), trigger.mark))
    for place, watches in places.items():
        for key in [key for key, watch in watches.items() if watch.elsewhere != found.get((place, key))]:
            draft(place).put(key, watches[key]._replace(elsewhere=found.get((place, key))))


def _over(trigger: Trigger, known: Watch, every: Mark) -> bool:
    """Whether an older space that knows the trigger's value has a later occurrence of it, or an exit of the trigger."""
    if known.trigger and known.trigger.mark > trigger.mark:
        return True
    if known.decided and known.decided.mark >= trigger.mark:
        return True
    return trigger.at <= max(sum(known.own_exit), sum(every))
