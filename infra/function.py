"""The properties that all functions have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import jsii
from aws_cdk import Acknowledgment, Duration, Size, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from holdfast.aws.settings import Settings
from infra.assets import RUNTIME, functions_code
from infra.key import Key
from infra.stages import Stage


@jsii.implements(lambda_.IDestination)
class Records:
    """A queue for the records of asynchronous invocations that failed. CDK's own class grants more than it needs."""

    def __init__(self, queue: sqs.IQueue) -> None:
        self._queue = queue

    def bind(
        self,
        _scope: Construct,
        function: lambda_.IFunction,
        *,
        type: lambda_.DestinationType,  # noqa: A002, ARG002  (CDK names it)
    ) -> lambda_.DestinationConfig:
        cast("HoldfastFunction", function).may(["sqs:SendMessage"], on=[self._queue.queue_arn])
        return lambda_.DestinationConfig(destination=self._queue.queue_arn)


class HoldfastFunction(lambda_.Function):
    """The role may write this function's log and, with tracing on, traces; `may` allows everything else."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        key: Key,
        service: str,
        description: str,
        layer: lambda_.ILayerVersion,
        memory_mb: int,
        timeout: Duration,
        settings: Settings,
        reserved_concurrency: int | None = None,
        disk: Size | None = None,
        sends_to_its_own_queue: bool = False,
    ) -> None:
        log_group = logs.LogGroup(
            scope,
            "Log",
            retention=stage.log_retention,
            encryption_key=key.own,
            removal_policy=stage.removal_policy,
        )
        role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        super().__init__(
            scope,
            construct_id,
            description=description,
            runtime=RUNTIME,
            architecture=stage.architecture,
            handler=f"{service}.handler",
            code=functions_code(platform_tag=stage.wheels).code(),
            layers=[layer],
            role=role,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE if stage.tracing else lambda_.Tracing.DISABLED,
            memory_size=memory_mb,
            timeout=timeout,
            reserved_concurrent_executions=reserved_concurrency,
            ephemeral_storage_size=disk,
            environment_encryption=key.own,
            # Lambda treats a function that sends to its own source queue as a runaway loop, and drops messages after
            # the sixteenth of a chain.
            recursive_loop=lambda_.RecursiveLoop.ALLOW if sends_to_its_own_queue else None,
            environment={
                "HOLDFAST_STAGE": stage.name,
                "POWERTOOLS_SERVICE_NAME": service,
                "POWERTOOLS_METRICS_NAMESPACE": "Holdfast",
                "POWERTOOLS_LOG_LEVEL": stage.log_level,
                **settings.to_env(),
            },
        )
        log_group.grant_write(role)
        key.allow(role)
        Validations.of(self).acknowledge(
            Acknowledgment(
                id="AwsSolutions-L1",
                reason="Python 3.13, which Lambda supports until 2029: one release behind the newest on purpose.",
            ),
        )
        if stage.tracing:
            Validations.of(role).acknowledge(
                Acknowledgment(id="AwsSolutions-IAM5[Resource::*]", reason="X-Ray's write actions know no resources."),
            )

        self.role_of_its_own = role
        self._embedded = stage.embedded

    def may(
        self,
        actions: Sequence[str],
        *,
        on: Sequence[str],
        provided: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    ) -> None:
        """Allow the actions on the resources, where `provided` (an IAM condition) holds."""
        allowed = list(actions)
        if self._embedded and "sqs:SendMessage" in allowed:
            allowed.append("sqs:SendMessageBatch")  # IAM has one action for both, the emulator two
        if self._embedded and "dynamodb:PartiQLUpdate" in allowed:  # as above, and the emulator knows no table for it
            self.add_to_role_policy(iam.PolicyStatement(actions=["dynamodb:BatchExecuteStatement"], resources=["*"]))
        self.add_to_role_policy(iam.PolicyStatement(actions=allowed, resources=list(on), conditions=provided))
