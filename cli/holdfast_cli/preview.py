"""`holdfast preview`: what a campaign would send to one user, and where each value came from."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from holdfast.aws.clock import now_ms
from holdfast.core.events import Event
from holdfast.core.events import Json as JsonValue
from holdfast.core.explain.preview import (
    NOTHING_KNOWN,
    NoMessage,
    Preview,
    answer,
    answered,
    latest,
    made_up,
    read_events,
)
from holdfast.core.explain.preview import preview as render
from holdfast.core.fold.watches import Decision
from holdfast.core.gate.gate import Send, Withhold
from holdfast.core.gate.policy import NONE as NO_POLICY
from holdfast.core.messages.detail import NOTHING_FOUND
from holdfast.core.messages.rendering import ToRender
from holdfast.core.plans.plan import Plan
from holdfast.core.templates.trace import Traced
from holdfast_cli import local
from holdfast_cli.campaign_file import read_campaign
from holdfast_cli.mistakes import mistakes_end
from holdfast_cli.output import Failure, Json, err, not_empty, out, print_json

if TYPE_CHECKING:
    from holdfast_cli.previewing import AtStage

COLOURS = {"missing": "red", "default": "yellow"}


def preview(
    campaign: Annotated[str, typer.Argument(help="A campaign file, or a live campaign's id.", show_default=False)],
    *,
    user: Annotated[
        str, typer.Option("--user", "-u", help="The user's identity, real or made up.", callback=not_empty)
    ],
    event: Annotated[
        str, typer.Option(help="The trigger's properties, or an event in any form, or a list of them, as JSON.")
    ] = "",
    profile: Annotated[str, typer.Option(help="The user's properties as JSON, instead of those that are stored.")] = "",
    stage: Annotated[
        str | None,
        typer.Option(
            "--stage",
            "-s",
            envvar="HOLDFAST_STAGE",
            help="The stage that has the user's profile and latest event. Default: the local one, if it is up.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show what a campaign would send to a user: each value, where it comes from, and the detail on the bus.

    Without --event, it uses the latest event that is kept for the user. Exit code 1 if the message would be withheld.

    Example: `holdfast preview abandoned-cart --user u-42 --stage dev`
    """
    at = _at(stage or "local") if stage or local.status() else None
    with mistakes_end(as_json=json):
        plan = _plan(campaign, at)
    known = at.user(user) if at else None
    properties = _object(profile, "--profile") if profile else known.properties if known else {}
    recommenders = at.recommenders(plan) if at else {}
    state = known.state if known else NOTHING_KNOWN
    try:
        kept = latest(plan, known.state, known.outbox) if known and not event else None
        decision = kept or made_up(plan, _events(event or "{}", plan, user), recommenders.values(), state)
    except NoMessage as error:
        raise Failure(f"No message: {error}.{'' if event else ' Give an event with --event.'}") from None
    found = at.found(ToRender(user, decision, plan), recommenders) if at else NOTHING_FOUND
    shown = render(plan, user, decision, properties, found)
    decided = known is not None and decision in known.outbox
    policy = at.policy() if at else NO_POLICY
    said = Send() if decided else answer(plan, user, decision, properties, state, policy)
    gate = answered(plan, properties, said, policy)
    if json:
        print_json({**shown.to_json(), "recommended": shown.recommended(), "gate": gate or None})
    else:
        _show(shown)
        if gate:
            out.print(escape(gate))
    if at and not event:
        _warn(plan, decision, at)
    if shown.reason or isinstance(said, Withhold):
        raise typer.Exit(1)


def _at(stage: str) -> AtStage:
    from holdfast_cli.previewing import AtStage  # noqa: PLC0415 (boto3 takes 0.2 s to load: who is offline does not wait)

    return AtStage(stage)


def _plan(campaign: str, at: AtStage | None) -> Plan:
    """A file's is numbered as if it were published next."""
    path = Path(campaign)
    if path.suffix in {".yaml", ".yml", ".json"} or path.is_file():
        draft, _ = read_campaign(path)
        return draft.plan(at.next_revision(draft.id) if at else 1)
    if at is None:
        raise Failure(
            f"{campaign} is not a file. To preview a live campaign, name the stage, or start: holdfast local up"
        )
    return at.live(campaign)


def _object(text: str, option: str) -> dict[str, JsonValue]:
    data = _json(text, option)
    if not isinstance(data, dict):
        raise typer.BadParameter("not a JSON object", param_hint=option)
    return data


def _json(text: str, option: str) -> Any:
    try:
        return jsonlib.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint=option) from None


def _events(text: str, plan: Plan, user: str) -> list[Event]:
    given = _json(text, "--event")
    if not all(isinstance(each, dict) for each in (given if isinstance(given, list) else [given])):
        raise typer.BadParameter("not a JSON object", param_hint="--event")
    return read_events(given, plan, user, now_ms())


def _show(shown: Preview) -> None:
    for key, traced in shown.values.items():
        out.print(f"[bold]{escape(key)}[/]  {_text(traced)}")
        for variable in traced.variables:
            colour = COLOURS.get(variable.origin, "dim")
            value = "" if variable.origin == "missing" else f" = {jsonlib.dumps(variable.value, ensure_ascii=False)}"
            out.print(f"    [dim]{escape(variable.name)}{escape(value)}[/] [{colour}]{variable.origin}[/]")
        for note in traced.notes:
            out.print(f"    [yellow]! {escape(note)}[/]")
    for name, rows in shown.found.recommended.items():
        for row, why in rows:
            because = "popular" if why.because is None else f"because of {why.because}"
            out.print(f"    [dim]{escape(name)}: {escape(row['Name'])}, score {why.score:.3f}, {escape(because)}[/]")
    out.print(f"\n[dim]{escape(shown.detail_type)}[/]")
    out.print_json(data=shown.detail, highlight=False, ensure_ascii=False)
    if shown.reason:
        err.print(f"[red]✗[/] withheld: {escape(shown.reason)}")


def _text(traced: Traced) -> str:
    if traced.text is not None:
        return escape(traced.text)
    return f"[red]{escape(traced.error.message if traced.error else traced.reason or '')}[/]"


def _warn(plan: Plan, decision: Decision, at: AtStage) -> None:
    """Tell where the rule of revisions would have another one render this very message."""
    by = at.rendered_by(decision, plan) if decision.revision != plan.revision else plan
    if by.revision != plan.revision:
        err.print(
            f"[yellow]![/] This event was folded under revision {by.revision}, which kept less of it than is named now:"
            " its message would be rendered by that revision. Try another event with --event."
        )
