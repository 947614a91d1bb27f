from __future__ import annotations

import pytest

from lambent.policy.callers import secure_transport


@pytest.mark.parametrize(
    ("source_ip", "secure"),
    [
        ("127.0.0.1", "true"),
        ("127.9.9.9", "true"),
        ("::1", "true"),
        ("::ffff:127.0.0.1", "true"),
        ("192.0.2.7", "false"),
        ("::ffff:192.0.2.7", "false"),
        ("", "false"),
    ],
)
def test_only_what_stays_on_this_machine_counts_as_sent_over_tls(source_ip: str, secure: str) -> None:
    assert secure_transport(source_ip) == (secure,)
