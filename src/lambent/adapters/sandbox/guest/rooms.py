"""What an environment sees as its file system: a root that all environments of a runtime share, and what is its own.

A root is assembled once, in the warden's mount namespace: a small file system in memory with bind mounts of what the runtime needs, all
read-only. Each environment's holder takes a copy of it (one recursive bind), and furnishes it: code, layers, ``/tmp``.
"""

import errno
import os
import shutil

import linux

OLD_ROOT = "/.old"  # the warden's
MACHINE = OLD_ROOT + "/host"
_FOLDERS = ("dev", "etc", "opt", "proc", "tmp", "var/task", "var/runtime", ".old")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_LINKS = {"dev/fd": "/proc/self/fd", "dev/stdin": "/proc/self/fd/0", "dev/stdout": "/proc/self/fd/1", "dev/stderr": "/proc/self/fd/2"}
_LOCKED = {os.ST_RDONLY: linux.MS_RDONLY, os.ST_NOSUID: linux.MS_NOSUID, 4: linux.MS_NODEV, 8: linux.MS_NOEXEC}


def bind(source, target, extra=linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV):
    """Bind a file or folder, read-only and without set-user-id programs and devices unless told otherwise."""
    linux.mount(source, target, None, linux.MS_BIND)
    # What a namespace inherits stays locked: flags that are there must be named again.
    locked = os.statvfs(target).f_flag
    kept = sum(flag for bit, flag in _LOCKED.items() if locked & bit)
    linux.mount(None, target, None, linux.MS_REMOUNT | linux.MS_BIND | kept | extra)


def assemble(folder, spec):
    """Make a root at ``folder``: ``binds`` ([source, target] pairs), ``files`` (path → text), ``links`` (path → target), ``folders``."""
    os.makedirs(folder, exist_ok=True)
    linux.mount("root", folder, "tmpfs", linux.MS_NOSUID, "mode=755,size=4m")
    for each in (*_FOLDERS, *spec["folders"]):
        os.makedirs(os.path.join(folder, each), mode=0o755, exist_ok=True)
    os.chmod(os.path.join(folder, ".old"), 0o700)
    for path, target in (*_LINKS.items(), *spec["links"].items()):
        os.makedirs(os.path.dirname(os.path.join(folder, path)), mode=0o755, exist_ok=True)
        os.symlink(target, os.path.join(folder, path))
    for path, text in spec["files"].items():
        with open(os.path.join(folder, path), "w") as file:
            file.write(text)
    for name in _DEVICES:
        with open(os.path.join(folder, "dev", name), "w"):
            pass
        bind("/host/dev/" + name, os.path.join(folder, "dev", name), linux.MS_NOSUID | linux.MS_NOEXEC)
    for source, target in spec["binds"]:
        place = os.path.join(folder, target.lstrip("/"))
        source = "/host" + source
        if os.path.isdir(source):
            os.makedirs(place, mode=0o755, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(place), mode=0o755, exist_ok=True)
            with open(place, "a"):
                pass
        bind(source, place)
    for each in spec["hidden"]:
        bind(os.path.join(folder, "tmp"), os.path.join(folder, each.lstrip("/")))  # an empty folder
    linux.mount(None, folder, None, linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | linux.MS_NOSUID)


def enter(folder):
    """Make a copy of the root at ``folder`` this mount namespace's root; the machine's is at ``OLD_ROOT`` until it is unmounted."""
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount(folder, folder, None, linux.MS_BIND | linux.MS_REC)
    linux.pivot_root(folder, folder + OLD_ROOT)
    os.chdir("/")


def furnish(order, uid, gid):
    """Put an environment's own things in, and shut the machine's files out."""
    bind(OLD_ROOT + order["code"], "/var/task")
    layers = [OLD_ROOT + each for each in reversed(order["layers"])]  # the last one lies on top
    if len(layers) == 1:
        bind(layers[0], "/opt")
    elif layers:
        os.chdir(os.path.dirname(layers[0]))  # names and not paths: the options must fit in a page
        lower = ":".join(os.path.basename(each) for each in layers)
        flags = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV
        try:
            linux.mount("layers", "/opt", "overlay", flags, "lowerdir=" + lower)
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise
            raise OSError(error.errno, "this kernel has no overlayfs, which two or more layers need (try `modprobe overlay`)") from None
        os.chdir("/")
    mount_tmp(order["tmp_mb"], uid, gid)
    linux.unmount(OLD_ROOT)


def mount_tmp(megabytes, uid, gid):
    """Mount a ``/tmp`` of exactly a size."""
    # An empty file takes memory, too: there are as many as there could be of one page.
    options = "size=%dm,nr_inodes=%d,mode=700,uid=%d,gid=%d" % (megabytes, megabytes * 256, uid, gid)
    linux.mount("tmp", "/tmp", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, options)  # noqa: S108


def refurnish(megabytes, uid, gid):
    """In a copy of a room whose function was initialised: a ``/tmp`` of its own, with what the initialisation left there."""
    before = os.open("/tmp", os.O_RDONLY | os.O_DIRECTORY)  # noqa: S108
    mount_tmp(megabytes, uid, gid)
    if os.listdir(before):
        shutil.copytree("/proc/self/fd/%d" % before, "/tmp", symlinks=True, dirs_exist_ok=True)  # noqa: S108
    os.close(before)
