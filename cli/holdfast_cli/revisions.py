"""`holdfast campaign diff`, `rollback` and `history`: what a change would do, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.progress import TaskID

from holdfast.aws.clock import now_ms
from holdfast.aws.tables.campaigns import Campaigns, UnknownCampaign
from holdfast.aws.tables.published import Published
from holdfast.core.authoring.text import fields
from holdfast.core.events import Json as JsonValue
from holdfast.core.explain.comparison import Difference, changes
from holdfast.core.messages.detail import iso
from holdfast.core.messages.rendering import Outcome
from holdfast.core.plans.plan import Plan
from holdfast.services.publishing import Breaking, Diff, NoWayBack, Throttled
from holdfast.services.publishing import diff as compare
from holdfast.services.publishing import rollback as go_back
from holdfast_cli.acts import BreakingOption, NoteOption, record, whoami
from holdfast_cli.campaign_file import read_campaign
from holdfast_cli.campaigns import Id, campaigns, reporting_conflicts, would_break
from holdfast_cli.catalogs import lookup
from holdfast_cli.mistakes import mistakes_end
from holdfast_cli.output import Failure, Json, Stage, out, print_json, print_rows, progress
from holdfast_cli.policies import live_policy
from holdfast_cli.stack import Deployment
from holdfast_cli.users import users

_ONLY: Final = TaskID(0)


def _get(table: Campaigns, campaign: str, revision: int | None = None) -> Published[Plan]:
    try:
        return table.get(campaign, revision)
    except UnknownCampaign as error:
        raise Failure(f"There is no campaign {error}. See: holdfast campaign list") from None


def diff(
    file: Annotated[Path, typer.Argument(help="A campaign file, YAML or JSON.", show_default=False)],
    *,
    examples: Annotated[int, typer.Option(help="How many watches of each kind to show.", min=0)] = 3,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Compare a file with the live revision: which fields change, and what changes for watches that are open now.

    This reads the whole users table. It assumes that nothing more comes in before each watch is due.

    Example: `holdfast campaign diff cart.yaml --stage prod`
    """
    with mistakes_end(as_json=json):
        campaign, text = read_campaign(file)
    deployment = Deployment.find(stage)
    table, published = users(deployment), campaigns(deployment)
    try:
        rows = lookup(deployment).rows(published.plans().recommenders)
        with progress("reading the users table", table.size() or None) as bar:
            found = compare(
                published,
                table,
                campaign,
                rows=rows,
                policy=live_policy(deployment),
                examples=examples,
                scanned=lambda n: bar.advance(_ONLY, n),
            )
    except UnknownCampaign:
        if json:
            print_json({"campaign": campaign.id, "live": None, "changes": [], "open": 0})
        else:
            out.print(f"{campaign.id} is not published yet: there is nothing to compare with")
        return
    except Throttled as error:
        raise Failure(str(error)) from None
    if json:
        print_json(found.to_json())
    else:
        _show(found, same=found.live.source == text)


def _show(diff: Diff, *, same: bool) -> None:
    live, found, comparison, _, breaking = diff
    out.print(f"[bold]{live.plan.id}[/] against revision {live.plan.revision}, which is live")
    if not found:
        out.print("Nothing changes." if same else "Only the way it is written changes.")
        return
    for broken in breaking:
        out.print(f"  [red]breaks consumers:[/] {escape(broken)}")
    for change in found:
        out.print(f"  {escape(change.field)}{'' if change.open else ' [dim](for events from then on)[/]'}")
        for sign, colour, value in (("-", "red", change.before), ("+", "green", change.after)):
            if value not in (None, [], {}):
                out.print(f"    [{colour}]{sign} {escape(_text(value))}[/]")
    if not any(change.open for change in found):
        out.print("The watches that are open now fall due as before, with the same messages.")
        return
    for sentence in comparison.sentences():
        out.print(sentence)
    if live.plan.paused and comparison.open:
        out.print("[yellow]The campaign is paused: until it is resumed, due messages are withheld.[/]")
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
    to: Annotated[
        int | None, typer.Option(help="The revision to publish again. Default: the one before the live one.")
    ] = None,
    note: NoteOption = "",
    breaking: BreakingOption = False,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Publish an old revision again, as a new revision. The history is not rewritten.

    Like `publish`, this refuses a revision that would break a consumer of the messages.

    Example: `holdfast campaign rollback abandoned-cart --stage prod`
    """
    deployment = Deployment.find(stage)
    try:
        with reporting_conflicts(campaign):
            published, changed, number = go_back(
                campaigns(deployment), campaign, now_ms(), to=to, by=whoami(), note=note, breaking=breaking
            )
    except Breaking as error:
        raise would_break(error.what) from None
    except NoWayBack as error:
        raise Failure(str(error)) from None
    except UnknownCampaign as error:
        raise Failure(f"There is no campaign {error}. See: holdfast campaign list") from None
    revision = published.plan.revision
    if changed:
        record(deployment, "rolled back", campaign, revision=revision, note=note)
    if json:
        news = "published" if changed else "unchanged"
        print_json({"campaign": campaign, "revision": revision, "from": number, "news": news})
    elif changed:
        out.print(f"[green]✓[/] {campaign} revision {revision}: published, as revision {number} was")
    else:
        out.print(f"{campaign} revision {revision}, which is live, says the same as revision {number}")


def history(campaign: Id, *, stage: Stage = "local", json: Json = False) -> None:
    """List every revision of a campaign, oldest first, and what each changed."""
    table = campaigns(Deployment.find(stage))
    live = _get(table, campaign)
    print_rows(
        _history(table.revisions(campaign), live),
        ["revision", "published_at", "by", "state", "changed", "note"],
        as_json=json,
    )


def _history(revisions: list[Published[Plan]], live: Published[Plan]) -> Iterator[dict[str, Any]]:
    before: dict[str, JsonValue] = {}
    for published in revisions:
        said = fields(published.source)
        is_live = published.plan.revision == live.plan.revision
        yield {
            "revision": published.plan.revision,
            "published_at": iso(published.published_at),
            "by": published.by,
            "note": published.note,
            "state": ("paused" if live.plan.paused else "live") if is_live else "",
            "changed": [change.field for change in changes(before, said)] if before else [],
        }
        before = said
