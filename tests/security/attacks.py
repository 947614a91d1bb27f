"""What hostile code tries. Each attack is a Python function body that returns something true when it got what it wanted.

``facts`` tells it what it could never know, so that only the wall stands in its way: paths, pids, ports and names of its victims.
"""

from __future__ import annotations

from textwrap import indent

PRELUDE = """
import ctypes, os, socket, stat, subprocess
libc = ctypes.CDLL(None, use_errno=True)
NEW_USER, NEW_NS, NEW_PID, NEW_NET = 0x10000000, 0x20000, 0x20000000, 0x40000000

def in_child(function):
    # What changes the attacker itself is tried in a child.
    pid = os.fork()
    if pid == 0:
        try:
            code = 0 if function() else 1
        except BaseException:
            code = 2
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""

ATTACKS = {
    # files
    "read a file of the server's": 'return facts["token"] in open(facts["secret"]).read()',
    "read it through a symbolic link in /tmp": """
link = os.path.join(os.environ.get("TMPDIR", "/tmp"), "innocent")
os.symlink(facts["secret"], link)
return facts["token"] in open(link).read()
""",
    "read it through a symbolic link in the code": (
        'return facts["token"] in open(os.path.join(os.environ["LAMBDA_TASK_ROOT"], "evil")).read()'
    ),
    "read a neighbour's temporary file": 'return facts["token"] in open(facts["neighbour_file"]).read()',
    "find other files of the machine": 'return os.path.exists("/etc/machine-id") or os.path.exists("/etc/fstab") or os.path.exists("/sys/class")',
    "change its own code": """
path = os.path.join(os.environ["LAMBDA_TASK_ROOT"], "planted")
open(path, "w").close()
os.unlink(path)
return True
""",
    "leave the root by the first process's": 'return bool(os.listdir(os.path.join("/proc/1", "root")))',
    "leave the root by the server's": 'return bool(os.listdir(os.path.join("/proc/%d" % facts["server"], "root")))',
    # other processes
    "see the server's process": 'return os.path.exists("/proc/%d/stat" % facts["server"])',
    "read the server's variables": 'return facts["token"].encode() in open("/proc/%d/environ" % facts["server"], "rb").read()',
    "read a neighbour's credentials": 'return b"AWS_SECRET_ACCESS_KEY" in open("/proc/%d/environ" % facts["neighbour"], "rb").read()',
    "read the memory map of the first process": 'return open("/proc/1/maps").read(1) != ""',
    "signal a neighbour": 'os.kill(facts["neighbour"], 0); return True',
    "signal the server": 'os.kill(facts["server"], 0); return True',
    "trace a neighbour": 'return libc.ptrace(0x4206, facts["neighbour"], 0, 0) == 0',
    "trace the first process": "return in_child(lambda: libc.ptrace(0x4206, 1, 0, 0) == 0)",
    "trace a child of its own": """
def traced():
    child = subprocess.Popen(["sleep", "5"])
    try:
        return libc.ptrace(0x4206, child.pid, 0, 0) == 0
    finally:
        child.kill()
return in_child(traced)
""",
    "read another process's memory": """
buffer = ctypes.create_string_buffer(8)
child = subprocess.Popen(["sleep", "5"])
start = int(open("/proc/%d/maps" % child.pid).read().split("-")[0], 16)
local = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 8)
remote = (ctypes.c_size_t * 2)(start, 8)
got = libc.process_vm_readv(child.pid, local, 1, remote, 1, 0)
child.kill()
return got == 8
""",
    # the network, and what else processes meet in
    "reach a port of the machine's loopback": 'return socket.create_connection(("127.0.0.1", facts["port"]), 2).recv(5) == b"hello"',
    "reach an abstract socket": """
sock = socket.socket(socket.AF_UNIX)
sock.connect("\\0" + facts["abstract"])
return sock.recv(5) == b"hello"
""",
    "open another environment's shared memory": 'return libc.shmget(facts["shared_memory"], 1, 0) >= 0',
    "see the machine's network": 'return [name for _, name in socket.if_nameindex()] != ["lo"]',
    "listen to the wire": "return socket.socket(17, socket.SOCK_RAW, 0).fileno() >= 0",
    "speak what others seldom do": """
def speaks(protocol):
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM if protocol == 136 else socket.SOCK_STREAM, protocol)
    except OSError:
        return False
    return True
return any([speaks(protocol) for protocol in (132, 136, 262)])  # SCTP, UDP-Lite, MPTCP
""",
    "speak raw IP": "return socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).fileno() >= 0",
    # privileges
    "become root": "return in_child(lambda: (os.setresuid(0, 0, 0), True)[1] and os.getuid() == 0)",
    "gain privileges by a program": 'return "NoNewPrivs:\\t0" in open("/proc/self/status").read()',
    "have any capability": """
lines = open("/proc/self/status").read().splitlines()
return any(int(line.split()[1], 16) for line in lines if line.startswith("Cap"))
""",
    "make a user namespace": "return in_child(lambda: libc.unshare(NEW_USER) == 0)",
    "make one by clone": """
number = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
pid = libc.syscall(number, NEW_USER | 17, 0, 0, 0, 0)
if pid == 0:
    os._exit(0)
if pid > 0:
    os.waitpid(pid, 0)
return pid > 0
""",
    "enter another namespace": 'return in_child(lambda: libc.setns(os.open("/proc/%d/ns/net" % facts["neighbour"], os.O_RDONLY), 0) == 0)',
    "mount": """
def mounted():
    libc.unshare(NEW_NS)
    libc.mount(b"none", b"/", None, 0x44000, None)
    return libc.mount(b"evil", b"/tmp", b"tmpfs", 0, None) == 0
return in_child(mounted)
""",
    "unmount what hides files": """
def unmounted():
    libc.unshare(NEW_NS)
    libc.mount(b"none", b"/", None, 0x44000, None)
    return libc.umount2(b"/proc", 2) == 0
return in_child(unmounted)
""",
    "change the root": 'return in_child(lambda: (os.chroot("/tmp"), True)[1])',
    "make a device": """
path = os.path.join(os.environ.get("TMPDIR", "/tmp"), "memory")
os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
return len(os.read(os.open(path, os.O_RDONLY), 1)) == 1
""",
    "write the kernel's settings": 'return os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY) >= 0',
    "read the kernel's log": "return libc.klogctl(3, ctypes.create_string_buffer(100), 100) >= 0",
    "keep a key in the kernel": """
number = {"x86_64": 248, "aarch64": 217}[os.uname().machine]
return libc.syscall(number, b"user", b"evil", b"x", 1, -2) > 0
""",
    "use io_uring": "return libc.syscall(425, 1, ctypes.create_string_buffer(120)) >= 0",
    "use userfaultfd": 'return libc.syscall({"x86_64": 323, "aarch64": 282}[os.uname().machine], 0) >= 0',
    "use up the machine's asynchronous I/O": """
number, context = {"x86_64": 206, "aarch64": 0}[os.uname().machine], ctypes.c_ulong(0)
return libc.syscall(number, 100, ctypes.byref(context)) == 0
""",
    "have whoever closes its sockets wait": """
import struct
sock = socket.socket()
sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 1000))
return struct.unpack("ii", sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)) == (1, 1000)
""",
    "use up the user's signals": """
import signal
def queued():
    signal.pthread_sigmask(signal.SIG_BLOCK, {40})
    return all(libc.sigqueue(os.getpid(), 40, 0) == 0 for _ in range(2000))
return in_child(queued)
""",
    "have the machine write everything to its disks": """
file = os.open(os.path.join(os.environ["LAMBDA_TASK_ROOT"], "app.py"), os.O_RDONLY)
return libc.fsync(os.dup(file)) == 0 and libc.fsync(99) != 0  # pretended: also for what isn't there
""",
    "have priority": "return in_child(lambda: (os.setpriority(os.PRIO_PROCESS, 0, -5), True)[1])",
    "change the machine's name": "return in_child(lambda: libc.unshare(0x4000000) == 0 and libc.sethostname(b'evil', 4) == 0)",
    "set the clock": "return in_child(lambda: libc.settimeofday(None, (ctypes.c_int * 2)(0, 0)) == 0)",
    # limits
    "use more memory than it has": "return len(bytearray(400 << 20)) and (__import__('time').sleep(1) or True)",
    "start more processes than it may": """
children = []
try:
    for _ in range(1100):
        pid = os.fork()
        if pid == 0:
            import signal
            signal.pause()
        children.append(pid)
    return True
finally:
    for pid in children:
        os.kill(pid, 9)
""",
    "fill the disk": """
for number in range(2):
    fd = os.open(os.path.join(os.environ.get("TMPDIR", "/tmp"), "large%d" % number), os.O_CREAT | os.O_RDWR)
    os.posix_fallocate(fd, 0, 300 << 20)
return True
""",
    "use more than its share of CPU": """
import time
before, end = time.process_time(), time.monotonic() + 1
while time.monotonic() < end:
    pass
return time.process_time() - before > 0.3
""",
}

AGAINST_THE_FIRST = frozenset(name for name in ATTACKS if "/proc/1/" in name or "the first process" in name)
"""Attacks on what holds an environment's namespaces. Outside, the first process is the machine's own, which guards itself."""


def source(name: str) -> str:
    """Return a module whose handler makes an attack."""
    body = indent(ATTACKS[name].strip(), "    ")
    return f"{PRELUDE}\ndef attack(facts):\n{body}\n\ndef handler(facts, context):\n    return bool(attack(facts))\n"
