"""A process that runs the programs which connect environments to the internet, one for each of them.

It is the first process of a pid namespace: when it ends, so do they, however it ended. It sees the machine's files as the server does.
"""

import contextlib
import os
import resource
import signal

import cradle
import linux
import talk

WORDS_MAX = 300


class Plumber(cradle.Cradle):
    """Serves ``connect`` and ``end``."""

    def carry_out(self, request, fds):
        """Do what a request asks for."""
        if request["do"] == "connect":
            self.connect(request)
        elif request["do"] == "end":
            for pid in [pid for pid, name in self.children.items() if name == request["name"]]:
                os.kill(pid, signal.SIGKILL)
            talk.send(self.server, {"id": request["id"], "ended": True})
        else:
            super().carry_out(request, fds)

    def connect(self, request):
        """Start a program."""
        words, say = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        pid = os.fork()
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                for each in cradle.UNSET_SIGNALS:
                    signal.signal(each, signal.SIG_DFL)
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                os.dup2(os.open("/dev/null", os.O_RDWR), 0)
                os.dup2(say, 1)
                os.dup2(say, 2)
                os.closerange(3, 1024)
                os.execve(request["argv"][0], request["argv"], {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})  # noqa: S606 - the helper
            except OSError as error:
                os.write(2, str(error).encode())
            finally:
                os._exit(127)
        os.close(say)
        self.children[pid] = request["id"]
        self.listened[words] = pid
        talk.send(self.server, {"id": request["id"], "pid": pid})

    def hear(self, pipe):
        """Take what a program says, as long as it lives; the last of it may be why it ended."""
        pid = self.listened[pipe]
        try:
            words = os.read(pipe, 4096)
        except BlockingIOError:
            return
        if words:
            self.last_words[pid] = (self.last_words.get(pid, "") + words.decode(errors="replace"))[-WORDS_MAX:]
        else:
            del self.listened[pipe]
            os.close(pipe)

    def heard(self, pid):
        """Return the last words of an ended program."""
        words = super().heard(pid)
        for pipe in [pipe for pipe, other in self.listened.items() if other == pid]:
            del self.listened[pipe]
            os.close(pipe)
        return words


def live(server, spec):
    """Be the plumber, in new mount and pid namespaces of the warden's; never returns."""
    try:
        signal.set_wakeup_fd(-1)
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        os.chdir("/host")
        linux.pivot_root(".", ".")
        linux.unmount(".")
        os.chdir("/")
        server = os.dup2(server, 101)
        os.closerange(3, server)
        linux.close_from(server + 1)
        Plumber(cradle.connected(server), spec).run()
    finally:
        with contextlib.suppress(OSError):
            os._exit(127)
