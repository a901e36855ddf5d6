from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from infra.function import HoldfastFunction
from infra.history import History
from infra.queues import EventsQueue
from infra.stages import Stage
from infra.tables import Tables


class Join(Construct):
    """Folds events and ticks into the users' state."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        layer: lambda_.ILayerVersion,
        events: EventsQueue,
        tables: Tables,
        history: History,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = HoldfastFunction(
            self,
            "Function",
            stage=stage,
            service="join",
            description="Holdfast: folds events and ticks into each user's state",
            layer=layer,
            memory_mb=stage.join_memory_mb,
            timeout=stage.join_timeout,
            environment={
                "HOLDFAST_USERS_TABLE": tables.users.table_name,
                "HOLDFAST_TIMERS_TABLE": tables.timers.table_name,
                "HOLDFAST_CAMPAIGNS_TABLE": tables.campaigns.table_name,
                "HOLDFAST_CAMPAIGNS_TTL_SECONDS": str(stage.campaigns_ttl.to_seconds()),
                "HOLDFAST_EVENTS_QUEUE_URL": events.queue.queue_url,
                "HOLDFAST_REJECTED_QUEUE_URL": events.rejected.queue_url,
                "HOLDFAST_HISTORY_STREAM": history.stream.ref,
                "HOLDFAST_TIMER_SHARDS": str(stage.timer_shards),
                "HOLDFAST_QUEUE_RETENTION_SECONDS": str(stage.events_retention.to_seconds()),
            },
        )
        self.function.may(["dynamodb:BatchGetItem", "dynamodb:PutItem"], on=[tables.users.table_arn])
        # BatchExecuteStatement, which has no action of its own.
        self.function.may(["dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"], on=[tables.users.table_arn])
        self.function.may(["dynamodb:BatchWriteItem"], on=[tables.timers.table_arn])
        self.function.may(["dynamodb:Query"], on=[tables.campaigns.table_arn])
        # What it has seen, beside the campaigns, which it cannot change.
        self.function.may(
            ["dynamodb:UpdateItem"],
            on=[tables.campaigns.table_arn],
            provided={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["seen"]}},
        )
        self.function.may(["sqs:SendMessage"], on=[events.queue.queue_arn, events.rejected.queue_arn])
        self.function.may(["firehose:PutRecordBatch"], on=[history.stream.attr_arn])
        tables.allow_key(self.function)
        self.function.add_event_source(
            sources.SqsEventSource(
                events.queue,
                batch_size=stage.join_batch_size,
                max_batching_window=stage.join_batch_window,
                max_concurrency=stage.join_concurrency,
                report_batch_item_failures=True,
            )
        )
