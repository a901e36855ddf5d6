from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.function import HoldfastFunction
from infra.queues import EventsQueue
from infra.stages import Stage
from infra.tables import Tables


class Sweep(Construct):
    """Turns the clock into ticks.

    A run that fails or is missed is not retried: the next one reads on from where the last one got to. An alarm tells.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        layer: lambda_.ILayerVersion,
        events: EventsQueue,
        tables: Tables,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = HoldfastFunction(
            self,
            "Function",
            stage=stage,
            service="sweep",
            description="Holdfast: reads the timers that fall due and sends ticks for them",
            layer=layer,
            memory_mb=512,
            timeout=Duration.minutes(min(stage.sweep_minutes, 4)),
            reserved_concurrency=stage.sweep_reserved_concurrency,
            environment={
                "HOLDFAST_TIMERS_TABLE": tables.timers.table_name,
                "HOLDFAST_EVENTS_QUEUE_URL": events.queue.queue_url,
                "HOLDFAST_TIMER_SHARDS": str(stage.timer_shards),
            },
        )
        self.function.may(["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"], on=[tables.timers.table_arn])
        self.function.may(["sqs:SendMessage"], on=[events.queue.queue_arn])
        tables.allow_key(self.function)
        self.function.configure_async_invoke(retry_attempts=0, max_event_age=Duration.minutes(5))
        self._every(stage.sweep_minutes)

    def _every(self, minutes: int) -> None:
        role = iam.Role(self, "ScheduleRole", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"))
        role.add_to_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[self.function.function_arn])
        )
        scheduler.CfnSchedule(
            self,
            "Schedule",
            description="Holdfast: sweep",
            schedule_expression=f"rate({minutes} minute{'s' if minutes > 1 else ''})",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self.function.function_arn,
                role_arn=role.role_arn,
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_retry_attempts=1, maximum_event_age_in_seconds=60
                ),
            ),
        )
