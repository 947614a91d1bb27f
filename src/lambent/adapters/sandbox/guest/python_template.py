"""A Python runtime's template: the interpreter with awslambdaric and the SDK loaded, and nobody's code; environments are forked from it.

``python -s -S python_template.py <socket> <json>``, in the runtime's root. A child waits, inside its environment and without any privilege,
for the frame that says which function it is. Single-threaded: what a fork copies must not be held by a thread that it doesn't.
"""

import contextlib
import gc
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import cradle  # noqa: E402 - found only now
import python_bootstrap  # noqa: E402
import snapshot  # noqa: E402


class Template(cradle.Cradle):
    """Forks environments of one Python."""

    def __init__(self, server, spec):
        super().__init__(server, spec)
        self.runtime = spec["runtime"]
        self.modules = ()
        self.packages = set()
        self.paths = []

    def load(self):
        """Import what every function will find imported already."""
        before = set(sys.modules)
        sys.path[:] = [self.runtime] + [each for each in sys.path if os.path.abspath(each) != HERE]
        python_bootstrap.site_builtins()
        python_bootstrap.load()
        with contextlib.suppress(ImportError):  # an SDK that doesn't run on this Python is left out
            import boto3  # noqa: PLC0415 - found only now

            warm_up(boto3)
        self.paths = list(sys.path)
        self.modules = tuple(set(sys.modules) - before)
        # Now, and not in a copy: to look at each module there would make its page the copy's own.
        self.packages = {name.partition(".")[0] for name in self.modules if is_of(name, self.runtime)}
        sys.pycache_prefix = None
        sys.dont_write_bytecode = True
        gc.collect()
        gc.freeze()

    def become(self):
        """In the child: wait for the function, and become it."""
        os.close(self.say)
        frames = python_bootstrap.Frames(python_bootstrap.FRAMES_FD)
        _, given, _ = frames.receive()
        os.environ.clear()
        os.environ.update(given["env"])
        time.tzset()
        os.chdir("/var/task")
        reseed()
        named = os.environ.get("PYTHONPATH", "").split(os.pathsep)  # what a starting interpreter would have read
        others = [each for each in named if each and each not in self.paths] + self.paths
        self.make_way(given["paths"])
        restore = self.wait_restored if given.get("snapshot") else None
        python_bootstrap.run(given["paths"], others, given["handler"], frames, restore)

    def wait_restored(self, frames):
        """In a snapshot: wait until we are a copy of it, inside an environment, and take on what that is given."""
        given = snapshot.wait_for_fork(frames, self.program)
        os.environ.clear()
        os.environ.update(given["env"])
        time.tzset()
        reseed()

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


def is_of(name, folder):
    """Whether a loaded module came from a folder."""
    return (getattr(sys.modules.get(name), "__file__", None) or "").startswith(folder + "/")


def warm_up(boto3):
    """Import what a first client would import. Nothing is kept, and nothing is sent."""
    session = boto3.Session("-", "-", region_name="us-east-1")
    session.client("sts", endpoint_url="http://127.0.0.1:1")


def reseed():
    """Give the copy randomness of its own; ``random`` has reseeded itself at the fork."""
    ssl = sys.modules.get("ssl")
    if ssl is not None:
        ssl.RAND_add(os.urandom(32), 32.0)
    uuid = sys.modules.get("uuid")
    if uuid is not None:
        uuid._last_timestamp = None  # noqa: SLF001


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
