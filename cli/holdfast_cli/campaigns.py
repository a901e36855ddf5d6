"""`holdfast campaign …`: campaigns as code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from holdfast.aws.campaigns import Campaigns, Conflict, Published, UnknownCampaign
from holdfast.aws.clock import now_ms
from holdfast.core.campaigns import Campaign
from holdfast.core.durations import format_duration
from holdfast.core.messages import iso
from holdfast_cli.campaign_file import CampaignFileError, Mistake, read_campaign
from holdfast_cli.output import Failure, Json, Stage, err, out, print_json, print_rows
from holdfast_cli.stack import Deployment

app = typer.Typer(no_args_is_help=True, help="Campaigns as code: validate, publish, list, show, pause, resume.")

Files = Annotated[list[Path], typer.Argument(help="Campaign files, YAML or JSON.", show_default=False)]
Id = Annotated[str, typer.Argument(help="The campaign's id.", show_default=False)]


@app.command()
def validate(files: Files, *, json: Json = False) -> None:
    """Check campaign files without publishing them. Exit code 1 if there is a mistake."""
    mistakes: list[Mistake] = []
    for path in files:
        try:
            campaign, _ = read_campaign(path)
        except CampaignFileError as error:
            mistakes += error.mistakes
            show_mistakes(error, as_json=json)
        else:
            if json:
                print_json({"file": str(path), "campaign": campaign.id, "valid": True})
            else:
                out.print(f"[green]✓[/] {escape(str(path))}: {campaign.id}")
    if mistakes:
        raise typer.Exit(1)


@app.command()
def publish(files: Files, *, stage: Stage = "local", json: Json = False) -> None:
    """Make each file the live revision of its campaign. None is published if one has a mistake."""
    try:
        read = [read_campaign(path) for path in files]
    except CampaignFileError as error:
        show_mistakes(error, as_json=json)
        raise typer.Exit(1) from None
    table = campaigns(Deployment.find(stage))
    for campaign, text in read:
        try:
            before = table.get(campaign.id)
        except UnknownCampaign:
            before = None
        if before is not None and before.source == text:
            published, news = before, "unchanged"
        else:
            published = publish_one(table, campaign, text)
            news = "published"
        row = _row(published)
        if json:
            print_json({**row, "news": news})
        else:
            out.print(f"[green]✓[/] {campaign.id} revision {published.plan.revision}: {news}")


def publish_one(table: Campaigns, campaign: Campaign, text: str) -> Published:
    with _alone(campaign.id):
        return table.publish(campaign.id, text, campaign.plan, now_ms())


@contextmanager
def _alone(campaign: str) -> Iterator[None]:
    try:
        yield
    except Conflict:
        raise Failure(f"{campaign}: somebody else changed it just now. Look at it, then try again.") from None


@app.command("list")
def list_(*, stage: Stage = "local", json: Json = False) -> None:
    """The live revision of every campaign."""
    rows = [_row(published) for published in campaigns(Deployment.find(stage)).live()]
    if not rows and not json:
        out.print("No campaign is published yet. Publish one with: holdfast campaign publish FILE")
        return
    print_rows(rows, ["campaign", "revision", "state", "did", "did_not", "within", "constant"], as_json=json)


@app.command()
def show(
    campaign: Id,
    *,
    revision: Annotated[int | None, typer.Option(help="Which one; without, the live one.")] = None,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """A campaign as it was published."""
    published = _get(campaigns(Deployment.find(stage)), campaign, revision)
    if json:
        print_json({**_row(published), "source": published.source})
        return
    state = "paused" if published.plan.paused else "published " + iso(published.published_at)
    err.print(f"[dim]# {campaign} revision {published.plan.revision}, {state}[/]")
    out.print(published.source.rstrip("\n"), markup=False)


@app.command()
def pause(campaign: Id, *, stage: Stage = "local", json: Json = False) -> None:
    """Send nothing for now: what falls due is withheld. Events are still followed."""
    _pause(campaign, stage, paused=True, as_json=json)


@app.command()
def resume(campaign: Id, *, stage: Stage = "local", json: Json = False) -> None:
    """Send again, from now on."""
    _pause(campaign, stage, paused=False, as_json=json)


def _pause(campaign: str, stage: str, *, paused: bool, as_json: bool) -> None:
    table = campaigns(Deployment.find(stage))
    _get(table, campaign, None)
    with _alone(campaign):
        published = table.pause(campaign, paused=paused)
    if as_json:
        print_json(_row(published))
    else:
        out.print(f"[green]✓[/] {campaign}: {'paused' if paused else 'live'}")


def campaigns(deployment: Deployment) -> Campaigns:
    return Campaigns(deployment.client("dynamodb"), deployment.outputs["CampaignsTableName"])


def _get(table: Campaigns, campaign: str, revision: int | None) -> Published:
    try:
        return table.get(campaign, revision)
    except UnknownCampaign as error:
        raise Failure(f"There is no campaign {error}. See: holdfast campaign list") from None


def _row(published: Published) -> dict[str, Any]:
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


def show_mistakes(error: CampaignFileError, *, as_json: bool) -> None:
    """Each mistake with its line, and the line itself."""
    for mistake in error.mistakes:
        if as_json:
            print_json({**mistake._asdict(), "valid": False})
            continue
        where = f"{mistake.file}:{mistake.line}:{mistake.column}"
        what = f"{mistake.place}: {mistake.message}" if mistake.place else mistake.message
        err.print(f"[red]✗[/] [bold]{escape(where)}[/] {escape(what)}")
        try:
            line = Path(mistake.file).read_text(encoding="utf-8").splitlines()[mistake.line - 1]
        except (OSError, UnicodeDecodeError, IndexError):
            continue
        err.print(f"[dim]{mistake.line:>5} │[/] {escape(line)}")
        err.print(f"[dim]      │[/] {' ' * (mistake.column - 1)}[red]^[/]")
