from __future__ import annotations

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct


def schedule(
    scope: Construct,
    construct_id: str,
    *,
    function: lambda_.IFunction,
    description: str,
    expression: str,
    retries: int,
    within: Duration,
    flexible: Duration | None = None,
) -> scheduler.CfnSchedule:
    """Start a function on a schedule, with a role that can do nothing else."""
    role = iam.Role(scope, "ScheduleRole", assumed_by=_scheduler(scope))
    role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn]))
    return scheduler.CfnSchedule(
        scope,
        construct_id,
        description=description,
        schedule_expression=expression,
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(
            mode="FLEXIBLE" if flexible else "OFF",
            maximum_window_in_minutes=int(flexible.to_minutes()) if flexible else None,
        ),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=function.function_arn,
            role_arn=role.role_arn,
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_retry_attempts=retries, maximum_event_age_in_seconds=int(within.to_seconds())
            ),
        ),
    )


def _scheduler(scope: Construct) -> iam.IPrincipal:
    """The principal of Scheduler, for schedules in this account's default group and for no others."""
    stack = Stack.of(scope)
    group = stack.format_arn(
        service="scheduler",
        resource="schedule-group",
        resource_name="default",
        arn_format=ArnFormat.SLASH_RESOURCE_NAME,
    )
    return iam.ServicePrincipal(
        "scheduler.amazonaws.com",
        conditions={"StringEquals": {"aws:SourceAccount": stack.account, "aws:SourceArn": group}},
    )
