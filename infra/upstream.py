from __future__ import annotations

from typing import Any

from aws_cdk import Names
from aws_cdk import aws_events as eventbridge
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.queues import EventsQueue, final_queue
from infra.stages import SettingError, Stage


class UpstreamBus(Construct):
    """A rule on an event bus that is there already, for what cannot send to a queue: its events come in whole.

    No loop can arise. Holdfast's messages all bear its own source, which the rule never matches, whichever way they
    came to that bus; and the bus they are put on, where nothing else is, is refused, as it cannot be meant.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        events: EventsQueue,
        messages: eventbridge.EventBus,
    ) -> None:
        super().__init__(scope, construct_id)
        if stage.events_bus == Names.unique_id(messages):  # the name that CloudFormation gives it
            raise SettingError(
                f"events_bus: {stage.events_bus} is the bus that Holdfast's own messages are put on: name another one"
            )
        self.dead_letters = final_queue(self, "DeadLetters", stage=stage)
        rule = eventbridge.CfnRule(
            self,
            "Rule",
            description="Holdfast: events from this bus to the events queue",
            event_bus_name=stage.events_bus,
            event_pattern={"source": _sources(stage)},
            targets=[
                eventbridge.CfnRule.TargetProperty(
                    id="EventsQueue",
                    arn=events.queue.queue_arn,
                    dead_letter_config=eventbridge.CfnRule.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                )
            ],
        )
        for queue in (events.queue, self.dead_letters):
            _let_send(queue, rule)


def _let_send(queue: sqs.Queue, rule: eventbridge.CfnRule) -> None:
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            sid="UpstreamRule",
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={"ArnEquals": {"aws:SourceArn": rule.attr_arn}},
        )
    )


def _sources(stage: Stage) -> list[Any]:
    """What the rule matches: the sources that were named, or all but Holdfast's own and AWS's, which name no user."""
    if not stage.events_sources:
        return [{"anything-but": {"wildcard": [stage.source, "aws.*"]}}]
    return [{"wildcard": source} if "*" in source else source for source in stage.events_sources]
