"""The keeper: a small single-threaded process that starts, reaps and kills the processes of every environment.

It is the parent of all of them, so that nothing outlives the server whatever kills it: when the server's end of the socket closes, the
keeper kills every tree and leaves; when the keeper itself is killed, the kernel kills its children (``PR_SET_PDEATHSIG``). As a child
subreaper it also inherits what a function daemonises. It speaks JSON datagrams on the socket whose number is its first argument; see
``adapters/sandbox/keeper.py`` for the other end. Only the standard library: it runs with ``-I -S``.
"""

import array
import contextlib
import ctypes
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
MESSAGE_BYTES_MAX = 1 << 20
FIRST_FREE_FD = 5  # 0 nothing, 1 and 2 output, 3 frames, 4 framed output


class Keeper:
    """The processes of all environments, by the environment's id."""

    def __init__(self, server, folder):
        self.server = server
        self.folder = folder  # where the environments' /tmp lie; removed with them
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.leaders = {}  # pid -> (id, marker)
        self.pids = {}  # id -> pid

    def run(self):
        """Serve until the server goes; then kill everything."""
        self.libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        wake_r, wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)
        try:
            while True:
                readable, _, _ = select.select([self.server, wake_r], [], [])
                if wake_r in readable:
                    os.read(wake_r, 4096)
                    self.reap()
                if self.server in readable and not self.serve():
                    return
        finally:
            self.end()

    def serve(self):
        """Carry out one request; False when the server is gone."""
        try:
            data, ancillary, _, _ = self.server.recvmsg(MESSAGE_BYTES_MAX, socket.CMSG_LEN(16))
        except ConnectionError:
            return False
        if not data:
            return False
        fds = array.array("i")
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
        request = json.loads(data)
        if request["do"] == "start":
            self.start(request, list(fds))
        elif request["do"] == "kill":
            pid = self.pids.get(request["id"])
            if pid is not None:
                self.kill_tree(pid, self.leaders[pid][1])
                self.reap()
        for fd in fds:
            os.close(fd)
        return True

    def start(self, request, fds):
        """Fork and execute an environment's first process."""
        keeper = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                self.become(request, fds, keeper)
            except OSError as error:
                self.tell(id=request["id"], failed=error.strerror or str(error))
            finally:
                os._exit(127)
        marker = b"TMPDIR=" + request["env"]["TMPDIR"].encode() + b"\0"
        self.leaders[pid] = (request["id"], marker)
        self.pids[request["id"]] = pid
        self.tell(id=request["id"], pid=pid)

    def become(self, request, fds, keeper):
        """In the child: turn into the environment's process."""
        signal.set_wakeup_fd(-1)
        for each in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(each, signal.SIG_DFL)
        os.setsid()
        self.libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != keeper:  # the keeper died before the line above
            os._exit(127)
        output, *frames = fds
        # Received descriptors may have any number: out of the way first, then to where they belong.
        self.server = socket.socket(fileno=os.dup2(self.server.fileno(), 100, inheritable=False))
        output = os.dup2(output, 101)
        frames = os.dup2(frames[0], 102) if frames else None
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if frames is not None:
            os.dup2(frames, 3)
            os.dup2(output, 4)
        else:
            os.closerange(3, FIRST_FREE_FD)
        os.closerange(FIRST_FREE_FD, 100)
        os.closerange(101, 4096)
        for name, value in request["limits"].items():
            resource.setrlimit(getattr(resource, name), (value, value))
        os.umask(0o022)
        os.chdir(request["cwd"])
        os.execve(request["argv"][0], request["argv"], request["env"])  # noqa: S606 - the runtime

    def reap(self):
        """Collect every process that ended; when it led an environment, kill the rest of its tree and tell the server."""
        ended = []
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid in self.leaders:
                name, marker = self.leaders.pop(pid)
                del self.pids[name]
                self.kill_tree(pid, marker)
                ended.append({"id": name, "exited": os.waitstatus_to_exitcode(status), "peak_kb": usage.ru_maxrss})
        for each in ended:  # only now: the rest of their trees has been collected, too
            self.tell(**each)

    def kill_tree(self, leader, marker):
        """Kill an environment's processes: its group, its session, descendants, and whatever carries its mark; until none is left."""
        if leader != os.getpid():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(leader, signal.SIGKILL)
        for _ in range(100):
            members = self.members(leader, marker)
            if not members:
                return
            for pid in members:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def members(self, leader, marker):
        """Return the live processes of one environment."""
        parents = {}
        own = {leader}  # the leader and its session
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            with contextlib.suppress(OSError):
                with open("/proc/" + entry + "/stat", "rb") as file:
                    state, parent, _, session = file.read().rpartition(b")")[2].split()[:4]
                if state not in (b"Z", b"X"):
                    parents[int(entry)] = int(parent)
                    if int(session) == leader:
                        own.add(int(entry))
        return [pid for pid in parents if self.belongs(pid, parents, own, marker)]

    def belongs(self, pid, parents, own, marker):
        """Whether a process below the keeper is part of the leader's environment."""
        mine = os.getpid()
        chain = [pid]
        while chain[-1] in parents and chain[-1] != mine:
            chain.append(parents[chain[-1]])
        if chain[-1] != mine or pid == mine:
            return False
        if own.intersection(chain):
            return True
        if not self.leaders.keys().isdisjoint(chain):  # another environment's
            return False
        with contextlib.suppress(OSError), open("/proc/%d/environ" % pid, "rb") as file:
            return marker in file.read() + b"\0"
        return False

    def tell(self, **message):
        """Send the server a message; when it is gone, the loop will find out."""
        with contextlib.suppress(OSError):
            self.server.send(json.dumps(message).encode())

    def end(self):
        """Kill everything that descends from the keeper, and remove the environments' folders."""
        for leader in self.leaders:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(leader, signal.SIGKILL)
        # Whatever left its group is below the keeper still, or adopted by it.
        self.leaders.clear()
        self.kill_tree(os.getpid(), b"")
        shutil.rmtree(self.folder, ignore_errors=True)


if __name__ == "__main__":
    Keeper(socket.socket(fileno=int(sys.argv[1])), sys.argv[2]).run()
