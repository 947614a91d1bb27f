"""The first process of an environment's namespaces: it makes them a room, and holds them.

It is not the runtime: a process that is number 1 can't be killed from inside, and the function's orphans become its children. Forked
from the warden (no program of its own: a start takes half a millisecond), it ends with the server, whose end of its socket closes.
"""

import fcntl
import os
import signal
import socket
import struct

import linux
import rooms
import talk

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
BACKLOG = 256


def live(request, server, uid, gid):
    """Be an environment's first process; never returns."""
    try:
        linux.sethostname(b"lambent")
        raise_loopback()
        listeners = [listen(port) for port in request["ports"]]
        rooms.enter(request["root"])
        linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC, request["proc_options"])
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans are reaped by the kernel
        talk.send(server, {"held": True}, [each.fileno() for each in listeners])
        for each in listeners:
            each.close()
        serve(server, uid, gid, request["uids"] is not None)
    except OSError as error:
        talk.send(server, {"failed": str(error)})
    finally:
        os._exit(0)


def serve(server, uid, gid, has_root):
    """Furnish the room when told to, stop and continue everything in it when told to."""
    while True:
        order, _ = talk.receive(server)
        if order is None:
            return
        if "furnish" in order:
            rooms.furnish(order["furnish"], uid, gid)
            # From here on there is foreign code inside: what isn't needed any more is given up.
            if has_root:  # inside; until now we were the machine's, to whom its folders are open
                os.setgroups([])
                os.setresgid(0, 0, 0)
                os.setresuid(0, 0, 0)
                linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
            # As an ordinary user's, the function has the same user id: that we keep a privilege that it lacks keeps it from tracing us.
            linux.drop_capabilities(keep=(linux.CAP_KILL,))
            linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
            talk.send(server, {"furnished": True})
        elif "signal" in order:
            os.kill(-1, order["signal"])


def raise_loopback():
    """Switch the loopback interface on; a new network namespace has it switched off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14x", b"lo", 0)
        (flags,) = struct.unpack_from("H", fcntl.ioctl(sock, SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def listen(port):
    """Return a socket that listens on this namespace's loopback; whoever holds it accepts connections, wherever that is."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(BACKLOG)
    return sock
