"""The stack's outputs: written by the CDK app, read by the command line."""

from __future__ import annotations

from typing import TypedDict


class Outputs(TypedDict, total=False):
    """Those of what a stack leaves out (the console, recommendations, an upstream bus) are absent."""

    Version: str
    """The release of Holdfast; absent before 0.2."""
    EventsQueueUrl: str
    """Where events are sent to."""
    EventBusName: str
    """Where messages come from, to put rules on."""
    MessageSource: str
    """The `source` of the messages."""
    DeadLetterQueueUrl: str
    """Messages of the events queue that failed too often."""
    RejectedQueueUrl: str
    """Records that can never be read."""
    UndeliveredQueueUrl: str
    """Decisions that could not be delivered."""
    FailedQueueUrl: str
    """Scheduled calls of functions that failed."""
    GivenUpBucketName: str
    """Decisions that the stream's mapping gave up on, whole."""
    UpstreamDeadLetterQueueUrl: str
    """Events that EventBridge could not put on the events queue."""
    UsersTableName: str
    TimersTableName: str
    CampaignsTableName: str
    CatalogTableName: str
    CatalogBucketName: str
    """Where catalogs' files are dropped."""
    HistoryBucketName: str
    HistoryStreamName: str
    JoinFunctionName: str
    SweepFunctionName: str
    DeliverFunctionName: str
    RecommendFunctionName: str
    CatalogImportFunctionName: str
    ConsoleUrl: str
    ConsoleUserPoolId: str
    ConsoleClientId: str
    ConsoleFunctionName: str
