"""Receipt handles: opaque text that says which receive of which message is meant. Pure."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from lambent.services.sqs.errors import not_a_handle


class Receipt(NamedTuple):
    """What a receipt handle says."""

    mailbox: str  #: of the queue that gave it out
    sequence: int
    nonce: str  #: of this receive


def seal(receipt: Receipt) -> str:
    """Return the handle."""
    return base64.urlsafe_b64encode(f"1/{receipt.mailbox}/{receipt.sequence}/{receipt.nonce}".encode()).decode()


def unseal(handle: str) -> Receipt:
    """Return what a handle says; AWS's ``ReceiptHandleIsInvalid`` when it is none of ours."""
    try:
        version, mailbox, sequence, nonce = base64.b64decode(handle, altchars=b"-_", validate=True).decode("ascii").split("/")
        receipt = Receipt(mailbox, int(sequence), nonce)
    except (ValueError, binascii.Error):
        raise not_a_handle(handle) from None
    if version != "1" or seal(receipt) != handle:
        raise not_a_handle(handle)
    return receipt
