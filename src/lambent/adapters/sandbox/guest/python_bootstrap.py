"""The first file that an environment's Python runs: AWS's own ``awslambdaric`` with frames in place of its HTTP client.

``python -S python_bootstrap.py``: ``LAMBDA_RUNTIME_DIR`` has awslambdaric and the SDK; ``_LAMBENT_PATHS``, if it is there, the function's
and its layers' folders, first found wins. Descriptor 3 carries frames, 4 is where log records go, framed.
Runs on every CPython from 3.8 on.
"""

import contextlib
import json
import os
import resource
import socket
import struct
import sys
import types

FRAMES_FD = 3
RECORDS_FD = 4
HEAD = struct.Struct("!BII")  # kind, bytes of the header (JSON), bytes of the body
INVOKE, BECOME = 1, 2
RECEIVED = 65536  # a buffer of 128 KB and more would be mapped, and unmapped, for each frame
READY, RESULT, ERROR, INIT_ERROR = 16, 17, 18, 19


class Frames:
    """Frames over the socket that the server holds the other end of."""

    def __init__(self, fd):
        self._socket = socket.socket(fileno=fd)
        self._socket.set_inheritable(False)
        self._rest = b""

    def _at_least(self, count):
        """Take bytes off the socket until there are so many; mostly a frame comes as a whole."""
        chunks, size = [self._rest], len(self._rest)
        while size < count:
            chunks.append(self._socket.recv(RECEIVED if count - size <= RECEIVED else 262144))
            if not chunks[-1]:
                os._exit(0)  # the server is gone
            size += len(chunks[-1])
        self._rest = b"".join(chunks)
        return self._rest

    def receive(self):
        """Wait for a frame and return its kind, header and body."""
        kind, header, body = HEAD.unpack_from(self._at_least(HEAD.size))
        body_at = HEAD.size + header
        data = self._at_least(body_at + body)
        self._rest = data[body_at + body :]
        return kind, json.loads(data[HEAD.size : body_at]), data[body_at : body_at + body]

    def send(self, kind, header, body=b""):
        """Send a frame."""
        head = json.dumps(header).encode()
        self._socket.sendall(HEAD.pack(kind, len(head), len(body)) + head + body)


def client_class(base, request_class):
    """Return awslambdaric's client with our frames in place of its calls."""

    class FrameClient(base):
        def __init__(self, frames, restore=None):
            super().__init__("frames", False)
            self._frames = frames
            self._restore = restore
            self._ready = False

        def wait_next_invocation(self):
            if not self._ready:
                self._ready = True
                self._frames.send(READY, {})
            _, header, body = self._frames.receive()
            return request_class(
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
            flush()
            body = result_data if isinstance(result_data, bytes) else result_data.encode("utf-8")
            self._frames.send(RESULT, {"request_id": invoke_id, "content_type": content_type, "peak_kb": peak_kb()}, body)

        def post_invocation_error(self, invoke_id, error_response_data, xray_fault, invocation_id=None):
            flush()
            kind = json.loads(error_response_data).get("errorType", "")
            header = {"request_id": invoke_id, "error_type": kind, "peak_kb": peak_kb()}
            self._frames.send(ERROR, header, error_response_data.encode("utf-8"))

        def post_init_error(self, error_response_data, error_type_override=None):
            flush()
            kind = error_type_override or error_response_data["errorType"]
            self._frames.send(INIT_ERROR, {"error_type": kind}, json.dumps(error_response_data).encode())

        def restore_next(self):
            """Wait to be restored. Without a snapshot, go on at once: what follows a restore follows the initialisation."""
            if self._restore is not None:
                flush()
                self._restore(self._frames)

        def report_restore_error(self, restore_error_data):
            self.post_init_error(restore_error_data, "Runtime.AfterRestoreError")

    return FrameClient


def peak_kb():
    """Return the largest resident size of this process so far."""
    return str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def flush():
    """Let out what Python still holds, so that it is before the answer."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # the function may have closed or replaced it
            stream.flush()


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
    from awslambdaric import bootstrap, lambda_runtime_client  # noqa: F401, PLC0415 - into ``sys.modules``

    del sys.modules["runtime_client"]


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
    bootstrap.run(handler, client_class(ric.LambdaRuntimeClient, ric.InvocationRequest)(frames, restore))


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
