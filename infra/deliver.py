from __future__ import annotations

from typing import cast

import jsii
from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_events as eventbridge
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

from holdfast.aws.settings import DeliverSettings
from holdfast.aws.tables.outcomes import STATISTICS
from holdfast_cli.outputs import Outputs
from infra.buckets import PrivateBucket, acknowledge_objects
from infra.function import HoldfastFunction
from infra.queues import final_queue, let_service_send, rule_to_queue
from infra.stages import Stage
from infra.tables import Tables

_GIVEN_UP_KEPT = Duration.days(14)
"""As long as the queue keeps the messages that name the objects."""


@jsii.implements(lambda_.IEventSourceDlq)
class _Objects:
    """A bucket for records that the stream gave up on. CDK's own class lets the function read and delete there, too."""

    def __init__(self, bucket: s3.Bucket) -> None:
        self._bucket = bucket

    def bind(self, _target: IConstruct, target_handler: lambda_.IFunction) -> lambda_.DlqDestinationConfig:
        may = cast("HoldfastFunction", target_handler).may
        may(["s3:ListBucket"], on=[self._bucket.bucket_arn])
        may(["s3:PutObject"], on=[self._bucket.arn_for_objects("*")])
        return lambda_.DlqDestinationConfig(destination=self._bucket.bucket_arn)


class Deliver(Construct):
    """Renders the decisions in the users' outboxes and puts them on the bus.

    Deliver puts decisions that it cannot deliver on the undelivered queue itself, one by one. If deliver fails as a
    whole, the stream waits for it: the order of a user's decisions is kept, and nothing is lost. Records that Lambda
    finally gives up on are kept whole in a bucket, and a message that names the object is put on the same queue.
    """

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
        self.undelivered = final_queue(self, "Undelivered", stage=stage, key=tables.key)
        self.given_up = self._given_up(stage, tables)
        self.function = HoldfastFunction(
            self,
            "Function",
            stage=stage,
            key=tables.key,
            description="Holdfast: renders decided messages and puts them on the event bus",
            layer=layer,
            memory_mb=1024,
            timeout=Duration.minutes(1),
            service="deliver",
            settings=DeliverSettings(
                users_table=tables.users.table_name,
                campaigns_table=tables.campaigns.table_name,
                catalog_table=tables.catalog.table_name,
                undelivered_queue_url=self.undelivered.queue_url,
                bus_name=bus.event_bus_name,
                source=stage.source,
                personalize="true" if stage.personalize else "",
                signing_secret=stage.signing_secret,
            ),
        )
        self._allow(stage, tables, bus)
        self.function.add_event_source(
            sources.DynamoEventSource(
                tables.users,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=stage.deliver_batch_size,
                max_batching_window=stage.deliver_batch_window,
                parallelization_factor=stage.deliver_lanes,
                # Only writes that decided something; `exists` is all that a filter can express about a string.
                filters=[{"pattern": '{"dynamodb":{"NewImage":{"outbox":{"S":[{"exists":true}]}}}}'}],
                # Isolates a record that ends the function (a time-out, no memory); records before it are delivered.
                bisect_batch_on_error=True,
                retry_attempts=-1,
                max_record_age=stage.deliver_patience,
                on_failure=_Objects(self.given_up),
                # The embedded AWS treats a response with failures as a success, so deliver raises instead.
                report_batch_item_failures=False,
            )
        )
        acknowledge_objects(
            self.function.role_of_its_own, self.given_up, [""], "Lambda names the objects after shards and times."
        )
        Validations.of(self.function.role or self.function).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::*]",
                reason="dynamodb:ListStreams, which the stream mapping needs, and X-Ray's actions know no resources.",
            ),
        )

    @property
    def outputs(self) -> Outputs:
        return {
            "UndeliveredQueueUrl": self.undelivered.queue_url,
            "GivenUpBucketName": self.given_up.bucket_name,
            "DeliverFunctionName": self.function.function_name,
        }

    def _given_up(self, stage: Stage, tables: Tables) -> s3.Bucket:
        bucket = PrivateBucket(
            self,
            "GivenUp",
            stage=stage,
            key=tables.key,
            rules=[s3.LifecycleRule(id="Kept", expiration=_GIVEN_UP_KEPT)],
            announced=True,
        )
        rule = rule_to_queue(
            self,
            "GivenUpRule",
            description="what the stream gave up on, to the undelivered queue",
            pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"bucket": {"name": [bucket.bucket_name]}},
            },
            queue=self.undelivered,
        )
        let_service_send(
            self.undelivered, "events.amazonaws.com", sid="GivenUp", sources=[rule.attr_arn], key=tables.key
        )
        return bucket

    def _allow(self, stage: Stage, tables: Tables, bus: eventbridge.IEventBus) -> None:
        may = self.function.may
        may(["dynamodb:BatchGetItem"], on=[tables.users.table_arn, tables.catalog.table_arn])
        if stage.signing_secret:
            may(["secretsmanager:GetSecretValue"], on=[stage.signing_secret])
        if stage.personalize:
            may(["personalize:GetRecommendations"], on=stage.personalize)
        may(["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"], on=[tables.campaigns.table_arn])
        may(
            ["dynamodb:UpdateItem"],
            on=[tables.campaigns.table_arn],
            provided={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{STATISTICS}*"]}},
        )
        may(["events:PutEvents"], on=[bus.event_bus_arn])
        may(["sqs:SendMessage"], on=[self.undelivered.queue_arn])
