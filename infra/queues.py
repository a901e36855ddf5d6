"""Where events come in, and where those end that go no further."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.stages import Stage

TRIES = 5
_LONGEST = Duration.days(14)


class EventsQueue(Construct):
    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.queue, self.dead_letters = work_queue(
            self, stage=stage, visibility=stage.events_visibility, retention=stage.events_retention
        )
        if stage.upstream_accounts:
            self.queue.add_to_resource_policy(
                iam.PolicyStatement(
                    sid="UpstreamAccounts",
                    principals=[iam.AccountPrincipal(account) for account in stage.upstream_accounts],
                    actions=["sqs:GetQueueUrl", "sqs:SendMessage"],
                    resources=[self.queue.queue_arn],
                )
            )
        self.rejected = final_queue(self, "Rejected", stage=stage)


def work_queue(
    scope: Construct, *, stage: Stage, visibility: Duration, retention: Duration = _LONGEST
) -> tuple[sqs.Queue, sqs.Queue]:
    """A queue that a function works off, and the one for what has failed there `TRIES` times."""
    dead_letters = sqs.Queue(
        scope,
        "DeadLetters",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=not stage.embedded,
        retention_period=_LONGEST,
        removal_policy=stage.removal_policy,
    )
    queue = sqs.Queue(
        scope,
        "Queue",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=not stage.embedded,
        visibility_timeout=visibility,
        retention_period=retention,
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=TRIES),
        removal_policy=stage.removal_policy,
    )
    return queue, dead_letters


def final_queue(scope: Construct, construct_id: str, *, stage: Stage) -> sqs.Queue:
    """A queue that people read, and redrive from, with `holdfast rejected` or `holdfast undelivered`."""
    queue = sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=not stage.embedded,
        retention_period=_LONGEST,
        removal_policy=stage.removal_policy,
    )
    Validations.of(queue).acknowledge(
        Acknowledgment(
            id="AwsSolutions-SQS3", reason="This queue is the end of the line itself: no function consumes it."
        ),
    )
    return queue
