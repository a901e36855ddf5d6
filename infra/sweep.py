from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from holdfast.aws.settings import SweepSettings
from holdfast_cli.outputs import Outputs
from infra.function import HoldfastFunction, Records
from infra.queues import EventsQueue
from infra.schedules import schedule
from infra.stages import Stage
from infra.tables import Tables


class Sweep(Construct):
    """Turns the passing of time into ticks.

    A run that fails or is missed is not retried: the next run continues from its last position. An alarm reports it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        layer: lambda_.ILayerVersion,
        events: EventsQueue,
        tables: Tables,
        failed: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = HoldfastFunction(
            self,
            "Function",
            stage=stage,
            key=tables.key,
            service="sweep",
            description="Holdfast: reads the timers that fall due and sends ticks for them",
            layer=layer,
            memory_mb=512,
            timeout=Duration.minutes(min(stage.sweep_minutes, 4)),
            reserved_concurrency=stage.sweep_reserved_concurrency,
            settings=SweepSettings(
                timers_table=tables.timers.table_name,
                events_queue_url=events.queue.queue_url,
                timer_shards=stage.timer_shards,
                dead_letters_queue_url=events.dead_letters.queue_url,
            ),
        )
        # Scan: only the very first sweep does it, once.
        timers = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan"]
        self.function.may(timers, on=[tables.timers.table_arn])
        self.function.may(["sqs:SendMessage"], on=[events.queue.queue_arn])
        # Ticks in the dead-letter queue are sent again: nothing else nominates their users.
        self.function.may(
            ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
            on=[events.dead_letters.queue_arn],
        )
        self.function.configure_async_invoke(
            retry_attempts=0, max_event_age=Duration.minutes(5), on_failure=Records(failed)
        )
        minutes = stage.sweep_minutes
        schedule(
            self,
            "Schedule",
            function=self.function,
            description="Holdfast: sweep",
            expression=f"rate({minutes} minute{'s' if minutes > 1 else ''})",
            retries=1,
            within=Duration.minutes(1),
        )

    @property
    def outputs(self) -> Outputs:
        return {"SweepFunctionName": self.function.function_name}
