from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.alarms import Watched
from infra.measures import CAME_OUT, DECIDED, FEW_MINUTES, counted, rejected_share
from infra.stages import Stage

_WIDTH, _HEIGHT = 8, 6


class Dashboard(Construct):
    """One page for the person on call: what comes in and goes out, how late, what waits, what fails, what it costs."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        watched: Watched,
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(scope, construct_id)
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=f"Holdfast-{stage.name}",
            default_interval=Duration.hours(12),
            widgets=[
                [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=24, height=4)],
                _books(stage),
                _late(stage, watched),
                _set_aside(stage, watched),
                _failures(stage, watched),
                _costs(watched),
            ],
        )


_Row: TypeAlias = list[cloudwatch.IWidget]


def _books(stage: Stage) -> _Row:
    return [
        _graph("Books: records in", [counted(stage, "join", n) for n in ("RecordsFolded", "RecordsRejected")]),
        _graph("Books: decided", [counted(stage, "join", name) for name in DECIDED]),
        _graph("Books: came out", [counted(stage, "deliver", name) for name in CAME_OUT]),
    ]


def _late(stage: Stage, watched: Watched) -> _Row:
    oldest = watched.events.metric_approximate_age_of_oldest_message(statistic="max")
    age = watched.deliver.metric("IteratorAge", statistic="max")
    return [
        _graph("Sweep behind the clock (s)", [counted(stage, "sweep", "SweepLag", "max")]),
        _graph("Oldest event in the queue (s)", [_named(oldest, "oldest event")]),
        _graph("Age of the stream at deliver (ms)", [_named(age, "age")]),
    ]


def _set_aside(stage: Stage, watched: Watched) -> _Row:
    queues = (
        ("dead letters", watched.dead_letters),
        ("rejected", watched.rejected),
        ("undelivered", watched.undelivered),
        ("not imported", watched.not_imported),
    )
    return [
        _graph(
            "Waiting for a person",
            [
                queue.metric_approximate_number_of_messages_visible(statistic="max", period=FEW_MINUTES, label=label)
                for label, queue in queues
            ],
        ),
        _graph("Records rejected (%)", [rejected_share(stage)]),
        _errors_by_campaign([watched.deliver, watched.join]),
    ]


def _failures(stage: Stage, watched: Watched) -> _Row:
    functions = _functions(watched)
    return [
        _graph("Errors", [_named(f.metric_errors(period=FEW_MINUTES), name) for name, f in functions]),
        _graph("Throttles", [_named(f.metric_throttles(period=FEW_MINUTES), name) for name, f in functions]),
        _graph(
            "Users nominated, races lost", [counted(stage, "sweep", "Nominated"), counted(stage, "join", "RacesLost")]
        ),
    ]


def _costs(watched: Watched) -> _Row:
    tables = (("users", watched.tables.users), ("timers", watched.tables.timers))
    functions = (("join", watched.join), ("deliver", watched.deliver), ("sweep", watched.sweep))
    return [
        _graph("Cost: write units", [_units(table, name, "Write") for name, table in tables]),
        _graph("Cost: read units", [_units(table, name, "Read") for name, table in tables]),
        _graph(
            "Cost: milliseconds of Lambda",
            [_named(f.metric_duration(statistic="sum", period=FEW_MINUTES), name) for name, f in functions],
        ),
    ]


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=_WIDTH, height=_HEIGHT, period=FEW_MINUTES)


def _errors_by_campaign(functions: Sequence[lambda_.Function]) -> cloudwatch.LogQueryWidget:
    """From the logs, as a metric for each campaign would cost extra."""
    return cloudwatch.LogQueryWidget(
        title="Errors by campaign",
        log_group_names=[function.log_group.log_group_name for function in functions],
        query_lines=[
            "filter level = 'ERROR'",
            "stats count() as errors by service, campaign, message",
            "sort errors desc",
        ],
        view=cloudwatch.LogQueryVisualizationType.TABLE,
        width=_WIDTH,
        height=_HEIGHT,
    )


def _functions(watched: Watched) -> list[tuple[str, lambda_.Function]]:
    found = [
        ("join", watched.join),
        ("sweep", watched.sweep),
        ("deliver", watched.deliver),
        ("catalog_import", watched.catalog_import),
    ]
    return [*found, *([("recommend", watched.recommend)] if watched.recommend else [])]


def _named(metric: cloudwatch.Metric, label: str) -> cloudwatch.Metric:
    return metric.with_(label=label)


def _units(table: dynamodb.ITable, name: str, kind: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/DynamoDB",
        metric_name=f"Consumed{kind}CapacityUnits",
        dimensions_map={"TableName": table.table_name},
        statistic="sum",
        period=FEW_MINUTES,
        label=name,
    )
