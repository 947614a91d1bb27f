"""Floor 3: Signature Version 4 in all its forms: header, presigned query, chunked bodies. Pure: no socket, no clock, no key store."""

from lambent.signing.canonical import signing_key
from lambent.signing.chunked import ChunkSigner, decode, is_chunked
from lambent.signing.credential import Credential, credential_of, query_pairs
from lambent.signing.faults import Fault, SignatureRefused
from lambent.signing.sign import signed_headers
from lambent.signing.verify import check_time, signed_body_sha256, verify

__all__ = [
    "ChunkSigner",
    "Credential",
    "Fault",
    "SignatureRefused",
    "check_time",
    "credential_of",
    "decode",
    "is_chunked",
    "query_pairs",
    "signed_body_sha256",
    "signed_headers",
    "signing_key",
    "verify",
]
