"""What S3 takes for a bucket's name, a key, a region. Pure."""

from __future__ import annotations

from lambent.base.regexes import Regex
from lambent.domain.errors import AwsError

_BUCKET = Regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
_ADDRESS = Regex(r"\d{1,3}(\.\d{1,3}){3}\Z")
_REGION = Regex(r"[a-z]{2}(-[a-z]+)+-\d\Z")
_REGIONAL = Regex(r"-\d{12}-[a-z]{2}(-[a-z]+)+-\d-an\Z")
_BAD_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_BAD_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def check_bucket_name(name: str) -> None:
    """Raise ``InvalidBucketName`` unless a bucket may have this name."""
    good = _BUCKET.match(name) and ".." not in name and not _ADDRESS.match(name)
    if not good or name.startswith(_BAD_STARTS) or name.endswith(_BAD_ENDS):
        raise AwsError("InvalidBucketName", "The specified bucket is not valid.", 400, members={"BucketName": name})


def check_namespace(name: str, namespace: str, account_id: str, region: str) -> None:
    """Raise unless the name is one of the namespace that is asked for: an account's own in a region, or the one that all share.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
    """
    suffix = f"-{account_id}-{region}-an"
    if namespace == "account-regional" and not name.endswith(suffix):
        text = (
            "The requested bucket name did not include the account-regional namespace suffix, but the provided x-amz-bucket-namespace "
            f"header value is account-regional. Specify {suffix} as the bucket name suffix to create a bucket in your account-regional "
            "namespace, or remove the header."
        )
        raise AwsError("InvalidNamespaceHeader", text, 400)
    if namespace != "account-regional" and _REGIONAL.search(name):
        text = (
            "The requested bucket name includes the account-regional namespace suffix, but x-amz-bucket-namespace is not account-regional."
        )
        raise AwsError("InvalidNamespaceHeader" if namespace else "MissingNamespaceHeader", text, 400)


def check_key(key: str, bytes_max: int) -> None:
    """Raise ``KeyTooLongError`` unless an object may have this key."""
    size = len(key.encode("utf-8", "surrogatepass"))
    if size > bytes_max:
        members = {"Size": str(size), "MaxSizeAllowed": str(bytes_max)}
        raise AwsError("KeyTooLongError", "Your key is too long", 400, members=members)


def region_of(endpoint_region: str, constraint: str) -> str:
    """Return the region that a new bucket is in, by the endpoint's region and the request's ``LocationConstraint``."""
    if endpoint_region == "us-east-1" and not constraint:
        return endpoint_region
    if not constraint:
        text = "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to."
        raise AwsError("IllegalLocationConstraintException", text, 400)
    wanted = "eu-west-1" if constraint == "EU" else constraint
    if (constraint == "us-east-1" and endpoint_region == "us-east-1") or not _REGION.match(wanted):
        text = "The specified location-constraint is not valid"
        raise AwsError("InvalidLocationConstraint", text, 400, members={"LocationConstraint": constraint})
    if endpoint_region not in ("us-east-1", wanted):
        text = f"The {constraint} location constraint is incompatible for the region specific endpoint this request was sent to."
        raise AwsError("IllegalLocationConstraintException", text, 400)
    return wanted
