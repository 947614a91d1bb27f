"""A process that forks others into environments' namespaces, reaps them, and tells the server. Templates are cradles, and more.

A request ``fork`` comes with the holder's pidfd, the end of the output pipe, and the end of the frames (or none).
"""

import contextlib
import os
import resource
import select
import signal
import socket

import linux
import talk

ENTERED = linux.CLONE_NEWUSER | linux.CLONE_NEWNS | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS
FIRST_FREE_FD = 5  # 0 nothing, 1 and 2 output, 3 frames, 4 framed output
CONTROL_FD = 5  # of a snapshot: where it is asked to fork
UNSET_SIGNALS = (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ)


class Cradle:
    """Serves one socket until the server is gone."""

    def __init__(self, server, spec):
        self.server = server
        self.uid, self.gid = spec["uid"], spec["gid"]
        self.may_set_groups = spec["set_groups"]
        self.program = bytes.fromhex(spec["seccomp"])
        self.snapshot_program = bytes.fromhex(spec["snapshot_seccomp"])
        self.limits = [(getattr(resource, name), value) for name, value in spec["limits"].items()]
        self.children = {}  # pid -> id
        self.listened = {}  # the reading end of a pipe -> the pid that may say there why it can't begin
        self.last_words = {}  # pid -> what it said
        self.say = -1  # in a child: the writing end
        self.born = None  # in a child: the request that it was forked for
        self.lifeline, self.held_end = os.pipe()  # whoever lives on our end of it dies with us

    def run(self):
        """Serve until the server goes. Comes back in a child, too, with what is to become of it in ``born``."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        wake_r, wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)
        while True:
            readable, _, _ = select.select([self.server, wake_r, *self.listened], [], [])
            for pipe in self.listened.keys() & set(readable):
                self.hear(pipe)
            if wake_r in readable:
                os.read(wake_r, 4096)
                self.reap()
            if self.server in readable and (not self.serve() or self.born is not None):
                return

    def serve(self):
        """Carry out one request; False when the server is gone."""
        request, fds = talk.receive(self.server)
        if request is None:
            return False
        try:
            self.carry_out(request, fds)
        except OSError as error:
            talk.send(self.server, {"id": request["id"], "failed": error.strerror or str(error)})
        if self.born is None:
            for fd in fds:
                os.close(fd)
        return True

    def carry_out(self, request, fds):
        """Do what a request asks for."""
        if request["do"] == "fork":
            self.fork(request, *fds)
        elif request["do"] == "ready":
            talk.send(self.server, {"id": request["id"], "ready": True})

    def fork(self, request, holder, *fds):
        """Fork a process into the holder's namespaces."""
        linux.setns(holder, linux.CLONE_NEWPID)  # of children
        output, *fds = fds
        frames = fds.pop(0) if request["frames"] else None
        control = fds.pop(0) if request["snapshot"] else None
        cgroup = fds.pop(0) if request["born"] else None
        last_words, self.say = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)  # closed by ``execve``; else it says why that failed
        pid = linux.fork(0, cgroup)
        if pid == 0:
            try:
                for each in fds:  # groups of version 1, in which nobody is born
                    os.write(each, b"0")
                self.enter(holder, ENTERED & ~linux.CLONE_NEWNET if request["shared"] else ENTERED, output, frames, control)
            except BaseException as error:
                os.write(self.say, b"the environment could not be entered: %s" % str(error).encode())
                os._exit(127)
            self.born = request
            return
        os.close(self.say)
        self.children[pid] = request["id"]
        self.listened[last_words] = pid
        talk.send(self.server, {"id": request["id"], "pid": pid})

    def enter(self, holder, spaces, output, frames=None, control=None):
        """In the child: enter the namespaces, and give up everything but the output and the frames."""
        signal.set_wakeup_fd(-1)
        for each in UNSET_SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        linux.setns(holder, spaces)
        os.chdir("/")
        os.setsid()
        # Received descriptors may have any number: out of the way first, then to where they belong.
        output = os.dup2(output, 901)
        lifeline = os.dup2(self.lifeline, 903, inheritable=False)
        self.say = os.dup2(self.say, 904, inheritable=False)
        frames = os.dup2(frames, 902) if frames is not None else None
        control = os.dup2(control, 905) if control is not None else None
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if frames is not None:
            os.dup2(frames, 3)
            os.dup2(output, 4)
        else:
            os.closerange(3, FIRST_FREE_FD)
        if control is not None:
            os.dup2(control, CONTROL_FD, inheritable=False)
        os.closerange(FIRST_FREE_FD if control is None else CONTROL_FD + 1, lifeline)
        linux.close_from(self.say + 1)
        for kind, value in self.limits:
            most = resource.getrlimit(kind)[1]
            if most != resource.RLIM_INFINITY:
                value = min(value, most)
            resource.setrlimit(kind, (value, value))
        os.umask(0o022)
        self.drop(self.program if control is None else self.snapshot_program)
        if select.select([lifeline], [], [], 0)[0]:  # our parent died before it could take us along
            os._exit(127)
        os.close(lifeline)

    def drop(self, program):
        """In the child: become the environment's user, without any privilege and unable to gain one."""
        if self.may_set_groups:
            os.setgroups([])
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)
        linux.drop_capabilities()
        linux.prctl(linux.PR_SET_DUMPABLE, 1)  # its own /proc/self is its own
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        linux.filter_calls(program)

    def reap(self):
        """Collect every process that ended and tell the server."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            name = self.children.pop(pid, None)
            if name is not None:
                exited = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                talk.send(self.server, {"id": name, "exited": exited, "peak_kb": usage.ru_maxrss, "not_started": self.heard(pid)})

    def hear(self, pipe):
        """Take what a child says; or learn that it has begun, which closes its end."""
        pid = self.listened.pop(pipe)
        with contextlib.suppress(BlockingIOError):
            words = os.read(pipe, 200)
            if words:
                self.last_words[pid] = words.decode(errors="replace")
        os.close(pipe)

    def heard(self, pid):
        """Return why an ended child could not begin; empty when it could."""
        for pipe in [pipe for pipe, other in self.listened.items() if other == pid]:
            self.hear(pipe)
        return self.last_words.pop(pid, "")


def execute(argv, env, say):
    """In a child, inside its environment: become a program. A failure says why."""
    try:
        os.chdir("/var/task")
        os.execve(argv[0], argv, env)  # noqa: S606 - the runtime
    except OSError as error:
        os.write(say, (error.strerror or str(error)).encode())
    os._exit(127)


def connected(number):
    """Return the socket with that number, inheritable no more."""
    sock = socket.socket(fileno=int(number))
    with contextlib.suppress(OSError):
        sock.set_inheritable(False)
    return sock
