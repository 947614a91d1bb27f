"""The first process of an environment's namespaces: it makes them a room, and holds them.

It is not the runtime: a process that is number 1 can't be killed from inside, and the function's orphans become its children. Forked
from the warden (no program of its own: a start takes half a millisecond), it ends with the server, whose end of its socket closes.
"""

import contextlib
import os
import select
import signal
import socket

import groups
import links
import linux
import rooms
import talk

STILL_FD = 103  # where the warden puts the smallest program (``still``), if there can be one
INOTIFY_INSTANCES_MAX = 16  # a user mostly has 128 in all
STARTS_S = 0.02  # the function starts meanwhile, and needs the processors more
SPACES = ("user", "mnt", "pid", "net", "ipc", "uts")
HELD = linux.CLONE_NEWUSER | linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS


def live(request, server, uid, gid, program):
    """Be an environment's first process; never returns. ``program`` is the filter for calls."""
    try:
        linux.sethostname(b"lambent")
        sockets = open_network(request["network"])
        opened = groups.make(request["group"], "/host") if request["group"] else []
        rooms.enter(request["root"])
        linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC, request["proc_options"])
        if not request["owned"]:
            share_out()
        connect(request["network"])
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans are reaped by the kernel
        linux.bound_capabilities()  # ahead, as all that can be: when the room is furnished somebody waits for it
        talk.send(server, {"held": True}, [*(each.fileno() for each in sockets), *opened])
        for fd in (*(each.detach() for each in sockets), *opened):
            os.close(fd)
        serve(server, uid, gid, request["uids"] is not None, program)
    except OSError as error:
        talk.send(server, {"failed": str(error)})
    finally:
        os._exit(0)


def share_out():
    """Limit what is counted for the server's user, for all environments and its programs together: we leave some for the others."""
    # A kernel without inotify has no such file.
    with contextlib.suppress(OSError), open("/proc/sys/user/max_inotify_instances", "w") as file:
        file.write(str(INOTIFY_INSTANCES_MAX))


def serve(server, uid, gid, has_root, program):
    """Furnish the room when told to, stop and continue everything in it when told to."""
    while True:
        order, fds = talk.receive(server)
        if order is None:
            return
        if "room" in order:
            make_room(order["room"], server, fds[0], has_root, uid, gid)
            os.close(fds[0])
        if "furnish" in order:
            rooms.furnish(order["furnish"], uid, gid)
            targets = links.open_targets(order["furnish"]["targets"])
            # From here on there is foreign code inside: what isn't needed any more is given up.
            if has_root:  # inside; until now we were the machine's, to whom its folders are open
                os.setgroups([])
                os.setresgid(0, 0, 0)
                os.setresuid(0, 0, 0)
                linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
            if order["furnish"]["keeps"]:  # it will make rooms for copies of the function
                hand_over(server, targets)
                continue
            # As an ordinary user's, the function has the same user id: that we keep a privilege that it lacks keeps it from tracing us.
            linux.keep_capabilities((linux.CAP_KILL,))
            linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
            hand_over(server, targets)
            if not order["furnish"]["stays"]:
                if order["furnish"]["pauses"]:
                    select.select([server], [], [], STARTS_S)
                shrink(server, program)
        if "signal" in order:
            os.kill(-1, order["signal"])


def shrink(server, program):
    """Become the smallest program: what remains to do is to be there. Comes back where neither ours nor the machine's can be executed.

    It ends by ``PR_SET_PDEATHSIG`` then, which ``execve`` keeps; orphans are reaped by the kernel, which it keeps, too. An ordinary user's
    loses its last privilege by it and is as confined as the function, whose filter it gets.
    """
    server.set_inheritable(False)
    linux.filter_calls(program)
    for still in (STILL_FD, "/usr/bin/sleep", "/bin/sleep"):
        with contextlib.suppress(OSError):
            os.execve(still, ["holder", "2147483647"], {})  # noqa: S606 - ours, or the machine's


def make_room(request, server, control, has_root, uid, gid):
    """Clone a holder of a room for a copy of the function in ours. Its user namespace belongs to the function's user id."""
    go_r, go_w = os.pipe()
    if has_root:
        os.setegid(gid)
        os.seteuid(uid)
        linux.prctl(linux.PR_SET_DUMPABLE, 1)  # so that we may say below who it is
    pid = linux.fork(flags_of(request["network"]))
    if pid == 0:
        live_within(request, control, go_r, uid, gid)
    if has_root:
        os.seteuid(0)
        os.setegid(0)
    os.close(go_r)
    for name, number in (("uid_map", uid), ("gid_map", gid)):
        with open("/proc/%d/%s" % (pid, name), "w") as file:
            file.write("%d %d 1" % (number, number))
    os.write(go_w, b"+")
    os.close(go_w)
    pidfd = linux.pidfd_open(pid)
    talk.send(server, {"room": True}, [pidfd])
    os.close(pidfd)


def live_within(request, control, go, uid, gid):
    """Be the first process of a room within a room; never returns."""
    try:
        control = os.dup2(control, 101, inheritable=False)
        os.dup2(go, 102)
        os.closerange(3, 101)
        linux.close_from(103)
        if os.read(102, 1) != b"+":
            os._exit(127)
        os.close(102)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        linux.prctl(linux.PR_SET_DUMPABLE, 1)
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        server = socket.socket(fileno=control)
        linux.sethostname(b"lambent")
        sockets = open_network(request["network"])
        linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
        linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC, request["proc_options"])
        rooms.refurnish(request["tmp_mb"], uid, gid)
        connect(request["network"])
        spaces = [os.open("/proc/self/ns/" + each, os.O_RDONLY) for each in SPACES if each != "net" or not request["network"]["shared"]]
        linux.drop_capabilities(keep=(linux.CAP_KILL,))
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        talk.send(server, {"held": True, "spaces": len(spaces)}, [*spaces, *(each.fileno() for each in sockets)])
        for fd in (*spaces, *(each.detach() for each in sockets)):
            os.close(fd)
        serve(server, uid, gid, False, b"")
    except OSError as error:
        talk.send(server, {"failed": str(error)})
    finally:
        os._exit(0)


def hand_over(server, targets):
    """Say that the room is furnished, with the listeners that stand for what the function may reach."""
    talk.send(server, {"furnished": True}, [each.fileno() for each in targets])
    for each in targets:
        each.close()


def flags_of(network):
    """Return the kinds of namespaces that a room has: all of them, unless it shares the machine's network."""
    return HELD & ~linux.CLONE_NEWNET if network["shared"] else HELD


def open_network(network):
    """Return the sockets that the server wants in this network, which is ours unless it is shared."""
    if not network["shared"]:
        links.raise_link("lo")
        if not network["link"]:
            links.add_address("lo", network["address"])
    return links.open_sockets(network) + links.open_targets(network["targets"])


def connect(network):
    """Wait for the way out, when the room is to have one."""
    if network["link"]:
        links.connect(network["link"])
