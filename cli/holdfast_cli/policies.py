"""`holdfast policy …`: the rules for the messages of all campaigns together, as code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from holdfast.aws.clock import now_ms
from holdfast.aws.tables.campaigns import Policies, UnknownPolicy
from holdfast.aws.tables.published import Published
from holdfast.core.authoring.policy import Policy
from holdfast.core.authoring.text import Mistake, Source, fields
from holdfast.core.events import Json as JsonValue
from holdfast.core.explain.comparison import changes
from holdfast.core.gate.policy import Policy as Rules
from holdfast.core.messages.detail import iso
from holdfast.core.plans.plan import MISREAD
from holdfast.services import policies
from holdfast.services.publishing import NoWayBack
from holdfast_cli import local
from holdfast_cli.acts import NoteOption, record, whoami
from holdfast_cli.campaign_file import read_model
from holdfast_cli.campaigns import campaigns, reporting_conflicts
from holdfast_cli.checking import StageAtHand
from holdfast_cli.mistakes import mistakes_end
from holdfast_cli.output import Failure, Json, Stage, err, out, print_json, print_rows
from holdfast_cli.stack import Deployment

app = typer.Typer(
    no_args_is_help=True,
    help="Work with the policy, the rules for all campaigns: check, publish, show, history, rollback.",
)

File = Annotated[Path, typer.Argument(help="A policy file, YAML or JSON.", show_default=False)]
NONE_YET = "No policy is published yet. Publish one with: holdfast policy publish FILE"


@app.command()
def check(file: File, *, stage: StageAtHand = None, json: Json = False) -> None:
    """Check a policy file without publishing it. Exit code 1 if something is wrong.

    Exempt campaigns that are not published are reported as hints, not as mistakes.
    """
    policy, source = _read(file, as_json=json)
    at_hand = stage is not None or local.status() is not None
    hints = _hints(policy, source, Deployment.find(stage or "local")) if at_hand else []
    if json:
        print_json({"file": str(file), "valid": True, "hints": [hint._asdict() for hint in hints]})
        return
    out.print(f"[green]✓[/] {escape(str(file))}: a policy")
    _show_hints(hints)


@app.command()
def publish(file: File, *, note: NoteOption = "", stage: Stage = "local", json: Json = False) -> None:
    """Publish a policy file. From then on it applies to all due messages of all campaigns.

    Example: `holdfast policy publish policy.yaml --stage prod`
    """
    policy, source = _read(file, as_json=json)
    deployment = Deployment.find(stage)
    with _alone():
        published, changed = policies.publish(_table(deployment), policy, source.text, now_ms(), by=whoami(), note=note)
    if changed:
        record(deployment, "published", "policy", revision=published.plan.revision, note=note)
    news = "published" if changed else "unchanged"
    if json:
        print_json({**_row(published), "news": news})
        return
    out.print(f"[green]✓[/] policy revision {published.plan.revision}: {news}")
    _show_hints(_hints(policy, source, deployment))


@app.command()
def show(
    *,
    revision: Annotated[int | None, typer.Option(help="The revision. Default: the live one.")] = None,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Print the policy as it was published."""
    table = _table(Deployment.find(stage))
    try:
        published = table.live_one() if revision is None else table.one(revision)
    except UnknownPolicy as error:
        raise Failure(f"There is no {error}. See: holdfast policy history") from None
    if published is None:
        if json:
            print_json({"revision": None})
        else:
            out.print(NONE_YET)
        return
    if json:
        print_json({**_row(published), "source": published.source})
        return
    err.print(f"[dim]# policy revision {published.plan.revision}, published {iso(published.published_at)}[/]")
    out.print(published.source.rstrip("\n"), markup=False)


@app.command()
def history(*, stage: Stage = "local", json: Json = False) -> None:
    """List every revision of the policy, oldest first, and what each changed."""
    rows = list(_history(_table(Deployment.find(stage)).history()))
    if not rows and not json:
        out.print(NONE_YET)
        return
    print_rows(rows, ["revision", "published_at", "by", "state", "changed", "note"], as_json=json)


@app.command()
def rollback(
    *,
    to: Annotated[
        int | None, typer.Option(help="The revision to publish again. Default: the one before the live one.")
    ] = None,
    note: NoteOption = "",
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Publish an old revision of the policy again, as a new revision. The history is not rewritten."""
    deployment = Deployment.find(stage)
    try:
        with _alone():
            published, changed, number = policies.rollback(_table(deployment), now_ms(), to=to, by=whoami(), note=note)
    except NoWayBack as error:
        raise Failure(str(error)) from None
    except UnknownPolicy as error:
        none = str(error) == "live"
        raise Failure(NONE_YET if none else f"There is no {error}. See: holdfast policy history") from None
    revision = published.plan.revision
    if changed:
        record(deployment, "rolled back", "policy", revision=revision, note=note)
    if json:
        print_json({"revision": revision, "from": number, "news": "published" if changed else "unchanged"})
    elif changed:
        out.print(f"[green]✓[/] policy revision {revision}: published, as revision {number} was")
    else:
        out.print(f"policy revision {revision}, which is live, says the same as revision {number}")


def live_policy(deployment: Deployment) -> Rules:
    """The policy that is published; one that forbids nothing where there is none."""
    published = _table(deployment).live_one()
    return published.plan if published else Rules()


def _read(path: Path, *, as_json: bool) -> tuple[Policy, Source]:
    with mistakes_end(as_json=as_json):
        policy, source = read_model(path, Policy)
    return policy, source


def _hints(policy: Policy, source: Source, deployment: Deployment) -> list[Mistake]:
    live = [each.plan.id for each in campaigns(deployment).live()] if policy.exempt else []
    return [source.mistake(*hint) for hint in policy.unknown(live)]


def _show_hints(hints: list[Mistake]) -> None:
    for hint in hints:
        err.print(f"[yellow]![/] [bold]{escape(hint.file)}:{hint.line}:{hint.column}[/] {escape(hint.message)}")


@contextmanager
def _alone() -> Iterator[None]:
    try:
        with reporting_conflicts("policy"):
            yield
    except MISREAD as error:
        if isinstance(error, UnknownPolicy | NoWayBack):
            raise
        raise Failure(f"The policy that is live was not written by this release: {error}") from None


def _table(deployment: Deployment) -> Policies:
    return Policies(deployment.client("dynamodb"), deployment.outputs["CampaignsTableName"])


def _row(published: Published[Rules]) -> dict[str, Any]:
    return {
        "revision": published.plan.revision,
        "published_at": iso(published.published_at),
        "by": published.by,
        "note": published.note,
    }


def _history(revisions: list[Published[Rules]]) -> Iterator[dict[str, Any]]:
    before: dict[str, JsonValue] = {}
    last = max((each.plan.revision for each in revisions), default=0)
    for published in revisions:
        said = fields(published.source, Policy)
        changed = [change.field for change in changes(before, said)]
        yield {**_row(published), "state": "live" if published.plan.revision == last else "", "changed": changed}
        before = said
