from __future__ import annotations

from aws_cdk import CfnOutput, CliCredentialsStackSynthesizer, Environment, Stack, Tags
from constructs import Construct

from holdfast import __version__
from infra.alarms import Alarms, Watched
from infra.bus import MessageBus
from infra.catalog_import import CatalogImport
from infra.console import Console
from infra.dashboard import Dashboard
from infra.deliver import Deliver
from infra.dependencies import DependenciesLayer
from infra.history import History
from infra.join import Join
from infra.queues import EventsQueue, final_queue
from infra.recommend import Recommend
from infra.registry import SchemaRegistry
from infra.stages import Stage
from infra.sweep import Sweep
from infra.tables import Tables
from infra.upstream import UpstreamBuses


class HoldfastStack(Stack):
    """Wires the places in the order in which the data flows."""

    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        super().__init__(
            scope,
            f"Holdfast-{stage.name}",
            description="Holdfast: notices what a user started and did not finish",
            env=Environment(account=stage.account, region=stage.region) if stage.account else None,
            synthesizer=CliCredentialsStackSynthesizer() if stage.embedded else None,
            termination_protection=stage.locked,
        )
        Tags.of(self).add("application", "holdfast")
        Tags.of(self).add("stage", stage.name)

        layer = DependenciesLayer(self, "Dependencies", stage=stage).version
        tables = Tables(self, "Tables", stage=stage)
        events = EventsQueue(self, "Events", stage=stage, key=tables.key)
        failed = final_queue(self, "Failed", stage=stage, key=tables.key)
        history = History(self, "History", stage=stage, tables=tables) if stage.recommendations else None
        catalog_import = CatalogImport(self, "CatalogImport", stage=stage, layer=layer, tables=tables)
        join = Join(self, "Join", stage=stage, layer=layer, events=events, tables=tables, history=history)
        sweep = Sweep(self, "Sweep", stage=stage, layer=layer, events=events, tables=tables, failed=failed)
        bus = MessageBus(self, "Messages", stage=stage).bus
        upstream = (
            UpstreamBuses(self, "Upstream", stage=stage, key=tables.key, events=events, messages=bus)
            if stage.events_buses
            else None
        )
        if stage.schema_registry:
            SchemaRegistry(self, "Schemas", stage=stage)
        recommend = (
            Recommend(self, "Recommend", stage=stage, layer=layer, tables=tables, history=history, failed=failed)
            if history
            else None
        )
        deliver = Deliver(self, "Deliver", stage=stage, layer=layer, tables=tables, bus=bus)
        console = (
            Console(self, "Console", stage=stage, layer=layer, events=events, tables=tables, deliver=deliver, bus=bus)
            if stage.console
            else None
        )
        if stage.alarms:
            watched = Watched(
                events=events.queue,
                dead_letters=events.dead_letters,
                rejected=events.rejected,
                undelivered=deliver.undelivered,
                not_imported=catalog_import.dead_letters,
                not_taken=upstream.dead_letters if upstream else None,
                tables=tables,
                join=join.function,
                sweep=sweep.function,
                deliver=deliver.function,
                catalog_import=catalog_import.function,
                recommend=recommend.function if recommend else None,
                history=history.stream if history else None,
                console=console.api if console else None,
            )
            alarms = Alarms(self, "Alarms", stage=stage, watched=watched).all
            Dashboard(self, "Dashboard", stage=stage, watched=watched, alarms=alarms)

        outputs = {
            "Version": __version__,
            "EventsQueueUrl": events.queue.queue_url,
            "DeadLetterQueueUrl": events.dead_letters.queue_url,
            "RejectedQueueUrl": events.rejected.queue_url,
            "UndeliveredQueueUrl": deliver.undelivered.queue_url,
            "EventBusName": bus.event_bus_name,
            "MessageSource": stage.source,
            "UsersTableName": tables.users.table_name,
            "TimersTableName": tables.timers.table_name,
            "CampaignsTableName": tables.campaigns.table_name,
            "CatalogTableName": tables.catalog.table_name,
            "CatalogBucketName": catalog_import.bucket.bucket_name,
            "FailedQueueUrl": failed.queue_url,
            "GivenUpBucketName": deliver.given_up.bucket_name,
            "JoinFunctionName": join.function.function_name,
            "SweepFunctionName": sweep.function.function_name,
            "DeliverFunctionName": deliver.function.function_name,
            "CatalogImportFunctionName": catalog_import.function.function_name,
        }
        if history and recommend:
            outputs["HistoryBucketName"] = history.bucket.bucket_name
            outputs["HistoryStreamName"] = history.stream.ref
            outputs["RecommendFunctionName"] = recommend.function.function_name
        if console:
            outputs["ConsoleUrl"] = console.url
            outputs["ConsoleUserPoolId"] = console.users.user_pool_id
            outputs["ConsoleClientId"] = console.client.user_pool_client_id
            outputs["ConsoleFunctionName"] = console.function.function_name
        if upstream:
            outputs["UpstreamDeadLetterQueueUrl"] = upstream.dead_letters.queue_url
        for key, value in outputs.items():
            CfnOutput(self, key, value=value)
