#!/usr/bin/env python3
"""Archives with everything that a tree can have, and what became of it.

usage: trees.py archive FILE [special] [lossy]
                                       an archive; "special": also with what an ordinary user's files cannot have;
                                       "lossy": also with more of that than a directory can note
       trees.py manifest DIRECTORY     a line for each object below it: all but its times of access and change
       trees.py entries FILE           a line for each object of an archive
"""

import hashlib
import io
import os
import stat
import struct
import sys
import tarfile

CAPABILITY = struct.pack("<IIIII", 0x02000001, 0x2000, 0, 0, 0)


def entry(name, kind, **fields):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.mtime = 1234567890
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def write_archive(path, special, lossy):
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        def directory(name, mode=0o755, **fields):
            tar.addfile(entry(name, tarfile.DIRTYPE, mode=mode, **fields))

        def file(name, data=b"data\n", mode=0o644, **fields):
            tar.addfile(entry(name, tarfile.REGTYPE, mode=mode, size=len(data), **fields), io.BytesIO(data))

        directory(".", mtime=1000000000)
        directory("bin")
        with open(os.environ["BUSYBOX"], "rb") as stream:
            file("bin/busybox", stream.read(), mode=0o755)
        for name in "sh", "find", "stat", "cat", "true":
            tar.addfile(entry("bin/" + name, tarfile.SYMTYPE, linkname="busybox"))
        file("setuid", mode=0o4755, uid=0)
        file("setuid-of-seven", mode=0o6711, uid=7, gid=9)
        file("setgid", mode=0o2755, gid=42)
        file("closed", mode=0, uid=5, gid=5)
        file("empty", b"", uid=65534, gid=65534)
        file("exact", mode=0o600, pax_headers={"mtime": "1500000000.123456789"})
        file("large", bytes(range(256)) * 20000, uid=3)
        file("attributes", pax_headers={"SCHILY.xattr.user.one": "1", "SCHILY.xattr.user.long": "x" * 1500}, uid=6)
        directory("with-attribute", pax_headers={"SCHILY.xattr.user.of-directory": "yes"}, gid=8)
        for name, mode, uid in ("closed-directory", 0, 1), ("read-only", 0o555, 0), ("sticky", 0o1777, 0), ("shared", 0o2775, 2):
            directory(name, mode=mode, uid=uid, gid=uid)
            file(name + "/inside", uid=uid, gid=50)
        file("many-names", b"shared\n", uid=11, gid=12)
        for name in "second-name", "read-only/third-name", "sticky/fourth-name":
            tar.addfile(entry(name, tarfile.LNKTYPE, linkname="many-names"))
        tar.addfile(entry("link", tarfile.SYMTYPE, linkname="/etc/../../../../somewhere", mode=0o777))
        tar.addfile(entry("second-link", tarfile.LNKTYPE, linkname="link"))
        tar.addfile(entry("link-into-tree", tarfile.SYMTYPE, linkname="shared"))
        tar.addfile(entry("fifo", tarfile.FIFOTYPE, mode=0o640))
        file("name\nwith\x1b[31m odd bytes \\ \u202e")
        deep = "deep"
        for _ in range(120):
            directory(deep, uid=1, gid=1)
            deep += "/d"
        directory("wide")
        for number in range(300):
            directory(f"wide/{number}", uid=number, mode=0o700)
        if special:
            file("capable", mode=0o755, pax_headers={"SCHILY.xattr.security.capability": CAPABILITY.decode("latin-1")})
            tar.addfile(entry("owned-link", tarfile.SYMTYPE, linkname="x", uid=77, gid=78))
            tar.addfile(entry("a-name-of-owned-link", tarfile.LNKTYPE, linkname="owned-link"))
            tar.addfile(entry("shared/owned-link", tarfile.LNKTYPE, linkname="owned-link"))
            tar.addfile(entry("owned-fifo", tarfile.FIFOTYPE, uid=79, mode=0o600))
            tar.addfile(entry("group-fifo", tarfile.FIFOTYPE, gid=80, mode=0o660))
            # What had the name before says nothing of it.
            tar.addfile(entry("link-of-another", tarfile.SYMTYPE, linkname="x", uid=5, gid=5))
            tar.addfile(entry("link-of-another", tarfile.SYMTYPE, linkname="y"))
            tar.addfile(entry("link-of-two", tarfile.SYMTYPE, linkname="x", uid=5, gid=5))
            tar.addfile(entry("link-of-two", tarfile.SYMTYPE, linkname="y", uid=6))
            tar.addfile(entry("once-a-link", tarfile.SYMTYPE, linkname="x", uid=5, gid=5))
            file("once-a-link", uid=6)
            directory("dev")
            tar.addfile(entry("dev/null", tarfile.CHRTYPE, mode=0o666, devmajor=1, devminor=3))
            tar.addfile(entry("dev/sda", tarfile.BLKTYPE, mode=0o660, gid=6, devmajor=8, mtime=1111111111))
            tar.addfile(entry("top", tarfile.CHRTYPE, mode=0o4600, uid=3, devmajor=300, devminor=70000))
        if lossy:
            # What a directory notes leaves room for what it has itself.
            directory("full", uid=9, pax_headers={"SCHILY.xattr.user.filler": "x" * 40})
            for number in range(4000):
                tar.addfile(entry(f"full/link-{number}", tarfile.SYMTYPE, linkname="x", uid=77, gid=78))


def describe(path, status, names):
    kind = stat.S_IFMT(status.st_mode)
    fields = [stat.filemode(status.st_mode), f"{status.st_uid}:{status.st_gid}", str(status.st_mtime_ns)]
    if kind == stat.S_IFREG:
        with open(path, "rb") as stream:
            fields += [str(status.st_size), hashlib.sha256(stream.read()).hexdigest()]
        if status.st_blocks * 512 < status.st_size:
            fields.append("sparse")
    if kind == stat.S_IFLNK:
        fields.append(os.readlink(path))
    if kind != stat.S_IFDIR:
        fields.append(f"{status.st_nlink} names, like " + names.setdefault(status.st_ino, path))
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        value = os.getxattr(path, name, follow_symlinks=False)
        if name == "user.containers.override_entries":
            # Their order is that in which they were made.
            value = sorted(value.split(b"\0"))
        fields.append(f"{name}={value!r}")
    return repr(path) + " " + " ".join(fields)


def manifest(directory):
    os.chdir(directory)
    names = {}
    print(describe(".", os.lstat("."), names))
    for parent, below, files in os.walk("."):
        below.sort()
        for name in sorted(below + files):
            path = os.path.join(parent, name)
            print(describe(path, os.lstat(path), names))


def describe_entry(info, original):
    mode = "any mode" if original.issym() else stat.filemode(original.mode)[1:]
    fields = [mode, original.type.decode(), f"{original.uid}:{original.gid}",
              f"{original.devmajor}-{original.devminor}", str(original.mtime), original.linkname]
    fields += sorted(f"{name}={value!r}" for name, value in original.pax_headers.items() if name.startswith("SCHILY"))
    return repr(os.path.normpath(info.name)) + " " + " ".join(fields)


def list_entries(path):
    """Of an object with several names, what is said of the first is true of all; of entries of one name, the last."""
    objects, lines = {}, {}
    with tarfile.open(path) as tar:
        for info in tar:
            name = os.path.normpath(info.name)
            objects[name] = objects[os.path.normpath(info.linkname)] if info.islnk() else info
            lines[name] = describe_entry(info, objects[name])
    for _, line in sorted(lines.items()):
        print(line)


if sys.argv[1] == "archive":
    write_archive(sys.argv[2], "special" in sys.argv[3:], "lossy" in sys.argv[3:])
elif sys.argv[1] == "entries":
    list_entries(sys.argv[2])
else:
    manifest(sys.argv[2])
