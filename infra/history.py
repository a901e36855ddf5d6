"""Storage of the events that recommendations name, and the table by which Athena finds them."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from holdfast.aws.history import PREFIX
from holdfast.core.recommend.item_to_item import COLUMNS
from holdfast_cli.outputs import Outputs
from infra.buckets import PrivateBucket, acknowledge_objects
from infra.stages import Stage
from infra.tables import Tables

RESULTS = "athena/"
ERRORS = "errors/"
_KEPT_DAYS = 92
"""The longest lookback of a recommendation, and the days at its ends."""
_DATABASE_TYPES = {"varchar": "string", "bigint": "bigint"}


class History(Construct):
    """A bucket, the delivery stream that fills it, and the table that names its contents. There is no crawler: the
    partitions follow from the calendar.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, tables: Tables) -> None:
        super().__init__(scope, construct_id)
        self.bucket = PrivateBucket(
            self,
            "Bucket",
            stage=stage,
            key=tables.key,
            rules=[
                s3.LifecycleRule(id="History", prefix=PREFIX, expiration=Duration.days(_KEPT_DAYS)),
                s3.LifecycleRule(id="Results", prefix=RESULTS, expiration=Duration.days(1)),
                s3.LifecycleRule(id="Errors", prefix=ERRORS, expiration=Duration.days(14)),
            ],
        )
        self.stream = self._stream(stage, tables)
        self.database, self.table = self._catalogue()
        own = tables.key.own
        self.workgroup = athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=f"{Stack.of(self).stack_name}-recommendations",
            description="Holdfast: builds of recommendations",
            recursive_delete_option=True,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=False,
                # Athena stops a query that reads more, and bills what was read until then.
                bytes_scanned_cutoff_per_query=stage.athena_scan_limit_gb * 1000**3,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{self.bucket.bucket_name}/{RESULTS}",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS" if own else "SSE_S3",
                        kms_key=own.key_arn if own else None,
                    ),
                ),
            ),
        )

    @property
    def outputs(self) -> Outputs:
        return {
            "HistoryBucketName": self.bucket.bucket_name,
            "HistoryStreamName": self.stream.ref,
        }

    def _stream(self, stage: Stage, tables: Tables) -> firehose.CfnDeliveryStream:
        own = tables.key.own
        log_group = logs.LogGroup(
            self,
            "Log",
            retention=stage.log_retention,
            encryption_key=own,
            removal_policy=stage.removal_policy,
        )
        log = logs.LogStream(self, "LogStream", log_group=log_group, removal_policy=stage.removal_policy)
        # Firehose names the account for which it acts as the external id.
        for_us = {"StringEquals": {"sts:ExternalId": Stack.of(self).account}}
        firehoses = iam.ServicePrincipal("firehose.amazonaws.com", conditions=for_us)
        role = iam.Role(self, "StreamRole", assumed_by=firehoses)
        written = [self.bucket.arn_for_objects(f"{prefix}*") for prefix in (PREFIX, ERRORS)]
        role.add_to_policy(iam.PolicyStatement(actions=["s3:AbortMultipartUpload", "s3:PutObject"], resources=written))
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                resources=[self.bucket.bucket_arn],
            )
        )
        role.add_to_policy(iam.PolicyStatement(actions=["logs:PutLogEvents"], resources=[log_group.log_group_arn]))
        tables.key.allow(role)
        acknowledge_objects(
            role, self.bucket, [PREFIX, ERRORS], "Firehose chooses the names of the objects under these prefixes."
        )
        stream = firehose.CfnDeliveryStream(
            self,
            "Stream",
            delivery_stream_type="DirectPut",
            delivery_stream_encryption_configuration_input=(
                firehose.CfnDeliveryStream.DeliveryStreamEncryptionConfigurationInputProperty(
                    key_type="CUSTOMER_MANAGED_CMK" if own else "AWS_OWNED_CMK", key_arn=own.key_arn if own else None
                )
            ),
            extended_s3_destination_configuration=firehose.CfnDeliveryStream.ExtendedS3DestinationConfigurationProperty(
                bucket_arn=self.bucket.bucket_arn,
                role_arn=role.role_arn,
                # Large objects are faster to read, and nobody waits for them.
                buffering_hints=firehose.CfnDeliveryStream.BufferingHintsProperty(
                    interval_in_seconds=900, size_in_m_bs=128
                ),
                compression_format="GZIP",
                prefix=PREFIX + "day=!{timestamp:yyyy-MM-dd}/",
                error_output_prefix=ERRORS + "!{firehose:error-output-type}/!{timestamp:yyyy-MM-dd}/",
                cloud_watch_logging_options=firehose.CfnDeliveryStream.CloudWatchLoggingOptionsProperty(
                    enabled=True, log_group_name=log_group.log_group_name, log_stream_name=log.log_stream_name
                ),
            ),
        )
        stream.node.add_dependency(role)
        return stream

    def _catalogue(self) -> tuple[str, str]:
        """The names of the database and the table."""
        stack = Stack.of(self)
        name = stack.stack_name.lower().replace("-", "_")
        location = f"s3://{self.bucket.bucket_name}/{PREFIX}"
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=stack.account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(name=name, description="Holdfast"),
        )
        table = glue.CfnTable(
            self,
            "Table",
            catalog_id=stack.account,
            database_name=name,
            table_input=glue.CfnTable.TableInputProperty(
                name="history",
                description="Who did what to which item: the events that recommendations name",
                table_type="EXTERNAL_TABLE",
                parameters={
                    "EXTERNAL": "TRUE",
                    "classification": "json",
                    "projection.enabled": "true",
                    "projection.day.type": "date",
                    "projection.day.format": "yyyy-MM-dd",
                    "projection.day.interval": "1",
                    "projection.day.interval.unit": "DAYS",
                    "projection.day.range": f"NOW-{_KEPT_DAYS}DAYS,NOW",
                    "storage.location.template": location + "day=${day}/",
                },
                partition_keys=[glue.CfnTable.ColumnProperty(name="day", type="string")],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    location=location,
                    columns=[
                        glue.CfnTable.ColumnProperty(name=column, type=_DATABASE_TYPES[kind])
                        for column, kind in COLUMNS.items()
                    ],
                    input_format="org.apache.hadoop.mapred.TextInputFormat",
                    output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library="org.openx.data.jsonserde.JsonSerDe"
                    ),
                ),
            ),
        )
        table.node.add_dependency(database)
        return name, "history"
