"""The books: what came in and what was decided, against what became of it. Read from the functions' own metrics."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast_cli.stack import Deployment


@dataclass(frozen=True, slots=True)
class Books:
    """Counts since the stack was deployed. `waiting` are the records in the events queue or its dead-letter queue."""

    folded: int
    rejected: int
    waiting: int
    decided: int
    delivered: int
    withheld: int
    undelivered: int
    ignored: int = 0

    def balance(self, records: int) -> bool:
        taken = self.folded + self.rejected + self.ignored + self.waiting
        return records == taken and self.decided == self.delivered + self.withheld + self.undelivered


def read_books(deployment: Deployment) -> Books:
    """Metrics are in the logs in the embedded metric format (EMF), so that counting costs no calls."""
    join, deliver = _metrics(deployment, "join"), _metrics(deployment, "deliver")
    queues = deployment.outputs["EventsQueueUrl"], deployment.outputs["DeadLetterQueueUrl"]
    return Books(
        folded=join["RecordsFolded"],
        rejected=join["RecordsRejected"],
        waiting=sum(_waiting(deployment, queue) for queue in queues),
        decided=join["DecidedSend"] + join["DecidedWithhold"] + join["DecidedRetract"],
        delivered=deliver["Delivered"] + deliver["Retracted"],
        withheld=deliver["Withheld"],
        undelivered=deliver["Undelivered"],
        ignored=join["RecordsIgnored"],
    )


def _metrics(deployment: Deployment, function: Literal["join", "deliver"]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for line in _log_lines(deployment, function):
        if '"_aws"' in line:
            data = json.loads(line)
            for directive in data["_aws"]["CloudWatchMetrics"]:
                for metric in directive["Metrics"]:
                    counts[metric["Name"]] += int(sum(data[metric["Name"]]))
    return counts


def _log_lines(deployment: Deployment, function: Literal["join", "deliver"]) -> Iterator[str]:
    pages = deployment.client("logs").get_paginator("filter_log_events")
    try:
        for page in pages.paginate(logGroupName=deployment.log_group(function)):
            yield from (event["message"] for event in page["events"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":  # it has not run yet
            raise


def _waiting(deployment: Deployment, queue: str) -> int:
    attributes = deployment.client("sqs").get_queue_attributes(
        QueueUrl=queue,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    return sum(map(int, attributes.values()))
