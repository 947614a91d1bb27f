"""A Python runtime's template: the interpreter with awslambdaric and the SDK loaded, and nobody's code; environments are forked from it.

``python -s -S python_template.py <socket> <json>``, in the runtime's root. A child waits, inside its environment and without any privilege,
for the frame that says which function it is. Single-threaded: what a fork copies must not be held by a thread that it doesn't.
"""

import os

AT_FORK = []  # what modules want done when the process forks; they import this name of ``os``
register_at_fork, os.register_at_fork = os.register_at_fork, lambda **hooks: AT_FORK.append(hooks)

import contextlib  # noqa: E402 - not before
import gc  # noqa: E402
import importlib  # noqa: E402
import io  # noqa: E402
import json  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import cradle  # noqa: E402 - found only now
import linux  # noqa: E402
import python_bootstrap  # noqa: E402
import snapshot  # noqa: E402

BOOTSTRAP = "awslambdaric.bootstrap"
REHEARSED = {
    "env": {"LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime", "AWS_LAMBDA_FUNCTION_NAME": "-", "TZ": ":UTC"},
    "paths": [HERE],
    "handler": "rehearsal.handler",
}
PAGE_BYTES = 4096
EMPTY_BYTES = sys.getsizeof(b"")


class Over(BaseException):
    """The rehearsal is over."""


class Rehearsal(python_bootstrap.Frames):
    """Frames of which the first three were sent already; the fourth isn't waited for."""

    left = 3

    def receive(self):
        """Return a frame."""
        if not self.left:
            raise Over
        self.left -= 1
        return super().receive()

    def close(self):
        """Close our end."""
        self._socket.close()


class Template(cradle.Cradle):
    """Forks environments of one Python."""

    def __init__(self, server, spec):
        super().__init__(server, spec)
        self.runtime = spec["runtime"]
        self.modules = ()
        self.packages = set()
        self.paths = []
        self.bootstraps = {}
        self.pid = os.getpid()
        self.knows_copies = False  # whether OpenSSL reseeds itself when the process id is another one
        self.gaps = []

    def load(self):
        """Import what every function will find imported already."""
        before = set(sys.modules)
        sys.path[:] = [self.runtime] + [each for each in sys.path if os.path.abspath(each) != HERE]
        python_bootstrap.site_builtins()
        python_bootstrap.load()
        self.bootstraps = bootstraps()
        with contextlib.suppress(ImportError):  # an SDK that doesn't run on this Python is left out
            import boto3  # noqa: F401, PLC0415 - found only now. To make a client imports nothing more, and leaves 4 MB to copy at each fork
        ssl = sys.modules.get("ssl")
        self.knows_copies = ssl is not None and ssl.OPENSSL_VERSION_INFO >= (1, 1, 1, 4)
        self.paths = list(sys.path)
        self.modules = tuple(set(sys.modules) - before)
        # Now, and not in a copy: to look at each module there would make its page the copy's own.
        self.packages = {name.partition(".")[0] for name in self.modules if is_of(name, self.runtime)}
        sys.pycache_prefix = None
        sys.dont_write_bytecode = True
        self.rehearse()
        gc.collect()
        self.gaps = gaps_filled()
        gc.freeze()
        linux.trim()

    def rehearse(self):
        """Go through what every copy does, with a function that does nothing: what that fills in and specialises is shared by the copies.

        Each page that a copy needn't write to is 4 kB less for it, and a microsecond sooner. Nothing else of it is left.
        """
        import logging  # noqa: PLC0415 - found only now

        ours, theirs = socket.socketpair()
        frames = Rehearsal(theirs.detach())
        event = {"request_id": "-", "arn": "-", "deadline_ms": 0, "trace": "-"}
        told = (python_bootstrap.BECOME, REHEARSED, b""), (python_bootstrap.GO, {}, b""), (python_bootstrap.INVOKE, event, b"{}")
        for kind, header, body in told:
            head = json.dumps(header).encode()
            ours.sendall(python_bootstrap.HEAD.pack(kind, len(head), len(body)) + head + body)
        streams, argv, environ, path, folder = (sys.stdout, sys.stderr), sys.argv[:], dict(os.environ), sys.path[:], os.getcwd()
        handlers, converter = logging.root.handlers[:], logging.Formatter.converter
        with contextlib.suppress(Over), silence():
            self.live(frames, os.open("/dev/null", os.O_WRONLY))
        sys.stdout, sys.stderr = streams
        sys.argv[:], sys.path[:] = argv, path
        logging.root.handlers[:], logging.Formatter.converter = handlers, converter
        os.environ.clear()
        os.environ.update(environ)
        time.tzset()
        os.chdir(folder)
        sys.modules.pop("rehearsal", None)
        frames.close()
        ours.close()

    def become(self):
        """In the child: wait for the function, and become it.

        Who has time rehearses once more: each page that it writes to then is its own already when the function comes.
        """
        for hooks in AT_FORK:  # for forks of the function's; none is needed for ours, in which no thread was lost and no lock held
            register_at_fork(**hooks)
        os.register_at_fork = register_at_fork
        os.close(self.say)
        for each in (signal.SIGPIPE, signal.SIGXFSZ):  # errors for a Python program, as its interpreter has them when it starts
            signal.signal(each, signal.SIG_IGN)
        if self.born.get("rehearses"):
            self.rehearse()
        self.live(python_bootstrap.Frames(python_bootstrap.FRAMES_FD), python_bootstrap.RECORDS_FD)

    def live(self, frames, records):
        """Take the frame that says who we are and, when another says that our code is there, be it. ``records`` is a descriptor for log
        records."""
        _, given, _ = frames.receive()
        os.environ.clear()
        os.environ.update(given["env"])
        time.tzset()
        reseed(is_known=self.knows_copies and os.getpid() != self.pid)
        if os.environ.get("PYTHONUNBUFFERED"):
            unbuffer()
        named = os.environ.get("PYTHONPATH", "").split(os.pathsep)  # what a starting interpreter would have read
        others = [each for each in named if each and each not in self.paths] + self.paths
        frames.receive()  # nothing but that the room is furnished
        os.chdir("/var/task")
        self.make_way(given["paths"])
        restore = self.wait_restored if given.get("snapshot") else None
        bootstrap = self.bootstraps[os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"]
        sys.modules[BOOTSTRAP] = sys.modules["awslambdaric"].bootstrap = bootstrap
        python_bootstrap.run(given["paths"], others, given["handler"], frames, restore, records)

    def wait_restored(self, frames):
        """In a snapshot: wait until we are a copy of it, inside an environment, and take on what that is given."""
        given = snapshot.wait_for_fork(frames, self.program)
        os.environ.clear()
        os.environ.update(given["env"])
        time.tzset()
        reseed(is_known=False)

    def make_way(self, paths):
        """Forget preloaded packages when the function or a layer brings one of them: its own must be found."""
        theirs = set()
        for folder in paths:
            with contextlib.suppress(OSError):
                theirs.update(each.partition(".")[0] for each in os.listdir(folder))
        if self.packages & theirs:
            for name in self.modules:
                if name.partition(".")[0] in self.packages and not name.startswith(("awslambdaric", "snapshot_restore_py")):
                    sys.modules.pop(name, None)


@contextlib.contextmanager
def silence():
    """Have nothing of what is written come out."""
    kept = [(fd, os.dup(fd)) for fd in (1, 2)]
    nowhere = os.open("/dev/null", os.O_WRONLY)
    try:
        for fd, _ in kept:
            os.dup2(nowhere, fd)
        yield
    finally:
        for fd, copy in kept:
            os.dup2(copy, fd)
            os.close(copy)
        os.close(nowhere)


def is_of(name, folder):
    """Whether a loaded module came from a folder."""
    return (getattr(sys.modules.get(name), "__file__", None) or "").startswith(folder + "/")


def bootstraps():
    """Return awslambdaric's loop for each format of logs, JSON or not: it decides by a variable when it is imported, and not again."""
    found = {False: sys.modules.pop(BOOTSTRAP)}
    os.environ["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
    found[True] = importlib.import_module(BOOTSTRAP)
    del os.environ["AWS_LAMBDA_LOG_FORMAT"]
    trace = linux.Variable("_X_AMZN_TRACE_ID")
    for each in found.values():
        each.update_xray_env_variable = trace.set
    return found


def gaps_filled():
    """Return objects in the places that the loading used and left: to be kept, so that what a copy makes lies close together.

    Strewn over pages that it shares with the template, each of its objects would make a page its own.
    """
    kept = [[object() for _ in range(1000)], [0x20000000 + each for each in range(1000)]]  # of 16 and 32 bytes
    for size in range(48, 513, 16):  # as CPython keeps small objects: those of one size together
        for _ in range(100):
            page = [bytes(size - EMPTY_BYTES) for _ in range(PAGE_BYTES // size)]
            kept.append(page)
            places = [id(each) for each in page]
            if max(places) - min(places) < 2 * PAGE_BYTES:  # no gap is left
                break
    return kept


def unbuffer():
    """Have output written through, as a starting interpreter does when it is told so."""
    for name, fd in (("stdout", 1), ("stderr", 2)):
        before = getattr(sys, name)
        stream = io.TextIOWrapper(open(fd, "wb", 0, closefd=False), before.encoding, before.errors, write_through=True)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, "__%s__" % name, stream)


def reseed(is_known):
    """Give the copy randomness of its own, and the number of its thread. ``is_known``: OpenSSL knows it for a copy."""
    random = sys.modules.get("random")
    if random is not None:
        random.seed()
    ssl = sys.modules.get("ssl")
    if ssl is not None and not is_known:
        ssl.RAND_add(os.urandom(32), 32.0)
    uuid = sys.modules.get("uuid")
    if uuid is not None:
        uuid._last_timestamp = None  # noqa: SLF001
    threading = sys.modules.get("threading")
    if threading is not None:
        threading.main_thread()._set_native_id()  # noqa: SLF001


def main():
    """Load, then serve until the server goes."""
    template = Template(cradle.connected(sys.argv[1]), json.loads(sys.argv[2]))
    sys.argv[:] = [""]
    template.load()
    template.run()
    if template.born is not None:
        template.become()


if __name__ == "__main__":
    main()
