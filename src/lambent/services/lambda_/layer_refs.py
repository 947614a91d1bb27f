"""Resolves the layers that a function names to the packages that are laid under it."""

from __future__ import annotations

from collections.abc import Sequence

from lambent.domain.call import Call
from lambent.policy.callers import principal_of
from lambent.policy.evaluation import Decision, Request, evaluate
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import access_denied, invalid, validation
from lambent.services.lambda_.names import LayerRef, parse_layer_version
from lambent.services.lambda_.state import LAYER_VERSIONS, Layer, LayerVersion


async def layers_of(ctx: Lambda, call: Call, arns: Sequence[str]) -> tuple[Layer, ...]:
    """Return the layer versions by ARN, in order; raises AWS's errors for those that can't be used."""
    if len(arns) > ctx.platform.quotas.layers_max:
        raise invalid(f"Cannot reference more than {ctx.platform.quotas.layers_max} layers.")
    refs: dict[str, LayerRef] = {}
    found: list[Layer] = []
    for arn in arns:
        ref = parse_layer_version(arn)
        if ref is None:
            raise validation(f"Value '[{arn}]' at 'layers' failed to satisfy constraint: Member must satisfy constraint: layer version ARN")
        if ref.region != call.region:
            raise invalid(f"Layers are not in the same region as the function. Layers are expected to be in region {call.region}.")
        other = refs.get(ref.layer_arn)
        if other is not None:
            raise invalid(
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                f"{other.arn} and {ref.arn} are versions of the same layer."
            )
        refs[ref.layer_arn] = ref
        layer = await _layer_version(ctx, call, ref)
        found.append(Layer(ref.arn, layer.digest, layer.size, layer.unzipped))
    return tuple(found)


async def _layer_version(ctx: Lambda, call: Call, ref: LayerRef) -> LayerVersion:
    document = await LAYER_VERSIONS.get(ctx.platform.store, (ref.account_id, ref.region, ref.name, ref.version))
    if ref.account_id != call.account_id and (document is None or not may_use(call, ref, document.value)):
        raise access_denied(
            f"User: {call.caller.arn} is not authorized to perform: lambda:GetLayerVersion on resource: {ref.arn} "
            "because no resource-based policy allows the lambda:GetLayerVersion action"
        )
    if document is None:
        raise invalid(f"Layer version {ref.arn} does not exist.")
    return document.value


def may_use(call: Call, ref: LayerRef, layer: LayerVersion) -> bool:
    """Return whether the layer version's policy lets another account's caller use it."""
    request = Request(principal_of(call.caller), "lambda:GetLayerVersion", ref.arn, {})
    return evaluate(layer.statements, request) is Decision.ALLOW
