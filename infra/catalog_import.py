from __future__ import annotations

from typing import cast

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_events as eventbridge
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from constructs import Construct

from holdfast.aws.drop_bucket import REPORTS
from infra.function import HoldfastFunction
from infra.history import acknowledge_objects
from infra.queues import work_queue
from infra.stages import Stage
from infra.tables import Tables

_KEPT = Duration.days(30)


class CatalogImport(Construct):
    """A bucket for catalogs' files: what is dropped into it is imported, and reported on under `reports/`.

    Versions are kept, so that a file which takes the place of another does not do so before that one is imported.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, layer: lambda_.ILayerVersion, tables: Tables
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket = self._bucket(stage, tables)
        self.queue, self.dead_letters = work_queue(self, stage=stage, visibility=Duration.minutes(15))
        self._announce()
        self.function = HoldfastFunction(
            self,
            "Function",
            stage=stage,
            service="catalog_import",
            description="Holdfast: imports the catalogs that are dropped into the bucket",
            layer=layer,
            memory_mb=1024,
            timeout=Duration.minutes(10),
            environment={
                "HOLDFAST_CATALOG_TABLE": tables.catalog.table_name,
                "HOLDFAST_CATALOG_BUCKET": self.bucket.bucket_name,
                "HOLDFAST_IMPORTS_QUEUE_URL": self.queue.queue_url,
            },
        )
        # A long file comes round more often than Lambda, which takes it for a mistake, would let it; it always gets on.
        cast("lambda_.CfnFunction", self.function.node.default_child).recursive_loop = "Allow"
        self.function.add_event_source(sources.SqsEventSource(self.queue, batch_size=1, max_concurrency=2))
        self._allow(tables)

    def _bucket(self, stage: Stage, tables: Tables) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS if tables.key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=tables.key,
            bucket_key_enabled=True if tables.key else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=not stage.embedded,
            versioned=True,
            removal_policy=RemovalPolicy.DESTROY if stage.embedded else RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(id="Reports", prefix=REPORTS, expiration=_KEPT),
                s3.LifecycleRule(id="Replaced", noncurrent_version_expiration=_KEPT),
                s3.LifecycleRule(id="Unfinished", abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
        )
        # CDK's own switch for this would add a function of its own, with rights on every bucket.
        cast("s3.CfnBucket", bucket.node.default_child).add_property_override(
            "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", value=True
        )
        Validations.of(bucket).acknowledge(
            Acknowledgment(
                id="AwsSolutions-S1",
                reason="Read by one function, which reports on every file; CloudTrail can tell of all else.",
            ),
        )
        return bucket

    def _announce(self) -> None:
        """Whatever its key, a file is announced: one that names no catalog is told so. Reports are not."""
        eventbridge.Rule(
            self,
            "Rule",
            description="Holdfast: files in the catalog bucket to the import queue",
            event_pattern=eventbridge.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [self.bucket.bucket_name]},
                    "object": {"key": [{"anything-but": {"prefix": REPORTS}}]},
                },
            ),
            targets=[targets.SqsQueue(self.queue, dead_letter_queue=self.dead_letters)],
        )

    def _allow(self, tables: Tables) -> None:
        may = self.function.may
        may(
            [f"dynamodb:{each}" for each in ("BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "UpdateItem")],
            on=[tables.catalog.table_arn],
            # Catalogs and their rows; not what builds of recommendations write.
            provided={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["catalog", "item#*", "by#*"]}},
        )
        # Who may not list is told that a file which is gone is forbidden.
        may(["s3:ListBucket"], on=[self.bucket.bucket_arn])
        may(["s3:GetObject", "s3:GetObjectVersion"], on=[self.bucket.arn_for_objects("*")])
        may(["s3:PutObject"], on=[self.bucket.arn_for_objects(f"{REPORTS}*")])
        may(["sqs:SendMessage"], on=[self.queue.queue_arn])
        tables.allow_key(self.function)
        acknowledge_objects(
            self.function.role_of_its_own,
            self.bucket,
            ["", REPORTS],
            "Files have the names that their owners give them, and reports are named after them.",
        )
