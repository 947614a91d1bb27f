"""The warden: a small single-threaded process, parent of the templates and of what holds each environment's namespaces.

``python -I -S warden.py <socket> <json>``. It keeps a mount namespace of its own, in which the roots of the runtimes are assembled. As an
ordinary user it first becomes root of a user namespace of its own, in which everything else happens. When the server's end of the
socket closes, or it is killed, every environment ends (their holders and templates have sockets to the server, too, and
``PR_SET_PDEATHSIG``). Requests: ``root``, ``hold``, ``template``, ``cradle``, ``kill``; the other end is ``helpers.py``.
"""

import contextlib
import gc
import json
import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cradle
import holder
import linux
import plumber
import rooms
import still
import talk


class Warden(cradle.Cradle):
    """Holds every environment's namespaces, and starts what forks processes into them."""

    def __init__(self, server, spec):
        super().__init__(server, spec)
        self.spec = spec
        self.folder = spec["folder"]  # an empty folder of the machine's, to mount on; removed at the end
        self.groups = spec["groups"]  # folders in which the environments' control groups are; removed at the end
        self.roots = {}  # name -> folder
        self.still = still.opened()
        if spec["unprivileged"]:
            become_root()
        else:
            linux.unshare(linux.CLONE_NEWNS)
        self.may_own = linux.may(linux.CAP_SETPCAP, linux.CAP_SYS_PTRACE)
        self.settle(spec["shared"])
        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)

    def settle(self, shared):
        """Move to a root of our own, in memory: the machine's is below ``/host``, folders that environments take code from in ``/share``.

        Whoever comes from here can reach those whatever the modes of the folders above them are.
        """
        linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
        linux.mount("warden", self.folder, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755,size=1m")
        for each in ("host", "roots", "share"):
            os.mkdir(os.path.join(self.folder, each))
        for number, source in enumerate(shared):
            place = os.path.join(self.folder, "share", str(number))
            os.mkdir(place)
            linux.mount(source, place, None, linux.MS_BIND)
        linux.pivot_root(self.folder, os.path.join(self.folder, "host"))
        os.chdir("/")

    def carry_out(self, request, fds):
        """Do what a request asks for."""
        what = request["do"]
        if what == "root":
            self.root(request)
        elif what == "hold":
            self.hold(request, *fds)
        elif what == "cradle":
            self.cradle(request, *fds)
        elif what == "template":
            self.template(request, *fds)
        elif what == "plumber":
            self.plumber(request, *fds)
        elif what == "kill":
            for pid in [pid for pid, name in self.children.items() if name == request["id"]]:
                os.kill(pid, signal.SIGKILL)

    def root(self, request):
        """Assemble a root."""
        folder = os.path.join("/roots", request["name"])
        rooms.assemble(folder, request)
        self.roots[request["name"]] = folder
        talk.send(self.server, {"id": request["id"], "done": True})

    def hold(self, request, control):
        """Clone a holder into new namespaces."""
        request["root"] = self.roots[request["root"]]
        link, uids = request["network"]["link"], request["uids"]
        request["owned"] = uids is not None and self.may_own and (link is None or link["owned"])
        go_r, go_w = os.pipe()
        flags = holder.flags_of(request["network"])
        pid = fork_owned(flags, uids[0]) if request["owned"] else linux.fork(flags)
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                control = os.dup2(control, 101, inheritable=False)
                os.dup2(go_r, 102)
                if self.still >= 0:
                    os.dup2(self.still, holder.STILL_FD, inheritable=False)
                os.closerange(0, 101)
                linux.close_from(holder.STILL_FD + (self.still >= 0))
                for each in cradle.UNSET_SIGNALS:
                    signal.signal(each, signal.SIG_DFL)
                if os.read(102, 1) != b"+":  # our ids are mapped now, or the warden is gone
                    os._exit(127)
                linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
                os.close(102)
                holder.live(request, cradle.connected(control), self.uid, self.gid, bytes.fromhex(self.spec["seccomp"]))
            finally:
                os._exit(127)
        os.close(go_r)
        self.map_ids(pid, request["uids"])
        self.children[pid] = request["id"]
        os.write(go_w, b"+")
        os.close(go_w)
        pidfd = linux.pidfd_open(pid)
        talk.send(self.server, {"id": request["id"], "pid": pid}, [pidfd])
        os.close(pidfd)

    def map_ids(self, pid, uids):
        """Say who root and the function's user are outside; as an ordinary user there is only that one."""
        users = [(self.uid, 0)] if uids is None else [(0, uids[0]), (self.uid, uids[1])]
        groups = [(self.gid, 0)] if uids is None else [(0, uids[0]), (self.gid, uids[1])]
        for name, pairs in (("uid_map", users), ("gid_map", groups)):
            with open("/host/proc/%d/%s" % (pid, name), "w") as file:
                file.write("".join("%d %d 1\n" % pair for pair in pairs))

    def cradle(self, request, server):
        """Fork a cradle that executes programs: whoever enters the namespaces of others can make none any more."""
        pid = os.fork()
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
                server = os.dup2(server, 101)
                os.closerange(3, server)
                linux.close_from(server + 1)
                copy = cradle.Cradle(cradle.connected(server), self.spec)
                copy.run()
                if copy.born is not None:
                    cradle.execute(copy.born["argv"], copy.born["env"], copy.say)
            finally:
                os._exit(127)
        self.children[pid] = request["id"]
        talk.send(self.server, {"id": request["id"], "pid": pid})

    def plumber(self, request, server):
        """Fork what runs the helpers that connect environments to the internet."""
        pid = linux.fork(linux.CLONE_NEWNS | linux.CLONE_NEWPID)
        if pid == 0:
            plumber.live(server, self.spec)
        self.children[pid] = request["id"]
        talk.send(self.server, {"id": request["id"], "pid": pid})

    def template(self, request, server):
        """Start a template: an interpreter that lives in its runtime's root and serves ``fork``."""
        root = self.roots[request["root"]]
        pid = linux.fork(linux.CLONE_NEWNS)
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                for each in cradle.UNSET_SIGNALS:
                    signal.signal(each, signal.SIG_DFL)
                linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
                rooms.enter(root)
                if request["cache"]:
                    linux.mount(rooms.MACHINE + request["cache"], "/tmp", None, linux.MS_BIND)  # noqa: S108 - compiled modules
                linux.unmount(rooms.OLD_ROOT)
                server = os.dup2(server, 101)
                os.dup2(os.open("/dev/null", os.O_RDWR), 0)
                os.dup2(0, 1)
                os.closerange(3, 101)
                linux.close_from(102)
                os.execve(request["argv"][0], request["argv"], request["env"])  # noqa: S606 - the interpreter
            except OSError as error:
                os.write(2, b"a template could not start: %s\n" % str(error).encode())
            finally:
                os._exit(127)
        self.children[pid] = request["id"]
        talk.send(self.server, {"id": request["id"], "pid": pid})

    def end(self):
        """Kill what is left, wait for it, and remove our folder."""
        for pid in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.wait()
        for folder in self.groups:
            remove_groups("/host" + folder)
        shutil.rmtree("/host" + self.folder, ignore_errors=True)


def fork_owned(flags, uid):
    """Fork into new namespaces that belong to an environment's own user id.

    The kernel counts what a user namespace uses (inotify, signals, timers, message queues, locked memory) for its owner, too: what one
    environment uses up would be gone for root, on the whole machine, and for every other environment.
    """
    linux.be_known_as(uid)
    pid = -1
    try:
        pid = linux.fork(flags)
    finally:
        if pid:
            linux.be_known_as(0)
    return pid


def remove_groups(folder):
    """Remove control groups that have no processes any more."""
    with contextlib.suppress(OSError):
        for each in os.scandir(folder):
            if each.is_dir():
                with contextlib.suppress(OSError):
                    os.rmdir(each.path)
        os.rmdir(folder)


def become_root():
    """Become root of a new user namespace, in which we have every privilege over what we make there."""
    uid, gid = os.geteuid(), os.getegid()
    linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWNS)
    linux.prctl(linux.PR_SET_DUMPABLE, 1)  # who gains privileges isn't, and then its children's namespaces can't be entered
    with open("/proc/self/setgroups", "w") as file:
        file.write("deny")
    for name, number in (("uid_map", uid), ("gid_map", gid)):
        with open("/proc/self/" + name, "w") as file:
            file.write("0 %d 1\n" % number)


def main():
    """Serve until the server goes; then end everything."""
    # Inherited by every environment: waking one doesn't push the server off the processor, in the middle of answering others.
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    warden = Warden(cradle.connected(sys.argv[1]), json.loads(sys.argv[2]))
    # Holders are copies that live long and do little: what a collection would touch stays shared.
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        warden.run()
    finally:
        warden.end()


if __name__ == "__main__":
    main()
