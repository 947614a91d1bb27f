"""Amazon S3's API."""
