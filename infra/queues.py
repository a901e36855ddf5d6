"""The queues: for incoming events, and for those that fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_events as eventbridge
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from holdfast_cli.outputs import Outputs
from infra.key import Key
from infra.stages import Stage

_LONGEST = Duration.days(14)
_MOST_TRIES = 1000
"""SQS's own limit."""


class EventsQueue(Construct):
    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, key: Key) -> None:
        super().__init__(scope, construct_id)
        self.queue, self.dead_letters = work_queue(
            self,
            stage=stage,
            key=key,
            visibility=stage.events_visibility,
            patience=stage.events_patience,
            retention=stage.events_retention,
        )
        if stage.upstream_accounts:
            accounts = [iam.AccountPrincipal(account) for account in stage.upstream_accounts]
            self.queue.add_to_resource_policy(
                iam.PolicyStatement(
                    sid="UpstreamAccounts",
                    principals=accounts,
                    actions=["sqs:GetQueueUrl", "sqs:SendMessage"],
                    resources=[self.queue.queue_arn],
                )
            )
            key.let_send(accounts)
        if stage.upstream_topics:
            self._subscribe(stage.upstream_topics, key)
        self.rejected = final_queue(self, "Rejected", stage=stage, key=key)

    @property
    def outputs(self) -> Outputs:
        return {
            "EventsQueueUrl": self.queue.queue_url,
            "DeadLetterQueueUrl": self.dead_letters.queue_url,
            "RejectedQueueUrl": self.rejected.queue_url,
        }

    def _subscribe(self, topics: Sequence[str], key: Key) -> None:
        """A topic of another account has to allow this one `sns:Subscribe`, or the deployment fails and says so."""
        let_service_send(self.queue, "sns.amazonaws.com", sid="UpstreamTopics", sources=topics, key=key)
        for topic in topics:
            _, _, _, region, account, name = topic.split(":")
            sns.CfnSubscription(
                self,
                f"Topic-{account}-{region}-{name}",
                topic_arn=topic,
                region=region,
                protocol="sqs",
                endpoint=self.queue.queue_arn,
            )


def work_queue(
    scope: Construct,
    *,
    stage: Stage,
    key: Key,
    visibility: Duration,
    patience: Duration,
    retention: Duration = _LONGEST,
) -> tuple[sqs.Queue, sqs.Queue]:
    """A queue that a function works off, and the queue for messages that failed there for as long as `patience`."""
    dead_letters = _queue(scope, "DeadLetters", stage=stage, key=key, retention=_LONGEST)
    queue = _queue(
        scope,
        "Queue",
        stage=stage,
        key=key,
        retention=retention,
        visibility=visibility,
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=tries(visibility, patience)),
    )
    return queue, dead_letters


def tries(visibility: Duration, patience: Duration) -> int:
    """How often a message is tried: again whenever it has been invisible for `visibility`. At least five times."""
    return min(max(round(patience.to_seconds() / visibility.to_seconds()), 5), _MOST_TRIES)


def final_queue(scope: Construct, construct_id: str, *, stage: Stage, key: Key) -> sqs.Queue:
    """A queue that people read, and redrive from with the command line."""
    queue = _queue(scope, construct_id, stage=stage, key=key, retention=_LONGEST)
    Validations.of(queue).acknowledge(
        Acknowledgment(
            id="AwsSolutions-SQS3", reason="This queue is the end of the line itself: no function consumes it."
        ),
    )
    return queue


def let_service_send(queue: sqs.Queue, service: str, *, sid: str, sources: Sequence[str], key: Key) -> None:
    """Let an AWS service send for the resources with these ARNs, and for no others."""
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            sid=sid,
            principals=[iam.ServicePrincipal(service)],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={"ArnEquals": {"aws:SourceArn": sources[0] if len(sources) == 1 else list(sources)}},
        )
    )
    key.let_service_send(service)


def rule_to_queue(
    scope: Construct,
    construct_id: str,
    *,
    description: str,
    pattern: Mapping[str, Any],
    queue: sqs.IQueue,
    dead_letters: sqs.IQueue | None = None,
    bus: str | None = None,
) -> eventbridge.CfnRule:
    """A rule that puts whole events on a queue. The queue still has to allow it (see `let_service_send`)."""
    return eventbridge.CfnRule(
        scope,
        construct_id,
        description=f"Holdfast: {description}",
        event_bus_name=bus,
        event_pattern=pattern,
        targets=[
            eventbridge.CfnRule.TargetProperty(
                id="Queue",
                arn=queue.queue_arn,
                dead_letter_config=(
                    eventbridge.CfnRule.DeadLetterConfigProperty(arn=dead_letters.queue_arn) if dead_letters else None
                ),
            )
        ],
    )


def _queue(
    scope: Construct,
    construct_id: str,
    *,
    stage: Stage,
    key: Key,
    retention: Duration,
    visibility: Duration | None = None,
    dead_letter_queue: sqs.DeadLetterQueue | None = None,
) -> sqs.Queue:
    own: kms.IKey | None = key.own
    return sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.KMS if own else sqs.QueueEncryption.SQS_MANAGED,
        encryption_master_key=own,
        # One call of KMS for a few hundred messages, not one for each.
        data_key_reuse=Duration.hours(1) if own else None,
        enforce_ssl=not stage.embedded,
        visibility_timeout=visibility,
        retention_period=retention,
        dead_letter_queue=dead_letter_queue,
        removal_policy=stage.removal_policy,
    )
