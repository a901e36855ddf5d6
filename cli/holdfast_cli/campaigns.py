"""`holdfast campaign …`: campaigns as code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError
from rich.markup import escape

from holdfast.aws.clock import now_ms
from holdfast.aws.tables.campaigns import Campaigns, UnknownCampaign
from holdfast.aws.tables.catalog import Catalogs
from holdfast.aws.tables.published import Published
from holdfast.aws.tables.revisions import Conflict
from holdfast.aws.tables.shapes import Observations
from holdfast.aws.tables.users import Users
from holdfast.core.authoring.campaign import Campaign
from holdfast.core.authoring.hints import Known, hints
from holdfast.core.authoring.text import CampaignFileError
from holdfast.core.intake.shapes import Seen, property_shapes
from holdfast.core.messages.contract import breaks
from holdfast.core.messages.detail import iso
from holdfast.core.plans.plan import Plan
from holdfast.core.times import format_duration
from holdfast.services.publishing import publish as publish_text
from holdfast_cli import local
from holdfast_cli.acts import BreakingOption, NoteOption, record, whoami
from holdfast_cli.campaign_file import distinct, read_campaign, read_model
from holdfast_cli.fixtures import Result, campaign_of, fixture_of, is_fixture, run, run_file
from holdfast_cli.mistakes import mistakes_end, show_mistake, show_mistakes
from holdfast_cli.output import Failure, Json, Stage, err, out, print_json, print_rows
from holdfast_cli.stack import Deployment

app = typer.Typer(
    no_args_is_help=True, help="Work with campaigns: validate, test, diff, publish, roll back, pause, delete."
)

Files = Annotated[list[Path], typer.Argument(help="Campaign files, YAML or JSON.", show_default=False)]
SAMPLE = 200
"""Items of the users table that are looked at for the names of profile properties."""
Id = Annotated[str, typer.Argument(help="The campaign's id.", show_default=False)]


StageAtHand = Annotated[
    str | None,
    typer.Option(
        "--stage",
        "-s",
        envvar="HOLDFAST_STAGE",
        help="Compare names and types with the events of this stage. Default: the local one, if it is up.",
    ),
]


@app.command()
def validate(
    files: Files,
    *,
    stage: StageAtHand = None,
    strict: Annotated[bool, typer.Option(help="Exit with code 1 for hints, too.")] = False,
    json: Json = False,
) -> None:
    """Check campaign files and run the tests beside them, without publishing. Exit code 1 if something is wrong.

    Names and types that differ from the events seen so far are reported as hints, not as mistakes.
    """
    known = _known(stage)
    wrong = False
    ids: list[tuple[Path, str]] = []
    for path in campaign_files(files):
        try:
            campaign, source = read_model(path, Campaign)
            fixture = fixture_of(path)
            results = list(run(fixture, campaign)) if fixture else []
        except CampaignFileError as error:
            wrong = True
            show_mistakes(error, as_json=json)
            continue
        ids.append((path, campaign.id))
        found = [source.mistake(*hint) for hint in hints(campaign, known, source)]
        failed = sum(not result.passed for result in results)
        wrong = wrong or failed > 0 or (strict and bool(found))
        if json:
            row = {"file": str(path), "campaign": campaign.id, "valid": True, "tests": len(results), "failed": failed}
            print_json({**row, "hints": [hint._asdict() for hint in found]})
        else:
            tests = f", {len(results) - failed} of {len(results)} tests passed" if results else ""
            out.print(f"[{'red]✗' if failed else 'green]✓'}[/] {escape(str(path))}: {campaign.id}{tests}")
        for hint in found if not json else []:
            show_mistake(hint, "[yellow]![/]")
        _show_results((result for result in results if json or not result.passed), as_json=json)
    distinct(ids)
    if wrong:
        raise typer.Exit(1)


@app.command("test")
def run_tests(
    files: Annotated[list[Path], typer.Argument(help="Campaign files or their test files.", show_default=False)],
    *,
    json: Json = False,
) -> None:
    """Run the tests beside campaigns: cart.test.yaml beside cart.yaml. Exit code 1 if one fails."""
    results: list[Result] = []
    for path in campaign_files(files):
        with mistakes_end(as_json=json):
            of_file = run_file(path)
        if not of_file:
            raise Failure(f"{path} has no tests. They would stand in {path.with_suffix('.test.yaml')}")
        results += of_file
    _show_results(results, as_json=json)
    failed = sum(not result.passed for result in results)
    if not json:
        out.print(f"{len(results) - failed} of {len(results)} tests passed")
    if failed:
        raise typer.Exit(1)


def campaign_files(files: Iterable[Path]) -> list[Path]:
    """The files, with campaigns in the place of their test files: `campaigns/*.yaml` names both."""
    return list(dict.fromkeys((campaign_of(path) or path) if is_fixture(path) else path for path in files))


def _known(stage: str | None) -> Known:
    """Names that a stage knows, where one is at hand. Profiles and catalogs are read as far as one is allowed to."""
    if stage is None and local.status() is None:
        return Known()
    deployment = Deployment.find(stage or "local")
    dynamodb, outputs = deployment.client("dynamodb"), deployment.outputs
    seen = Observations(dynamodb, outputs["CampaignsTableName"]).read()
    if not seen:
        err.print(f"[dim]Stage {deployment.stage} has seen no events yet: names are not checked.[/]")
    known = Known(seen)
    with suppress(ClientError):
        sample = Users(dynamodb, outputs["UsersTableName"]).sample_profiles(SAMPLE)
        known = known._replace(profile=Seen("profile", frozenset(chain.from_iterable(map(property_shapes, sample)))))
    with suppress(ClientError):
        catalogs = Catalogs(dynamodb, outputs["CatalogTableName"]).all()
        known = known._replace(catalogs={each.name: each.columns for each in catalogs})
    return known


def _show_results(results: Iterable[Result], *, as_json: bool) -> None:
    for result in results:
        file, line, case, differences = result
        if as_json:
            told: Sequence[Any] = [each._asdict() for each in differences]
            print_json({"file": str(file), "line": line, "case": case, "passed": result.passed, "differences": told})
            continue
        mark = "[green]✓[/]" if result.passed else "[red]✗[/]"
        out.print(f"{mark} [bold]{escape(str(file))}:{line}[/] {escape(case)}")
        for each in (text for difference in differences for text in difference.lines()):
            colour = {"-": "red", "+": "green"}.get(each[0], "default")
            out.print(f"    [{colour}]{escape(each)}[/]")


@app.command()
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
        with alone(campaign.id):
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
    with alone(campaign.id):
        return table.publish(campaign.id, text, campaign.plan, now_ms())


def would_break(what: Iterable[str]) -> Failure:
    why = "Consumers of the messages would break. To publish anyway, give --breaking"
    return Failure("\n  ".join([f"{why}:", *what]))


@contextmanager
def alone(what: str) -> Iterator[None]:
    try:
        yield
    except Conflict:
        raise Failure(f"{what}: somebody else changed it just now. Look at it, then try again.") from None


@app.command("list")
def list_(*, stage: Stage = "local", json: Json = False) -> None:
    """List the live revision of every campaign."""
    rows = [_row(published) for published in campaigns(Deployment.find(stage)).live()]
    if not rows and not json:
        out.print("No campaign is published yet. Publish one with: holdfast campaign publish FILE")
        return
    print_rows(rows, ["campaign", "revision", "state", "did", "did_not", "within", "constant"], as_json=json)


@app.command()
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


@app.command()
def pause(campaign: Id, *, note: NoteOption = "", stage: Stage = "local", json: Json = False) -> None:
    """Withhold what falls due from now on. Events are still followed."""
    _pause(campaign, stage, note, paused=True, as_json=json)


@app.command()
def resume(campaign: Id, *, note: NoteOption = "", stage: Stage = "local", json: Json = False) -> None:
    """Send again from now on."""
    _pause(campaign, stage, note, paused=False, as_json=json)


def _pause(campaign: str, stage: str, note: str, *, paused: bool, as_json: bool) -> None:
    deployment = Deployment.find(stage)
    table = campaigns(deployment)
    _get(table, campaign, None)
    with alone(campaign):
        published = table.pause(campaign, paused=paused)
    action = "paused" if paused else "resumed"
    record(deployment, action, campaign, revision=published.plan.revision, note=note)
    if as_json:
        print_json(_row(published))
    else:
        out.print(f"[green]✓[/] {campaign}: {'paused' if paused else 'live'}")


@app.command()
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
    with alone(campaign):
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
