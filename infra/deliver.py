from __future__ import annotations

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_events as eventbridge
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from holdfast.aws.tables.statistics import STATISTICS
from infra.function import HoldfastFunction
from infra.queues import final_queue
from infra.stages import Stage
from infra.tables import Tables

BATCH_SIZE = 100


class Deliver(Construct):
    """Renders the decisions in the users' outboxes and puts them on the bus."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        layer: lambda_.ILayerVersion,
        tables: Tables,
        bus: eventbridge.IEventBus,
    ) -> None:
        super().__init__(scope, construct_id)
        self.undelivered = final_queue(self, "Undelivered", stage=stage)
        self.function = HoldfastFunction(
            self,
            "Function",
            stage=stage,
            service="deliver",
            description="Holdfast: renders decided messages and puts them on the event bus",
            layer=layer,
            memory_mb=1024,
            timeout=Duration.minutes(1),
            environment={
                "HOLDFAST_USERS_TABLE": tables.users.table_name,
                "HOLDFAST_CAMPAIGNS_TABLE": tables.campaigns.table_name,
                "HOLDFAST_CATALOG_TABLE": tables.catalog.table_name,
                "HOLDFAST_CAMPAIGNS_TTL_SECONDS": str(stage.campaigns_ttl.to_seconds()),
                "HOLDFAST_UNDELIVERED_QUEUE_URL": self.undelivered.queue_url,
                "HOLDFAST_BUS_NAME": bus.event_bus_name,
                "HOLDFAST_SOURCE": stage.source,
                **({"HOLDFAST_PERSONALIZE": "true"} if stage.personalize else {}),
            },
        )
        self.function.may(["dynamodb:BatchGetItem"], on=[tables.users.table_arn, tables.catalog.table_arn])
        if stage.personalize:
            self.function.may(["personalize:GetRecommendations"], on=stage.personalize)
        self.function.may(["dynamodb:GetItem", "dynamodb:Query"], on=[tables.campaigns.table_arn])
        self.function.may(
            ["dynamodb:UpdateItem"],
            on=[tables.campaigns.table_arn],
            provided={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{STATISTICS}*"]}},
        )
        self.function.may(["events:PutEvents"], on=[bus.event_bus_arn])
        self.function.may(["sqs:SendMessage"], on=[self.undelivered.queue_arn])
        tables.allow_key(self.function)
        self.function.add_event_source(
            sources.DynamoEventSource(
                tables.users,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=BATCH_SIZE,
                max_batching_window=stage.deliver_batch_window,
                parallelization_factor=stage.deliver_lanes,
                # Only writes that decided something; `exists` is what a filter can say about a string.
                filters=[{"pattern": '{"dynamodb":{"NewImage":{"outbox":{"S":[{"exists":true}]}}}}'}],
                bisect_batch_on_error=True,
                retry_attempts=5,
                max_record_age=Duration.hours(6),
                on_failure=sources.SqsDlq(self.undelivered),
                report_batch_item_failures=False,
            )
        )
        Validations.of(self.function.role or self.function).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::*]",
                reason="dynamodb:ListStreams, which the stream mapping needs, and X-Ray's actions know no resources.",
            ),
        )
