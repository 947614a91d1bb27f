"""An initialised function, kept to fork environments from (SnapStart).

It runs in a room of its own, unprivileged like any function. Its copies enter rooms whose user namespace belongs to its own user
id, which needs no privilege: the room's holder made them below its own. The first copy enters and forks the environment, since a process
enters a pid namespace only by its children; it stays to say how that ended.
"""

import contextlib
import gc
import os
import signal
import stat

import cradle
import linux
import talk

SNAPSHOT = 23


def wait_for_fork(frames, program):
    """Say that the snapshot can be taken, then fork on demand; returns in a copy, with what the server tells it."""
    control = cradle.connected(cradle.CONTROL_FD)
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError):
        linux.collapse()
    frames.send(SNAPSHOT, {})
    first = set()
    while True:
        request, fds = talk.receive(control)
        for pid in list(first):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0]:
                    first.discard(pid)
        if request is None:
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            try:
                enter(request, fds, control, program)
            except BaseException as error:
                talk.send(control, {"id": request["id"], "failed": str(error)})
                os._exit(127)
            _, given, _ = frames.receive()
            return given
        first.add(pid)
        for fd in fds:
            os.close(fd)


def enter(request, fds, control, program):
    """In the first copy: enter the room, and fork the environment; returns in that."""
    *spaces, output, frames = fds
    for fd in spaces:
        linux.setns(fd, 0)
    pid = os.fork()
    if pid:
        for fd in fds:
            os.close(fd)
        _, status, usage = os.wait4(pid, 0)
        exited = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        talk.send(control, {"id": request["id"], "exited": exited, "peak_kb": usage.ru_maxrss})
        os._exit(0)
    os.setsid()
    os.chdir("/var/task")
    linux.drop_capabilities()
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    talk.send(control, {"id": request["id"], "pid": 0})  # the kernel adds the true one
    for target in (1, 2, 4):
        os.dup2(output, target)
    os.dup2(frames, 3, inheritable=False)
    for fd in fds:
        os.close(fd)
    control.close()
    hang_up()
    linux.filter_calls(program)


def hang_up():
    """Put a closed connection in the place of every socket that the function opened while it was initialised: copies can't share them."""
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            fd = int(name)
            if fd >= cradle.FIRST_FREE_FD and stat.S_ISSOCK(os.fstat(fd).st_mode):
                dead = os.open("/dev/null", os.O_RDWR)
                os.dup2(dead, fd, inheritable=False)
                os.close(dead)
