"""`holdfast campaign diff`, `rollback` and `history`: what a change would do, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from pydantic import ValidationError
from rich.markup import escape
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from holdfast.aws.campaigns import Campaigns, Published, UnknownCampaign
from holdfast.aws.users import Users
from holdfast.core import profiles, watches
from holdfast.core.campaigns import Campaign
from holdfast.core.events import Json as JsonValue
from holdfast.core.messages import iso
from holdfast.core.plans import Plan
from holdfast.core.revisions import Change, Comparison, Difference, FindRevision, Outcome, changes
from holdfast.core.watches import State
from holdfast_cli.campaign_file import CampaignFileError, read_campaign
from holdfast_cli.campaigns import Id, campaigns, publish_one, show_mistakes
from holdfast_cli.output import Failure, Json, Stage, out, print_json, print_rows, progress
from holdfast_cli.stack import Deployment
from holdfast_cli.users import users


def plan_of(table: Campaigns) -> FindRevision:
    """Any revision's plan; each is read once."""
    return lru_cache(maxsize=None)(lambda campaign, revision: _get(table, campaign, revision).plan)


def _get(table: Campaigns, campaign: str, revision: int | None = None) -> Published[Plan]:
    try:
        return table.get(campaign, revision)
    except UnknownCampaign as error:
        raise Failure(f"There is no campaign {error}. See: holdfast campaign list") from None


def diff(
    file: Annotated[Path, typer.Argument(help="A campaign file, YAML or JSON.", show_default=False)],
    *,
    examples: Annotated[int, typer.Option(help="How many watches to show of each kind.", min=0)] = 3,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """A file against the live revision: which fields change, and what that does to the watches that are open now.

    Reads the whole users table. Each open watch is told as if nothing more came in until it is due.
    """
    try:
        campaign, text = read_campaign(file)
    except CampaignFileError as error:
        show_mistakes(error, as_json=json)
        raise typer.Exit(1) from None
    deployment = Deployment.find(stage)
    table = campaigns(deployment)
    try:
        live = table.get(campaign.id)
    except UnknownCampaign:
        if json:
            print_json({"campaign": campaign.id, "live": None, "changes": [], "open": 0})
        else:
            out.print(f"{campaign.id} is not published yet: there is nothing to compare with")
        return
    found = changes(_fields(live.source), campaign.model_dump(by_alias=True, mode="json"))
    comparison = Comparison(live.plan, campaign.plan(live.plan.revision + 1), plan_of(table), examples=examples)
    if any(change.open for change in found):
        for each in _open(users(deployment), campaign.id):
            comparison.add(*each)
    if json:
        _print(live, found, comparison)
    else:
        _show(live, found, comparison, same=live.source == text)


def _fields(source: str) -> dict[str, JsonValue]:
    """What a published file says, with what it leaves to defaults; as it stands where today's rules refuse it."""
    try:
        data = YAML(typ="safe").load(source)
        return Campaign.model_validate(data).model_dump(by_alias=True, mode="json")
    except ValidationError:
        return dict(data) if isinstance(data, dict) else {}
    except YAMLError:
        return {}


class _User(NamedTuple):
    user: str
    state: State
    properties: Mapping[str, JsonValue]


def _open(table: Users, campaign: str) -> Iterator[_User]:
    """Everyone with an open watch of the campaign."""
    with progress("reading the users table", table.size() or None) as bar:
        for page in table.scan(campaign):
            states = {user: _only(campaign, watches.decode(text)) for user, text in page.states.items()}
            pending = [user for user, state in states.items() if state.due() is not None]
            found, unread = table.read((user, "profile") for user in pending)
            if unread:
                raise Failure("AWS throttles reading the users table. Try again in a minute.")
            for user in pending:
                profile = profiles.decode(found[user, "profile"].state) if (user, "profile") in found else {}
                yield _User(user, states[user], profiles.properties(profile))
            bar.advance(bar.task_ids[0], page.scanned)


def _only(campaign: str, state: State) -> State:
    return State({campaign: state.watches[campaign]} if campaign in state.watches else {})


def _print(live: Published[Plan], found: list[Change], comparison: Comparison) -> None:
    print_json(
        {
            "campaign": live.plan.id,
            "live": live.plan.revision,
            "paused": live.plan.paused,
            "changes": [change._asdict() for change in found],
            "open": comparison.open,
            "users": comparison.users,
            "effects": {effect: comparison.effects[effect] for effect in ("gained", "lost", "changed", "same")},
            "messages": dict(comparison.messages),
            "examples": [each.to_json() for each in comparison.examples],
        }
    )


def _show(live: Published[Plan], found: list[Change], comparison: Comparison, *, same: bool) -> None:
    out.print(f"[bold]{live.plan.id}[/] against revision {live.plan.revision}, which is live")
    if not found:
        out.print("Nothing changes." if same else "Nothing changes but how it is written.")
        return
    for change in found:
        out.print(f"  {escape(change.field)}{'' if change.open else ' [dim](for events from then on)[/]'}")
        for sign, colour, value in (("-", "red", change.before), ("+", "green", change.after)):
            if value not in (None, [], {}):
                out.print(f"    [{colour}]{sign} {escape(_text(value))}[/]")
    if not any(change.open for change in found):
        out.print("The watches that are open now fall due as before, and send what they would have sent.")
        return
    for sentence in comparison.sentences():
        out.print(sentence)
    if live.plan.paused and comparison.open:
        out.print("[yellow]The campaign is paused: until it is resumed, all that falls due is withheld.[/]")
    for each in comparison.examples:
        _show_example(each)


def _show_example(example: Difference) -> None:
    about = f"{example.user} · {_text(example.constant)}" if example.constant is not None else example.user
    out.print(f"\n  [bold]{example.effect}[/] {escape(about)}")
    before, after = _lines(example.before), _lines(example.after)
    for sign, colour, lines in (("-", "red", before - after), ("+", "green", after - before)):
        for line in sorted(lines):
            out.print(f"    [{colour}]{sign} {escape(line)}[/]")


def _lines(outcome: Outcome) -> set[str]:
    if outcome.values is None:
        return {f"withheld: {outcome.reason}"}
    return {f"{key}: {value}" for key, value in outcome.values.items()}


def _text(value: JsonValue) -> str:
    return ", ".join(map(_text, value)) if isinstance(value, list) else str(value)


def rollback(
    campaign: Id,
    *,
    to: Annotated[int | None, typer.Option(help="Which revision; without, the one before the live one.")] = None,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Publish an old revision again, as a new one: what was published stays in the history as it was."""
    table = campaigns(Deployment.find(stage))
    live = _get(table, campaign)
    number = live.plan.revision - 1 if to is None else to
    if number < 1:
        raise Failure(f"{campaign} has one revision only: there is nothing to go back to")
    source = _get(table, campaign, number).source
    news = "unchanged" if source == live.source else "published"
    published = live if source == live.source else publish_one(table, _valid(campaign, number, source), source)
    revision = published.plan.revision
    if json:
        print_json({"campaign": campaign, "revision": revision, "from": number, "news": news})
    elif news == "unchanged":
        out.print(f"{campaign} revision {revision}, which is live, says the same as revision {number}")
    else:
        out.print(f"[green]✓[/] {campaign} revision {revision}: published, as revision {number} was")


def _valid(campaign: str, revision: int, source: str) -> Campaign:
    try:
        return Campaign.model_validate(YAML(typ="safe").load(source))
    except (ValidationError, YAMLError) as error:
        told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise Failure(
            f"Revision {revision} of {campaign} is not valid any more: {told}."
            f" See: holdfast campaign show {campaign} --revision {revision}"
        ) from None


def history(campaign: Id, *, stage: Stage = "local", json: Json = False) -> None:
    """Every revision of a campaign, oldest first, and what each changed."""
    table = campaigns(Deployment.find(stage))
    live = _get(table, campaign)
    print_rows(
        _history(table.revisions(campaign), live), ["revision", "published_at", "state", "changed"], as_json=json
    )


def _history(revisions: list[Published[Plan]], live: Published[Plan]) -> Iterator[dict[str, Any]]:
    before: dict[str, JsonValue] = {}
    for published in revisions:
        fields = _fields(published.source)
        is_live = published.plan.revision == live.plan.revision
        yield {
            "revision": published.plan.revision,
            "published_at": iso(published.published_at),
            "state": ("paused" if live.plan.paused else "live") if is_live else "",
            "changed": [change.field for change in changes(before, fields)] if before else [],
        }
        before = fields
