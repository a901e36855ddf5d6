"""`holdfast campaign …`: campaigns of a stage: published, shown, paused, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from holdfast.aws.clock import now_ms
from holdfast.aws.tables.campaigns import Campaigns, UnknownCampaign
from holdfast.aws.tables.published import Published
from holdfast.aws.tables.revisions import Conflict
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.messages.contract import breaks
from holdfast.core.messages.detail import iso
from holdfast.core.plans.plan import Plan
from holdfast.core.times import format_duration
from holdfast.services.publishing import publish as publish_text
from holdfast_cli.acts import BreakingOption, NoteOption, record, whoami
from holdfast_cli.campaign_file import distinct, read_campaign
from holdfast_cli.checking import Files, campaign_files
from holdfast_cli.mistakes import mistakes_end
from holdfast_cli.output import Failure, Json, Stage, err, out, print_json, print_rows
from holdfast_cli.stack import Deployment

Id = Annotated[str, typer.Argument(help="The campaign's id.", show_default=False)]


def publish(
    files: Files,
    *,
    note: NoteOption = "",
    breaking: BreakingOption = False,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Publish each file as the live revision of its campaign. If one has a mistake, none is published.

    A revision that would break a consumer of the messages is refused: a missing key, another type, another detail type.

    Example: `holdfast campaign publish cart.yaml --stage dev`
    """
    with mistakes_end(as_json=json):
        paths = campaign_files(files)
        read = [read_campaign(path) for path in paths]
    distinct((path, campaign.id) for path, (campaign, _) in zip(paths, read, strict=True))
    deployment = Deployment.find(stage)
    table = campaigns(deployment)
    broken = [] if breaking else [f"{each.id}: {why}" for each, _ in read for why in _breaks(table, each)]
    if broken:
        raise would_break(broken)
    for campaign, text in read:
        with reporting_conflicts(campaign.id):
            published, changed = publish_text(table, campaign, text, now_ms(), by=whoami(), note=note)
        if changed:
            record(deployment, "published", campaign.id, revision=published.plan.revision, note=note)
        row, news = _row(published), "published" if changed else "unchanged"
        if json:
            print_json({**row, "news": news})
        else:
            out.print(f"[green]✓[/] {campaign.id} revision {published.plan.revision}: {news}")


def _breaks(table: Campaigns, campaign: Campaign) -> list[str]:
    try:
        live = table.get(campaign.id).plan
    except UnknownCampaign:
        return []
    return breaks(live, campaign.plan())


def publish_one(table: Campaigns, campaign: Campaign, text: str) -> Published[Plan]:
    with reporting_conflicts(campaign.id):
        return table.publish(campaign.id, text, campaign.plan, now_ms())


def would_break(what: Iterable[str]) -> Failure:
    why = "Consumers of the messages would break. To publish anyway, give --breaking"
    return Failure("\n  ".join([f"{why}:", *what]))


@contextmanager
def reporting_conflicts(what: str) -> Iterator[None]:
    try:
        yield
    except Conflict:
        raise Failure(f"{what}: somebody else changed it just now. Look at it, then try again.") from None


def list_(*, stage: Stage = "local", json: Json = False) -> None:
    """List the live revision of every campaign."""
    rows = [_row(published) for published in campaigns(Deployment.find(stage)).live()]
    if not rows and not json:
        out.print("No campaign is published yet. Publish one with: holdfast campaign publish FILE")
        return
    print_rows(rows, ["campaign", "revision", "state", "did", "did_not", "within", "constant"], as_json=json)


def show(
    campaign: Id,
    *,
    revision: Annotated[int | None, typer.Option(help="The revision. Default: the live one.")] = None,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Print a campaign as it was published."""
    published = _get(campaigns(Deployment.find(stage)), campaign, revision)
    if json:
        print_json({**_row(published), "source": published.source})
        return
    state = "paused" if published.plan.paused else "published " + iso(published.published_at)
    err.print(f"[dim]# {campaign} revision {published.plan.revision}, {state}[/]")
    out.print(published.source.rstrip("\n"), markup=False)


def pause(campaign: Id, *, note: NoteOption = "", stage: Stage = "local", json: Json = False) -> None:
    """Withhold what falls due from now on. Events are still followed."""
    _pause(campaign, stage, note, paused=True, as_json=json)


def resume(campaign: Id, *, note: NoteOption = "", stage: Stage = "local", json: Json = False) -> None:
    """Send again from now on."""
    _pause(campaign, stage, note, paused=False, as_json=json)


def _pause(campaign: str, stage: str, note: str, *, paused: bool, as_json: bool) -> None:
    deployment = Deployment.find(stage)
    table = campaigns(deployment)
    _get(table, campaign, None)
    with reporting_conflicts(campaign):
        published = table.pause(campaign, paused=paused)
    action = "paused" if paused else "resumed"
    record(deployment, action, campaign, revision=published.plan.revision, note=note)
    if as_json:
        print_json(_row(published))
    else:
        out.print(f"[green]✓[/] {campaign}: {'paused' if paused else 'live'}")


def delete(
    campaign: Id,
    *,
    note: NoteOption = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Stop watching for it. Open watches are withheld when they fall due. Its revisions are kept, and can be shown."""
    deployment = Deployment.find(stage)
    table = campaigns(deployment)
    revision = _get(table, campaign, None).plan.revision
    if not yes:
        question = f"Delete campaign {campaign} (revision {revision}) of stage {stage}? Open watches are withheld."
        typer.confirm(question, abort=True, err=True)
    with reporting_conflicts(campaign):
        table.delete(campaign, seen=revision)
    record(deployment, "deleted", campaign, revision=revision, note=note)
    if json:
        print_json({"campaign": campaign, "revision": revision, "state": "deleted"})
    else:
        see = f"holdfast campaign show {campaign} --revision {revision}"
        out.print(f"[green]✓[/] {campaign}: deleted. Its last revision: {see}")


def campaigns(deployment: Deployment) -> Campaigns:
    return Campaigns(deployment.client("dynamodb"), deployment.outputs["CampaignsTableName"])


def _get(table: Campaigns, campaign: str, revision: int | None) -> Published[Plan]:
    try:
        return table.get(campaign, revision)
    except UnknownCampaign as error:
        raise Failure(f"There is no campaign {error}. See: holdfast campaign list") from None


def _row(published: Published[Plan]) -> dict[str, Any]:
    plan = published.plan
    return {
        "campaign": plan.id,
        "revision": plan.revision,
        "name": plan.name,
        "state": "paused" if plan.paused else "live",
        "did": [plan.names[key] for key in plan.did],
        "did_not": [plan.names[key] for key in plan.did_not],
        "within": format_duration(plan.within),
        "constant": [constant.name for constant in plan.constant],
        "published_at": iso(published.published_at),
    }
