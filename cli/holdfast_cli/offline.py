"""History on this machine: loaded from events or from a stage, built from and evaluated by DuckDB."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from holdfast.aws.clock import now_ms
from holdfast.aws.history import History
from holdfast.core.events import Event
from holdfast.core.explain.replay import NO_ARRIVAL
from holdfast.core.intake.forms import records
from holdfast.core.recommend import evaluation
from holdfast.core.recommend.evaluation import Done, Evaluation, trials
from holdfast.core.recommend.history import Sources
from holdfast.core.recommend.item_to_item import Found, first_day, grouped, sources
from holdfast.core.recommend.ranking import POPULAR, Recommender
from holdfast.services.build_engines import Duck, DuckEngine
from holdfast_cli.lines import read_lines
from holdfast_cli.output import Failure, progress
from holdfast_cli.stack import Deployment

_LINES_PER_STEP = 10_000


@contextmanager
def database() -> Iterator[Duck]:
    with tempfile.TemporaryDirectory(prefix="holdfast-") as directory:
        duck = Duck(Path(directory))
        try:
            yield duck
        except duckdb.Error as error:
            raise Failure(f"DuckDB: {error}") from error
        finally:
            duck.close()


def load(duck: Duck, recommender: Recommender, events: Path) -> None:
    """The history that join would have kept of these events."""
    kept = Sources([recommender])
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        with progress("reading events", None) as bar:
            for number, line in enumerate(read_lines(events)):
                for record in records(line, NO_ARRIVAL):
                    if isinstance(record, Event):
                        file.writelines(row.line() for row in kept.rows(record))
                if number % _LINES_PER_STEP == 0:
                    bar.update(bar.task_ids[0], description=f"reading events: {number}")
        file.flush()
        duck.load(Path(file.name))


def download(duck: Duck, recommender: Recommender, deployment: Deployment) -> None:
    history = History(deployment.client("s3"), deployment.recommending("HistoryBucketName"))
    with tempfile.TemporaryDirectory(prefix="holdfast-") as directory, progress("reading history", None) as bar:
        engine = DuckEngine(history, Path(directory))
        engine.load(
            duck,
            first_day(recommender, now_ms()),
            lambda step: bar.update(bar.task_ids[0], description=step),
        )


def find(duck: Duck, recommender: Recommender) -> Iterator[Found]:
    """The items that go together in all that is loaded: the lookback ends with the last event."""
    ((last,),) = duck.run("SELECT max(at_ms) FROM history")
    if last is None:
        raise Failure(f"There is no item in {_named(recommender)}: is it what `did` names?")
    return duck.find(recommender, last + 1)


def evaluate(duck: Duck, recommender: Recommender, split: float) -> tuple[Evaluation, int]:
    chosen = sources(recommender)
    ((total, at),) = duck.run(f"SELECT count(*), quantile_disc(at_ms, {split}) FROM history WHERE {chosen}")  # noqa: S608
    if not total:
        raise Failure(f"There is no history of {_named(recommender)}.")
    with progress("building from the earlier part", None):
        rows = dict(grouped(duck.find(recommender, at)))
    popular = rows.pop(POPULAR, [])
    ((items,),) = duck.run(f"SELECT count(DISTINCT item) FROM history WHERE at_ms < {at} AND {chosen}")  # noqa: S608
    history = duck.run(f"SELECT DISTINCT who, at_ms, item FROM history WHERE {chosen} ORDER BY who, at_ms, item")  # noqa: S608
    with progress("asking for the later part", None) as bar:
        asked = trials((Done(*row) for row in history), at)
        step = lambda: bar.advance(bar.task_ids[0])  # noqa: E731
        found = evaluation.evaluate(asked, rows, popular, items=items, fallback=recommender.popular, step=step)
    return found, at


def _named(recommender: Recommender) -> str:
    return ", ".join(f"{recommender.names[event]} ({path})" for event, path in recommender.did.items())
