"""List prices of us-east-1, in US dollars, without free tiers and discounts, as of the date below.

Each stands beside the AWS page that it is from. A system's price is then a sum over what was counted: `dollars`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

DATE: Final = "2026-11-24"
REGION: Final = "us-east-1"

MILLION: Final = 1_000_000
GB: Final = 1024**3
MONTH_HOURS: Final = 730
MONTH_SECONDS: Final = MONTH_HOURS * 3600

PRICES: Final[Mapping[str, float]] = MappingProxyType(
    {
        # aws.amazon.com/sqs/pricing: standard queues, a request of up to 64 KB, beyond the first million
        "sqs_requests": 0.40 / MILLION,
        # aws.amazon.com/lambda/pricing: requests; duration on arm64, and on x86_64, per GB and second
        "lambda_requests": 0.20 / MILLION,
        "lambda_arm_gb_seconds": 0.0000133334,
        "lambda_x86_gb_seconds": 0.0000166667,
        # aws.amazon.com/dynamodb/pricing/on-demand: request units of the Standard table class, storage
        "write_units": 0.625 / MILLION,
        "read_units": 0.125 / MILLION,
        "stored_gb_months": 0.25,
        # aws.amazon.com/eventbridge/pricing: custom events in pieces of 64 KB, and Scheduler's invocations
        "bus_events": 1.00 / MILLION,
        "scheduler_invocations": 1.00 / MILLION,
        # aws.amazon.com/cloudwatch/pricing: logs taken in, standard class; alarms and custom metrics, each a month
        "logged_gb": 0.50,
        "alarm_months": 0.10,
        "metric_months": 0.30,
        # aws.amazon.com/xray/pricing: traces recorded
        "traces": 5.00 / MILLION,
        # aws.amazon.com/step-functions/pricing: standard workflows
        "state_transitions": 25.00 / MILLION,
        # aws.amazon.com/managed-service-apache-flink/pricing: a KPU is 1 vCPU with 4 GB and 50 GB of running storage
        "kpu_hours": 0.11,
        "flink_gb_months": 0.10,
    }
)

FLINK_GB_PER_KPU: Final = 50
FLINK_OVERHEAD_KPUS: Final = 1
"""The one that each application is charged for its orchestration."""


def dollars(counted: Mapping[str, float]) -> float:
    """The price of the counted things, each under its name. Raises KeyError for a thing without price."""
    return sum(PRICES[thing] * number for thing, number in counted.items())


def step_functions(triggers: float, messages: float) -> float:
    """A standard workflow for each trigger that waits for its window: start, wait, choice; and for those that were not
    ended before, the profile's read and the event's put. Reads, events and whoever ends them are not in it.
    """
    return dollars({"state_transitions": 3 * triggers + 2 * messages})


def flink_month(events_per_second: float, cpu_us_per_event: float, busy: float = 0.5) -> float:
    """A month of Managed Service for Apache Flink, which runs whether events come or not.

    `busy` is how much of its processors one dares to use. At least one KPU, besides the one for orchestration.
    """
    kpus = max(1, -(-events_per_second * cpu_us_per_event // (MILLION * busy)))
    gigabytes = kpus * FLINK_GB_PER_KPU
    return dollars({"kpu_hours": (kpus + FLINK_OVERHEAD_KPUS) * MONTH_HOURS, "flink_gb_months": gigabytes})
