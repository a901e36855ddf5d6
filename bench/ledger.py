"""Counts the functions' requests to AWS: every call of a client, with its units. The functions do not know of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import get_ident
from typing import Any, NamedTuple

from bench.capacity import item_bytes, read_units, statement_bytes, write_units

PIECE_BYTES = 64 * 1024
"""Bytes that SQS and EventBridge count as one request, and one event."""


class Call(NamedTuple):
    """One request, and what came back. `operation` is as in `dynamodb:PutItem`."""

    operation: str
    parameters: Mapping[str, Any]
    answer: Mapping[str, Any]
    thread: int = 0


@dataclass(slots=True)
class Counts:
    """Sums, by what they are of. `things` are named as prices are."""

    calls: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    """Units, by table."""
    items: Counter[str] = field(default_factory=Counter)
    """Items written, or tried to, by table."""
    invocations: Counter[str] = field(default_factory=Counter)
    cpu_us: Counter[str] = field(default_factory=Counter)
    """By function."""
    things: Counter[str] = field(default_factory=Counter)

    def add(self, call: Call) -> None:
        self.calls[call.operation] += 1
        service, operation = call.operation.split(":")
        match service:
            case "dynamodb":
                self._dynamodb(operation, call)
            case "sqs":
                bodies = [entry["MessageBody"] for entry in call.parameters.get("Entries", ())]
                self.things["sqs_requests"] += _pieces(sum(len(body.encode()) for body in bodies))
            case "events":
                entries = call.parameters.get("Entries", ())
                self.things["bus_events"] += sum(_pieces(len(entry["Detail"].encode())) for entry in entries)

    def _dynamodb(self, operation: str, call: Call) -> None:
        asked, answer = call.parameters, call.answer
        match operation:
            case "BatchGetItem":
                for table, wanted in asked["RequestItems"].items():
                    found = answer["Responses"].get(table, [])
                    sizes = [*map(item_bytes, found), *[0] * (len(wanted["Keys"]) - len(found))]
                    consistent = wanted.get("ConsistentRead", False)
                    self._read(table, sum(read_units(size, consistent=consistent) for size in sizes))
            case "GetItem":
                size = item_bytes(answer.get("Item", {}))
                self._read(asked["TableName"], read_units(size, consistent=asked.get("ConsistentRead", False)))
            case "Query":
                size = sum(map(item_bytes, answer["Items"]))
                self._read(asked["TableName"], read_units(size, consistent=asked.get("ConsistentRead", False)))
            case "BatchExecuteStatement":
                for each in asked["Statements"]:
                    size = statement_bytes(each["Statement"], each.get("Parameters", ()))
                    self._write(each["Statement"].split('"')[1], write_units(size))
            case "TransactWriteItems":
                for put in (each["Put"] for each in asked["TransactItems"]):
                    self._write(put["TableName"], 2 * write_units(item_bytes(put["Item"])))
            case _:
                self._consumed(asked, answer)

    def _consumed(self, asked: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        consumed = answer.get("ConsumedCapacity", [])
        consumed = consumed if isinstance(consumed, list) else [consumed]
        for each in consumed:
            many = len(asked.get("RequestItems", {}).get(each["TableName"], ())) or 1
            self._write(each["TableName"], each["CapacityUnits"], many)
        if not consumed:  # refused by its condition: still charged as a write
            self._write(asked["TableName"], 1)

    def _write(self, table: str, units: float, items: int = 1) -> None:
        self.items[table] += items
        self.writes[table] += units  # type: ignore[assignment]  # halves, of reads
        self.things["write_units"] += units  # type: ignore[assignment]

    def _read(self, table: str, units: float) -> None:
        self.reads[table] += units  # type: ignore[assignment]
        self.things["read_units"] += units  # type: ignore[assignment]


class Ledger:
    """Records the calls of all clients made after this from the session whose `register` is given."""

    def __init__(self, register: Callable[[str, Callable[..., Any]], Any]) -> None:
        self._calls: list[Call] = []
        register("provide-client-params.dynamodb", _want_capacity)
        register("before-parameter-build", _remember)
        register("after-call", self._note)

    def take(self) -> list[Call]:
        """The calls since last time."""
        calls, self._calls = self._calls, []
        return calls

    def _note(self, parsed: Mapping[str, Any], model: Any, context: Mapping[str, Any], **_: Any) -> None:
        operation = f"{model.service_model.service_name}:{model.name}"
        self._calls.append(Call(operation, context["bench"], parsed, get_ident()))


def one_after_another(calls: Iterable[Call]) -> int:
    """How many calls an invocation waits for: of threads that call in parallel, those of the busiest one."""
    by_thread = Counter(call.thread for call in calls)
    return by_thread.pop(get_ident(), 0) + max(by_thread.values(), default=0)


def _want_capacity(params: dict[str, Any], model: Any, **_: Any) -> dict[str, Any] | None:
    if "ReturnConsumedCapacity" in model.input_shape.members:
        return {**params, "ReturnConsumedCapacity": "TOTAL"}
    return None


def _remember(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["bench"] = params


def _pieces(size: int) -> int:
    return max(1, math.ceil(size / PIECE_BYTES))
