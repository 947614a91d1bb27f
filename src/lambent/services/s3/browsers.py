"""What browsers send to S3 beside its API: questions beforehand (CORS) and forms that upload a file."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote, urlencode, urlsplit

from msgspec.structs import replace

from lambent import wire
from lambent.domain.call import Call, Result
from lambent.domain.caller import Caller
from lambent.domain.errors import AwsError
from lambent.domain.http import BytesStream, HttpRequest, HttpResponse
from lambent.services.s3 import cors, errors, postpolicy
from lambent.services.s3.context import S3
from lambent.services.s3.formdata import Form, boundary_of
from lambent.services.s3.postpolicy import SizeRange
from lambent.services.s3.state import BUCKETS, Bucket

_METHODS: Final = frozenset({"GET", "PUT", "POST", "DELETE", "HEAD"})
_OTHER_HOSTS: Final = (".lambda-url.", ".execute-api.", ".cloudfront.")
_NOT_HEADERS: Final = frozenset({"key", "policy", "signature", "awsaccesskeyid", "x-amz-signature", "x-amz-credential", "x-amz-algorithm"})


class Identity(Protocol):
    """What is known of an access key; see the gateway's."""

    @property
    def caller(self) -> Caller:
        """Whose it is."""
        ...

    @property
    def secret(self) -> str | None:
        """The secret; ``None`` for a key that is believed without proof."""
        ...

    @property
    def session_token(self) -> str:
        """The token that must come with it."""
        ...

    @property
    def expires(self) -> float | None:
        """Until when it holds, in seconds since 1970."""
        ...


class Keys(Protocol):
    """Knows access keys."""

    def find(self, access_key_id: str) -> Identity | None:
        """Return what is known of the key."""
        ...

    def trusts(self, request: HttpRequest) -> bool:
        """Return whether a key without a secret is believed in this request."""
        ...


class NoKeys:
    """Knows none."""

    def find(self, access_key_id: str) -> Identity | None:
        """Return nothing."""
        del access_key_id
        return None

    def trusts(self, request: HttpRequest) -> bool:
        """Return that nothing is believed."""
        del request
        return False


def place_of(request: HttpRequest) -> tuple[str, str]:
    """Return the bucket and the key in a path-style request's path; either may be empty."""
    bucket, _, key = request.raw_path.lstrip("/").partition("/")
    return unquote(bucket), unquote(key)


class Browsers:
    """S3's raw handler: takes forms, answers preflights, and says which CORS headers other answers carry."""

    def __init__(self, s3: S3, keys: Keys) -> None:
        self._s3 = s3
        self._keys = keys

    def claims(self, request: HttpRequest) -> bool:
        """Return whether the request is a form that uploads a file."""
        if request.method != "POST" or not request.headers.get("content-type", "").startswith("multipart/form-data"):
            return False
        bucket, _, key = request.raw_path.lstrip("/").partition("/")
        return bool(bucket) and not key and not request.query and not any(each in request.host for each in _OTHER_HOSTS)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Store the form's file as an object."""
        request_id = self._request_id()
        try:
            response = await self._upload(request, request_id)
        except AwsError as error:
            response = wire.serialise_error("s3", "rest-xml", error, request_id, None)
        response.headers.setdefault("x-amz-request-id", request_id)
        return response

    async def _upload(self, request: HttpRequest, request_id: str) -> HttpResponse:
        bucket, _ = place_of(request)
        boundary = boundary_of(request.headers["content-type"])
        if not boundary:
            raise AwsError("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.", 400)
        form = Form(request.body, boundary)
        await form.read_fields()
        if not form.has_file:
            raise errors.invalid_argument("POST requires exactly one file upload per request.", "file", 0)
        postpolicy.check_key_given(form.fields)
        fields = {**form.fields, "key": form.fields["key"].replace("${filename}", form.filename)}
        caller = self._caller(request, fields)
        size = postpolicy.check(fields, bucket, self._s3.platform.clock.now()) if "policy" in fields else None
        found = await self._bucket(bucket)
        call = Call(
            "s3",
            "PutObject",
            {**_params(request, bucket, fields), "Body": _Sized(form, size), "$event": "ObjectCreated:Post"},
            caller,
            found.region if found is not None else "us-east-1",
            caller.account_id,
            request_id,
            host=request.host,
            source_ip=request.client or "127.0.0.1",
            user_agent=request.headers.get("user-agent", ""),
        )
        return _uploaded(request, bucket, fields, await self._s3.platform.cloud.call(call))

    def _caller(self, request: HttpRequest, fields: Mapping[str, str]) -> Caller:
        """Return who signed the form; nobody in particular for one without a signature."""
        access_key_id = postpolicy.signer_of(fields)
        if not access_key_id:
            return Caller.anonymous()
        identity = self._keys.find(access_key_id)
        if identity is None:
            members = {"AWSAccessKeyId": access_key_id}
            text = "The AWS Access Key Id you provided does not exist in our records."
            raise AwsError("InvalidAccessKeyId", text, 403, members=members)
        if identity.secret is None:
            if not self._keys.trusts(request):
                raise errors.access_denied("A web page from elsewhere must sign its forms with a key that was issued here.")
            return identity.caller
        postpolicy.check_signature(fields, identity.secret)
        if not hmac.compare_digest(identity.session_token.encode(), fields.get("x-amz-security-token", "").encode()):
            raise AwsError("InvalidToken", "The provided token is malformed or otherwise invalid.", 400)
        if identity.expires is not None and identity.expires <= self._s3.platform.clock.now():
            raise AwsError("ExpiredToken", "The provided token has expired.", 400)
        return identity.caller

    async def preflight(self, request: HttpRequest, *, certain: bool) -> HttpResponse | None:
        """Answer an OPTIONS request; ``None`` when it is not ``certain`` that it is for S3 and there is no such bucket."""
        bucket, key = place_of(request)
        found = await self._bucket(bucket)
        if found is None and not certain:
            return None
        try:
            return HttpResponse(200, _allowed(found, request, has_key=bool(key)))
        except AwsError as error:
            return wire.serialise_error("s3", "rest-xml", error, self._request_id(), None)

    async def cors_headers(self, request: HttpRequest) -> dict[str, str]:
        """Return the headers for an answer to this request, which has an ``Origin``."""
        found = await self._bucket(place_of(request)[0])
        if found is None:
            return {}
        return cors.answer(_rules(found), request.headers, request.method) or {}

    async def _bucket(self, name: str) -> Bucket | None:
        found = await BUCKETS.get(self._s3.platform.store, (name,)) if name else None
        return None if found is None else found.value

    def _request_id(self) -> str:
        return self._s3.platform.ids.hex(16).upper()


def _rules(bucket: Bucket) -> list[dict[str, object]]:
    rules: list[dict[str, object]] = bucket.configurations.get("cors", {}).get("CORSRules", [])
    return rules


def _allowed(bucket: Bucket | None, request: HttpRequest, *, has_key: bool) -> dict[str, str]:
    """Return what the bucket allows the browser. Raises ``AwsError`` when it is nothing."""
    if "origin" not in request.headers:
        raise cors.no_origin()
    method = request.headers.get("access-control-request-method", "")
    if bucket is None:
        raise cors.refused(method or request.method, has_key=False, why="Bucket not found")
    if "cors" not in bucket.configurations:
        raise cors.refused(method or request.method, has_key=False, why="CORS is not enabled for this bucket.")
    if method not in _METHODS:
        raise cors.no_method(method)
    headers = cors.answer(_rules(bucket), request.headers, method)
    if headers is None:
        raise cors.refused(method, has_key=has_key)
    return headers


class _Sized:
    """A form's file, which must have a size that the policy allows."""

    def __init__(self, form: Form, size: SizeRange | None) -> None:
        self.length: int | None = None
        self.trailers: Mapping[str, str] = {}
        self._form = form
        self._size = size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the bytes; ``EntityTooLarge`` as soon as there are too many, ``EntityTooSmall`` at the end."""
        count = 0
        async for chunk in self._form:
            count += len(chunk)
            if self._size is not None and count > self._size.most:
                self._size.check(count)
            yield chunk
        if self._size is not None:
            self._size.check(count)


def _params(request: HttpRequest, bucket: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return PutObject's parameters: the fields say what a PUT's headers would say."""
    headers = {name: text for name, text in fields.items() if name not in _NOT_HEADERS}
    if "acl" in headers:
        headers["x-amz-acl"] = headers.pop("acl")
    if "tagging" in headers:
        headers["x-amz-tagging"] = _tagging(headers.pop("tagging"))
    path = f"/{quote(bucket)}/{quote(fields['key'], safe='/')}"
    put = replace(request, method="PUT", raw_path=path, query="", headers=headers, body=BytesStream(b""))
    return dict(wire.parse("s3", put, "PutObject", BytesStream(b"")).params)


def _tagging(document: str) -> str:
    """Return a form's tags, which are an XML document, as the header has them."""
    request = HttpRequest("PUT", "/b/k", "tagging", {}, BytesStream(b""))
    tags = wire.parse("s3", request, "PutObjectTagging", document.encode()).params["Tagging"].get("TagSet", [])
    return urlencode([(each["Key"], each.get("Value", "")) for each in tags])


def _uploaded(request: HttpRequest, bucket: str, fields: Mapping[str, str], result: Result) -> HttpResponse:
    """Answer as the form wishes: by a redirect, by a document (201), or by nothing much (200, 204)."""
    key, etag = fields["key"], str(result["ETag"])
    location = f"http://{request.host}/{quote(bucket)}/{quote(key, safe='/')}"
    headers = {"etag": etag, "location": location}
    if "VersionId" in result:
        headers["x-amz-version-id"] = str(result["VersionId"])
    redirect = fields.get("success_action_redirect") or fields.get("redirect", "")
    if urlsplit(redirect).scheme in {"http", "https"}:
        query = urlencode({"bucket": bucket, "key": key, "etag": etag})
        headers["location"] = redirect + ("&" if urlsplit(redirect).query else "?") + query
        return HttpResponse(303, headers)
    status = fields.get("success_action_status", "")
    if status == "201":
        members = {"Location": location, "Bucket": bucket, "Key": key, "ETag": etag}
        return HttpResponse(201, {**headers, "content-type": "application/xml"}, wire.xml_document("PostResponse", members))
    return HttpResponse(200 if status == "200" else 204, headers)
