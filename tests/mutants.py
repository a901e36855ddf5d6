"""Can the tests fail? One by one the core is broken in a temporary copy, and some test has to notice.

    python tests/mutants.py [part of a name …]

Prints a line for each mutation: killed, and by which test; or survived. Exit code 1 when one survives, or when the text
that a mutation replaces is not there (once) any more.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
COPIED = ("lambdas", "tests/unit", "tests/integration/statements.py", "tests/examples.py", "pyproject.toml")
WORKERS = os.cpu_count() or 2
LAWS = ("test_laws.py", "test_fold.py")
SUMMARY = ("test_summary.py",)
SIMULATION = ("test_simulation.py",)
PEOPLE = ("test_people.py",)
TIMERS = ("test_timers.py",)
TIMELINE = ("test_timeline.py",)
VALUES = ("test_plans.py", "test_exits.py")
INTAKE = ("test_intake.py",)
SPACES = ("test_spaces.py",)
SAME = ("test_same_everywhere.py",)
RACES = ("test_join_races.py",)
TIMEOUT_SECONDS = 120
NOT_RUN = {3, 4, 5}
"""The exit codes of pytest where no test ran: an error of its own, no such file, no test in it."""

CONFTEST = """
from hypothesis import HealthCheck, Phase, settings
settings.register_profile(
    "mutants", max_examples=35, derandomize=True, database=None, deadline=None,
    phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
)
settings.load_profile("mutants")
"""
"""Nothing is shrunk: that it fails is all that is asked."""


class Mutation(NamedTuple):
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = LAWS


MUTATIONS = [
    # What join makes of it: the same in every container, and always a nomination.
    Mutation(
        "the epoch is not looked at",
        "../services/join.py",
        "if epoch_of(beside.item) == timeline.epoch:",
        "if True:",
        SAME,
    ),
    Mutation(
        "events are read by what is published last",
        "../services/join.py",
        "Intake(batch, timeline.at)",
        "Intake(batch, lambda _: timeline.newest)",
        SAME,
    ),
    Mutation(
        "plans are never read again",
        "../aws/tables/campaigns.py",
        "        self._timeline = self._campaigns.timeline()\n",
        "        self._timeline = self._timeline or self._campaigns.timeline()\n",
        SAME,
    ),
    Mutation(
        "what was replaced is forgotten at once",
        "../aws/tables/campaigns.py",
        "entries = [item for item in (*before, *live)",
        "entries = [item for item in (*live,)",
        SAME,
    ),
    Mutation(
        "a publication raises no epoch",
        "../aws/tables/revisions.py",
        "TransactItems=[*writes, epoch]",
        "TransactItems=[*writes]",
        SAME,
    ),
    Mutation(
        "a change of the reading begins no space",
        "../aws/tables/campaigns.py",
        "space = before.plan.space if same_reading(before.plan, plan) else plan.revision",
        "space = before.plan.space",
        SAME,
    ),
    Mutation(
        "an exit that cannot be read leaves no doubt",
        "intake/batch.py",
        "[each.doubt for each in problems if each.doubt]",
        "[]",
        INTAKE,
    ),
    Mutation(
        "a rejected record that may be an exit leaves no doubt",
        "intake/batch.py",
        "self._fold(message, event.user, plans.doubts(event, reason))",
        "pass",
        INTAKE,
    ),
    Mutation(
        "nobody is nominated again after the save",
        "../services/join.py",
        "again = {key: at for key, at in times.items() if at is not None}",
        "again: dict[Key, int] = {}",
        RACES,
    ),
    Mutation(
        "no tick is so near that it may have been folded",
        "fold/timers.py",
        "NEAR_MS = 5_000",
        "NEAR_MS = 0",
        RACES,
    ),
    # What fold.py sees.
    Mutation(
        "an exit leaves no mark where nothing is open",
        "fold/seeing.py",
        "if (decided := watch.decided) and takes_back(decided, hit.at, hit.grace, hit.arrived, hit.plan):",
        "if watch is NOTHING:\n        continue\n"
        "    if (decided := watch.decided) and takes_back(decided, hit.at, hit.grace, hit.arrived, hit.plan):",
    ),
    Mutation(
        "the exit folded last counts, not the latest",
        "fold/seeing.py",
        "watch.ended(hit.at, hit.grace, later=not hit.opens)",
        "watch._replace(exit=hit.at, grace=hit.grace)",
    ),
    Mutation("history opens watches", "fold/seeing.py", "elif hit.history or", "elif"),
    Mutation(
        "exits may be history", "fold/seeing.py", "if hit.part == EXIT:", "if hit.part == EXIT and not hit.history:"
    ),
    Mutation("the first trigger stays", "fold/seeing.py", "if old is None or new.mark > old.mark:", "if old is None:"),
    Mutation("ids do not order triggers of one time", "fold/seeing.py", "new.mark > old.mark", "new.at > old.at"),
    Mutation(
        "the trigger folded last counts among those of one time",
        "fold/seeing.py",
        "new.mark > old.mark",
        "new.at >= old.at",
    ),
    Mutation(
        "of two copies the last arrival counts",
        "fold/seeing.py",
        "due=min(old.due, new.due)",
        "due=max(old.due, new.due)",
    ),
    Mutation("of two copies the one folded first counts", "fold/seeing.py", "due=min(old.due, new.due)", "due=old.due"),
    Mutation(
        "one of several triggers is enough",
        "fold/merging.py",
        "if any(name not in parts for name in plan.did):",
        "if (plan := plan.__class__(**{**plan.to_json(), 'did': tuple(parts)})) is None:",
    ),
    Mutation(
        "the first of several triggers dates the occurrence",
        "fold/merging.py",
        "return ordered[-1]._replace(",
        "return ordered[0]._replace(",
    ),
    Mutation(
        "no settling for the earlier of several triggers",
        "fold/merging.py",
        "due=max(part.due for part in ordered)",
        "due=ordered[-1].due",
    ),
    Mutation(
        "the earlier of several triggers has the last word in properties",
        "fold/merging.py",
        "for part in ordered for name, value",
        "for part in ordered[::-1] for name, value",
    ),
    Mutation(
        "what was decided keeps its properties",
        "fold/watches.py",
        "if trigger is None or not (trigger.due or trigger.event):",
        "if True:",
    ),
    # What it takes back.
    Mutation(
        "an exit at the trigger's time takes nothing back",
        "fold/seeing.py",
        "decided.at <= at + grace and",
        "decided.at < at + grace and",
    ),
    Mutation(
        "an exit at the time of the message takes it back",
        "fold/seeing.py",
        "at < decided.when\n",
        "at <= decided.when\n",
    ),
    Mutation(
        "an exit before the trigger takes the message back",
        "fold/seeing.py",
        "decided.at <= at + grace and",
        "",
    ),
    Mutation(
        "an exit is too late a moment too early",
        "fold/seeing.py",
        "arrived <= decided.when + plan.max_age",
        "arrived < decided.when + plan.max_age",
    ),
    Mutation("an exit is never too late", "fold/seeing.py", " and arrived <= decided.when + plan.max_age", ""),
    Mutation("a message is taken back twice", "fold/seeing.py", "take_back(watches, key, decided)\n", "pass\n"),
    Mutation(
        "what was withheld is taken back",
        "fold/seeing.py",
        'return decided.kind == "send" and',
        'return decided.kind != "retract" and',
    ),
    Mutation(
        "nothing is taken back",
        "fold/seeing.py",
        "if (decided := watch.decided) and takes_back(decided, hit.at, hit.grace, hit.arrived, hit.plan):",
        "if (decided := watch.decided) and False:",
    ),
    # Two ids, one person.
    Mutation(
        "of two ids the earlier trigger counts",
        "fold/watches.py",
        "return max(one, other, key=lambda each: each.mark)",
        "return min(one, other, key=lambda each: each.mark)",
        PEOPLE,
    ),
    Mutation(
        "exits of an alias are forgotten",
        "fold/watches.py",
        "        both = both.ended(*other.own_exit)\n        return both.ended(other.exit, other.grace, later=True)\n",
        "        return both\n",
        PEOPLE,
    ),
    Mutation(
        "marks for every value are those of one id",
        "fold/merging.py",
        "Ends(one.ends, one.own_ends).merged(Ends(other.ends, other.own_ends))",
        "Ends({**other.ends, **one.ends}, one.own_ends)",
        PEOPLE,
    ),
    Mutation(
        "parts under two ids make no occurrence",
        "fold/merging.py",
        "if several and watch.parts:",
        "if False:",
        PEOPLE,
    ),
    Mutation(
        "a message to the guest is not taken back",
        "fold/fold.py",
        "if plan and decided and takes_back(",
        "if False and takes_back(",
        PEOPLE,
    ),
    Mutation(
        "two ids may have more watches than one",
        "fold/fold.py",
        "    for place in {place for alias in aliases for place in alias.state.watches}:\n        draft.of(place)\n",
        "",
        PEOPLE,
    ),
    Mutation("a circle is nothing", "people/people.py", "circle = tie.alias == person", "circle = False", PEOPLE),
    Mutation("an id joins whoever asks last", "people/people.py", "if other != tie.alias:", "if False:", PEOPLE),
    # What it decides.
    Mutation(
        "events decide",
        "fold/fold.py",
        "if ticked or (plan and plan.immediate and place in touched):",
        "if ticked or plan:",
    ),
    Mutation(
        "immediate campaigns wait for a tick",
        "fold/fold.py",
        "if ticked or (plan and plan.immediate and place in touched):",
        "if ticked:",
    ),
    Mutation(
        "a tick is folded before the events after it",
        "fold/fold.py",
        "            ticked = True\n",
        "            ticked = True\n"
        "            for each in draft:\n"
        "                decisions += _decide(each, draft[each], plans.get(each), now, 99)\n",
    ),
    Mutation(
        "what is due now is not due yet",
        "fold/watches.py",
        "if not self.dues or self.dues[0][0] > now:",
        "if not self.dues or self.dues[0][0] >= now:",
    ),
    Mutation(
        "a minute early",
        "fold/watches.py",
        "if not self.dues or self.dues[0][0] > now:",
        "if not self.dues or self.dues[0][0] > now + 60_000:",
    ),
    Mutation(
        "that it was decided is not marked",
        "fold/deciding.py",
        ".over_with(trigger, decided)",
        "._replace(trigger=None, wait=None)",
    ),
    Mutation(
        "a decided watch forgets its mark",
        "fold/deciding.py",
        ".over_with(trigger, decided)",
        "._replace(trigger=None, decided=decided, wait=None)",
    ),
    Mutation("a paused campaign sends", "fold/deciding.py", 'PAUSED if plan.paused else ""', '""'),
    Mutation(
        "a campaign that is gone sends",
        "fold/deciding.py",
        "reason = DELETED if campaign in gate.plans.deleted else GONE",
        'reason = ""',
    ),
    Mutation(
        "a campaign that is gone decides nothing",
        "fold/fold.py",
        "        plan = plans.get(campaign)\n",
        "        plan = plans.get(campaign)\n        if plan is None:\n            continue\n",
    ),
    Mutation(
        "a summary does not wait for the last of its watches",
        "fold/deciding.py",
        "any(trigger.due > now for _, trigger in pending)",
        "all(trigger.due > now for _, trigger in pending)",
        SUMMARY,
    ),
    Mutation(
        "a summary waits for room it does not need",
        "fold/deciding.py",
        "room <= 0 or",
        "len(pending) > room or",
        SUMMARY,
    ),
    Mutation(
        "a summary is taken back for one watch only",
        "fold/seeing.py",
        "if each == key or same:",
        "if each == key:",
        SUMMARY,
    ),
    Mutation(
        "a summary begins with the oldest",
        "fold/deciding.py",
        "for key, trigger in due), reverse=True)",
        "for key, trigger in due))",
        SUMMARY,
    ),
    Mutation(
        "a summary has no limit",
        "fold/deciding.py",
        "for trigger in told],\n        at=",
        "for trigger in triggers],\n        at=",
        SUMMARY,
    ),
    Mutation(
        "a summary is ticked for the first of its watches",
        "fold/watches.py",
        "max(t.due for _, t in known.pending()) if name in summaries else known.dues[0][0]",
        "known.dues[0][0]",
        SUMMARY,
    ),
    Mutation(
        "a tick decides without end",
        "fold/deciding.py",
        "while len(decisions) < room and (first",
        "while (first",
        SUMMARY,
    ),
    # What it forgets.
    Mutation(
        "marks are pruned too early by max_age",
        "fold/forgetting.py",
        "return (plan.max_age if plan else LONGEST_MS) + limits.waiting",
        "return limits.waiting",
    ),
    Mutation(
        "marks are pruned while events wait in the queue",
        "fold/forgetting.py",
        "return (plan.max_age if plan else LONGEST_MS) + limits.waiting",
        "return plan.max_age if plan else LONGEST_MS",
    ),
    Mutation(
        "marks are pruned a moment too early",
        "fold/fold.py",
        "watches.forget(now - keep_of(plan, limits))",
        "watches.forget(now - keep_of(plan, limits) + 1)",
    ),
    Mutation(
        "pending watches are pruned",
        "fold/watches.py",
        "if (watch := self.get(key)) and not watch.pending and watch.over < before:",
        "if (watch := self.get(key)) and watch.over < before:",
    ),
    Mutation(
        "what was sent is forgotten before it can be taken back",
        "fold/watches.py",
        "max(self.latest, self.decided.when) if self.decided else self.latest",
        "self.latest",
    ),
    Mutation(
        "parts do not wait for the others",
        "fold/watches.py",
        "return max(over, self.latest + PARTS_MS) if self.parts else over",
        "return over",
    ),
    Mutation("nothing is pruned", "fold/fold.py", "watches.forget(now - keep_of(plan, limits))", "pass"),
    Mutation(
        "floors are dropped at once",
        "fold/forgetting.py",
        "if floor[0] + keep_of(plans.get(campaign_of(c)), limits) >= now",
        "if floor[0] >= now",
    ),
    # What is too much.
    Mutation(
        "one watch too few",
        "fold/deciding.py",
        "ranked[: len(ranked) - most]",
        "ranked[: len(ranked) - most + 1]",
    ),
    Mutation("no cap", "fold/fold.py", "if len(draft.touched[place]) > limits.watches:", "if False:"),
    Mutation(
        "the newest watches go",
        "fold/deciding.py",
        "ranked = sorted((stage(watch), watch.latest, key)",
        "ranked = sorted((stage(watch), -watch.latest, key)",
    ),
    Mutation(
        "watches go silently",
        "fold/deciding.py",
        "if trigger := watches.pop(key).pending:",
        "if watches.pop(key) is None:",
    ),
    Mutation(
        "floors are ignored",
        "fold/seeing.py",
        "elif floor and watch is NOTHING and (hit.at, key) <= floor:",
        "elif False:",
    ),
    Mutation(
        "what is below the floor goes silently",
        "fold/seeing.py",
        "if plan.single and not (everything",
        "if False and not (everything",
    ),
    Mutation("no floor is set", "fold/deciding.py", "floors[campaign] = floor\n", "pass\n"),
    # The state and its text.
    Mutation(
        "an exit at the trigger's time does not close",
        "fold/watches.py",
        "trigger.at <= self.exit + self.grace",
        "trigger.at < self.exit + self.grace",
    ),
    Mutation(
        "a decided trigger is pending again",
        "fold/watches.py",
        "(trigger.at, trigger.id) <= (decided.at, decided.id)",
        "(trigger.at, trigger.id) < (decided.at, decided.id)",
    ),
    Mutation(
        "one decision for all triggers of one time",
        "fold/watches.py",
        "(trigger.at, trigger.id) <= (decided.at, decided.id)",
        "trigger.at <= decided.at",
    ),
    Mutation(
        "the state is due when its last watch is", "fold/watches.py", "else known.dues[0][0]", "else known.dues[-1][0]"
    ),
    Mutation(
        "parts do not count as seen",
        "fold/watches.py",
        "return max(latest, *(part.at for part in self.parts.values())) if self.parts else",
        "return latest if True else",
    ),
    Mutation("the codec forgets when a watch is due", "fold/stored.py", "if trigger.due:", "if False:"),
    Mutation("the codec forgets exits", "fold/stored.py", "if watch.exit:", "if False:"),
    Mutation("the codec forgets floors", "fold/stored.py", '("floors", "recent"', '("recent"'),
    # What an event means.
    Mutation(
        "no settling",
        "plans/reading.py",
        "max(at + plan.within, arrived + min(plan.settle, plan.within))",
        "at + plan.within",
    ),
    Mutation(
        "settling may be longer than the window", "plans/reading.py", "min(plan.settle, plan.within)", "plan.settle"
    ),
    Mutation("the window begins on arrival", "plans/reading.py", "max(at + plan.within,", "max(arrived + plan.within,"),
    Mutation(
        "an event of exactly max_age is history",
        "plans/reading.py",
        "arrived - at > plan.max_age",
        "arrived - at >= plan.max_age",
    ),
    Mutation("values match untrimmed", "paths.py", 'trimmed = " ".join(text.split())', "trimmed = text", VALUES),
    Mutation("composed letters are others", "paths.py", 'unicodedata.normalize("NFC", text.', "(text.", VALUES),
    Mutation("what cannot be seen makes a value another", "paths.py", "text.translate(_INVISIBLE)", "text", VALUES),
    Mutation("an amount that is no number is no purchase", "paths.py", "raise Unclear(_not_a_number(", "str((", VALUES),
    Mutation(
        "an amount that cannot be converted is no purchase",
        "paths.py",
        "is not None:\n                raise",
        "is None:\n                raise",
        VALUES,
    ),
    Mutation("case matters always", "paths.py", "folded(text.casefold())", "folded(text)", VALUES),
    Mutation(
        "1.0 is not 1", "paths.py", "str(int(value)) if value.is_integer() else repr(value)", "repr(value)", VALUES
    ),
    Mutation("whole numbers are shown as they came", "paths.py", "type(value) is float and", "False and", VALUES),
    Mutation(
        "of two ways to write a value the last is shown",
        "plans/reading.py",
        "values.setdefault(key, shown(cells[0]) if len(cells) == 1 else [shown(cell) for cell in cells])",
        "values[key] = shown(cells[0]) if len(cells) == 1 else [shown(cell) for cell in cells]",
    ),
    Mutation("where is ignored", "plans/plans.py", "if route.where is None or truthy(", "if True or truthy("),
    Mutation("only the first of a list counts", "plans/reading.py", "column[row % len(column)]", "column[0]"),
    Mutation("a half blank row is skipped", "plans/reading.py", "elif any(keys):", "elif False:", VALUES),
    Mutation("what is kept has no limit", "plans/reading.py", "if why := beyond(kept):", "if False:", INTAKE),
    # Grace, every value, snapshots, any of several, names of one's own.
    Mutation("no grace", "fold/watches.py", "trigger.at <= self.exit + self.grace:", "trigger.at <= self.exit:"),
    Mutation("a snapshot ends what is of its own time", "plans/plan.py", "EARLIER = -1", "EARLIER = 0"),
    Mutation(
        "an exit for every value ends what is known alone",
        "fold/seeing.py",
        "        if everything:\n            ends_of(draft).put(hit.campaign, key, watches)\n",
        "",
    ),
    Mutation(
        "an exit for every value ends what is to come alone",
        "fold/seeing.py",
        "    for key in list(watches):\n        if key not in hit.values:",
        "    for key in []:\n        if key not in hit.values:",
    ),
    Mutation("a snapshot ends what it holds", "fold/seeing.py", "if key not in hit.values:", "if True:", VALUES),
    Mutation(
        "a snapshot of long ago ends something", "fold/seeing.py", "if hit.part != EXIT and hit.history:", "if False:"
    ),
    Mutation(
        "the mark for every value is the last folded",
        "fold/spaces.py",
        "self.all[place] = furthest(self.all.get(place, NO_MARK), mark)",
        "self.all[place] = mark",
    ),
    Mutation(
        "the mark for every value is forgotten at once",
        "fold/forgetting.py",
        "if sum(mark) + keep_of(plans.get(campaign_of(c)), limits) >= now}",
        "if sum(mark) >= now}",
    ),
    Mutation("all of several are needed", "plans/plan.py", "self.any_of or len(self.did) == 1", "len(self.did) == 1"),
    Mutation("own names are events", "plans/reading.py", "return [(plan.events.get(name, name), ", "return [(name, "),
    # Spaces.
    Mutation(
        "spaces share their watches", "places.py", 'f"{campaign}@{space}" if space else campaign', "campaign", SPACES
    ),
    Mutation("another match is the same reading", "plans/plan.py", "before.match == after.match and ", "", SPACES),
    Mutation("other exits are the same reading", "plans/plan.py", " and exits_of(old) == exits_of(new)", "", SPACES),
    Mutation("other keys are the same reading", "plans/plan.py", "same_keys(old, new) and ", "", SPACES),
    Mutation(
        "what reads for another space opens watches there",
        "fold/seeing.py",
        "hit.history or not hit.opens:",
        "hit.history:",
        SPACES,
    ),
    Mutation(
        "older readings of exits are over",
        "plans/reading.py",
        "[*read_by(other, other.place), *(read_by(plan, other.place) if same_keys(other, plan) else ())]",
        "[*(read_by(plan, other.place) if same_keys(other, plan) else ())]",
        SPACES,
    ),
    Mutation(
        "the live reading of exits is for its own space alone",
        "plans/reading.py",
        "*(read_by(plan, other.place) if same_keys(other, plan) else ())]",
        "]",
        SPACES,
    ),
    Mutation(
        "keys are taken for those of another reading",
        "plans/reading.py",
        "(read_by(plan, other.place) if same_keys(other, plan) else ())",
        "read_by(plan, other.place)",
        SPACES,
    ),
    Mutation("what another space cannot read is reported", "plans/plans.py", '"" if route.foreign else ', "", SPACES),
    Mutation(
        "two readings of an exit have to agree", "plans/plans.py", " and p.doubt.campaign not in ended", "", SPACES
    ),
    Mutation(
        "older spaces decide as well",
        "fold/spaces.py",
        "if known.trigger and known.trigger.mark <= trigger.mark:",
        "if False:",
        SPACES,
    ),
    Mutation(
        "exits of before a change end nothing that comes after it",
        "fold/spaces.py",
        "max(sum(known.own_exit), sum(every))",
        "sum(every)",
        SPACES,
    ),
    Mutation(
        "exits for every value of before a change end nothing that comes after it",
        "fold/spaces.py",
        "max(sum(known.own_exit), sum(every))",
        "sum(known.own_exit)",
        SPACES,
    ),
    Mutation(
        "exits of after a change are taken for those of before it",
        "fold/spaces.py",
        "max(sum(known.own_exit), sum(every))",
        "max(known.reach, sum(every))",
        SPACES,
    ),
    Mutation(
        "exits for every value of after a change are taken for those of before it",
        "fold/spaces.py",
        "own = self.own_of(place) if later else",
        "own = self.own_of(place) if False else",
        SPACES,
    ),
    Mutation(
        "what an older space decided is decided again",
        "fold/spaces.py",
        "if known.decided and known.decided.mark >= trigger.mark:",
        "if False:",
        SPACES,
    ),
    Mutation(
        "a later occurrence of an older space is not the one that counts",
        "fold/spaces.py",
        "if known.trigger and known.trigger.mark > trigger.mark:",
        "if False:",
        SPACES,
    ),
    Mutation(
        "values do not stand side by side",
        "fold/seeing.py",
        "[keys[number]] if len(keys) == len(hit.values) else sorted(keys)",
        "sorted(keys)",
        SPACES,
    ),
    Mutation(
        "of several parts only the last one has keys in older spaces",
        "fold/merging.py",
        "sorted({*elder.get(place, ()), *keys})",
        "[*keys]",
        SPACES,
    ),
    Mutation(
        "what a newer space sent is not taken back",
        "fold/seeing.py",
        "if ended and takes_back(",
        "if False and takes_back(",
        SPACES,
    ),
    Mutation(
        "doubts of before a change concern nothing that comes after it",
        "fold/deciding.py",
        "for elder in trigger.elder for",
        "for elder in () for",
        SPACES,
    ),
    Mutation(
        "doubts of after a change are taken for those of before it",
        "fold/deciding.py",
        " if not each.later]",
        "]",
        SPACES,
    ),
    Mutation(
        "a space of before the campaign was deleted goes on",
        "fold/deciding.py",
        '"" if place in gate.plans.places else GONE',
        '""',
        SPACES,
    ),
    Mutation(
        "a decision names the space",
        "fold/deciding.py",
        "= campaign_of(place), trigger.shown",
        "= place, trigger.shown",
        SPACES,
    ),
    Mutation(
        "what is decided elsewhere is open",
        "fold/watches.py",
        "if self.elsewhere is not None and (trigger.at, trigger.id) <= self.elsewhere:",
        "if False:",
        SPACES,
    ),
    # Doubts.
    Mutation(
        "nothing is in doubt", "fold/deciding.py", "why = reason or _in_doubt(place, trigger, doubts)", "why = reason"
    ),
    Mutation(
        "a doubt does not reach as far as the grace",
        "fold/deciding.py",
        "trigger.at <= doubt.reach]",
        "trigger.at <= doubt.at]",
        VALUES,
    ),
    Mutation("a doubt is never taken away", "fold/fold.py", "doubts=taken_away(draft.rest.doubts, hit)", ""),
    Mutation(
        "a copy brings the doubt back",
        "fold/merging.py",
        "(not new.why, order(new), not new.later) > (not old.why, order(old), not old.later)",
        "order(new) > order(old) or not old.why",
    ),
    Mutation("a doubt ends as marks do", "fold/forgetting.py", " or first <= each.reach}", "}"),
    Mutation("a doubt never ends", "fold/forgetting.py", "if each.reach >= before or first", "if True or first"),
    Mutation("one doubt too many goes silently", "fold/merging.py", 'keep_doubt(known, "", least)', "pass"),
    Mutation(
        "triggers leave doubts", "plans/reading.py", "(self.part == EXIT or self.snapshot) and", "True and", INTAKE
    ),
    Mutation(
        "exits leave no doubts", "plans/plans.py", "error.why) if route.ends else None", "error.why) if False else None"
    ),
    Mutation(
        "marks of exits go last",
        "fold/deciding.py",
        "return 2 if watch.pending else 1 if watch.parts else 0",
        "return 0",
    ),
    # The timing wheel.
    Mutation("a nomination of the past counts", "fold/timers.py", "now < nominated <= due", "nominated <= due", TIMERS),
    Mutation("a later nomination will do", "fold/timers.py", "now < nominated <= due", "now < nominated", TIMERS),
    Mutation(
        "every fold nominates", "fold/timers.py", "(nominated is not None and now < nominated <= due)", "False", TIMERS
    ),
    Mutation("users are nominated for the past", "fold/timers.py", "return max(due, now)", "return due", TIMERS),
    Mutation(
        "a tick that may have been folded already will do",
        "fold/timers.py",
        "NEAR_MS = 5_000",
        "NEAR_MS = -(1 << 60)",
        TIMERS,
    ),
    Mutation("clocks are taken to agree", "fold/timers.py", "NEAR_MS = 5_000", "NEAR_MS = 0", TIMERS),
    Mutation("delays are rounded down", "fold/timers.py", "-(-(at - now) // 1000)", "(at - now) // 1000", TIMERS),
    Mutation("delays have no limit", "fold/timers.py", ", REACH_MS // 1000)", ", 1 << 60)", TIMERS),
    Mutation(
        "what is due in a quarter of an hour is near",
        "fold/timers.py",
        "at < now + REACH_MS",
        "at <= now + REACH_MS",
        TIMERS,
    ),
    Mutation("sweep does not look ahead", "fold/timers.py", "now + AHEAD_MS + 1", "now + 1", TIMERS),
    Mutation("sweep looks too far ahead", "fold/timers.py", "AHEAD_MS = 10 * 60_000", "AHEAD_MS = 16 * 60_000", TIMERS),
    Mutation(
        "sweep skips the first slot", "fold/timers.py", "return range(cursor,", "return range(cursor + SLOT_MS,", TIMERS
    ),
    Mutation(
        "only the first users of a slot are kept",
        "fold/timers.py",
        "for chunk in _chunks(users)\n    ]",
        "for chunk in list(_chunks(users))[:1]\n    ]",
        TIMERS,
    ),
    Mutation(
        "of two nominations of a user one takes the other's place",
        "fold/timers.py",
        "or not together.keys().isdisjoint(users):",
        "or False:",
        TIMERS,
    ),
    # What is in force when.
    Mutation(
        "all events are read by the newest",
        "intake/timeline.py",
        "bisect_right(self._turns, moment)",
        "len(self._turns)",
        TIMELINE,
    ),
    Mutation(
        "a revision is in force a moment late",
        "intake/timeline.py",
        "bisect_right(self._turns, moment)",
        "bisect_right(self._turns, moment - 1)",
        TIMELINE,
    ),
    Mutation(
        "what is published last is not the newest",
        "intake/timeline.py",
        "return self._after(len(self._turns))",
        "return self._after(len(self._turns) - 1)",
        TIMELINE,
    ),
    Mutation("what was deleted is forgotten", "intake/timeline.py", "if what is None)", "if False)", TIMELINE),
    Mutation(
        "the order in which revisions were read counts",
        "intake/timeline.py",
        "sorted(entries, key=lambda entry: entry.since)",
        "list(entries)",
        TIMELINE,
    ),
    # What is looked at at all.
    Mutation(
        "the heaps are not copied with the watches",
        "fold/watches.py",
        "copy.dues, copy.overs = watches.dues.copy(), watches.overs.copy()",
        "copy.dues, copy.overs = watches.dues, watches.overs",
    ),
    Mutation(
        "an entry that no longer holds stays first",
        "fold/watches.py",
        "            heappop(dues)\n",
        "            break\n",
    ),
    Mutation(
        "what moved on is forgotten at its old time",
        "fold/watches.py",
        "if (watch := self.get(key)) and not watch.pending and watch.over < before:",
        "if (watch := self.get(key)) and not watch.pending:",
    ),
    Mutation(
        "only what is touched is looked at",
        "fold/fold.py",
        "if place not in draft.touched and _stirs(watches, plans.get(campaign_of(place)), now, limits):",
        "if False:",
    ),
    # What the simulation orders, and puts off.
    Mutation(
        "what is due at an event's time fires after it",
        "explain/replay.py",
        ".due <= now:\n            self.catch_up",
        ".due < now:\n            self.catch_up",
        SIMULATION,
    ),
    Mutation(
        "users decide in the order in which they were looked at",
        "explain/replay.py",
        '"" if by == BY_EVENT else id_',
        '""',
        SIMULATION,
    ),
    Mutation(
        "what falls due at once waits",
        "explain/replay.py",
        "while self._user(user).due <= self.now:",
        "while False:",
        SIMULATION,
    ),
    Mutation(
        "what comes late waits", "explain/replay.py", "if hit.at < now or due <= now", "if due <= now", SIMULATION
    ),
    Mutation(
        "what a summary may end waits",
        "explain/replay.py",
        "if plans.summaries and campaign_of(hit.campaign) in plans.summaries:",
        "if False:",
        SIMULATION,
    ),
    Mutation(
        "what makes too many watches waits",
        "explain/replay.py",
        "most_known + MOST * WIDEST > most",
        "False",
        SIMULATION,
    ),
    Mutation(
        "users are held for ever",
        "explain/replay.py",
        "if due is None and len(self._states) >= self._room:",
        "if False:",
        SIMULATION,
    ),
]


def main(wanted: list[str]) -> int:
    chosen = [each for each in MUTATIONS if not wanted or any(part in each.name for part in wanted)]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(WORKERS) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(WORKERS):
            copies.put(_copy(Path(temporary) / str(number)))
        if failed := _tests(copy := copies.get(), LAWS + TIMERS):
            print(f"without any mutation fails: {failed}")  # noqa: T201
            return 1
        copies.put(copy)
        width = max(len(each.name) for each in chosen)
        survived = 0
        for mutation, (fine, verdict) in zip(chosen, pool.map(lambda each: _try(each, copies), chosen), strict=True):
            survived += not fine
            print(f"{mutation.name:{width}}  {verdict}", flush=True)  # noqa: T201
    print(f"{len(chosen)} mutations, {survived} not killed, {time.monotonic() - began:.0f} s")  # noqa: T201
    return 1 if survived else 0


def _copy(to: Path) -> Path:
    for name in COPIED:
        source, target = ROOT / name, to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "conftest.py"))
        else:
            shutil.copy(source, target)
    (to / "tests" / "conftest.py").write_text(CONFTEST)
    return to


def _try(mutation: Mutation, copies: SimpleQueue[Path]) -> tuple[bool, str]:
    """Whether it was killed, and a word on that."""
    copy = copies.get()
    path = copy / "lambdas" / "holdfast" / "core" / mutation.file
    original = path.read_text()
    try:
        if original.count(mutation.old) != 1:
            return False, f"DOES NOT APPLY: its text is there {original.count(mutation.old)} times"
        path.write_text(original.replace(mutation.old, mutation.new))
        failed = _tests(copy, mutation.tests)
        return bool(failed), f"killed by {failed}" if failed else "SURVIVED"
    finally:
        path.write_text(original)
        copies.put(copy)


def _tests(copy: Path, files: tuple[str, ...]) -> str:
    """The first test that fails; empty where none does."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider"]
    command += ["--override-ini=addopts=--import-mode=importlib", *(f"tests/unit/{file}" for file in files)]
    environment = {**os.environ, "PYTHONPATH": f"{copy}/lambdas{os.pathsep}{copy}", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return "running into the time limit"
    if done.returncode == 0:
        return ""
    if done.returncode in NOT_RUN:
        raise RuntimeError(f"{' '.join(files)} could not be run: {(done.stdout + done.stderr)[-300:]}")
    found = re.search(r"^(?:FAILED|ERROR) tests/unit/(?:\S+?::)?(.*?)(?: - .*)?$", done.stdout, re.MULTILINE)
    return found[1] if found else f"what pytest says: {(done.stdout + done.stderr)[-300:]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
