"""Code signing configurations as they are kept, and whether code may be deployed to a function that has one.

Signatures of AWS Signer can't be verified without its keys, so no package is a trusted publisher's here.
"""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from lambent.base.regexes import Regex
from lambent.domain.call import Call
from lambent.domain.documents import Found
from lambent.domain.errors import Conflict
from lambent.domain.storage import Write
from lambent.services.lambda_.context import Lambda
from lambent.services.lambda_.errors import code_signing_not_found, code_verification_failed, conflict, not_found
from lambent.services.lambda_.names import FunctionRef
from lambent.services.lambda_.state import CODE_SIGNING, CodeSigning

_ARN: Final = Regex(r"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):code-signing-config:(?P<id>csc-[a-z0-9]{17})")
TRIES_MAX: Final = 100  #: of a commit that others are faster than
_SIGNATURE: Final = "META-INF/aws_signer_signature"
"""How the name of the file begins that AWS Signer adds to a package."""


async def find(ctx: Lambda, call: Call, config_arn: str) -> Found[CodeSigning] | None:
    """Return the configuration that an ARN means, if it is one of the caller's account and region."""
    named = _ARN.fullmatch(config_arn)
    if named is None or (named["account"], named["region"]) != (call.account_id, call.region):
        return None
    return await CODE_SIGNING.get(ctx.platform.store, (call.account_id, call.region, named["id"]))


async def existing(ctx: Lambda, call: Call, config_arn: str) -> Found[CodeSigning]:
    """Return the configuration that a caller asks for by its ARN."""
    found = await find(ctx, call, config_arn)
    if found is None:
        raise not_found(f"The Lambda code signing configuration {config_arn} can not be found.", typed=False)
    return found


async def change(ctx: Lambda, call: Call, config_arn: str, changes: Callable[[CodeSigning], dict[str, Any]]) -> CodeSigning:
    """Commit changes of a configuration, and return it."""
    for _ in range(TRIES_MAX):
        found = await existing(ctx, call, config_arn)
        config = msgspec.structs.replace(found.value, **changes(found.value))
        try:
            await ctx.platform.store.commit([CODE_SIGNING.put(found.key, config, found.version)])
        except Conflict:
            continue
        return config
    raise busy(config_arn)


def busy(config_arn: str) -> Exception:
    """Return the error for a configuration that others keep changing."""
    return conflict(f"The code signing configuration {config_arn} is being changed by others.")


async def required(ctx: Lambda, call: Call, config_arn: str) -> Found[CodeSigning]:
    """Return the configuration that a function has, or is to have."""
    found = await find(ctx, call, config_arn)
    if found is None:
        raise code_signing_not_found(config_arn)
    return found


def held(found: Found[CodeSigning]) -> Write:
    """Return the write that lets a commit through only if the configuration is still there, and nobody deletes it meanwhile."""
    return CODE_SIGNING.put(found.key, found.value, found.version)


async def check(ctx: Lambda, ref: FunctionRef, config: CodeSigning, digests: Iterable[str]) -> None:
    """Count a deployment of packages, and raise ``CodeVerificationFailedException`` where the configuration enforces trust."""
    ctx.metrics.record(ref.account_id, ref.region, "SignatureValidationErrors", 1.0, "Count", {"FunctionName": ref.name})
    if config.untrusted != "Enforce":
        return
    for digest in digests:
        if await asyncio.to_thread(_is_signed, await ctx.platform.blobs.path(digest)):
            raise code_verification_failed(
                f"Lambent does not verify the signatures of AWS Signer, so the code of {ref.name} is not trusted. "
                "Set UntrustedArtifactOnDeployment to Warn to deploy it all the same."
            )
    raise code_verification_failed(
        "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not "
        f"configured to accept. Check the provided signature for {ref.name}."
    )


def _is_signed(path: Path) -> bool:
    with zipfile.ZipFile(path) as package:
        return any(name.startswith(_SIGNATURE) for name in package.namelist())
