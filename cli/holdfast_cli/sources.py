"""`holdfast source …`: how bodies of other systems are read, as code: check, test, publish."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from holdfast.aws.clock import now_ms
from holdfast.aws.tables.campaigns import Sources, UnknownSource
from holdfast.aws.tables.published import Published
from holdfast.core.authoring.source import SourceFile
from holdfast.core.events import Event, Ignored, ProfileChange, Record, Rejected, Tie
from holdfast.core.events import Json as JsonValue
from holdfast.core.intake.fields import Rules
from holdfast.core.intake.forms import records
from holdfast.core.intake.sources import MAX_SOURCES, Lookup, Source
from holdfast.core.messages.detail import iso
from holdfast.core.paths import Unclear
from holdfast_cli.acts import NoteOption, record, whoami
from holdfast_cli.campaigns import reporting_conflicts
from holdfast_cli.mistakes import check_files
from holdfast_cli.output import Failure, Json, Stage, out, print_json, print_rows
from holdfast_cli.source_files import read_sources, valid_source
from holdfast_cli.stack import Deployment

app = typer.Typer(no_args_is_help=True, help="Work with sources: check, test, publish how other bodies are read.")

Files = Annotated[list[Path], typer.Argument(help="Source files, YAML or JSON.", show_default=False)]
Id = Annotated[str, typer.Argument(help="The source's id.", show_default=False)]
_LONGEST = 100


@app.command()
def check(files: Files, *, json: Json = False) -> None:
    """Check source files without publishing them. Exit code 1 if something is wrong."""
    check_files(files, SourceFile, "source", as_json=json)


@app.command("test")
def try_(
    file: Annotated[Path, typer.Argument(help="A source file.", show_default=False)],
    body: Annotated[Path, typer.Argument(help="A file with one body, as it would come in.", show_default=False)],
    *,
    json: Json = False,
) -> None:
    """Show what becomes of a body, step by step, offline. Exit code 1 if the source does not read all of it.

    Example: `holdfast source test shop-orders.yaml order.json`
    """
    (source,) = read_sources([file], as_json=json)
    try:
        text = body.read_text(encoding="utf-8")
        data = jsonlib.loads(text)
    except (OSError, ValueError) as error:
        raise Failure(f"{body} cannot be read: {error}") from error
    steps = list(_steps(source, text, data))
    for step in steps:
        if json:
            print_json(step)
        else:
            mark = "[green]✓[/]" if step["fine"] else "[red]✗[/]"
            where = f"record {step['record']}: " if "record" in step else ""
            shown = _short(step["found"])
            out.print(f"{mark} {escape(where + step['step']):<24} {escape(shown)}", soft_wrap=True)
    if not all(step["fine"] for step in steps):
        raise typer.Exit(1)


@app.command()
def publish(files: Files, *, note: NoteOption = "", stage: Stage = "local", json: Json = False) -> None:
    """Publish each file as the live revision of its source. If one has a mistake, none is published.

    It reads records that arrive from then on, in every function. Earlier ones are read as before.

    Example: `holdfast source publish shop-orders.yaml --stage dev`
    """
    read = [(path, *valid_source(path, as_json=json)) for path in files]
    deployment = Deployment.find(stage)
    table = _table(deployment)
    live = {each.plan.id for each in table.live()}
    if len(live | {source.id for _, source, _ in read}) > MAX_SOURCES:
        raise Failure(f"{MAX_SOURCES} sources may be published: delete one first. See: holdfast source list")
    for _, source, text in read:
        before = table.find(source.id)
        if before is not None and before.source == text:
            published, news = before, "unchanged"
        else:
            with reporting_conflicts(source.id):
                published = table.publish(source.id, text, source.plan, now_ms(), by=whoami(), note=note)
            news = "published"
            record(deployment, "published", f"source {source.id}", revision=published.plan.revision, note=note)
        if json:
            print_json({**_row(published), "news": news})
        else:
            out.print(f"[green]✓[/] {source.id} revision {published.plan.revision}: {news}")


@app.command("list")
def list_(*, stage: Stage = "local", json: Json = False) -> None:
    """List the live revision of every source, in the order in which they are asked."""
    rows = [_row(published) for published in _table(Deployment.find(stage)).live()]
    if not rows and not json:
        out.print("No source is published yet. Publish one with: holdfast source publish FILE")
        return
    print_rows(rows, ["source", "revision", "name", "match", "published_at"], as_json=json)


@app.command()
def show(
    source: Id,
    *,
    revision: Annotated[int | None, typer.Option(help="The revision. Default: the live one.")] = None,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Print a source as it was published."""
    published = _get(_table(Deployment.find(stage)), source, revision)
    if json:
        print_json({**_row(published), "file": published.source})
    else:
        out.print(published.source.rstrip("\n"), markup=False)


@app.command()
def delete(
    source: Id,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    note: NoteOption = "",
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Stop reading by this source: its records are rejected from then on. Its revisions are kept."""
    deployment = Deployment.find(stage)
    table = _table(deployment)
    revision = _get(table, source, None).plan.revision
    if not yes:
        question = f"Delete source {source} (revision {revision}) of stage {stage}? What it reads is rejected then."
        typer.confirm(question, abort=True, err=True)
    try:
        with reporting_conflicts(source):
            table.delete(source)
    except UnknownSource:
        raise Failure(f"There is no source {source} any more. See: holdfast source list") from None
    record(deployment, "deleted", f"source {source}", revision=revision, note=note)
    if json:
        print_json({"source": source, "revision": revision, "state": "deleted"})
    else:
        out.print(f"[green]✓[/] {source}: deleted")


def _steps(source: Source, text: str, data: JsonValue) -> Iterator[dict[str, Any]]:
    """Each step of the way, what it found, and whether that is fine."""
    native = records(text, now_ms())
    if not all(isinstance(each, Rejected) for each in native):
        yield {"step": "native form", "found": "a native form reads it: the source is not asked", "fine": False}
    elif not isinstance(data, dict):
        yield {
            "step": "body",
            "found": "each record of a list is read alone: test one of them",
            "fine": False,
        }
    elif not source.matches(data):
        yield {"step": "match", "found": f"{source.match} does not match", "fine": False}
    else:
        yield {"step": "match", "found": source.match, "fine": True}
        yield from _looked_up(source, data)
    for each in records(text, now_ms(), Rules(sources=(source,))):
        yield {"step": _kind(each), "found": _made(each), "fine": not isinstance(each, Rejected)}


def _looked_up(source: Source, data: dict[str, JsonValue]) -> Iterator[dict[str, Any]]:
    try:
        found = source.found(data)
    except Unclear as unclear:
        yield {"step": "records", "found": str(unclear), "fine": False}
        return
    yield {"step": "records", "found": len(found), "fine": True}
    lookup = Lookup(source, data)
    for number, each in enumerate(found, 1):
        for step, paths in _places(source):
            try:
                value, fine = lookup.object(paths, each) if isinstance(each, dict) else None, True
            except Unclear as unclear:
                value, fine = str(unclear), False
            yield {"step": step, "record": number, "found": value, "fine": fine}


def _places(source: Source) -> Iterator[tuple[str, Any]]:
    yield from ((f"user {path}", path) for path in source.user)
    yield from ((f"alias {path}", path) for path in source.alias)
    for step in ("event", "time", "event_id", "properties", "profile"):
        if paths := getattr(source, step):
            yield (f"{'id' if step == 'event_id' else step} {paths if isinstance(paths, str) else ''}".strip(), paths)


def _kind(read: Record) -> str:
    kinds = {Event: "event", ProfileChange: "profile", Tie: "tie", Ignored: "ignored", Rejected: "rejected"}
    return kinds.get(type(read), "other")


def _made(read: Record) -> JsonValue:
    match read:
        case Event(user=user, name=name, at=at, properties=properties, id=id_):
            return {"user": user, "event": name, "at": iso(at), "id": id_, "properties": dict(properties)}
        case ProfileChange(user=user, at=at, properties=properties, id=id_):
            return {"user": user, "at": iso(at), "id": id_, "profile": dict(properties)}
        case Tie(user=user, alias=alias):
            return {"user": user, "alias": alias}
        case Rejected(reason):
            return reason
        case Ignored(kind):
            return kind
    return None


def _short(value: JsonValue) -> str:
    text = value if isinstance(value, str) else jsonlib.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _table(deployment: Deployment) -> Sources:
    return Sources(deployment.client("dynamodb"), deployment.outputs["CampaignsTableName"])


def _get(table: Sources, source: str, revision: int | None) -> Published[Source]:
    try:
        return table.get(source, revision)
    except UnknownSource as error:
        raise Failure(f"There is no source {error}. See: holdfast source list") from None


def _row(published: Published[Source]) -> dict[str, Any]:
    plan = published.plan
    return {
        "source": plan.id,
        "revision": plan.revision,
        "name": plan.name or plan.id,
        "match": plan.match,
        "published_at": iso(published.published_at),
        "by": published.by,
    }
