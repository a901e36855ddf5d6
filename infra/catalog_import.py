from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from constructs import Construct

from holdfast.aws.drop_bucket import REPORTS
from holdfast.aws.settings import CatalogImportSettings
from holdfast_cli.outputs import Outputs
from infra.buckets import PrivateBucket, acknowledge_objects
from infra.function import HoldfastFunction
from infra.key import Key
from infra.queues import let_service_send, rule_to_queue, work_queue
from infra.stages import Stage
from infra.tables import Tables

_KEPT = Duration.days(30)


class CatalogImport(Construct):
    """A bucket for catalog files: a file put into it is imported, and the result is reported under `reports/`.

    Versions are kept, so that a file does not replace an earlier one of the same name before that one is imported.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, layer: lambda_.ILayerVersion, tables: Tables
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket = PrivateBucket(
            self,
            "Bucket",
            stage=stage,
            key=tables.key,
            rules=[
                s3.LifecycleRule(id="Reports", prefix=REPORTS, expiration=_KEPT),
                s3.LifecycleRule(id="Replaced", noncurrent_version_expiration=_KEPT),
            ],
            versioned=True,
            announced=True,
        )
        self.queue, self.dead_letters = work_queue(
            self, stage=stage, key=tables.key, visibility=Duration.minutes(15), patience=stage.imports_patience
        )
        self._announce(tables.key)
        self.function = HoldfastFunction(
            self,
            "Function",
            stage=stage,
            key=tables.key,
            service="catalog_import",
            description="Holdfast: imports the catalogs that are dropped into the bucket",
            layer=layer,
            memory_mb=1024,
            timeout=Duration.minutes(10),
            # A long file takes several invocations; each one makes progress.
            sends_to_its_own_queue=True,
            settings=CatalogImportSettings(
                catalog_table=tables.catalog.table_name,
                catalog_bucket=self.bucket.bucket_name,
                imports_queue_url=self.queue.queue_url,
            ),
        )
        self.function.add_event_source(sources.SqsEventSource(self.queue, batch_size=1, max_concurrency=2))
        self._allow(tables)

    @property
    def outputs(self) -> Outputs:
        return {
            "CatalogBucketName": self.bucket.bucket_name,
            "CatalogImportFunctionName": self.function.function_name,
        }

    def _announce(self, key: Key) -> None:
        """Every file is announced, whatever its key: a file that names no catalog gets a report that says so. Reports
        are not announced.
        """
        rule = rule_to_queue(
            self,
            "Rule",
            description="files in the catalog bucket to the import queue",
            pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": {"name": [self.bucket.bucket_name]},
                    "object": {"key": [{"anything-but": {"prefix": REPORTS}}]},
                },
            },
            queue=self.queue,
            dead_letters=self.dead_letters,
        )
        for queue in (self.queue, self.dead_letters):
            let_service_send(queue, "events.amazonaws.com", sid="Announced", sources=[rule.attr_arn], key=key)

    def _allow(self, tables: Tables) -> None:
        may = self.function.may
        may(
            [f"dynamodb:{each}" for each in ("BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "UpdateItem")],
            on=[tables.catalog.table_arn],
            # Catalogs and their rows; not what builds of recommendations write.
            provided={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["catalog", "item#*", "by#*"]}},
        )
        # Without the right to list, S3 answers that a deleted file is forbidden.
        may(["s3:ListBucket"], on=[self.bucket.bucket_arn])
        may(["s3:GetObject", "s3:GetObjectVersion"], on=[self.bucket.arn_for_objects("*")])
        may(["s3:PutObject"], on=[self.bucket.arn_for_objects(f"{REPORTS}*")])
        may(["sqs:SendMessage"], on=[self.queue.queue_arn])
        acknowledge_objects(
            self.function.role_of_its_own,
            self.bucket,
            ["", REPORTS],
            "Files have the names that their owners give them, and reports are named after them.",
        )
