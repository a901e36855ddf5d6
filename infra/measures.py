"""The metrics for alarms and the dashboard, by what they count."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb

from infra.stages import Stage

NAMESPACE = "Holdfast"
MINUTE = Duration.minutes(1)
FEW_MINUTES = Duration.minutes(5)

DECIDED = ("DecidedSend", "DecidedWithhold", "DecidedRetract")
CAME_OUT = ("Delivered", "Withheld", "Retracted", "Undelivered")
SET_ASIDE = {"join": ("UsersFailed", "SavesRefused", "TicksRefused"), "sweep": ("TimersUnreadable", "TicksRefused")}


def counted(stage: Stage, service: str, name: str, statistic: str = "sum") -> cloudwatch.Metric:
    """A metric that a function emits itself, for this stage alone."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"service": service, "stage": stage.name},
        statistic=statistic,
        period=FEW_MINUTES,
        label=name,
    )


def total(stage: Stage, by_service: dict[str, Sequence[str]], label: str) -> cloudwatch.MathExpression:
    """Several counts as one. A count without data is zero."""
    using = {
        f"{service}{name}": counted(stage, service, name) for service, names in by_service.items() for name in names
    }
    return cloudwatch.MathExpression(
        expression="+".join(f"FILL({each},0)" for each in using), using_metrics=using, label=label, period=FEW_MINUTES
    )


def not_come_out(stage: Stage) -> cloudwatch.MathExpression:
    """How much of what join decided was not yet delivered, withheld, taken back or set aside by deliver: in percent.

    The two functions count at different moments, so a single period says little.
    """
    return cloudwatch.MathExpression(
        expression="IF(decided > 0, 100 * (decided - out) / decided, 0)",
        using_metrics={
            "decided": total(stage, {"join": DECIDED}, "decided"),
            "out": total(stage, {"deliver": CAME_OUT}, "came out"),
        },
        label="decided and not come out (%)",
        period=FEW_MINUTES,
    )


def rejected_share(stage: Stage) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression="IF(rejected > 10, 100 * rejected / (rejected + FILL(folded,0)), 0)",
        using_metrics={
            "rejected": total(stage, {"join": ["RecordsRejected"]}, "rejected"),
            "folded": counted(stage, "join", "RecordsFolded"),
        },
        label="records rejected (%)",
        period=FEW_MINUTES,
    )


def throttled(tables: Sequence[dynamodb.ITable]) -> cloudwatch.MathExpression:
    """Filled with zeros, as an alarm on a metric of DynamoDB keeps its state for as long as there is no data."""
    using: dict[str, cloudwatch.IMetric] = {
        f"m{number}": cloudwatch.Metric(
            namespace="AWS/DynamoDB",
            metric_name=name,
            dimensions_map={"TableName": table.table_name},
            statistic="sum",
            period=FEW_MINUTES,
        )
        for number, (table, name) in enumerate(
            (table, name) for table in tables for name in ("ReadThrottleEvents", "WriteThrottleEvents")
        )
    }
    return cloudwatch.MathExpression(
        expression="+".join(f"FILL({each},0)" for each in using),
        using_metrics=using,
        label="throttled by DynamoDB",
        period=FEW_MINUTES,
    )
