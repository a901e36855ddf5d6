from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias, Unpack

from aws_cdk import CfnOutput, CliCredentialsStackSynthesizer, Environment, Stack, Tags
from aws_cdk import aws_events as eventbridge
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from holdfast import __version__
from holdfast_cli.outputs import Outputs
from infra.alarms import Alarms, Watched
from infra.bus import MessageBus
from infra.catalog_import import CatalogImport
from infra.console import Console
from infra.dashboard import Dashboard
from infra.deliver import Deliver
from infra.dependencies import DependenciesLayer
from infra.history import History
from infra.join import Join
from infra.properties import Properties, stage_of
from infra.queues import EventsQueue, final_queue
from infra.recommend import Recommend
from infra.registry import SchemaRegistry
from infra.stages import Stage
from infra.sweep import Sweep
from infra.tables import Tables
from infra.upstream import UpstreamBuses

Kind: TypeAlias = Literal["sent", "withheld", "retracted"]
_SUFFIXES: Mapping[Kind, str] = {"sent": "", "withheld": " Withheld", "retracted": " Retracted"}


class _Place(Protocol):
    """A construct of which the command line finds something by the stack's outputs."""

    @property
    def outputs(self) -> Outputs: ...


class Holdfast(Construct):
    """All of Holdfast, for a CDK app: wires the places in the order in which the data flows.

        holdfast = Holdfast(self, "Holdfast", stage="prod", console=False)
        holdfast.events_queue.grant_send_messages(shop)
        holdfast.on_message(campaign="abandoned-cart", target=targets.SqsQueue(reminders))

    One to a stack, as its outputs have the names by which the command line finds them (HOLDFAST_STACK names the stack).
    See `Properties` for all settings; `of` is a stage that was made already. Raises SettingError.
    """

    events_queue: sqs.Queue
    """Where events are sent to."""
    bus: eventbridge.IEventBus
    """Where messages come from."""

    def __init__(
        self, scope: Construct, construct_id: str, *, of: Stage | None = None, **properties: Unpack[Properties]
    ) -> None:
        super().__init__(scope, construct_id)
        stage = of or stage_of(properties)
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

        outputs: Outputs = {
            "Version": __version__,
            "EventBusName": bus.event_bus_name,
            "MessageSource": stage.source,
            "FailedQueueUrl": failed.queue_url,
            **_outputs(events, tables, catalog_import, history, join, sweep, recommend, deliver, console, upstream),
        }
        for key, value in outputs.items():
            CfnOutput(self, key, value=str(value)).override_logical_id(key)
        self.events_queue = events.queue
        self.bus = bus
        self._source = stage.source

    def on_message(
        self,
        *,
        target: eventbridge.IRuleTarget,
        campaign: str | None = None,
        kind: Kind = "sent",
        detail_type: str = "Personalized Message",
        name: str = "",
    ) -> eventbridge.Rule:
        """A rule on the bus: messages of one campaign, or of all, go to the target.

        `kind` selects sent messages, or those that were withheld or taken back; `detail_type` is the campaign's
        `send.detail_type`. `name` distinguishes rules that are otherwise alike.
        """
        return eventbridge.Rule(
            self,
            name or f"On-{campaign or 'any'}-{kind}",
            description=f"Holdfast: messages of {campaign or 'any campaign'}, {kind}",
            event_bus=self.bus,
            event_pattern=eventbridge.EventPattern(
                source=[self._source],
                detail_type=[detail_type + _SUFFIXES[kind]],
                detail={"metadata": {"campaign": [campaign]}} if campaign else None,
            ),
            targets=[target],
        )


def _outputs(*places: _Place | None) -> Outputs:
    outputs: Outputs = {}
    for place in places:
        if place:
            outputs.update(place.outputs)
    return outputs


class HoldfastStack(Stack):
    """The stack of this repository's own app: one for each stage."""

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
        # The CDK leaves this id out of the resources' ids, so these are the same as without the construct.
        self.holdfast = Holdfast(self, "Default", of=stage)
