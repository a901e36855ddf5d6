"""BatchExecuteStatement for moto, which cannot run it: the two statements of the users table, by way of PutItem.

`test_users.py` runs one suite on this and on the embedded AWS, so that this cannot drift from what it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

_INSERT = re.compile(r"INSERT INTO \"(\w+)\" VALUE \{(.*)\}")
_UPDATE = re.compile(r'UPDATE "(\w+)" (.*) WHERE "user" = \? AND "part" = \? AND "version" = \?')


def batch_execute_statement(client: Any, statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Responses": [_run(client, each["Statement"], each["Parameters"]) for each in statements]}


def _run(client: Any, statement: str, parameters: list[Any]) -> dict[str, Any]:
    try:
        if inserted := _INSERT.fullmatch(statement):
            item = dict(zip(re.findall(r"'(\w+)': \?", inserted[2]), parameters, strict=True))
            _insert(client, inserted[1], item)
        elif updated := _UPDATE.fullmatch(statement):
            *values, user, part, version = parameters
            sets = dict(zip(re.findall(r'SET "(\w+)" = \?', updated[2]), values, strict=True))
            removes = re.findall(r'REMOVE "(\w+)"', updated[2])
            _update(client, updated[1], {"user": user, "part": part}, version, sets, removes)
        else:
            return {"Error": {"Code": "ValidationError", "Message": statement}}
    except ClientError as error:
        code = error.response["Error"]["Code"].removesuffix("Exception")
        lost = code == "ConditionalCheckFailed" and statement.startswith("INSERT")
        return {"Error": {"Code": "DuplicateItem" if lost else code}}
    return {"TableName": (inserted or updated)[1]}  # type: ignore[index]


def _insert(client: Any, table: str, item: Mapping[str, Any]) -> None:
    client.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(version)")


def _update(
    client: Any, table: str, key: Mapping[str, Any], version: Any, sets: Mapping[str, Any], removes: list[str]
) -> None:
    found = client._real.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
    item = {**key, **{name: value for name, value in found.items() if name not in removes}, **sets}
    client.put_item(
        TableName=table,
        Item=item,
        ConditionExpression="version = :version",
        ExpressionAttributeValues={":version": version},
    )
