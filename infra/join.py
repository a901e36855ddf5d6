from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from holdfast.aws.settings import JoinSettings
from holdfast_cli.outputs import Outputs
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
        history: History | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = HoldfastFunction(
            self,
            "Function",
            stage=stage,
            key=tables.key,
            service="join",
            description="Holdfast: folds events and ticks into each user's state",
            layer=layer,
            memory_mb=stage.join_memory_mb,
            timeout=stage.join_timeout,
            sends_to_its_own_queue=True,
            settings=JoinSettings(
                users_table=tables.users.table_name,
                timers_table=tables.timers.table_name,
                campaigns_table=tables.campaigns.table_name,
                events_queue_url=events.queue.queue_url,
                rejected_queue_url=events.rejected.queue_url,
                history_stream=history.stream.ref if history else "",
                nobody=",".join(stage.nobody),
                cloudevent_subject="user" if stage.subject_is_user else "",
                deflate_states="true" if stage.deflate else "false",
                timer_shards=stage.timer_shards,
                queue_retention_seconds=int(stage.events_retention.to_seconds()),
            ),
        )
        self.function.may(["dynamodb:BatchGetItem", "dynamodb:PutItem"], on=[tables.users.table_arn])
        # BatchExecuteStatement, which has no action of its own.
        self.function.may(["dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"], on=[tables.users.table_arn])
        self.function.may(["dynamodb:BatchWriteItem"], on=[tables.timers.table_arn])
        self.function.may(["dynamodb:BatchGetItem", "dynamodb:Query"], on=[tables.campaigns.table_arn])
        # Event names, their volume, and the live tail are stored beside the campaigns, which join cannot change.
        self.function.may(
            ["dynamodb:UpdateItem"],
            on=[tables.campaigns.table_arn],
            provided={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["seen", "volume", "tail#*"]}},
        )
        self.function.may(["sqs:SendMessage"], on=[events.queue.queue_arn, events.rejected.queue_arn])
        if history:
            self.function.may(["firehose:PutRecordBatch"], on=[history.stream.attr_arn])
        self.function.add_event_source(
            sources.SqsEventSource(
                events.queue,
                batch_size=stage.join_batch_size,
                max_batching_window=stage.join_batch_window,
                max_concurrency=stage.join_concurrency,
                report_batch_item_failures=True,
            )
        )

    @property
    def outputs(self) -> Outputs:
        return {"JoinFunctionName": self.function.function_name}
