"""Delivery policies of topics and of their HTTP subscriptions: checked, shown as AWS shows them, and what follows from both; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from lambent.services.sns.errors import invalid
from lambent.services.sns.jsontext import compact, parse_object
from lambent.services.sns.schedule import GROWTHS, RetryPolicy

CONTENT_TYPE: Final = "text/plain; charset=UTF-8"
_RETRY: Final = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
_PAUSE_S_MAX: Final = 3600
_RETRIES_MAX: Final = 100


def checked_topic_policy(text: str) -> str:
    """Return a topic's policy as it is kept and shown. Raises ``InvalidParameter``."""
    http = parse_object(text, "DeliveryPolicy").get("http")
    if not isinstance(http, dict):
        raise invalid("DeliveryPolicy: http must be specified")
    kept: dict[str, Any] = {}
    if http.get("defaultHealthyRetryPolicy") is not None:
        kept["defaultHealthyRetryPolicy"] = _checked_retry(http["defaultHealthyRetryPolicy"], "http.defaultHealthyRetryPolicy")
    kept["disableSubscriptionOverrides"] = bool(http.get("disableSubscriptionOverrides"))
    if http.get("defaultThrottlePolicy") is not None:
        kept["defaultThrottlePolicy"] = _checked_throttle(http["defaultThrottlePolicy"], "http.defaultThrottlePolicy")
    if http.get("defaultRequestPolicy") is not None:
        kept["defaultRequestPolicy"] = http["defaultRequestPolicy"]
    return compact({"http": kept})


def checked_subscription_policy(text: str) -> str:
    """Return a subscription's policy as it is kept and shown. Raises ``InvalidParameter``."""
    given = parse_object(text, "DeliveryPolicy")
    retry, throttle = given.get("healthyRetryPolicy"), given.get("throttlePolicy")
    kept = {
        "healthyRetryPolicy": None if retry is None else _checked_retry(retry, "healthyRetryPolicy"),
        "sicklyRetryPolicy": given.get("sicklyRetryPolicy"),
        "throttlePolicy": None if throttle is None else _checked_throttle(throttle, "throttlePolicy"),
        "requestPolicy": given.get("requestPolicy"),
        "guaranteed": bool(given.get("guaranteed")),
    }
    return compact(kept)


def effective_topic_policy(text: str | None) -> dict[str, Any]:
    """Return what holds for a topic's HTTP subscriptions that have no policy of their own."""
    http = _http(text)
    effective: dict[str, Any] = {
        "defaultHealthyRetryPolicy": _RETRY | (http.get("defaultHealthyRetryPolicy") or {}),
        "disableSubscriptionOverrides": http.get("disableSubscriptionOverrides", False),
        "defaultRequestPolicy": http.get("defaultRequestPolicy") or {"headerContentType": CONTENT_TYPE},
    }
    if "defaultThrottlePolicy" in http:
        effective["defaultThrottlePolicy"] = http["defaultThrottlePolicy"]
    return {"http": effective}


def effective_subscription_policy(topic_text: str | None, text: str | None) -> dict[str, Any]:
    """Return what holds for an HTTP subscription."""
    http = effective_topic_policy(topic_text)["http"]
    own = json.loads(text) if text and not http["disableSubscriptionOverrides"] else {}
    return {
        "healthyRetryPolicy": {**http["defaultHealthyRetryPolicy"], **(own.get("healthyRetryPolicy") or {})},
        "sicklyRetryPolicy": own.get("sicklyRetryPolicy"),
        "throttlePolicy": own.get("throttlePolicy") or http.get("defaultThrottlePolicy"),
        "requestPolicy": own.get("requestPolicy") or http["defaultRequestPolicy"],
        "guaranteed": own.get("guaranteed", False),
    }


def retry_policy(effective: Mapping[str, Any]) -> RetryPolicy:
    """Return the schedule of an HTTP subscription's effective policy."""
    retry = effective["healthyRetryPolicy"]
    return RetryPolicy(
        retries=retry["numRetries"],
        pause_s_min=float(retry["minDelayTarget"]),
        pause_s_max=float(retry["maxDelayTarget"]),
        at_once=retry["numNoDelayRetries"],
        shortest=retry["numMinDelayRetries"],
        longest=retry["numMaxDelayRetries"],
        growth=retry["backoffFunction"],
    )


def content_type(effective: Mapping[str, Any]) -> str:
    """Return the ``Content-Type`` of notifications to an HTTP subscription."""
    return str((effective["requestPolicy"] or {}).get("headerContentType") or CONTENT_TYPE)


def _http(text: str | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text).get("http") or {} if text else {}
    return found


def _checked_throttle(given: Any, where: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise invalid(f"DeliveryPolicy: {where} must be an object")
    rate = given.get("maxReceivesPerSecond")
    if rate is not None and (not isinstance(rate, int) or isinstance(rate, bool) or rate < 1):
        raise invalid(f"DeliveryPolicy: {where}.maxReceivesPerSecond must be an integer of at least 1")
    return {} if rate is None else {"maxReceivesPerSecond": rate}


def _checked_retry(given: Any, where: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise invalid(f"DeliveryPolicy: {where} must be an object")
    kept = {name: value for name, value in given.items() if value is not None}
    whole = _RETRY | kept
    for name in _RETRY.keys() - {"backoffFunction"}:
        if not isinstance(whole[name], int) or isinstance(whole[name], bool) or whole[name] < 0:
            raise invalid(f"DeliveryPolicy: {where}.{name} must be a non-negative integer")
    if whole["backoffFunction"] not in GROWTHS:
        raise invalid(f"DeliveryPolicy: {where}.backoffFunction must be one of: {', '.join(sorted(GROWTHS))}")
    if not 1 <= whole["minDelayTarget"] <= _PAUSE_S_MAX:
        raise invalid(f"DeliveryPolicy: {where}.minDelayTarget must be between 1 and {_PAUSE_S_MAX}")
    if not whole["minDelayTarget"] <= whole["maxDelayTarget"] <= _PAUSE_S_MAX:
        raise invalid(f"DeliveryPolicy: {where}.maxDelayTarget must be at least minDelayTarget and at most {_PAUSE_S_MAX}")
    if whole["numRetries"] > _RETRIES_MAX:
        raise invalid(f"DeliveryPolicy: {where}.numRetries must be less than or equal to {_RETRIES_MAX}")
    if whole["numNoDelayRetries"] + whole["numMinDelayRetries"] + whole["numMaxDelayRetries"] > whole["numRetries"]:
        raise invalid(f"DeliveryPolicy: {where}.numRetries must be at least the sum of the retries of its phases")
    return kept
