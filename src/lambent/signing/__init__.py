"""Floor 3: Signature Version 4 in all its forms: header, presigned query, chunked bodies. Pure: no socket, no clock, no key store."""
