"""What SQS's model lost when the service moved from the query protocol to JSON: the names, codes and texts that older clients still use.

SQS serves both protocols. botocore's model of it describes JSON alone; ``restore`` gives a copy of it the names back that forms and XML
need ("Making Query API requests using AWS XML/HTTP protocol" in the developer guide shows them all).
"""

from __future__ import annotations

import copy
from typing import Any, Final

from lambent.base.regexes import Regex
from lambent.domain.http import HttpRequest

XML_NAMESPACE: Final = "http://queue.amazonaws.com/doc/2012-11-05/"

_PREFIX: Final = "AWS.SimpleQueueService."
CODES: Final = {
    "QueueDoesNotExist": _PREFIX + "NonExistentQueue",
    "QueueNameExists": "QueueAlreadyExists",
    **{
        name: _PREFIX + name
        for name in (
            "BatchEntryIdsNotDistinct",
            "BatchRequestTooLong",
            "EmptyBatchRequest",
            "InvalidBatchEntryId",
            "MessageNotInflight",
            "PurgeQueueInProgress",
            "QueueDeletedRecently",
            "TooManyEntriesInBatchRequest",
            "UnsupportedOperation",
        )
    },
}
"""Codes of the query protocol by the name of the error's shape. JSON says them in ``x-amzn-query-error``."""

JSON_NAMES: Final = {
    "AccessDenied": "AccessDeniedException",
    "InvalidParameterValue": "InvalidParameterValueException",
    "MissingParameter": "MissingRequiredParameterException",
}
"""Errors that the model doesn't have: what JSON's ``__type`` calls them."""

TEXTS: Final = {"QueueDoesNotExist": "The specified queue does not exist for this wsdl version."}
"""Messages that differ between the protocols."""

# What the items of a flattened list are called.
_ITEMS: Final = {
    "AWSAccountIdList": "AWSAccountId",
    "ActionNameList": "ActionName",
    "AttributeNameList": "AttributeName",
    "BatchResultErrorEntryList": "BatchResultErrorEntry",
    "BinaryList": "BinaryListValue",
    "ChangeMessageVisibilityBatchRequestEntryList": "ChangeMessageVisibilityBatchRequestEntry",
    "ChangeMessageVisibilityBatchResultEntryList": "ChangeMessageVisibilityBatchResultEntry",
    "DeleteMessageBatchRequestEntryList": "DeleteMessageBatchRequestEntry",
    "DeleteMessageBatchResultEntryList": "DeleteMessageBatchResultEntry",
    "ListMessageMoveTasksResultEntryList": "ListMessageMoveTasksResultEntry",
    "MessageAttributeNameList": "MessageAttributeName",
    "MessageList": "Message",
    "MessageSystemAttributeList": "MessageSystemAttributeName",
    "QueueUrlList": "QueueUrl",
    "SendMessageBatchRequestEntryList": "SendMessageBatchRequestEntry",
    "SendMessageBatchResultEntryList": "SendMessageBatchResultEntry",
    "StringList": "StringListValue",
    "TagKeyList": "TagKey",
}
# What a member that is a flattened map is called, and its keys and values.
_MAPS: Final = {
    "MessageBodyAttributeMap": ("MessageAttribute", "Name", "Value"),
    "MessageBodySystemAttributeMap": ("MessageSystemAttribute", "Name", "Value"),
    "MessageSystemAttributeMap": ("Attribute", "Name", "Value"),
    "QueueAttributeMap": ("Attribute", "Name", "Value"),
    "TagMap": ("Tag", "Key", "Value"),
}


_QUEUE_PATH: Final = Regex(r"/(queue/[a-z0-9-]+/)?\d{12}/[\w.-]+/?")


def addressed(request: HttpRequest) -> str | None:
    """Return the queue URL that a request was sent to; ``None`` when it went to the service's own endpoint.

    A form that is sent to a queue's URL names its queue in this way alone.
    """
    return f"http://{request.host}{request.raw_path.rstrip('/')}" if _QUEUE_PATH.fullmatch(request.raw_path) else None


def is_misplaced(request: HttpRequest, operation: str) -> bool:
    """Return whether an operation that no queue can do was sent to a queue's URL."""
    return operation in {"CreateQueue", "ListQueues"} and addressed(request) is not None


def restore(model: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of SQS's model that describes the query protocol."""
    restored = copy.deepcopy(model)
    restored["metadata"] |= {"protocol": "query", "protocols": ["query"], "xmlNamespace": XML_NAMESPACE}
    shapes = restored["shapes"]
    for name, item in _ITEMS.items():
        shapes[name]["member"]["locationName"] = item
    for name, (_, key, value) in _MAPS.items():
        shapes[name]["key"]["locationName"] = key
        shapes[name]["value"]["locationName"] = value
    for shape in shapes.values():
        for member in shape.get("members", {}).values():
            if member["shape"] in _MAPS:
                member["locationName"] = _MAPS[member["shape"]][0]
    for name, code in CODES.items():
        shapes[name]["error"] = {"code": code, "httpStatusCode": 400, "senderFault": True}
    for name, operation in restored["operations"].items():
        if "output" in operation:
            operation["output"]["resultWrapper"] = f"{name}Result"
    return restored
