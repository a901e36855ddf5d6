"""The bench's baseline does what Holdfast does, so that beside it something can be said of the price."""

from __future__ import annotations

from itertools import islice

from bench.baseline_run import BaselineRun
from bench.campaign import a_campaign
from bench.emulated import bare
from bench.holdfast_run import HoldfastRun
from bench.traces import MINUTE, SECOND, START, Trace

WINDOW = 10 * MINUTE
"""Short enough to be ticked by delayed messages alone."""


def test_the_baseline_sends_the_messages_that_holdfast_sends() -> None:
    """The events of one minute, some of them late, some twice; and ten minutes in which nothing else comes."""
    events = [*islice(Trace(users=40, rate=2, views=False).events(), 150)]
    length = events[-1].arrives - START + WINDOW + MINUTE
    with bare() as endpoint:
        with HoldfastRun(endpoint, a_campaign(within=WINDOW // SECOND), name="holdfast") as ours:
            held = ours.run([], events, length=length)
        with BaselineRun(endpoint, window=WINDOW, name="baseline") as theirs:
            base = theirs.run([], events, length=length)
    assert held.triggers == base.triggers > 50
    assert sorted(each[:2] for each in held.said) == sorted(each[:2] for each in base.said)
    assert len(base.said) > 30
