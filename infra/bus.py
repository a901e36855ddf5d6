from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.stages import Stage


class MessageBus(Construct):
    """The bus outlives the stack on AWS: it holds rules that are not ours, and with rules on it cannot be deleted."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.bus: events.IEventBus
        if stage.bus_name:
            self.bus = events.EventBus.from_event_bus_name(self, "Bus", stage.bus_name)
        else:
            made = events.EventBus(self, "Bus", description="Holdfast's messages, for your rules to take further")
            made.apply_removal_policy(stage.kept)
            self.bus = made
        if stage.consumer_accounts:
            self._let_consume(stage.consumer_accounts)

    def _let_consume(self, accounts: Sequence[str]) -> None:
        """Allow rules on this bus that only the account that made them can see or change (AWS's own example policy).

        One statement for all accounts: a bus has room for 10,240 bytes of policy, enough for some hundred accounts.
        """
        rules = Stack.of(self).format_arn(
            service="events",
            resource="rule",
            resource_name=f"{self.bus.event_bus_name}/*",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        statement = iam.PolicyStatement(
            sid="ConsumerAccounts",
            principals=[iam.AccountPrincipal(account) for account in accounts],
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
        events.CfnEventBusPolicy(
            self,
            "Consumers",
            statement_id="ConsumerAccounts",
            event_bus_name=self.bus.event_bus_name,
            statement=statement.to_statement_json(),
        )
