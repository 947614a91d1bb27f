"""Amazon S3's API: buckets, objects, versions, multipart uploads, listings, access, object lock, and notifications.

Object metadata are documents (``state.py``), bytes are blobs by content hash; an object that came in parts is a list of blobs.
What a write causes (a kept blob, a notification) is in the same commit as the write.

Kept and given back, but without effect: lifecycle rules (answers tell the expiry; nothing expires), replication, website, logging,
analytics, inventory, metrics, intelligent tiering, acceleration, requester pays, encryption (the disk's own is the operator's).
Not here yet: S3 Select, website hosting, access points, directory buckets, table metadata, annotations, XXHASH checksums.
"""
