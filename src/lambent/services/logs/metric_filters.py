"""Metric filters: values taken from a group's events as they come in, for CloudWatch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.domain.call import Call
from lambent.domain.errors import AwsError
from lambent.domain.service import Operations
from lambent.services.logs.errors import invalid, limit_exceeded
from lambent.services.logs.filtering import pattern_of
from lambent.services.logs.groups import change_group, every_group
from lambent.services.logs.state import Group, Logs, MetricFilter
from lambent.services.logs.tokens import seal, unseal

if TYPE_CHECKING:
    from lambent.services.logs import _generated_shapes as shapes

operations: Operations[Logs] = Operations()

PER_GROUP_MAX = 100
_PAGE_MAX = 50
_DIMENSIONS_MAX = 3


@operations.serves("PutMetricFilter")
async def put_metric_filter(logs: Logs, call: Call, request: shapes.PutMetricFilterRequest) -> None:
    """Create or replace a filter."""
    pattern_of(request["filterPattern"])
    transformations = [_checked(dict(each)) for each in request["metricTransformations"]]
    name = request["filterName"]

    def measured(group: Group) -> Group:
        if name not in group.metric_filters and len(group.metric_filters) >= PER_GROUP_MAX:
            raise limit_exceeded()
        created_ms = group.metric_filters[name].created_ms if name in group.metric_filters else logs.now_ms()
        made = MetricFilter(name=name, pattern=request["filterPattern"], transformations=transformations, created_ms=created_ms)
        return replace(group, metric_filters=group.metric_filters | {name: made})

    await change_group(logs, call, request["logGroupName"], measured)


def _checked(transformation: dict[str, Any]) -> dict[str, Any]:
    if transformation.get("dimensions"):
        if "defaultValue" in transformation:
            raise invalid("Invalid metric transformation: dimensions and default value are mutually exclusive properties.")
        if len(transformation["dimensions"]) > _DIMENSIONS_MAX:
            raise invalid(f"A metric filter can have at most {_DIMENSIONS_MAX} dimensions.")
    value = transformation["metricValue"]
    if not value.startswith("$"):
        try:
            usable = math.isfinite(float(value))
        except ValueError:
            usable = False
        if not usable:
            raise invalid("Invalid metric transformation: metricValue must be a number or a field that the pattern names, such as $size.")
    return transformation


@operations.serves("DescribeMetricFilters")
async def describe_metric_filters(
    logs: Logs, call: Call, request: shapes.DescribeMetricFiltersRequest
) -> shapes.DescribeMetricFiltersResponse:
    """Return filters by name, of one group or of all, a page at a time."""
    metric, namespace = request.get("metricName"), request.get("metricNamespace")
    if (metric is None) != (namespace is None):
        raise invalid("metricName and metricNamespace must be given together.")
    after = unseal(request["nextToken"], tuple[str, str]) if "nextToken" in request else ("", "")
    found: list[tuple[str, str, MetricFilter]] = []
    for group in await _groups(logs, call, request):
        for each in group.metric_filters.values():
            named = each.name.startswith(request.get("filterNamePrefix", ""))
            if named and (each.name, group.name) > after and (metric is None or _feeds(each, metric, namespace)):
                found.append((each.name, group.name, each))
    found.sort(key=lambda each: each[:2])
    limit = request.get("limit", _PAGE_MAX)
    response: shapes.DescribeMetricFiltersResponse = {"metricFilters": [_described(group, each) for _, group, each in found[:limit]]}
    if len(found) > limit:
        response["nextToken"] = seal(found[limit - 1][:2])
    return response


async def _groups(logs: Logs, call: Call, request: shapes.DescribeMetricFiltersRequest) -> list[Group]:
    if "logGroupName" in request:
        return [(await logs.group(call, request["logGroupName"])).value]
    return [each async for each in every_group(logs, (call.account_id, call.region))]


def _feeds(each: MetricFilter, metric: str, namespace: str | None) -> bool:
    return any(change["metricName"] == metric and change["metricNamespace"] == namespace for change in each.transformations)


@operations.serves("DeleteMetricFilter")
async def delete_metric_filter(logs: Logs, call: Call, request: shapes.DeleteMetricFilterRequest) -> None:
    """Remove a filter."""

    def without(group: Group) -> Group:
        if request["filterName"] not in group.metric_filters:
            raise AwsError("ResourceNotFoundException", "The specified metric filter does not exist.")
        return replace(group, metric_filters={name: each for name, each in group.metric_filters.items() if name != request["filterName"]})

    await change_group(logs, call, request["logGroupName"], without)


def _described(group_name: str, each: MetricFilter) -> shapes.MetricFilter:
    transformations: list[Any] = each.transformations
    return {
        "filterName": each.name,
        "filterPattern": each.pattern,
        "metricTransformations": transformations,
        "creationTime": each.created_ms,
        "logGroupName": group_name,
        "applyOnTransformedLogs": False,
    }
