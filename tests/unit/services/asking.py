"""How tests call a service without a cloud before it."""

from __future__ import annotations

from lambent.domain.call import Call, Result
from lambent.domain.service import Service


async def asked(service: Service, call: Call) -> Result:
    """Carry out a call as ``ServerCloud`` does, authorised and unobserved."""
    return await service.handler(call.operation)(call) or {}
