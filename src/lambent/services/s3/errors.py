"""S3's errors, with AWS's codes, messages and members."""

from __future__ import annotations

from collections.abc import Mapping

from lambent.domain.errors import AwsError


def no_such_bucket(bucket: str) -> AwsError:
    """There is no such bucket."""
    return AwsError("NoSuchBucket", "The specified bucket does not exist", 404, members={"BucketName": bucket})


def no_such_key(key: str, headers: Mapping[str, str] | None = None) -> AwsError:
    """There is no such object, or a delete marker hides it."""
    return AwsError("NoSuchKey", "The specified key does not exist.", 404, members={"Key": key}, headers=headers)


def no_such_version(key: str, version_id: str) -> AwsError:
    """There is no such version of the object."""
    return AwsError("NoSuchVersion", "The specified version does not exist.", 404, members={"Key": key, "VersionId": version_id})


def no_such_upload(upload_id: str) -> AwsError:
    """The multipart upload doesn't exist, or not any more."""
    text = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    return AwsError("NoSuchUpload", text, 404, members={"UploadId": upload_id})


def invalid_argument(message: str, name: str = "", value: object = "") -> AwsError:
    """A parameter's value isn't allowed."""
    return AwsError("InvalidArgument", message, 400, members={"ArgumentName": name, "ArgumentValue": str(value)} if name else {})


def invalid_request(message: str) -> AwsError:
    """The request makes no sense as a whole."""
    return AwsError("InvalidRequest", message, 400)


def malformed_xml() -> AwsError:
    """The body isn't what the operation takes."""
    return AwsError("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", 400)


def access_denied(message: str = "Access Denied") -> AwsError:
    """The caller may not."""
    return AwsError("AccessDenied", message, 403)


def precondition_failed(condition: str) -> AwsError:
    """A conditional request's condition doesn't hold."""
    text = "At least one of the pre-conditions you specified did not hold"
    return AwsError("PreconditionFailed", text, 412, members={"Condition": condition})


def conditional_conflict(condition: str = "", key: str = "") -> AwsError:
    """Another writer was faster."""
    text = "The conditional request cannot succeed due to a conflicting operation against this resource."
    return AwsError("ConditionalRequestConflict", text, 409, members={"Condition": condition, "Key": key} if condition else {})


def header_not_implemented(header: str) -> AwsError:
    """A conditional write's header has a value that S3 doesn't take there."""
    members = {"Header": header, "additionalMessage": f"We don't accept the provided value of {header} header for this API"}
    text = "A header you provided implies functionality that is not implemented"
    return AwsError("NotImplemented", text, 501, members=members)


def too_large(size: int, limit: int) -> AwsError:
    """The body exceeds what one request may carry."""
    text = "Your proposed upload exceeds the maximum allowed size"
    return AwsError("EntityTooLarge", text, 400, members={"ProposedSize": str(size), "MaxSizeAllowed": str(limit)})


def method_not_allowed(method: str, headers: Mapping[str, str]) -> AwsError:
    """A delete marker was meant by something that needs an object."""
    text = "The specified method is not allowed against this resource."
    members = {"Method": method, "ResourceType": "DeleteMarker"}
    return AwsError("MethodNotAllowed", text, 405, members=members, headers={**headers, "allow": "DELETE"})
