"""`holdfast events`: which events came in so far, what they bear, and which campaigns use them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import typer
from rich.markup import escape

from holdfast.aws.clock import now_ms
from holdfast.aws.tables.campaigns import Campaigns
from holdfast.aws.tables.shapes import Observations
from holdfast.aws.tables.volume import Volumes
from holdfast.core.authoring.basics import did_you_mean
from holdfast.core.events import event_key
from holdfast.core.intake.shapes import Shapes
from holdfast.core.intake.tail import MAX_SHAPES, Line
from holdfast.core.intake.volume import OTHERS, SHOWN_DAYS, by_event
from holdfast.core.messages.statistics import days
from holdfast.core.plans.uses import used
from holdfast_cli.output import Failure, Json, Stage, err, out, print_json, print_rows
from holdfast_cli.stack import Deployment
from holdfast_cli.tail import LONGEST, looking

BARS = "·▁▂▃▄▅▆▇█"
"""From nothing to the most."""
LAST_VALUES = 3
"""Values of one property that are shown."""


class Looked(NamedTuple):
    """The counts of one event while somebody looked on: how many, how many of those were looked at, and how many of
    these bore each property; None where one bore more than is shown of a record. `values` are the last of each
    property, where they were asked for.
    """

    seconds: float
    came: int
    at: int
    bore: Counter[str] | None
    values: Mapping[str, Sequence[str]]


def events(
    name: Annotated[str, typer.Argument(help="An event. Default: all of them.")] = "",
    *,
    seconds: Annotated[
        float | None,
        typer.Option("--for", min=1, max=LONGEST, help="Observe the event for so many seconds: how often it comes."),
    ] = None,
    values: Annotated[
        bool, typer.Option("--values", help="With --for: show the last values of each property, too: personal data.")
    ] = False,
    stage: Stage = "local",
    json: Json = False,
) -> None:
    """List the events that were seen: how many came, their properties, and the campaigns that use them.

    Numbers are approximate, by day (UTC) of arrival: today, the last 7 days, and a bar for each of the last 14. For a
    single event, each property is listed with its types. With --for, incoming records are observed for that time: how
    often the event comes, and which share of it has each property.

    Example: `holdfast events charged --for 60 --stage prod`
    """
    if seconds and not name:
        raise Failure("--for observes one event: name it.")
    if values and not seconds:
        raise Failure("Values are not stored: they are shown only while --for observes. Add --for 60.")
    deployment = Deployment.find(stage)
    dynamodb, table = deployment.client("dynamodb"), deployment.outputs["CampaignsTableName"]
    seen = Observations(dynamodb, table).read()
    uses = used(published.plan for published in Campaigns(dynamodb, table).live())
    wanted = days(now_ms(), SHOWN_DAYS)
    volume = by_event(Volumes(dynamodb, table).read(wanted[0], wanted[-1]), wanted, seen)
    if not name:
        _list([_row(each, uses.get(key, {}), wanted, volume[key]) for key, each in sorted(seen.items())], as_json=json)
        if others := sum(volume[OTHERS]):
            err.print(f"[dim]and about {others:,} events in {SHOWN_DAYS} days, of names that are not counted apart[/]")
        return
    key = event_key(name)
    if key not in seen:
        known = did_you_mean(name, [each.name for each in seen.values()])
        raise Failure(f"{name!r} was never seen{known or '.'} What was seen: holdfast events")
    looked = _look(deployment, key, seconds, values=values) if seconds else None
    row = _row(seen[key], uses.get(key, {}), wanted, volume[key], looked)
    if json:
        print_json(row)
    else:
        _show(row, looked)


def _look(deployment: Deployment, key: str, seconds: float, *, values: bool) -> Looked:
    began, came, lines = time.monotonic(), 0, list[Line]()
    for line, more in looking(deployment, event=key, seconds=seconds, values=values):
        if line.read == "event" and not line.again:
            lines.append(line)
            came += 1 + more
    whole = all(len(line.properties) < MAX_SHAPES for line in lines)
    bore = Counter(path for line in lines for path in {shape.partition(" ")[2] for shape in line.properties})
    return Looked(time.monotonic() - began, came, len(lines), bore if whole and lines else None, _last_values(lines))


def _last_values(lines: Iterable[Line]) -> dict[str, list[str]]:
    """The values by path, the newest first, each once."""
    found: dict[str, dict[str, None]] = {}
    for line in lines:
        for path, value in line.values.items():
            of = found.setdefault(path, {})
            of.pop(value, None)
            of[value] = None
    return {path: [*reversed(of)][:LAST_VALUES] for path, of in found.items()}


def _list(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_rows(rows, [], as_json=True)
    elif rows:
        shown = [
            {**row, **_figures(row["volume"]), "properties": len(row["properties"]), "campaigns": _uses(row)}
            for row in rows
        ]
        print_rows(shown, ["event", *_figures({}), "properties", "campaigns"], as_json=False)
    else:
        out.print("No event has been seen yet.")


def _uses(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{use['campaign']} ({use['part']})" for use in row["campaigns"])


def _figures(volume: Mapping[str, int]) -> dict[str, str]:
    """Today's number, that of a week, and a bar for each of the last days."""
    counts = [*volume.values()]
    most = max(counts, default=0)
    bars = "".join(BARS[-(-count * (len(BARS) - 1) // most)] if most else BARS[0] for count in counts)
    return {"today": f"{sum(counts[-1:]):,}", "7 days": f"{sum(counts[-7:]):,}", f"{SHOWN_DAYS} days": bars}


def _row(
    seen: Shapes, campaigns: Mapping[str, str], days: Sequence[str], volume: Sequence[int], looked: Looked | None = None
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "event": seen.name,
        "volume": dict(zip(days, volume, strict=True)),
        "properties": {path: sorted(seen.types(path)) for path in sorted(seen.paths)},
        "campaigns": [{"campaign": id_, "part": part} for id_, part in sorted(campaigns.items())],
    }
    if looked:
        share = None if looked.bore is None else {path: looked.bore[path] / looked.at for path in row["properties"]}
        row |= {"per_minute": round(looked.came / looked.seconds * 60, 1), "looked_at": looked.at, "share": share}
        if looked.values:
            row["values"] = looked.values
    return row


def _show(row: Mapping[str, Any], looked: Looked | None) -> None:
    out.print(f"[bold]{escape(row['event'])}[/] used by: {escape(_uses(row) or 'no campaign')}")
    out.print("about " + ", ".join(f"{name}: {text}" for name, text in _figures(row["volume"]).items()))
    shown = [{"property": path, "types": ", ".join(types)} for path, types in row["properties"].items()]
    if looked:
        out.print(f"about {row['per_minute']} per minute; of {looked.at} that were looked at:")
        for each in shown if row["share"] else ():
            each["in"] = f"{row['share'][each['property']]:.0%}"
    for each in shown if looked and looked.values else ():
        each["values"] = ", ".join(row["values"].get(each["property"], ()))
    also = ["in", *(["values"] if looked.values else [])] if looked else []
    print_rows(shown, ["property", "types", *also], as_json=False)
    if not looked:
        err.print("[dim]How often it comes, and its last values: add --for 60 --values[/]")
