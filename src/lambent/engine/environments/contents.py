"""What an environment is made of, fetched for it: code, layers, credentials, variables."""

from __future__ import annotations

from typing import Final

import msgspec

from lambent.domain.environments import Launch, Sandbox
from lambent.domain.functions import FunctionVersion
from lambent.engine.environments.code import CodeCache
from lambent.engine.environments.output import FunctionLog
from lambent.engine.environments.shipping import LogShipper
from lambent.engine.environments.variables import RoleCredentials, RoleSession, variables

ON_DEMAND: Final = "on-demand"
PROVISIONED: Final = "provisioned-concurrency"
SNAP_START: Final = "snap-start"
"""What ``AWS_LAMBDA_INITIALIZATION_TYPE`` says."""


class Contents(msgspec.Struct, frozen=True):
    """Where what goes into an environment comes from."""

    sandbox: Sandbox
    code: CodeCache
    shipper: LogShipper
    credentials: RoleCredentials
    endpoint_url: str  #: ``AWS_ENDPOINT_URL`` as functions see it

    async def launch(self, function: FunctionVersion, environment_id: str, log: FunctionLog) -> tuple[Launch, RoleSession]:
        """Unpack the code and issue credentials. Raises ``AwsError``.

        What the function makes of its credentials (a signed URL) is to be believed after a restart, too: ``wait_kept`` of the session comes
        before its first answer. The disk may take as long as the whole start, so nothing waits for it before.
        """
        code = await self.code.unpacked(function.code_digest)
        layers = tuple([await self.code.unpacked(digest) for digest in function.layer_digests])
        session = self.credentials.role_session(function.role_arn, function)
        launch = Launch(
            environment_id=environment_id,
            function=function,
            code=code,
            layers=layers,
            variables=variables(
                function,
                session,
                log_stream=log.stream_name,
                endpoint_url=self.endpoint_url,
                initialization_type=log.initialization_type,
            ),
            output=log.output,
        )
        return launch, session
