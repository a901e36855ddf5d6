"""A user's state, and the decisions beside it, cut to fit one DynamoDB item, whatever the other limits allow.

Nearly every fold fits as it is, and pays nothing for this.

A state that is too long first loses its oldest exposures: what follows those is not counted any more. Then it loses
watches, in the same order as beyond a campaign's cap: first marks with nothing to decide, then the oldest open watches,
which are withheld with that reason.

Decisions that are too long are made in several folds: the watches left over stay due. The last decisions that are
withheld only because there are too many are summed up in one for each campaign.

The watches that are dropped depend on their length at the time of saving. Up to that limit, but no further, the order
of events makes no difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from holdfast.core.events import canonical, canonical_bytes
from holdfast.core.fold.asking import UNKNOWN, Known
from holdfast.core.fold.conversions import all_of
from holdfast.core.fold.deciding import TOO_MANY, evict, stage
from holdfast.core.fold.fold import fold
from holdfast.core.fold.forgetting import LIMITS, Limits
from holdfast.core.fold.merging import Alias
from holdfast.core.fold.stored import encode
from holdfast.core.fold.watches import Decision, State, Watches
from holdfast.core.plans.hits import Input
from holdfast.core.plans.plans import Plans

STATE_BYTES = 200_000
TRIMMED_BYTES = 180_000
"""How long a state may be once it was too long: with room for what it remembers of what went, and for the next ones."""
ITEM_BYTES = 380_000
"""The most of state and decisions together: an item may have 409,600 bytes, its key and other attributes included."""
TOO_LARGE = "too large"


class Folded(NamedTuple):
    """The result of a fold, with the texts to save. `text` is empty if nothing has changed."""

    state: State
    decisions: Sequence[Decision]
    text: str = ""
    outbox: str | None = None


def fold_to_fit(
    state: State,
    inputs: Sequence[Input],
    plans: Plans,
    now: int,
    limits: Limits = LIMITS,
    known: Known = UNKNOWN,
    *,
    aliases: Sequence[Alias] = (),
) -> Folded:
    """The same as `fold`, with a result that fits and can be saved."""
    folded = _fold(state, inputs, plans, now, limits, known, aliases=aliases)
    while not _fits(folded) and (fewer := len(folded.decisions) // 2) and limits.decisions > 1:
        limits = limits._replace(decisions=min(fewer, limits.decisions // 2))
        folded = _fold(state, inputs, plans, now, limits, known, aliases=aliases)
    if _fits(folded):
        return folded
    decisions = _shorter(folded.decisions, ITEM_BYTES - _bytes(folded.text))
    return Folded(folded.state, decisions, folded.text, canonical(decisions))


def _fold(
    state: State,
    inputs: Sequence[Input],
    plans: Plans,
    now: int,
    limits: Limits,
    known: Known,
    *,
    aliases: Sequence[Alias],
) -> Folded:
    new, decisions = fold(state, inputs, plans, now, limits, known, aliases=aliases)
    if new == state and not decisions:
        return Folded(new, ())
    text = encode(new)
    if len(text) * 4 > STATE_BYTES and _bytes(text) > STATE_BYTES:
        new, evicted = _trimmed(new, _bytes(text), now)
        decisions, text = [*decisions, *evicted], encode(new)
    return Folded(new, decisions, text, canonical(decisions) if decisions else None)


def _fits(folded: Folded) -> bool:
    outbox = folded.outbox or ""
    return (len(folded.text) + len(outbox)) * 4 <= ITEM_BYTES or _bytes(folded.text) + _bytes(outbox) <= ITEM_BYTES


def _bytes(text: str) -> int:
    return len(text.encode())


def _trimmed(state: State, size: int, now: int) -> tuple[State, list[Decision]]:
    """The state without its least important parts, cut as far as needed, and the decisions that this causes."""
    if state.exposures:
        state, size = _without_exposures(state, size)
    ranked = sorted((stage(watch), watch.latest, campaign, key) for campaign, key, watch in state.all())
    go: dict[str, int] = {}
    for _, _, campaign, key in ranked:
        if size <= TRIMMED_BYTES:
            break
        alone = {campaign: Watches.of({key: state.watches[campaign][key]})}
        size -= len(encode(State(alone)).encode()) - len(encode(State({campaign: Watches.of({})})).encode()) + 1
        go[campaign] = go.get(campaign, 0) + 1
    watches, floors = dict(state.watches), dict(state.floors)
    decisions: list[Decision] = []
    for campaign, number in go.items():
        draft = Watches.of(watches[campaign])
        decisions += evict(campaign, draft, floors, now, len(draft) - number)
        watches[campaign] = draft
    left = {campaign: each for campaign, each in watches.items() if each}
    return state._replace(watches=left, floors=floors), decisions


def _without_exposures(state: State, size: int) -> tuple[State, int]:
    """The state without its oldest exposures, as many as have to go."""
    oldest = sorted(all_of(state.exposures), key=lambda each: (each[1].when, each[0]))
    go: Counter[str] = Counter()
    for place, exposure in oldest:
        if size <= TRIMMED_BYTES:
            break
        size -= len(canonical_bytes(exposure)) + 1
        go[place] += 1
    left = {place: tuple(of[go[place] :]) for place, of in state.exposures.items()}
    return state._replace(exposures={place: of for place, of in left.items() if of}), size


def _shorter(decisions: Sequence[Decision], room: int) -> list[Decision]:
    """The decisions that must be made one by one, as many others as fit, and one for each campaign for the rest."""
    kept = [each for each in decisions if each.reason != TOO_MANY]
    room -= sum(_size(each) for each in kept)
    if room < 0:
        kept = [each if each.kind != "send" else _bare(each, TOO_LARGE) for each in kept]
    rest: dict[str, Decision] = {}
    for each in sorted(
        (each for each in decisions if each.reason == TOO_MANY), key=lambda each: each.mark, reverse=True
    ):
        bare = _bare(each, TOO_MANY)
        if each.campaign not in rest and room >= 2 * (size := _size(bare)):
            room -= size
            kept.append(bare)
        else:
            first = rest.setdefault(each.campaign, bare._replace(key="", shown=None, open=0))
            rest[each.campaign] = first._replace(open=first.open + each.open)
    return [*kept, *rest.values()]


def _bare(decision: Decision, reason: str) -> Decision:
    return decision._replace(kind="withhold", reason=reason, event={}, events=(), recent={}, done={})


def _size(decision: Decision) -> int:
    return len(canonical_bytes(decision)) + 1
