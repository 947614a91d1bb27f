"""Amazon DynamoDB and its streams."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from lambent.base.regexes import Regex
from lambent.policy.actions.tables import Params, Part, Place, Table, listed

_WRITES: Final = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
_VERBS: Final = {"select": "PartiQLSelect", "insert": "PartiQLInsert", "update": "PartiQLUpdate", "delete": "PartiQLDelete"}
_PARTIQL: Final = Regex(
    r"\s*(?:exists\s*\(\s*)?(?P<verb>select|insert|update|delete)\b.*?(?:\b(?:from|into)\s+|(?<=update)\s+)"
    r"\"?(?P<table>[\w.-]+)\"?(?:\.\"?(?P<index>[\w.-]+)\"?)?",
    re.IGNORECASE | re.DOTALL,
)


def _by_table(operation: str, params: Params) -> Sequence[Part]:
    return [(operation, {"TableName": table}) for table in params.get("RequestItems") or {}]


def _reads(params: Params) -> Sequence[Part]:
    return listed(params, "TransactItems", "GetItem", lambda each: each.get("Get") or {})


def _writes(params: Params) -> Sequence[Part]:
    items = params.get("TransactItems") or ()
    return [(_WRITES[kind], item) for each in items for kind, item in each.items() if kind in _WRITES]


def _statement(given: Any) -> Part:
    """Return what a PartiQL statement does to which table; one that isn't understood is a whole scan of some table."""
    found = _PARTIQL.match(str(given.get("Statement", "")))
    if found is None:
        return "PartiQLSelect", {}
    named = {"TableName": found["table"]} | ({"IndexName": found["index"]} if found["index"] else {})
    return _VERBS[found["verb"].lower()], named


def _statements(member: str, params: Params) -> Sequence[Part]:
    return [_statement(each) for each in params.get(member) or ()]


def _stream_of_iterator(iterator: str, place: Place) -> str:
    """Return the stream's ARN, with which an iterator begins."""
    return iterator.partition("|")[0] if iterator.startswith("arn:") else ""


TABLE: Final = Table(
    prefix="dynamodb",
    resources=(
        *("table/{TableName}/index/{IndexName}", "table/{TableName}", "{TableArn}", "{ResourceArn}", "{BackupArn}", "{ExportArn}"),
        *("{ImportArn}", "table/{TargetTableName}", "arn:{partition}:dynamodb::{account}:global-table/{GlobalTableName}"),
    ),
    unscoped=frozenset(
        (
            *("DescribeEndpoints", "DescribeLimits", "ListBackups", "ListContributorInsights", "ListExports", "ListGlobalTables"),
            *("ListImports", "ListTables"),
        )
    ),
    parts={
        "BatchGetItem": partial(_by_table, "BatchGetItem"),
        "BatchWriteItem": partial(_by_table, "BatchWriteItem"),
        "TransactGetItems": _reads,
        "TransactWriteItems": _writes,
        "ExecuteStatement": lambda params: [_statement(params)],
        "BatchExecuteStatement": partial(_statements, "Statements"),
        "ExecuteTransaction": partial(_statements, "TransactStatements"),
    },
)
STREAMS: Final = Table(
    prefix="dynamodb",
    resources=("{StreamArn}", "{ShardIterator}"),
    exceptions={"ListStreams": ("{TableArn}",)},
    unscoped=frozenset({"ListStreams"}),
    values={"ShardIterator": _stream_of_iterator},
)
