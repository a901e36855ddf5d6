from __future__ import annotations

from aws_cdk import Duration, Size, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from holdfast.aws.history import PREFIX
from infra.dependencies import RECOMMEND_REQUIREMENTS, DependenciesLayer
from infra.function import HoldfastFunction
from infra.history import RESULTS, History, acknowledge_objects
from infra.stages import Stage
from infra.tables import Tables


class Recommend(Construct):
    """Builds recommendations every night.

    A build that fails is not tried again: what is live stays, an alarm tells, and so does `holdfast recommend show`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        layer: lambda_.ILayerVersion,
        tables: Tables,
        history: History,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = HoldfastFunction(
            self,
            "Function",
            stage=stage,
            service="recommend",
            description="Holdfast: builds recommendations from history",
            layer=layer,
            memory_mb=stage.recommend_memory_mb,
            timeout=Duration.minutes(15),
            disk=Size.gibibytes(4),
            environment={
                "HOLDFAST_CAMPAIGNS_TABLE": tables.campaigns.table_name,
                "HOLDFAST_CATALOG_TABLE": tables.catalog.table_name,
                "HOLDFAST_HISTORY_BUCKET": history.bucket.bucket_name,
                "HOLDFAST_HISTORY_DATABASE": history.database,
                "HOLDFAST_HISTORY_TABLE": history.table,
                "HOLDFAST_ATHENA_WORKGROUP": history.workgroup.name,
                "HOLDFAST_ATHENA_RESULTS": RESULTS,
                "HOLDFAST_ENGINE": stage.recommend_engine,
                # The rest is Python's, and what DuckDB does not count.
                "HOLDFAST_DUCKDB_MEMORY_MB": str(stage.recommend_memory_mb * 6 // 10),
            },
        )
        self.function.add_layers(
            DependenciesLayer(self, "Dependencies", stage=stage, requirements=RECOMMEND_REQUIREMENTS).version
        )
        self.function.configure_async_invoke(retry_attempts=0, max_event_age=Duration.hours(1))
        self._allow(tables, history)
        self._nightly()

    def _allow(self, tables: Tables, history: History) -> None:
        may, stack, bucket = self.function.may, Stack.of(self), history.bucket
        may(
            ["dynamodb:GetItem", "dynamodb:Query"],
            on=[tables.campaigns.table_arn],
            provided={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["live"]}},
        )
        may(
            ["dynamodb:BatchWriteItem", "dynamodb:GetItem", "dynamodb:PutItem"],
            on=[tables.catalog.table_arn],
            # Each of these names the keys of its items; `Null`, which the emulator denies, would add nothing.
            provided={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["rec#*"]}},
        )
        may(["s3:GetBucketLocation", "s3:ListBucket"], on=[bucket.bucket_arn])
        may(["s3:GetObject"], on=[bucket.arn_for_objects(f"{PREFIX}*"), bucket.arn_for_objects(f"{RESULTS}*")])
        # Athena reads and writes with the rights of whoever asks.
        may(["s3:AbortMultipartUpload", "s3:PutObject"], on=[bucket.arn_for_objects(f"{RESULTS}*")])
        workgroup = stack.format_arn(service="athena", resource="workgroup", resource_name=history.workgroup.name)
        may(["athena:GetQueryExecution", "athena:StartQueryExecution"], on=[workgroup])
        glue = [
            stack.format_arn(service="glue", resource=resource, resource_name=name)
            for resource, name in (
                ("catalog", None),
                ("database", history.database),
                ("table", f"{history.database}/{history.table}"),
            )
        ]
        may(["glue:GetDatabase", "glue:GetTable"], on=glue)
        tables.allow_key(self.function)
        acknowledge_objects(
            self.function.role_of_its_own,
            bucket,
            [PREFIX, RESULTS],
            "History's objects have the names that Firehose gives them, and Athena's results have theirs.",
        )

    def _nightly(self) -> None:
        role = iam.Role(self, "ScheduleRole", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"))
        role.add_to_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[self.function.function_arn])
        )
        scheduler.CfnSchedule(
            self,
            "Schedule",
            description="Holdfast: build recommendations",
            schedule_expression="cron(15 2 * * ? *)",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(
                mode="FLEXIBLE", maximum_window_in_minutes=60
            ),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self.function.function_arn,
                role_arn=role.role_arn,
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_retry_attempts=3, maximum_event_age_in_seconds=3600
                ),
            ),
        )
