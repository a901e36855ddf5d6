from __future__ import annotations

from typing import Any

from aws_cdk import Names
from aws_cdk import aws_events as eventbridge
from constructs import Construct

from holdfast_cli.outputs import Outputs
from infra.key import Key
from infra.queues import EventsQueue, final_queue, let_service_send, rule_to_queue
from infra.stages import PARTNER, SettingError, Stage


class UpstreamBuses(Construct):
    """A rule on each existing event bus, for sources that cannot send to a queue: their events come in whole.

    No loop can arise. All of Holdfast's messages have its own source, which no rule matches, by whatever way they came
    to that bus. The bus that Holdfast puts its messages on holds nothing else, so naming it is refused as a mistake.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        key: Key,
        events: EventsQueue,
        messages: eventbridge.IEventBus,
    ) -> None:
        super().__init__(scope, construct_id)
        # The name that CloudFormation gives to a bus that it makes.
        own = stage.bus_name or Names.unique_id(messages)
        if own in stage.events_buses:
            raise SettingError(
                f"events_bus: {own} is the bus that Holdfast's own messages are put on: name another one"
            )
        self.dead_letters = final_queue(self, "DeadLetters", stage=stage, key=key)
        rules = [self._rule(stage, bus, events) for bus in stage.events_buses]
        for queue in (events.queue, self.dead_letters):
            let_service_send(
                queue, "events.amazonaws.com", sid="UpstreamRules", sources=[rule.attr_arn for rule in rules], key=key
            )

    @property
    def outputs(self) -> Outputs:
        return {"UpstreamDeadLetterQueueUrl": self.dead_letters.queue_url}

    def _rule(self, stage: Stage, bus: str, events: EventsQueue) -> eventbridge.CfnRule:
        return rule_to_queue(
            self,
            f"Rule-{bus.replace('/', '-')}",
            description="events from this bus to the events queue",
            pattern={"source": _sources(stage, bus)},
            queue=events.queue,
            dead_letters=self.dead_letters,
            bus=bus,
        )


def _sources(stage: Stage, bus: str) -> list[Any]:
    """The rule's pattern: the sources that were named and that can be on this bus.

    If none was named: on a partner's bus all that the partner sends, else all but Holdfast's own and AWS's, which name
    no user.
    """
    partners = bus.startswith(PARTNER)
    named = [each for each in stage.events_sources if each.startswith(PARTNER) == partners]
    if named:
        return [{"wildcard": each} if "*" in each else each for each in named]
    return [{"prefix": PARTNER}] if partners else [{"anything-but": {"wildcard": [stage.source, "aws.*"]}}]
