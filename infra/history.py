"""Where the events that recommendations name are kept, and how Athena finds them there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from holdfast.aws.history import PREFIX
from holdfast.core.recommend.item_to_item import COLUMNS
from infra.stages import Stage
from infra.tables import Tables

RESULTS = "athena/"
ERRORS = "errors/"
_KEPT_DAYS = 92
"""The longest lookback of a recommendation, and the days at its ends."""
_DATABASE_TYPES = {"varchar": "string", "bigint": "bigint"}


class History(Construct):
    """A bucket, the delivery stream that fills it, and the table that names what is in it. No crawler: the partitions
    follow from the calendar.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, tables: Tables) -> None:
        super().__init__(scope, construct_id)
        self.bucket = self._bucket(stage, tables)
        self.stream = self._stream(stage, tables)
        self.database, self.table = self._catalogue()
        self.workgroup = athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=f"{Stack.of(self).stack_name}-recommendations",
            description="Holdfast: builds of recommendations",
            recursive_delete_option=True,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=False,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{self.bucket.bucket_name}/{RESULTS}",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS" if tables.key else "SSE_S3",
                        kms_key=tables.key.key_arn if tables.key else None,
                    ),
                ),
            ),
        )

    def _bucket(self, stage: Stage, tables: Tables) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS if tables.key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=tables.key,
            bucket_key_enabled=True if tables.key else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=not stage.embedded,
            # A bucket with something in it cannot be deleted; what is in this one ends by itself.
            removal_policy=RemovalPolicy.DESTROY if stage.embedded else RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(id="History", prefix=PREFIX, expiration=Duration.days(_KEPT_DAYS)),
                s3.LifecycleRule(id="Results", prefix=RESULTS, expiration=Duration.days(1)),
                s3.LifecycleRule(id="Errors", prefix=ERRORS, expiration=Duration.days(14)),
                s3.LifecycleRule(id="Unfinished", abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
        )
        Validations.of(bucket).acknowledge(
            Acknowledgment(
                id="AwsSolutions-S1",
                reason="Written by one delivery stream and read by one function; CloudTrail can tell of all else.",
            ),
        )
        return bucket

    def _stream(self, stage: Stage, tables: Tables) -> firehose.CfnDeliveryStream:
        log_group = logs.LogGroup(self, "Log", retention=stage.log_retention, removal_policy=stage.removal_policy)
        log = logs.LogStream(self, "LogStream", log_group=log_group, removal_policy=stage.removal_policy)
        role = iam.Role(self, "StreamRole", assumed_by=iam.ServicePrincipal("firehose.amazonaws.com"))
        written = [self.bucket.arn_for_objects(f"{prefix}*") for prefix in (PREFIX, ERRORS)]
        role.add_to_policy(iam.PolicyStatement(actions=["s3:AbortMultipartUpload", "s3:PutObject"], resources=written))
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                resources=[self.bucket.bucket_arn],
            )
        )
        role.add_to_policy(iam.PolicyStatement(actions=["logs:PutLogEvents"], resources=[log_group.log_group_arn]))
        tables.allow_key(role)
        acknowledge_objects(
            role, self.bucket, [PREFIX, ERRORS], "Firehose chooses the names of the objects under these prefixes."
        )
        stream = firehose.CfnDeliveryStream(
            self,
            "Stream",
            delivery_stream_type="DirectPut",
            delivery_stream_encryption_configuration_input=(
                firehose.CfnDeliveryStream.DeliveryStreamEncryptionConfigurationInputProperty(key_type="AWS_OWNED_CMK")
            ),
            extended_s3_destination_configuration=firehose.CfnDeliveryStream.ExtendedS3DestinationConfigurationProperty(
                bucket_arn=self.bucket.bucket_arn,
                role_arn=role.role_arn,
                # Large objects are read faster, and nobody waits for them.
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


def acknowledge_objects(role: iam.IRole, bucket: s3.Bucket, prefixes: Sequence[str], reason: str) -> None:
    """Rights on the objects under a prefix end in a star."""
    name = Stack.of(bucket).get_logical_id(cast("s3.CfnBucket", bucket.node.default_child))
    Validations.of(role).acknowledge(
        *(
            Acknowledgment(id=f"AwsSolutions-IAM5[Resource::<{name}.Arn>/{prefix}*]", reason=reason)
            for prefix in prefixes
        )
    )
