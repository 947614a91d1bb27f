"""Runs moto's server on a free loopback port, prints the port, and ends when standard input does. A program, not a module of ours."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """End this process however the parent ends: its end of our standard input is closed by the kernel, and Linux also sends a signal."""

    def wait_for_end() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        os._exit(0)

    threading.Thread(target=wait_for_end, daemon=True).start()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Serve until the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle
    _die_with_parent()
    # These take a second: not before the parent is watched.
    from moto.core.config import default_user_config  # noqa: PLC0415
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415
    from werkzeug.serving import make_server  # noqa: PLC0415

    default_user_config["iam"]["load_aws_managed_policies"] = (
        True  # takes an account's first call of IAM 0.5 s and 40 MB, the start nothing
    )
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)  # not a line per request, and none for what the caller is told
    port_out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    print(server.port, file=port_out, flush=True)
    port_out.close()
    server.serve_forever()


if __name__ == "__main__":
    main()
