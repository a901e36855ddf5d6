from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.stages import Stage

_MINUTE = Duration.minutes(1)
_FEW_MINUTES = Duration.minutes(5)


class Alarms(Construct):
    """What someone should look at. They notify the topic given with `-c alarm_topic=arn:…`, if any."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        events: sqs.Queue,
        dead_letters: sqs.Queue,
        undelivered: sqs.Queue,
        sweep: lambda_.Function,
        deliver: lambda_.Function,
        recommend: lambda_.Function | None,
        not_imported: sqs.Queue,
        not_taken: sqs.Queue | None = None,
        console: apigateway.HttpApi | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        topic = sns.Topic.from_topic_arn(self, "Topic", stage.alarm_topic_arn) if stage.alarm_topic_arn else None
        self._action = actions.SnsAction(topic) if topic else None

        self._alarm(
            "DeadLetters",
            metric=dead_letters.metric_approximate_number_of_messages_visible(statistic="max", period=_MINUTE),
            above=0,
            description="Events failed five times. Look at the join log, then redrive the dead-letter queue.",
        )
        self._alarm(
            "Undelivered",
            metric=undelivered.metric_approximate_number_of_messages_visible(statistic="max", period=_MINUTE),
            above=0,
            description="Decisions could not be delivered: holdfast undelivered list.",
        )
        self._alarm(
            "NotImported",
            metric=not_imported.metric_approximate_number_of_messages_visible(statistic="max", period=_MINUTE),
            above=0,
            description="A catalog's file was not imported: look at the catalog_import log, then redrive the queue.",
        )
        if not_taken:
            self._alarm(
                "NotTaken",
                metric=not_taken.metric_approximate_number_of_messages_visible(statistic="max", period=_MINUTE),
                above=0,
                description="EventBridge could not put events of the upstream bus on the events queue.",
            )
        if console:
            self._alarm(
                "ConsoleFails",
                metric=console.metric_server_error(statistic="sum", period=_FEW_MINUTES),
                above=0,
                description="The console's API failed: look at its function's log. Messages are not concerned.",
            )
        self._alarm(
            "EventsWaiting",
            metric=events.metric_approximate_age_of_oldest_message(statistic="max", period=_MINUTE),
            # A tick may rightly wait 15 minutes for its second to come.
            above=20 * 60,
            description="Join does not keep up with the events queue.",
        )
        self._alarm(
            "DecisionsWaiting",
            metric=deliver.metric("IteratorAge", statistic="max", period=_MINUTE),
            above=5 * 60 * 1000,
            description="Deliver does not keep up with the users table's stream.",
        )
        self._alarm(
            "SweepFails",
            metric=sweep.metric_errors(period=_FEW_MINUTES),
            above=0,
            description="Sweep fails. It catches up by itself once it succeeds.",
        )
        if recommend:
            self._alarm(
                "BuildFails",
                metric=recommend.metric_errors(period=_FEW_MINUTES),
                above=0,
                description="Recommendations were not built: holdfast recommend list. What was built before stays.",
            )
        self._alarm(
            "SweepMissing",
            metric=sweep.metric_invocations(period=Duration.minutes(15)),
            below=1,
            missing=cloudwatch.TreatMissingData.BREACHING,
            description="Sweep has not run for a quarter of an hour: is its schedule enabled?",
        )

    def _alarm(
        self,
        name: str,
        *,
        metric: cloudwatch.IMetric,
        description: str,
        above: int | None = None,
        below: int = 0,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> None:
        greater, less = (
            cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        )
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=below if above is None else above,
            comparison_operator=less if above is None else greater,
            evaluation_periods=1,
            treat_missing_data=missing,
            alarm_description=description,
        )
        if self._action:
            alarm.add_alarm_action(self._action)
