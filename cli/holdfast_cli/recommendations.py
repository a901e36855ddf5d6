"""`holdfast recommend …`: recommendations as code, their builds, and how good they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from holdfast.aws.clock import now_ms
from holdfast.aws.tables.builds import ENDED, RUNNING, Builds
from holdfast.aws.tables.campaigns import Recommendations, UnknownRecommendation
from holdfast.aws.tables.published import Published
from holdfast.core.authoring.recommendation import Recommendation
from holdfast.core.messages.detail import iso
from holdfast.core.recommend.evaluation import SIZES
from holdfast.core.recommend.item_to_item import grouped
from holdfast.core.recommend.ranking import POPULAR, Recommender
from holdfast.core.times import format_duration
from holdfast_cli import builds as asked
from holdfast_cli.acts import NoteOption, record, whoami
from holdfast_cli.campaign_file import read_model
from holdfast_cli.campaigns import reporting_conflicts
from holdfast_cli.mistakes import check_files, mistakes_end
from holdfast_cli.output import Failure, Json, Stage, out, print_json, print_rows
from holdfast_cli.stack import Deployment

app = typer.Typer(no_args_is_help=True, help="Work with recommendations: validate, publish, build, evaluate.")

Files = Annotated[list[Path], typer.Argument(help="Recommendation files, YAML or JSON.", show_default=False)]
Id = Annotated[str, typer.Argument(help="The recommendation's id.", show_default=False)]
Target = Annotated[
    str, typer.Argument(metavar="ID|FILE", help="A published recommendation, or a file.", show_default=False)
]
Events = Annotated[
    Path | None,
    typer.Option(
        "--events",
        "-e",
        help="Use these events, on this machine: one record on each line, in any form; .gz is unpacked."
        " Default: the stage's history.",
    ),
]
_SHOWN = 10


@app.command()
def validate(files: Files, *, json: Json = False) -> None:
    """Check recommendation files without publishing them. Exit code 1 if something is wrong."""
    check_files(files, Recommendation, "recommendation", as_json=json)


@app.command()
def publish(files: Files, *, note: NoteOption = "", stage: Stage = "local", json: Json = False) -> None:
    """Publish each file as the live revision of its recommendation. If one has a mistake, none is published.

    From then on, its events are kept as history. The next build makes the recommendations.

    Example: `holdfast recommend publish also-bought.yaml --stage dev`
    """
    read = [_read(path, as_json=json) for path in files]
    deployment = Deployment.find(stage)
    if not all(recommendation.personalize for recommendation, _ in read):
        deployment.recommending("HistoryStreamName")
    table = _table(deployment)
    for recommendation, text in read:
        before = table.find(recommendation.id)
        if before is not None and before.source == text:
            published, news = before, "unchanged"
        else:
            name = recommendation.id
            with reporting_conflicts(name):
                published = table.publish(name, text, recommendation.plan, now_ms(), by=whoami(), note=note)
            news = "published"
            record(deployment, "published", f"recommendation {name}", revision=published.plan.revision, note=note)
        if json:
            print_json({**_row(published), "news": news})
        else:
            out.print(f"[green]✓[/] {recommendation.id} revision {published.plan.revision}: {news}")


@app.command("list")
def list_(*, stage: Stage = "local", json: Json = False) -> None:
    """List the live revision of every recommendation, and its build."""
    deployment = Deployment.find(stage)
    builds = _builds(deployment)
    rows = [{**_row(published), **_state(builds, published.plan.id)} for published in _table(deployment).live()]
    if not rows and not json:
        out.print("No recommendation is published yet. Publish one with: holdfast recommend publish FILE")
        return
    columns = ["recommendation", "revision", "catalog", "did", "lookback", "fallback", "state", "built_at", "items"]
    print_rows(rows, columns, as_json=json)


@app.command()
def show(
    recommendation: Id,
    *,
    item: Annotated[str | None, typer.Option(help="Show the neighbours of this item. Default: popular items.")] = None,
    source: Annotated[bool, typer.Option("--source", help="Print only the file as it was published.")] = False,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Show the live revision of a recommendation, its last build, and what goes with an item.

    Example: `holdfast recommend show also-bought --item 1517085 --stage prod`
    """
    deployment = Deployment.find(stage)
    published, builds = _get(_table(deployment), recommendation), _builds(deployment)
    if source:
        out.print(published.source.rstrip("\n"), markup=False)
        return
    live = builds.live(recommendation)
    neighbours = builds.row(recommendation, live.build, item or POPULAR) if live else ()
    state = _state(builds, recommendation)
    rows = [each._asdict() for each in neighbours]
    if json:
        print_json({**_row(published), **state, "item": item, "neighbours": rows})
        return
    print_rows([{**_row(published), **state}], ["recommendation", "revision", *state], as_json=False)
    if live:
        title = f"Goes with {item}" if item else "Popular"
        print_rows(rows, ["item", "score", "support"], as_json=False, title=title)


@app.command()
def build(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID|FILE]", help="The recommendation. Default: all that are published.", show_default=False
        ),
    ] = None,
    *,
    events: Events = None,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Build recommendations now instead of tonight. With --events, build on this machine and only show the result.

    Example: `holdfast recommend build also-bought --stage prod`
    """
    if events is None:
        outcomes = asked.build(Deployment.find(stage), target)
        print_rows(outcomes, ["recommendation", "build", "items", "pairs", "reason"], as_json=json)
        if any(outcome["failed"] for outcome in outcomes):
            raise typer.Exit(1)
        return
    if target is None:
        raise typer.BadParameter("which recommendation, or which file?", param_hint="ID|FILE")
    from holdfast_cli import offline  # noqa: PLC0415 (DuckDB takes 0.1 s to load: no other command has to wait for it)

    recommender = _recommender(target, stage, as_json=json)
    with offline.database() as duck:
        offline.load(duck, recommender, events)
        shown = 0
        for item, neighbours in grouped(offline.find(duck, recommender)):
            if json:
                print_json({"item": item or None, "neighbours": [each._asdict() for each in neighbours]})
            elif shown < _SHOWN or item == POPULAR:
                best = [f"{each.item} ({each.score:.3f}, {each.support} users)" for each in neighbours[:3]]
                out.print(f"{escape(f'with {item}' if item else 'popular')}: {escape(', '.join(best))}")
            shown += item != POPULAR
    if not json:
        out.print(f"{shown} items have others that go with them")


@app.command("evaluate")
def evaluate_(
    target: Target,
    *,
    events: Events = None,
    split: Annotated[
        float,
        typer.Option(help="The share of the history to build from, earliest first.", min=0.1, max=0.95),
    ] = 0.8,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """Measure a recommendation: build from the earlier part of the history, and count the hits in the later part.

    Example: `holdfast recommend evaluate also-bought.yaml --events last-month.jsonl`
    """
    from holdfast_cli import offline  # noqa: PLC0415 (as in `build`)

    recommender = _recommender(target, stage, as_json=json)
    with offline.database() as duck:
        if events:
            offline.load(duck, recommender, events)
        else:
            offline.download(duck, recommender, Deployment.find(stage))
        found, at = offline.evaluate(duck, recommender, split)
    rows = [
        {"by": recommender.id, **found.rates(found.recommended)},
        {"by": "popularity", **found.rates(found.popular)},
    ]
    told = {"split_at": iso(at), "items": found.items, "trials": found.trials, "known": found.known}
    if json:
        for row in rows:
            print_json({**row, **told})
        return
    columns = [f"{what}_{k}" for what in ("hit_rate", "coverage") for k in SIZES]
    print_rows(rows, ["by", *columns], as_json=False)
    out.print(
        f"{found.trials} trials after {iso(at)}; in {found.known} of them something goes with what the user did before."
        f" {found.items} items before that."
    )
    if not found.known:
        out.print("No items go together more often than by chance: only popular items can be recommended.")
    elif found.popular.hits[SIZES[0]] > found.recommended.hits[SIZES[0]]:
        better = (
            "Write `fallback: popular`" if not recommender.popular else "Take a longer `lookback`, or another event"
        )
        out.print(f"Popular items hit more often than the recommended ones. {better}.")


def _read(path: Path, *, as_json: bool) -> tuple[Recommendation, str]:
    with mistakes_end(as_json=as_json):
        recommendation, source = read_model(path, Recommendation)
    return recommendation, source.text


def _recommender(target: str, stage: str, *, as_json: bool) -> Recommender:
    """A file's, or where there is no such file the published one of that id."""
    if Path(target).suffix in {".yaml", ".yml", ".json"}:
        return _read(Path(target), as_json=as_json)[0].plan()
    return _get(_table(Deployment.find(stage)), target).plan


def _table(deployment: Deployment) -> Recommendations:
    return Recommendations(deployment.client("dynamodb"), deployment.outputs["CampaignsTableName"])


def _builds(deployment: Deployment) -> Builds:
    return Builds(deployment.client("dynamodb"), deployment.outputs["CatalogTableName"])


def _get(table: Recommendations, recommendation: str) -> Published[Recommender]:
    try:
        return table.get(recommendation)
    except UnknownRecommendation as error:
        raise Failure(f"There is no recommendation {error}. See: holdfast recommend list") from None


def _row(published: Published[Recommender]) -> dict[str, Any]:
    plan = published.plan
    return {
        "recommendation": plan.id,
        "revision": plan.revision,
        "name": plan.name,
        "catalog": plan.catalog,
        "did": [plan.names[event] for event in plan.did],
        "lookback": format_duration(plan.lookback),
        "limit": plan.limit,
        "fallback": "popular" if plan.popular else "none",
        "personalize": plan.personalize,
        "published_at": iso(published.published_at),
    }


def _state(builds: Builds, name: str) -> dict[str, Any]:
    """The live build, and the result of the last one where that is another."""
    live, ended, running = builds.live(name), builds.told(name, ENDED), builds.told(name, RUNNING)
    newest, state, reason = live.build if live else "", "built" if live else "not built yet", None
    if ended and ended["build"] > newest:
        newest, reason = ended["build"], ended.get("reason")
        state = "last build failed" if ended["failed"] else state
    if running and running["build"] > newest:
        state, reason = "building", f"{running['step']} at {iso(running['at'])}"
    return {
        "state": state,
        "reason": reason,
        "built_at": iso(live.finished_at) if live else None,
        "engine": live.engine if live else None,
        "seconds": round((live.finished_at - live.started_at) / 1000, 1) if live else None,
        "items": live.items if live else None,
        "pairs": live.pairs if live else None,
    }
