"""The first file that an environment's Python runs: AWS's own ``awslambdaric`` with frames in place of its HTTP client.

``python -S python_bootstrap.py``: ``LAMBDA_RUNTIME_DIR`` has awslambdaric and the SDK; ``_LAMBENT_PATHS``, if it is there, the function's
and its layers' folders, first found wins. Descriptor 3 carries frames, 4 is where log records go, framed.
Runs on every CPython from 3.8 on.
"""

import fcntl
import json
import marshal
import os
import resource
import socket
import struct
import sys
import termios
import types

FRAMES_FD = 3
RECORDS_FD = 4
HEAD = struct.Struct("!BII")  # kind, bytes of the header (JSON), bytes of the body
HEAD_BYTES = HEAD.size
INVOKE, BECOME, GO = 1, 2, 3
RECEIVED = 65536  # a buffer of 128 KB and more would be mapped, and unmapped, for each frame
READY, RESULT, ERROR, INIT_ERROR = 16, 17, 18, 19


def json_writer(ensure_ascii):
    """Return what does for plain documents what ``json.dumps`` does, without making an encoder for each."""
    quoted = json.encoder.encode_basestring_ascii if ensure_ascii else json.encoder.encode_basestring
    pieces = json.encoder.c_make_encoder(None, json.JSONEncoder().default, quoted, None, ": ", ", ", False, False, True)
    return lambda document: "".join(pieces(document, 0))


scan_json = json.JSONDecoder().scan_once
write_json = json_writer(ensure_ascii=True)
quoted = json.encoder.encode_basestring_ascii
UNREAD = bytearray(4)  # where the kernel says how much that is: with one to write to, ``ioctl`` takes a quarter of the time
ALL_READ = bytes(4)
RESULT_HEADER = '{"request_id": %s, "content_type": %s, "peak_kb": "%s", "unread": "%s"}'  # a JSON encoder takes twice as long


class Frames:
    """Frames over the socket that the server holds the other end of."""

    def __init__(self, fd):
        self._socket = socket.socket(fileno=fd)
        self._socket.set_inheritable(False)
        self._rest = b""

    def _at_least(self, count, data):
        """Return so many bytes at least: those that came off the socket already, and more."""
        chunks, size = [data], len(data)
        while size < count:
            chunks.append(self._socket.recv(RECEIVED if count - size <= RECEIVED else 262144))
            if not chunks[-1]:
                os._exit(0)  # the server is gone
            size += len(chunks[-1])
        return b"".join(chunks)

    def receive(self):
        """Wait for a frame and return its kind, header and body."""
        data = self._rest or self._socket.recv(RECEIVED)
        if len(data) < HEAD_BYTES:  # mostly a frame comes as a whole
            data = self._at_least(HEAD_BYTES, data)
        kind, header, body = HEAD.unpack_from(data)
        body_at = HEAD_BYTES + header
        end = body_at + body
        if len(data) < end:
            data = self._at_least(end, data)
        self._rest = data[end:]
        return kind, scan_json(data[HEAD_BYTES:body_at].decode(), 0)[0], data[body_at:end]

    def send(self, kind, header, body=b""):
        """Send a frame."""
        self.send_written(kind, write_json(header), body)

    def send_written(self, kind, header, body):
        """Send a frame whose header is JSON already."""
        head = header.encode()
        self._socket.sendall(b"".join((HEAD.pack(kind, len(head), len(body)), head, body)))


def install(theirs, ours):
    """Put our methods in place of those of a class of awslambdaric's, where who wraps or replaces them there finds them."""
    for name, method in vars(ours).items():
        if isinstance(method, types.FunctionType):
            setattr(theirs, name, method)


class FrameClient:
    """What awslambdaric's client does, with frames in place of its calls."""

    def serve(self, frames, restore=None):
        """Serve by frames. ``restore`` waits in a snapshot."""
        self._frames = frames
        self._restore = restore
        self._ready = False

    def wait_next_invocation(self):
        """Return the next invocation."""
        if not self._ready:
            self._ready = True
            self._frames.send(READY, {"peak_kb": peak_kb(), "unread": unread()})
        _, header, body = self._frames.receive()
        return types.SimpleNamespace(  # as awslambdaric's own class of requests, but filled in by C code
            invoke_id=header["request_id"],
            x_amzn_trace_id=header.get("trace") or None,
            invoked_function_arn=header["arn"],
            deadline_time_in_ms=header["deadline_ms"],
            client_context=header.get("client_context") or None,
            cognito_identity=header.get("cognito") or None,
            tenant_id=header.get("tenant") or None,
            content_type="application/json",
            event_body=body,
            invocation_id=None,
        )

    def post_invocation_result(self, invoke_id, result_data, content_type="application/json", invocation_id=None):
        """Report what the handler returned."""
        flush()
        body = result_data if isinstance(result_data, bytes) else result_data.encode("utf-8")
        header = RESULT_HEADER % (quoted(invoke_id), quoted(content_type), peak_kb(), unread())
        self._frames.send_written(RESULT, header, body)

    def post_invocation_error(self, invoke_id, error_response_data, xray_fault, invocation_id=None):
        """Report what the handler raised."""
        flush()
        kind = json.loads(error_response_data).get("errorType", "")
        header = {"request_id": invoke_id, "error_type": kind, "peak_kb": peak_kb()}
        self._frames.send(ERROR, header, error_response_data.encode("utf-8"))

    def post_init_error(self, error_response_data, error_type_override=None):
        """Report why the function can't be imported."""
        flush()
        kind = error_type_override or error_response_data["errorType"]
        self._frames.send(INIT_ERROR, {"error_type": kind}, json.dumps(error_response_data).encode())

    def restore_next(self):
        """Wait to be restored. Without a snapshot, go on at once: what follows a restore follows the initialisation."""
        if self._restore is not None:
            flush()
            self._restore(self._frames)

    def report_restore_error(self, restore_error_data):
        """Report what a hook raised after the restore."""
        self.post_init_error(restore_error_data, "Runtime.AfterRestoreError")


def refused(constant):
    """Refuse ``NaN`` and ``Infinity``."""
    raise ValueError(constant)


def quick_marshaller(base):
    """Return methods for awslambdaric's marshaller, with a short way for plain JSON, which nearly everything is; of anything else, and
    when the function has changed how JSON is written, it judges itself.

    The short way is the interpreter's own module, in C on every Python. awslambdaric uses simplejson, which is in C on the server's only.
    """
    module = sys.modules[base.__module__]
    scan = json.JSONDecoder(parse_int=module.json.JSONDecoder().parse_int, parse_constant=refused).scan_once
    encoder_class, encode = module.Encoder, module.Encoder.encode
    writers = {only_ascii: json_writer(only_ascii) for only_ascii in (True, False)}
    settings = {only_ascii: dict(vars(encoder_class()), ensure_ascii=only_ascii) for only_ascii in writers}
    unmarshal, marshal_slowly = base.unmarshal_request, base.marshal_response

    class Marshaller:
        def unmarshal_request(self, request, content_type="application/json"):
            if content_type == "application/json":
                try:
                    text = str(request, "utf-8")
                    event, end = scan(text, 0)
                    if end == len(text):
                        return event
                except (ValueError, StopIteration, RecursionError):
                    pass
            return unmarshal(self, request, content_type)

        def marshal_response(self, response):
            encoder = self.jsonEncoder
            if type(encoder) is encoder_class and encoder_class.encode is encode and vars(encoder) == settings.get(encoder.ensure_ascii):
                try:
                    marshal.dumps(response, 2)  # refuses subclasses of built-in types, which simplejson may write in another way
                    return writers[encoder.ensure_ascii](response), "application/json"
                except (ValueError, TypeError, RecursionError):
                    pass
            return marshal_slowly(self, response)

    return Marshaller


def peak_kb():
    """Return the largest resident size of this process so far."""
    return str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def unread():
    """Return ``0`` when the server has read all output, so that it needn't look; nothing when it hasn't, or that can't be told."""
    try:
        fcntl.ioctl(RECORDS_FD, termios.FIONREAD, UNREAD)
    except OSError:
        return ""
    return "0" if UNREAD == ALL_READ else ""


def flush():
    """Let out what Python still holds, so that it is before the answer."""
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105 - which takes longer than the rest
            stream.flush()
        except Exception:  # noqa: S110 - the function may have closed or replaced it
            pass


class Variables(type(os.environ)):
    """``os.environ`` for awslambdaric's contexts, which ask for the same few at each invocation: text is kept for as long as it is true."""

    __slots__ = ("_kept", "_theirs")

    def __init__(self, theirs):
        self.__dict__ = theirs.__dict__  # one and the same
        self._theirs = theirs
        self._kept = {}

    def get(self, name, default=None):
        """Return a variable's value as ``os.environ.get`` does."""
        try:
            key, data, text = self._kept[name]
            if self._data[key] is data and os.environ is self._theirs:
                return text
        except KeyError:
            pass
        if os.environ is not self._theirs:
            return os.environ.get(name, default)
        text = super().get(name)
        if text is None:
            return default
        key = self.encodekey(name)
        self._kept[name] = (key, self._data[key], text)
        return text


def site_builtins():
    """Give the function ``exit``, ``help`` and friends, which ``-S`` leaves out with the interpreter's site-packages."""
    import site  # noqa: PLC0415 - not before it is needed: the start is on the request path

    site.setquit()
    site.setcopyright()
    site.sethelper()


def load():
    """Import awslambdaric, found only now, without its compiled HTTP client, which is for one interpreter only and not needed."""
    stub = types.ModuleType("runtime_client")
    stub.initialize_client = lambda user_agent: None
    sys.modules["runtime_client"] = stub
    from awslambdaric import bootstrap, lambda_context  # noqa: F401, PLC0415 - found only now
    from awslambdaric import lambda_runtime_client as ric  # noqa: PLC0415

    del sys.modules["runtime_client"]
    install(ric.LambdaRuntimeClient, FrameClient)
    install(ric.LambdaMarshaller, quick_marshaller(ric.LambdaMarshaller))
    lambda_context.os = types.SimpleNamespace(**dict(vars(os), environ=Variables(os.environ)))


def run(paths, others, handler, frames, restore=None, records=RECORDS_FD):
    """Serve events with a function's handler until the server goes.

    ``paths`` are looked through before ``others``; ``restore`` waits in a snapshot; ``records`` is a descriptor for log records.
    """
    from awslambdaric import lambda_runtime_client as ric  # noqa: PLC0415 - found only now

    bootstrap = sys.modules["awslambdaric.bootstrap"]
    os.set_inheritable(records, False)
    os.environ["_LAMBDA_TELEMETRY_LOG_FD"] = str(records)
    # These were read when the module was imported, which a template did without the function's variables.
    level = bootstrap._get_log_level_from_env_var(os.environ.get("AWS_LAMBDA_LOG_LEVEL"))  # noqa: SLF001
    bootstrap._AWS_LAMBDA_LOG_FORMAT = bootstrap.LogFormat.from_str(os.environ.get("AWS_LAMBDA_LOG_FORMAT"))  # noqa: SLF001
    bootstrap._AWS_LAMBDA_LOG_LEVEL = level  # noqa: SLF001
    ric.LambdaRuntimeClient.marshaller = ric.LambdaMarshaller()
    sys.path[:] = paths + others
    sys.argv[:] = [os.path.join(os.environ["LAMBDA_RUNTIME_DIR"], "bootstrap.py")]
    sys.modules["__main__"].bootstrap = bootstrap  # as in AWS's images; Sentry looks there for what it wraps
    client = ric.LambdaRuntimeClient("frames", False)
    client.serve(frames, restore)
    bootstrap.run(handler, client)


def main():
    """Become the runtime."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [os.environ["LAMBDA_RUNTIME_DIR"]] + [each for each in sys.path if os.path.abspath(each) != here]
    paths = os.environ.pop("_LAMBENT_PATHS", "").split(os.pathsep)
    if paths == [""]:
        paths = [os.environ["LAMBDA_TASK_ROOT"], "/opt/python/lib/python%d.%d/site-packages" % sys.version_info[:2], "/opt/python"]
    site_builtins()
    load()
    run(paths, list(sys.path), os.environ["_HANDLER"], Frames(FRAMES_FD))


if __name__ == "__main__":
    main()
