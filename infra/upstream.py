from __future__ import annotations

from typing import Any

from aws_cdk import Names
from aws_cdk import aws_events as eventbridge
from constructs import Construct

from infra.key import Key
from infra.queues import EventsQueue, final_queue, let_service_send, rule_to_queue
from infra.stages import PARTNER, SettingError, Stage


class UpstreamBuses(Construct):
    """A rule on each event bus that is there already, for what cannot send to a queue: its events come in whole.

    No loop can arise. Holdfast's messages all bear its own source, which no rule matches, whichever way they came to
    that bus; and the bus they are put on, where nothing else is, is refused, as it cannot be meant.
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
        # The name that CloudFormation gives the bus, where it makes one.
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
