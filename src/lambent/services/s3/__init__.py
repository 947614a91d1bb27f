"""Amazon S3's API: buckets, objects, versions, multipart uploads, listings, and notifications of Lambda functions.

Object metadata are documents (``state.py``), bytes are blobs by content hash; an object that came in parts is a list of blobs.
What a write causes (a kept blob, a notification) is in the same commit as the write. Not here yet: object lock enforcement, lifecycle
expiry, replication, website hosting, S3 Select, access points, directory buckets; notifications go to Lambda only.
"""
