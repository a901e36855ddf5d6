"""The emulator's own speed: queue, function, table, ticks and PutEvents, deployed beside the stack."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.emulated import client
from bench.traces import ADDED, CHARGED
from holdfast_cli.stack import Deployment

FUNCTION = Path(__file__).with_name("passthrough_function.py")
NAME = "holdfast-bench-pass-through"


class PassThrough(NamedTuple):
    queue_url: str
    mapping: str
    log_group: str


@contextmanager
def pass_through(deployment: Deployment, *, window: int) -> Iterator[PassThrough]:
    """Beside the stack, with a queue, a table and a mapping like those of join. The mapping stands still at first.

    `window` is in seconds.
    """
    sqs, iam, lambda_, dynamodb = (client(name, deployment.endpoint) for name in ("sqs", "iam", "lambda", "dynamodb"))
    dynamodb.create_table(
        TableName=NAME,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "user", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "user", "AttributeType": "S"}],
    )
    url = sqs.create_queue(QueueName=NAME, Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": ["dynamodb:*", "events:*", "sqs:*", "logs:*"], "Resource": "*"}
    role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=NAME, PolicyName="all", PolicyDocument=_policy(allowed))
    lambda_.create_function(
        FunctionName=NAME,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        MemorySize=1024,
        Timeout=20,
        Code={"ZipFile": _code()},
        Environment={
            "Variables": {
                "TABLE": NAME,
                "BUS": deployment.outputs["EventBusName"],
                "QUEUE": url,
                "ADDED": ADDED,
                "CHARGED": CHARGED,
                "WINDOW": str(window),
            }
        },
    )
    mapping = lambda_.create_event_source_mapping(
        EventSourceArn=arn,
        FunctionName=NAME,
        BatchSize=1000,
        MaximumBatchingWindowInSeconds=1,
        ScalingConfig={"MaximumConcurrency": 2},
        FunctionResponseTypes=["ReportBatchItemFailures"],
        Enabled=False,
    )["UUID"]
    try:
        yield PassThrough(url, mapping, f"/aws/lambda/{NAME}")
    finally:
        lambda_.delete_event_source_mapping(UUID=mapping)
        lambda_.delete_function(FunctionName=NAME)
        iam.delete_role_policy(RoleName=NAME, PolicyName="all")
        iam.delete_role(RoleName=NAME)
        sqs.delete_queue(QueueUrl=url)
        dynamodb.delete_table(TableName=NAME)


def _code() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(FUNCTION, "index.py")
    return packed.getvalue()


def _policy(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
