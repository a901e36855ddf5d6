"""Targets of messages: an e-mail, a webhook, a queue, a state machine. Each is a stack of its own.

cd examples/targets && npx cdk deploy Webhook -c bus=BUS -c campaign=abandoned-cart -c url=https://example.com/hook

`bus` is the output EventBusName of Holdfast's stack, and `source` (default: holdfast) its output MessageSource. A
message may be delivered more than once, always with the same `metadata.id`: each stack says how it drops the repeat.
"""

import sys
from pathlib import Path

HOLDFAST = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(HOLDFAST), str(HOLDFAST / "lambdas"), str(HOLDFAST / "cli")]

import infra  # noqa: E402, F401  (first: it tells jsii which node to start)

# isort: split
from aws_cdk import App, Duration, RemovalPolicy, Stack  # noqa: E402
from aws_cdk import aws_dynamodb as dynamodb  # noqa: E402
from aws_cdk import aws_events as events  # noqa: E402
from aws_cdk import aws_events_targets as targets  # noqa: E402
from aws_cdk import aws_iam as iam  # noqa: E402
from aws_cdk import aws_lambda as lambda_  # noqa: E402
from aws_cdk import aws_secretsmanager as secretsmanager  # noqa: E402
from aws_cdk import aws_sqs as sqs  # noqa: E402
from aws_cdk import aws_stepfunctions as sfn  # noqa: E402
from aws_cdk import aws_stepfunctions_tasks as tasks  # noqa: E402
from constructs import Construct  # noqa: E402

ID = "$.detail.metadata.id"
KEEP = Duration.days(14)


class Target(Stack):
    """A rule on the bus for the messages of one campaign, and a queue for what its target does not take."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.lost = sqs.Queue(self, "Lost", enforce_ssl=True, retention_period=KEEP)
        self.rule = events.Rule(
            self,
            "Messages",
            event_bus=events.EventBus.from_event_bus_name(self, "Bus", self.setting("bus")),
            event_pattern=events.EventPattern(
                source=[self.setting("source", "holdfast")],
                detail_type=[self.setting("detail_type", "Personalized Message")],
                detail={"metadata": {"campaign": [self.setting("campaign")]}},
            ),
        )

    def setting(self, name: str, default: str = "") -> str:
        """From the context (`-c name=…`). It may be missing while the stacks are only listed."""
        return str(self.node.try_get_context(name) or default or f"{name}-is-missing")

    def sent(self) -> dynamodb.Table:
        """The ids of messages that were handed on, for as long as a repeat may come."""
        return dynamodb.Table(
            self,
            "Sent",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            removal_policy=RemovalPolicy.DESTROY,
        )


class Queue(Target):
    """A FIFO queue. SQS drops a repeat within five minutes: what it is given is the detail, so equal messages are
    equal. A consumer that has to be sure keeps the ids, as it has to for SQS's own repeats.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        lost = sqs.Queue(self, "NotTaken", fifo=True, enforce_ssl=True, retention_period=KEEP)
        queue = sqs.Queue(
            self,
            "Queue",
            fifo=True,
            content_based_deduplication=True,
            enforce_ssl=True,
            dead_letter_queue=sqs.DeadLetterQueue(queue=lost, max_receive_count=5),
        )
        self.rule.add_target(
            targets.SqsQueue(
                queue,
                message_group_id="messages",
                message=events.RuleTargetInput.from_event_path("$.detail"),
                dead_letter_queue=self.lost,
            )
        )


class Webhook(Target):
    """An HTTPS endpoint (`-c url=…`). The key is in Secrets Manager: put the real one there after the deployment.

    The receiver drops a repeat by the header Idempotency-Key, which is the message's id.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        secret = secretsmanager.Secret(self, "Key", description="What the webhook asks for in the header X-Api-Key")
        connection = events.Connection(
            self,
            "Connection",
            authorization=events.Authorization.api_key("X-Api-Key", secret.secret_value),
        )
        endpoint = self.setting("url", "https://example.com/hook")
        destination = events.ApiDestination(
            self, "Destination", connection=connection, endpoint=endpoint, rate_limit_per_second=50
        )
        self.rule.add_target(
            targets.ApiDestination(
                destination,
                event=events.RuleTargetInput.from_event_path("$.detail"),
                header_parameters={"Idempotency-Key": ID},
                retry_attempts=20,
                max_event_age=Duration.hours(6),
                dead_letter_queue=self.lost,
            )
        )


MAIL = """\
import os
import time

import boto3

dynamodb, ses = boto3.client("dynamodb"), boto3.client("sesv2")


def handler(event, _):
    detail = event["detail"]
    to, values, id_ = detail["user"].get("email"), detail["values"], detail["metadata"]["id"]
    if not to:
        return "no address"
    key = {"id": {"S": id_}}
    expires_at = {"N": str(int(time.time()) + 14 * 86400)}
    try:
        dynamodb.put_item(
            TableName=os.environ["SENT"],
            Item={**key, "expires_at": expires_at},
            ConditionExpression="attribute_not_exists(id)",
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return "sent already"
    text = "\\n".join(str(value) for name, value in values.items() if name != "title")
    try:
        ses.send_email(
            FromEmailAddress=os.environ["FROM"],
            Destination={"ToAddresses": [to]},
            Content={
                "Simple": {
                    "Subject": {"Data": str(values.get("title", "")), "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": text or " ", "Charset": "UTF-8"}},
                }
            },
        )
    except Exception:
        dynamodb.delete_item(TableName=os.environ["SENT"], Key=key)  # the repeat may send it
        raise
    return "sent"
"""


class Mail(Target):
    """An e-mail through SES, from an address that is verified there (`-c from=shop@example.com`): `title` is its
    subject. An id is written down before its e-mail is sent, so a repeat sends nothing; if SES refuses, it is taken
    away again. A function that is killed between the two loses that e-mail, rather than sending it twice.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        sent, sender = self.sent(), self.setting("from", "shop@example.com")
        function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_inline(MAIL),
            timeout=Duration.seconds(20),
            environment={"SENT": sent.table_name, "FROM": sender},
            dead_letter_queue=self.lost,
        )
        sent.grant(function, "dynamodb:PutItem", "dynamodb:DeleteItem")
        # Verified is the domain, or the address alone: then that is what SES asks for.
        identities = [
            self.format_arn(service="ses", resource="identity", resource_name=name)
            for name in (sender.rpartition("@")[2], sender)
        ]
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["ses:SendEmail"],
                resources=identities,
                conditions={"StringEquals": {"ses:FromAddress": sender}},
            )
        )
        self.rule.add_target(targets.LambdaFunction(function, dead_letter_queue=self.lost))


class Steps(Target):
    """A Step Functions state machine: its first state writes the id down, under the condition that it is not there. A
    repeat ends right there.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        once = tasks.DynamoPutItem(
            self,
            "Once",
            table=self.sent(),
            item={
                "id": tasks.DynamoAttributeValue.from_string(sfn.JsonPath.string_at(ID)),
                "decided_at": tasks.DynamoAttributeValue.from_string(
                    sfn.JsonPath.string_at("$.detail.metadata.decided_at")
                ),
            },
            condition_expression="attribute_not_exists(id)",
            result_path=sfn.JsonPath.DISCARD,
        )
        once.add_catch(
            sfn.Succeed(self, "Repeat"),
            errors=["DynamoDB.ConditionalCheckFailedException"],
            result_path=sfn.JsonPath.DISCARD,
        )
        # Your own states stand in the place of this one.
        yours = sfn.Pass(self, "Yours", input_path="$.detail")
        machine = sfn.StateMachine(
            self, "Machine", definition_body=sfn.DefinitionBody.from_chainable(once.next(yours)), timeout=KEEP
        )
        self.rule.add_target(targets.SfnStateMachine(machine, dead_letter_queue=self.lost))


TARGETS = {"Queue": Queue, "Webhook": Webhook, "Mail": Mail, "Steps": Steps}


def build(app: App) -> dict[str, Target]:
    return {name: target(app, name) for name, target in TARGETS.items()}


if __name__ == "__main__":
    app = App()
    build(app)
    app.synth()
