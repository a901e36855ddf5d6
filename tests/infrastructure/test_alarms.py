"""Somebody is on call: each alarm has its entry in the runbook, and the dashboard shows what that needs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra.alarms import RUNBOOK
from infra.measures import NAMESPACE
from tests.infrastructure.synthesis import ON_CALL, Stack, stack

ROOT = Path(__file__).parents[2]
ENTRY = re.compile(r"^### (\w+)\n+(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
COUNTED = re.compile(r"\b([A-Z][A-Za-z]+)=")


@pytest.fixture(scope="module")
def watched() -> Stack:
    return stack(stage="prod", recommendations="true", events_bus="shop", alarm_topic=ON_CALL)


def alarms(watched: Stack) -> dict[str, dict[str, Any]]:
    return {
        each["Properties"]["AlarmName"].removeprefix("Holdfast-prod-"): each["Properties"]
        for each in watched.all("AWS::CloudWatch::Alarm").values()
    }


def runbook() -> dict[str, str]:
    text = (ROOT / RUNBOOK).read_text(encoding="utf-8")
    alarms_part = text.split("\n## Alarms\n", 1)[1].split("\n## ", 1)[0]
    return {name: entry for name, entry in ENTRY.findall(alarms_part) if not entry.startswith("<!--")}


def test_each_alarm_has_its_entry_in_the_runbook_and_no_entry_is_left_over(watched: Stack) -> None:
    assert set(runbook()) == set(alarms(watched))


def test_each_entry_says_what_it_means_what_is_at_risk_and_what_to_do() -> None:
    for name, entry in runbook().items():
        for label in ("**Means**", "**At risk**", "**Do**"):
            assert entry.count(label) == 1, (name, label)


def test_an_alarm_leads_to_its_entry(watched: Stack) -> None:
    for name, alarm in alarms(watched).items():
        assert alarm["AlarmDescription"].endswith(f"See {RUNBOOK}#{name.lower()}")


def test_whoever_is_on_call_is_notified_of_the_end_too(watched: Stack) -> None:
    for name, alarm in alarms(watched).items():
        assert (alarm["AlarmActions"], alarm["OKActions"]) == ([ON_CALL], [ON_CALL]), name


def test_without_a_topic_nobody_is_notified() -> None:
    assert not any("AlarmActions" in each for each in alarms(stack(stage="prod")).values())


@pytest.mark.parametrize(
    ("wanted", "settings"),
    [
        ({"BuildFails", "BuildMissing", "HistoryLost", "HistoryStale"}, {"recommendations": "true"}),
        ({"NotTaken"}, {"events_bus": "shop-events"}),
    ],
)
def test_an_alarm_on_what_is_not_there_is_not_there(wanted: set[str], settings: dict[str, str]) -> None:
    without = set(alarms(stack(stage="prod")))
    assert not wanted & without
    assert set(alarms(stack(stage="prod", **settings))) == without | wanted


def own_metrics(value: Any) -> list[dict[str, Any]]:
    """All of Holdfast's own metrics that a template names, however deep."""
    if isinstance(value, list):
        return [found for each in value for found in own_metrics(each)]
    if not isinstance(value, dict):
        return []
    here = [value] if value.get("Namespace") == NAMESPACE and "MetricName" in value else []
    return here + [found for each in value.values() for found in own_metrics(each)]


def test_metrics_are_those_of_the_stage_and_of_a_name_that_a_function_counts(watched: Stack) -> None:
    source = "\n".join(each.read_text() for each in (ROOT / "lambdas").rglob("*.py"))
    counted = set(COUNTED.findall(source)) | {f"Decided{kind}" for kind in ("Send", "Withhold", "Retract")}
    found = own_metrics(list(alarms(watched).values()))
    assert found
    for metric in found:
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        assert dimensions["stage"] == "prod"
        assert dimensions["service"] in {"join", "sweep", "deliver"}
        assert metric["MetricName"] in counted


def test_an_alarm_on_dynamodb_ends_though_dynamodb_sends_no_data_then(watched: Stack) -> None:
    """AWS ignores missing data in alarms on its metrics, so that they would stay in alarm for ever."""
    expressions = [each for each in alarms(watched)["TablesThrottled"]["Metrics"] if "Expression" in each]
    (one,) = expressions
    assert one["Expression"].count("FILL(") == len(alarms(watched)["TablesThrottled"]["Metrics"]) - 1 == 8


def test_no_alarm_looks_at_more_metrics_than_cloudwatch_lets_it(watched: Stack) -> None:
    for name, alarm in alarms(watched).items():
        assert len([each for each in alarm.get("Metrics", []) if "MetricStat" in each]) <= 10, name


def dashboard(watched: Stack) -> dict[str, Any]:
    (one,) = watched.all("AWS::CloudWatch::Dashboard").values()
    body = one["Properties"]["DashboardBody"]["Fn::Join"][1]
    loaded: dict[str, Any] = json.loads("".join(part if isinstance(part, str) else "x" for part in body))
    return loaded


def test_the_dashboard_shows_books_lateness_ages_costs_and_errors_by_campaign(watched: Stack) -> None:
    titles = [widget["properties"].get("title", "") for widget in dashboard(watched)["widgets"]]
    for wanted in ("Alarms", "Books: decided", "Books: came out", "Sweep behind", "Oldest event", "Age of the stream"):
        assert any(title.startswith(wanted) for title in titles), wanted
    assert sum(title.startswith("Cost:") for title in titles) == 3
    (by_campaign,) = (
        widget for widget in dashboard(watched)["widgets"] if widget["properties"].get("title") == "Errors by campaign"
    )
    assert "by service, campaign" in by_campaign["properties"]["query"]


def test_all_alarms_are_on_the_dashboard(watched: Stack) -> None:
    (status,) = (widget for widget in dashboard(watched)["widgets"] if widget["type"] == "alarm")
    assert len(status["properties"]["alarms"]) == len(alarms(watched))
