from __future__ import annotations

from aws_cdk import Duration, Size, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from holdfast.aws.history import PREFIX
from holdfast.aws.settings import RecommendSettings
from holdfast_cli.outputs import Outputs
from infra.buckets import acknowledge_objects
from infra.dependencies import RECOMMEND_REQUIREMENTS, DependenciesLayer
from infra.function import HoldfastFunction, Records
from infra.history import RESULTS, History
from infra.schedules import schedule
from infra.stages import Stage
from infra.tables import Tables


class Recommend(Construct):
    """Builds recommendations every night.

    A failed build is not retried: the live build stays. An alarm and `holdfast recommend show` report the failure.
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
        failed: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = HoldfastFunction(
            self,
            "Function",
            stage=stage,
            key=tables.key,
            service="recommend",
            description="Holdfast: builds recommendations from history",
            layer=layer,
            memory_mb=stage.recommend_memory_mb,
            timeout=Duration.minutes(15),
            disk=Size.gibibytes(4),
            settings=RecommendSettings(
                campaigns_table=tables.campaigns.table_name,
                catalog_table=tables.catalog.table_name,
                history_bucket=history.bucket.bucket_name,
                history_database=history.database,
                history_table=history.table,
                athena_workgroup=history.workgroup.name,
                athena_results=RESULTS,
                engine=stage.recommend_engine,
                # The rest is for Python, and for memory that DuckDB does not count.
                duckdb_memory_mb=stage.recommend_memory_mb * 6 // 10,
            ),
        )
        self.function.add_layers(
            DependenciesLayer(self, "Dependencies", stage=stage, requirements=RECOMMEND_REQUIREMENTS).version
        )
        self.function.configure_async_invoke(
            retry_attempts=0, max_event_age=Duration.hours(1), on_failure=Records(failed)
        )
        self._allow(tables, history)
        self._one_by_one()
        schedule(
            self,
            "Schedule",
            function=self.function,
            description="Holdfast: build recommendations",
            expression="cron(15 2 * * ? *)",
            retries=3,
            within=Duration.hours(1),
            flexible=Duration.hours(1),
        )

    @property
    def outputs(self) -> Outputs:
        return {"RecommendFunctionName": self.function.function_name}

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
        # Athena reads and writes with the rights of its caller.
        may(["s3:AbortMultipartUpload", "s3:PutObject"], on=[bucket.arn_for_objects(f"{RESULTS}*")])
        workgroup = stack.format_arn(service="athena", resource="workgroup", resource_name=history.workgroup.name)
        may(["athena:GetQueryExecution", "athena:StartQueryExecution", "athena:StopQueryExecution"], on=[workgroup])
        glue = [
            stack.format_arn(service="glue", resource=resource, resource_name=name)
            for resource, name in (
                ("catalog", None),
                # Athena's guide requires this one in every policy that names databases, whichever one is queried.
                ("database", "default"),
                ("database", history.database),
                ("table", f"{history.database}/{history.table}"),
            )
        ]
        may(["glue:GetDatabase", "glue:GetTable"], on=glue)
        acknowledge_objects(
            self.function.role_of_its_own,
            bucket,
            [PREFIX, RESULTS],
            "History's objects have the names that Firehose gives them, and Athena's results have theirs.",
        )

    def _one_by_one(self) -> None:
        """Each recommendation is built in an invocation of its own, which the nightly invocation starts.

        The right is in a separate policy: the function depends on the policy that its role has from the beginning.
        """
        iam.Policy(
            self,
            "OneByOne",
            roles=[self.function.role_of_its_own],
            statements=[iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[self.function.function_arn])],
        )
