from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.stages import Stage


class MessageBus(Construct):
    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.bus = events.EventBus(self, "Bus", description="Holdfast's messages, for your rules to take further")
        for account in stage.consumer_accounts:
            self._let_consume(account)

    def _let_consume(self, account: str) -> None:
        """Rules on this bus that only the account which made them can see or change (AWS's own example policy)."""
        rules = Stack.of(self).format_arn(
            service="events",
            resource="rule",
            resource_name=f"{self.bus.event_bus_name}/*",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        self.bus.add_to_resource_policy(
            iam.PolicyStatement(
                sid=f"RulesOf{account}",
                principals=[iam.AccountPrincipal(account)],
                actions=[
                    "events:DeleteRule",
                    "events:DescribeRule",
                    "events:DisableRule",
                    "events:EnableRule",
                    "events:ListTagsForResource",
                    "events:ListTargetsByRule",
                    "events:PutRule",
                    "events:PutTargets",
                    "events:RemoveTargets",
                    "events:TagResource",
                    "events:UntagResource",
                ],
                resources=[rules],
                conditions={"StringEqualsIfExists": {"events:creatorAccount": "${aws:PrincipalAccount}"}},
            )
        )
