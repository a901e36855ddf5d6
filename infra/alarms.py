from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.measures import FEW_MINUTES, MINUTE, SET_ASIDE, counted, not_come_out, rejected_share, throttled, total
from infra.stages import Stage
from infra.tables import Tables

RUNBOOK = "docs/operate.md"
_BREACHING = cloudwatch.TreatMissingData.BREACHING


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """The resources that alarms and the dashboard watch. None: the stack was deployed without that resource."""

    events: sqs.Queue
    dead_letters: sqs.Queue
    rejected: sqs.Queue
    undelivered: sqs.Queue
    not_imported: sqs.Queue
    not_taken: sqs.Queue | None
    tables: Tables
    join: lambda_.Function
    sweep: lambda_.Function
    deliver: lambda_.Function
    catalog_import: lambda_.Function
    recommend: lambda_.Function | None
    history: firehose.CfnDeliveryStream | None
    console: apigateway.HttpApi | None


class Alarms(Construct):
    """The alarms: each reports something that someone should look at, and has an entry in the runbook.

    They notify the topic given with `-c alarm_topic=ARN`, if any, and notify it again when all is well.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, watched: Watched) -> None:
        super().__init__(scope, construct_id)
        topic = sns.Topic.from_topic_arn(self, "Topic", stage.alarm_topic_arn) if stage.alarm_topic_arn else None
        self._action = actions.SnsAction(topic) if topic else None
        self._stage = stage
        self.all: list[cloudwatch.Alarm] = []
        self._queues(watched)
        self._books(watched)
        self._functions(watched)
        self._sweep(watched)
        self._helpers(watched)

    def _queues(self, watched: Watched) -> None:
        for name, queue, description in (
            ("DeadLetters", watched.dead_letters, "Events failed for half a day and are dead letters."),
            ("Undelivered", watched.undelivered, "Decisions could not be delivered and are set aside."),
            ("NotImported", watched.not_imported, "A file of a catalog could not be imported."),
            ("NotTaken", watched.not_taken, "EventBridge could not put events of an upstream bus on the events queue."),
        ):
            if queue:
                visible = queue.metric_approximate_number_of_messages_visible(statistic="max", period=MINUTE)
                self._alarm(name, visible, description, above=0)
        age = watched.events.metric_approximate_age_of_oldest_message(statistic="max", period=MINUTE)
        # A tick may legitimately wait 15 minutes until it is due.
        self._alarm("EventsWaiting", age, "Join does not keep up with the events queue.", above=20 * 60)

    def _books(self, watched: Watched) -> None:
        stage = self._stage
        self._alarm(
            "RecordsRejected",
            rejected_share(stage),
            "More than a twentieth of the records is rejected.",
            above=5,
            times=3,
        )
        self._alarm(
            "BooksOpen", not_come_out(stage), "Decisions are made that deliver does not account for.", above=20, times=3
        )
        late = watched.deliver.metric("IteratorAge", statistic="max", period=MINUTE)
        self._alarm("DecisionsWaiting", late, "Deliver does not keep up with the stream.", above=5 * 60 * 1000)
        self._alarm(
            "UsersSetAside",
            total(stage, dict(SET_ASIDE), "users set aside"),
            "Something of single users or timers cannot be read, folded or saved.",
            above=0,
        )
        self._alarm(
            "PlansUnread",
            counted(stage, "join", "PlansUnread"),
            "Join cannot read what is published: whole batches go back to the queue.",
            above=0,
            times=3,
        )
        self._alarm(
            "CampaignsUnreadable",
            counted(stage, "join", "CampaignsUnreadable"),
            "A campaign is published that this release cannot read.",
            above=0,
        )
        self._alarm(
            "SourcesUnreadable",
            counted(stage, "join", "SourcesUnreadable"),
            "A source is published that this release cannot read.",
            above=0,
        )

    def _functions(self, watched: Watched) -> None:
        for name, function in (
            ("Join", watched.join),
            ("Deliver", watched.deliver),
            ("Sweep", watched.sweep),
            ("Import", watched.catalog_import),
        ):
            service = name.lower()
            self._alarm(
                f"{name}Fails", function.metric_errors(period=FEW_MINUTES), f"Invocations of {service} fail.", above=0
            )
            self._alarm(
                f"{name}Throttled",
                function.metric_throttles(period=FEW_MINUTES),
                f"Lambda has no room for {service}.",
                above=0,
                times=3,
            )
        # Lambda's own loop detection is off, as ticks are a loop. At this rate each container would take a batch a
        # second: far too many, unless each batch has only a message or two and sends the next one.
        self._alarm(
            "JoinLoops",
            watched.join.metric_invocations(period=FEW_MINUTES),
            "Join is invoked so often that it may be feeding itself.",
            above=self._stage.join_concurrency * 300,
            times=3,
        )
        self._alarm(
            "TablesThrottled",
            throttled([watched.tables.users, watched.tables.timers, watched.tables.campaigns, watched.tables.catalog]),
            "DynamoDB throttles a table.",
            above=100,
            times=3,
        )
        if watched.console:
            self._alarm(
                "ConsoleFails",
                watched.console.metric_server_error(statistic="sum", period=FEW_MINUTES),
                "The console's API fails. Message delivery is not affected.",
                above=0,
            )

    def _sweep(self, watched: Watched) -> None:
        self._alarm(
            "SweepLags",
            counted(self._stage, "sweep", "SweepLag", "max"),
            "Sweep is behind the clock: users are ticked late.",
            above=5 * 60,
        )
        self._alarm(
            "SweepMissing",
            watched.sweep.metric_invocations(period=Duration.minutes(15)),
            "Sweep has not run for a quarter of an hour.",
            below=1,
            missing=_BREACHING,
        )

    def _helpers(self, watched: Watched) -> None:
        stage = self._stage
        self._alarm(
            "HelpersFail",
            total(stage, {"join": ["ObservationsFailed"], "deliver": ["Uncounted"]}, "not counted or noted"),
            "Statistics or observed events were not written. Message delivery is not affected.",
            above=0,
        )
        if watched.history:
            self._alarm(
                "HistoryLost",
                counted(stage, "join", "HistoryLost"),
                "Firehose did not take events of history.",
                above=0,
            )
            fresh = cloudwatch.Metric(
                namespace="AWS/Firehose",
                metric_name="DeliveryToS3.DataFreshness",
                dimensions_map={"DeliveryStreamName": watched.history.ref},
                statistic="max",
                period=FEW_MINUTES,
            )
            # Firehose holds data for a quarter of an hour to make large objects.
            self._alarm("HistoryStale", fresh, "Firehose does not write history to its bucket.", above=60 * 60)
        if watched.recommend:
            errors = watched.recommend.metric_errors(period=FEW_MINUTES)
            self._alarm("BuildFails", errors, "A recommendation was not built; the one before stays live.", above=0)
            self._alarm(
                "BuildMissing",
                watched.recommend.metric_invocations(period=Duration.days(1)),
                "No build of recommendations was started for two days.",
                below=1,
                times=2,
                missing=_BREACHING,
            )

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        description: str,
        *,
        above: int | None = None,
        below: int = 0,
        times: int = 1,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> None:
        greater, less = (
            cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        )
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=f"Holdfast-{self._stage.name}-{name}",
            metric=metric,
            threshold=below if above is None else above,
            comparison_operator=less if above is None else greater,
            evaluation_periods=times,
            treat_missing_data=missing,
            alarm_description=f"{description} See {RUNBOOK}#{name.lower()}",
        )
        self.all.append(alarm)
        if self._action:
            alarm.add_alarm_action(self._action)
            alarm.add_ok_action(self._action)
