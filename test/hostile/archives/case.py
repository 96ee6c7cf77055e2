"""What a case is: an archive, what must become of it, and, where it is accepted, the tree it makes."""

import base64
import hashlib
import os
import stat


class Case:
    """`expect` is an error id (the archive is refused with it) or "contained" / "honest" (the archive is
    accepted and makes exactly `tree`). `why` is the reason, in a few words. `flags` go to the import."""

    def __init__(self, name, kind, expect, why, data, tree=None, suffix="tar", flags="", allow="", run=True):
        self.name, self.kind, self.expect, self.why = name, kind, expect, why
        self.data, self.tree, self.suffix, self.flags = data, tree, suffix, flags
        self.run = run  # an honest one: whether it holds something to run
        self.allow = allow  # the flag with which the same archive is accepted (limits)

    def filename(self):
        return f"{self.name}.{self.suffix}"


def refused(kind, name, why, data, error="E_ARCHIVE_HOSTILE", **more):
    return Case(f"{kind}-{name}", kind, error, why, data, **more)


def limited(kind, name, why, data, allow="", **more):
    return Case(f"{kind}-{name}", kind, "E_ARCHIVE_LIMIT", why, data, allow=allow, **more)


def contained(kind, name, why, data, tree, **more):
    return Case(f"{kind}-{name}", kind, "contained", why, data, tree=tree, **more)


def honest(name, why, data, tree, **more):
    return Case(f"honest-{name}", "honest", "honest", why, data, tree=tree, **more)


# Rows of an expected tree. A field that is absent is not compared.

def node(kind, path, mode=None, uid=0, gid=0, mtime=1600000000, **more):
    row = {"path": quote(path), "type": kind, "uid": uid, "gid": gid}
    if mode is not None:
        row["mode"] = "%04o" % mode
    if mtime is not None:
        row["mtime"] = mtime
    row.update(more)
    return row


def is_file(path, data=b"data\n", mode=0o644, **more):
    return node("file", path, mode, size=len(data), sha256=hashlib.sha256(data).hexdigest(), **more)


def is_hole(path, size, mode=0o644, **more):
    """A file that is all or mostly holes: compared by size and by the blocks that it may use."""
    return node("file", path, mode, size=size, sparse=True, **more)


def is_directory(path, mode=0o755, **more):
    return node("directory", path, mode, **more)


def is_symlink(path, target, **more):
    return node("symlink", path, None, target=quote(target), **more)


def is_fifo(path, mode=0o644, **more):
    return node("fifo", path, mode, **more)


def implied(path):
    """A directory that no entry names: made by us, so its time is nobody's."""
    return is_directory(path, mtime=None)


def quote(raw):
    """Bytes as printable ASCII, one to one: Python's own escapes."""
    return raw.decode("latin-1").encode("unicode_escape").decode("ascii")


# Looking at a tree.

def attributes(path):
    out = {}
    for name in os.listxattr(path, follow_symlinks=False):
        value = os.getxattr(path, name, follow_symlinks=False)
        out[quote(os.fsencode(name))] = base64.b64encode(value).decode("ascii")
    return out


def scan_one(path, relative, info):
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo",
             stat.S_IFSOCK: "socket", stat.S_IFCHR: "character", stat.S_IFBLK: "block"}
    row = {"path": quote(relative), "type": kinds[stat.S_IFMT(info.st_mode)], "uid": info.st_uid,
           "gid": info.st_gid, "mode": "%04o" % stat.S_IMODE(info.st_mode), "mtime": info.st_mtime_ns // 10 ** 9,
           "mtime_ns": info.st_mtime_ns, "inode": info.st_ino, "device": info.st_dev, "nlink": info.st_nlink,
           "xattrs": attributes(path)}
    if row["type"] == "file":
        row["size"] = info.st_size
        row["sparse"] = info.st_size >= 65536 and info.st_blocks * 512 < info.st_size // 2
        if info.st_size <= 1 << 24:
            with open(path, "rb") as stream:
                row["sha256"] = hashlib.sha256(stream.read()).hexdigest()
    if row["type"] == "symlink":
        row["target"] = quote(os.readlink(path))
    return row


def scan(root):
    """Every entry below `root` (bytes), without following a link, however deep: {quoted path: row}."""
    rows = {}
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for directory, subdirectories, files, descriptor in os.fwalk(b".", dir_fd=here, follow_symlinks=False):
            os.fchdir(descriptor)
            names = subdirectories + files + ([b"."] if directory == b"." else [])
            for name in names:
                relative = os.path.normpath(os.path.join(directory, name))
                row = scan_one(name, relative, os.lstat(name))
                rows[row["path"]] = row
    finally:
        os.close(here)
    return rows


def compare(expected, found):
    """The differences between a case's tree and a scanned one, as sentences."""
    problems = []
    wanted = {row["path"]: row for row in expected}
    groups = {}
    for path in sorted(set(wanted) | set(found)):
        if path not in found:
            problems.append(f"{path}: missing")
            continue
        if path not in wanted:
            if path != ".":
                problems.append(f"{path}: not expected ({found[path]['type']})")
            continue
        want, have = wanted[path], found[path]
        for field, value in want.items():
            if field == "same_as":
                groups[path] = value
            elif field == "sparse":
                if not have.get("sparse"):
                    problems.append(f"{path}: not sparse")
            elif have.get(field) != value:
                problems.append(f"{path}: {field} is {have.get(field)!r}, not {value!r}")
        if "xattrs" not in want and have["xattrs"]:
            problems.append(f"{path}: unexpected xattrs {have['xattrs']}")
    for path, other in groups.items():
        if path in found and other in found and found[path]["inode"] != found[other]["inode"]:
            problems.append(f"{path}: not the same inode as {other}")
    return problems
