"""What S3 refuses in a bucket's configurations. Pure; each function raises ``AwsError``.

What the model itself demands (required members) was checked by the wire.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lambent.domain.errors import AwsError
from lambent.services.s3 import errors, tagsets
from lambent.services.s3.state import Bucket


def one_of(value: object, allowed: Sequence[str]) -> None:
    """Raise ``MalformedXML`` for a value that the schema doesn't have."""
    if value not in allowed:
        raise errors.malformed_xml()


def cors(bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    """CORS: a hundred rules at most, known methods, one wildcard in an origin."""
    del bucket
    rules = configuration.get("CORSRules", [])
    if not 0 < len(rules) <= 100:
        raise errors.malformed_xml()
    for method in (each for rule in rules for each in rule["AllowedMethods"]):
        if method not in ("GET", "PUT", "HEAD", "POST", "DELETE"):
            raise errors.invalid_request(f"Found unsupported HTTP method in CORS config. Unsupported method is {method}")
    for origin in (each for rule in rules for each in rule["AllowedOrigins"]):
        if origin.count("*") > 1:
            raise errors.invalid_request(f'AllowedOrigin "{origin}" can not have more than one wildcard.')
    for header in (each for rule in rules for each in rule.get("AllowedHeaders", [])):
        if header.count("*") > 1:
            raise errors.invalid_request(f'AllowedHeader "{header}" can not have more than one wildcard.')


def encryption(bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    """Default encryption: one rule; a KMS key only with KMS."""
    del bucket
    rules = configuration.get("Rules", [])
    if len(rules) != 1:
        raise errors.malformed_xml()
    default = rules[0].get("ApplyServerSideEncryptionByDefault")
    if default is None:
        return
    one_of(default.get("SSEAlgorithm"), ("AES256", "aws:kms", "aws:kms:dsse"))
    if default.get("KMSMasterKeyID") and default["SSEAlgorithm"] == "AES256":
        text = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
        raise AwsError("InvalidArgument", text, 400, members={"ArgumentName": "ApplyServerSideEncryptionByDefault"})


def ownership(bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    """Ownership controls: one rule; a bucket that shares by ACL can't have ACLs switched off."""
    rules = configuration.get("Rules", [])
    if len(rules) != 1:
        raise errors.malformed_xml()
    one_of(rules[0].get("ObjectOwnership"), ("BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced"))
    grants = bucket.configurations.get("acl", [])
    if rules[0]["ObjectOwnership"] == "BucketOwnerEnforced" and len(grants) > 1:
        text = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
        raise AwsError("InvalidBucketAclWithObjectOwnership", text, 400)


def website(bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    """Website: an index document or a redirection of everything, and rules that make sense."""
    del bucket
    everything = configuration.get("RedirectAllRequestsTo")
    if everything is not None:
        others = ("IndexDocument", "ErrorDocument", "RoutingRules")
        if any(configuration.get(each) for each in others):
            text = "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules."
            raise errors.invalid_argument(text, "RedirectAllRequestsTo", "not null")
        if everything.get("Protocol"):
            _protocol(everything["Protocol"])
        return
    suffix = configuration.get("IndexDocument", {}).get("Suffix")
    if suffix is None:
        text = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"
        raise errors.invalid_argument(text, "IndexDocument", "null")
    if not suffix or "/" in suffix:
        raise errors.invalid_argument("The IndexDocument Suffix is not well formed", "IndexDocument", suffix or "")
    if configuration.get("ErrorDocument") and not configuration["ErrorDocument"].get("Key"):
        raise errors.invalid_argument("The ErrorDocument Key is not well formed", "ErrorDocument", "")
    _routing_rules(configuration.get("RoutingRules"))


def _routing_rules(rules: Sequence[Mapping[str, Any]] | None) -> None:
    if rules is None:
        return
    if not rules:
        raise errors.malformed_xml()
    if len(rules) > 50:
        text = "The number of routing rules must not exceed the allowed limit of 50"
        raise errors.invalid_request(text)
    for rule in rules:
        redirect = rule.get("Redirect") or {}
        if not redirect:
            raise errors.malformed_xml()
        if "ReplaceKeyPrefixWith" in redirect and "ReplaceKeyWith" in redirect:
            raise errors.invalid_request("You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
        condition = rule.get("Condition")
        if condition is not None and not (condition.get("KeyPrefixEquals") or condition.get("HttpErrorCodeReturnedEquals")):
            text = "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present."
            raise errors.invalid_request(text)
        if redirect.get("Protocol"):
            _protocol(redirect["Protocol"])


def _protocol(value: str) -> None:
    if value not in ("http", "https"):
        raise errors.invalid_request(
            "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically."
        )


def tagging(bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    """Tags of the bucket."""
    del bucket
    tagsets.of_bucket(configuration.get("TagSet", []))


def accelerate(bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    """Acceleration: on or suspended, and not with periods in the name."""
    if "." in bucket.name:
        raise errors.invalid_request("S3 Transfer Acceleration is not supported for buckets with periods (.) in their names")
    one_of(configuration.get("Status"), ("Enabled", "Suspended"))


def request_payment(bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    """Who pays."""
    del bucket
    one_of(configuration.get("Payer"), ("Requester", "BucketOwner"))


def replication(bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    """Replication: from a versioned bucket, by at least one rule."""
    if bucket.versioning != "Enabled":
        raise errors.invalid_request("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
    rules = configuration.get("Rules", [])
    if not 0 < len(rules) <= 1000:
        raise errors.malformed_xml()
    for each in rules:
        one_of(each.get("Status"), ("Enabled", "Disabled"))
    names = [each["ID"] for each in rules if each.get("ID")]
    if len(set(names)) < len(names):
        raise errors.invalid_argument("Rule ID must be unique. Found same ID for more than one rule")


def public_access_block(bucket: Bucket, configuration: Mapping[str, Any]) -> None:
    """The block of public access: at least one part of it."""
    del bucket
    if not configuration:
        raise errors.invalid_request("Must specify at least one configuration.")
