"""Hostile owners, modes, times, attributes and kinds."""

import base64

from case import contained, is_directory, is_file, is_symlink, refused
from tarbytes import (BLOCKDEV, CHARACTER, archive, base256, directory, file, hardlink, member, pax, symlink)


def devices():
    """There are no nodes, but the directory notes them for who saves the image."""
    kind = "device"
    note = b"null/0:0:0666:char-1-3:1600000000\0"
    yield contained(kind, "null", "noted and skipped",
                    archive(directory(b"dev"), member(b"dev/null", CHARACTER, major=1, minor=3, mode=0o666)),
                    [is_directory(b"dev", xattrs={"user.containers.override_entries": base64.b64encode(note).decode()})])
    yield contained(kind, "behind-link", "not noted where the link leads",
                    archive(directory(b"d"), symlink(b"l", b"d"), member(b"l/null", CHARACTER, major=1, minor=3)),
                    [is_directory(b"d"), is_symlink(b"l", b"d")])
    yield contained(kind, "disk", "counted and skipped", archive(member(b"sda", BLOCKDEV, major=8, minor=0, mode=0o666)), [])
    yield contained(kind, "memory", "counted and skipped", archive(member(b"kmem", CHARACTER, major=1, minor=1, mode=0o666)), [])
    yield contained(kind, "whiteout", "0:0 would hide a lower layer's file",
                    archive(directory(b"etc"), member(b"etc/shadow", CHARACTER, major=0, minor=0)), [is_directory(b"etc")])
    yield contained(kind, "huge-numbers", "counted and skipped",
                    archive(member(b"d", CHARACTER, major=b"77777777", minor=b"77777777")), [])
    yield refused(kind, "parent", "an entry below one", archive(member(b"d", CHARACTER, major=1, minor=3), hardlink(b"h", b"d/a")))


def setuid():
    """Modes are kept: the store is 0700 and the root is mounted nosuid."""
    kind = "setuid"
    yield contained(kind, "file", "kept, owner inside", archive(file(b"su", mode=0o4755)), [is_file(b"su", mode=0o4755)])
    yield contained(kind, "setgid", "kept, owner inside", archive(file(b"sg", mode=0o2755, gid=42)), [is_file(b"sg", mode=0o2755, gid=42)])
    yield contained(kind, "other", "kept after the change of owner",
                    archive(file(b"su", mode=0o6777, uid=33, gid=33)), [is_file(b"su", mode=0o6777, uid=33, gid=33)])
    yield contained(kind, "directory", "kept", archive(directory(b"d", mode=0o7777)), [is_directory(b"d", mode=0o7777)])
    yield contained(kind, "mode-bits", "more than a mode holds", archive(file(b"a", mode=b"7777777")), [is_file(b"a", mode=0o7777)])


def xattr(name, value):
    """The three spellings of one attribute: SCHILY, LIBARCHIVE with base64, and both at once."""
    encoded = base64.b64encode(value).rstrip(b"=")
    return {
        "schily": pax((b"SCHILY.xattr." + name, value)),
        "libarchive": pax((b"LIBARCHIVE.xattr." + name, encoded)),
        "both": pax((b"LIBARCHIVE.xattr." + name, encoded), (b"SCHILY.xattr." + name, value)),
    }


def short(name):
    return name.decode().split(".", 1)[1].replace(".", "-")


def xattrs():
    dropped = (
        ("xattr-trusted", b"trusted.md5sum", b"y"),
        ("xattr-security", b"security.selinux", b"system_u:object_r:unconfined_t:s0\0"),
        ("xattr-security", b"security.ima", b"\x01" * 21),
        ("xattr-owner", b"user.containers.override_stat", b"0:0:0104755"),
    )
    for kind, name, value in dropped:
        for label, records in xattr(name, value).items():
            yield contained(kind, f"{short(name)}-{label}", "never restored",
                            archive(records, directory(b"d"), records, file(b"d/a")),
                            [is_directory(b"d"), is_file(b"d/a")])
    steering = (
        ("xattr-trusted", b"trusted.overlay.opaque", b"y"),
        ("xattr-trusted", b"trusted.overlay.redirect", b"/etc"),
        ("xattr-overlay", b"user.overlay.opaque", b"y"),
        ("xattr-overlay", b"user.overlay.redirect", b"/../../etc"),
        ("xattr-overlay", b"user.overlay.whiteout", b"y"),
        ("xattr-overlay", b"user.overlay.metacopy", b""),
        ("xattr-overlay", b"user.overlay.origin", b"\0" * 29),
    )
    for kind, name, value in steering:
        for label, records in xattr(name, value).items():
            yield refused(kind, f"{short(name)}-{label}", "it would steer the overlay",
                          archive(file(b"f"), records, directory(b"d")))
    yield refused("xattr-overlay", "encoded-name", "the name is URL-encoded",
                  archive(pax((b"LIBARCHIVE.xattr.user%2Eoverlay%2Eopaque", b"eQ")), directory(b"d")))
    yield refused("xattr-overlay", "symlink", "on a link, which cannot even hold it",
                  archive(pax((b"SCHILY.xattr.user.overlay.opaque", b"y")), symlink(b"l", b"x")))


def capabilities():
    """A file capability counts in the user namespace of the import and nowhere else: the kernel notes whose it is."""
    kind = "xattr-capability"
    value = bytes.fromhex("0100000200040000000000000000000000000000")
    kept = {"security.capability": base64.b64encode(value).decode()}
    for label, records in xattr(b"security.capability", value).items():
        yield contained(kind, label, "kept, for the namespace of the import only",
                        archive(records, file(b"ping", mode=0o755)), [is_file(b"ping", mode=0o755, xattrs=kept)])
    foreign = bytes.fromhex("0100000300040000000000000000000000000000") + bytes(4)
    yield contained(kind, "foreign", "one that names another namespace's root is dropped",
                    archive(pax((b"SCHILY.xattr.security.capability", foreign)), file(b"ping", mode=0o755)), [is_file(b"ping", mode=0o755)])
    yield refused(kind, "malformed", "not the size of one",
                  archive(pax((b"SCHILY.xattr.security.capability", b"x")), file(b"ping", mode=0o755)))


def other_attributes():
    yield contained("xattr-security", "global", "for all entries at once",
                    archive(pax((b"SCHILY.xattr.security.selinux", b"x"), kind=b"g"), file(b"a"), file(b"b")),
                    [is_file(b"a"), is_file(b"b")])
    yield contained("xattr-acl", "access", "access lists are dropped",
                    archive(pax((b"SCHILY.acl.access", b"user::rw-,user:root:rwx,group::r--,mask::rwx,other::r--")), file(b"a", mode=0o674)),
                    [is_file(b"a", mode=0o644)])
    yield contained("xattr-acl", "default", "access lists are dropped",
                    archive(pax((b"SCHILY.acl.default", b"user::rwx,group::rwx,other::rwx")), directory(b"d")),
                    [is_directory(b"d")])
    yield contained("xattr-acl", "raw", "by attribute",
                    archive(pax((b"SCHILY.xattr.system.posix_acl_access", bytes.fromhex("02000000") + b"\1" * 40)), file(b"a")),
                    [is_file(b"a")])
    yield contained("xattr-acl", "file-flags", "file flags are dropped",
                    archive(pax((b"SCHILY.fflags", b"uchg,schg,nodump")), file(b"a")), [is_file(b"a")])


def owners():
    kind = "owner"
    unmapped = "E_ID_UNMAPPED"
    yield refused(kind, "uid-minus-one", "(uid_t)-1 means no change", archive(file(b"a", uid=base256(0xFFFFFFFF, 8))))
    yield refused(kind, "gid-minus-one", "(gid_t)-1 means no change", archive(file(b"a", gid=base256(0xFFFFFFFF, 8))))
    yield refused(kind, "uid-wraps", "2^32 is not 0", archive(file(b"a", mode=0o4755, uid=base256(1 << 32, 8))))
    yield refused(kind, "uid-unmapped", "beyond the range", archive(file(b"a", uid=base256(3000000000, 8))), error=unmapped)
    yield refused(kind, "uid-negative", "below the range", archive(file(b"a", uid=base256(-1, 8))))
    yield refused(kind, "uid-pax", "from a pax record", archive(pax((b"uid", b"18446744073709551616")), file(b"a")))
    yield contained(kind, "names", "names of users are not looked up",
                    archive(file(b"a", uname=b"root\0", gname=b"\x1b[31m", uid=5, gid=6)), [is_file(b"a", uid=5, gid=6)])


def times():
    kind = "mtime"
    yield contained(kind, "negative", "before 1970", archive(file(b"a", mtime=base256(-1, 12))), [is_file(b"a", mtime=-1)])
    yield contained(kind, "max", "2^63-1", archive(file(b"a", mtime=base256((1 << 63) - 1, 12))), [is_file(b"a", mtime=None)])
    yield contained(kind, "min", "-2^63", archive(file(b"a", mtime=base256(-(1 << 63), 12))), [is_file(b"a", mtime=None)])
    yield contained(kind, "pax-huge", "beyond a number", archive(pax((b"mtime", b"9" * 40)), file(b"a")), [is_file(b"a", mtime=None)])
    yield contained(kind, "pax-fraction", "a very long fraction",
                    archive(pax((b"mtime", b"12345." + b"9" * 4000)), file(b"a")), [is_file(b"a", mtime=None)])
    yield contained(kind, "directory", "of a directory, set at the end",
                    archive(directory(b"d", mtime=base256((1 << 63) - 1, 12)), file(b"d/a")),
                    [is_directory(b"d", mtime=None), is_file(b"d/a")])


def kinds():
    """POSIX: what is of no known kind is a file."""
    kind = "unknown-kind"
    for label, flag in (("letter", b"Z"), ("high", b"\xff"), ("old-names", b"N")):
        yield contained(kind, label, "a file, as POSIX wants it", archive(file(b"first"), member(b"a", flag, b"data\n")),
                        [is_file(b"first"), is_file(b"a")])
    yield refused(kind, "multi-volume", "half a file", archive(file(b"first"), member(b"a", b"M", b"data\n")))
    yield contained(kind, "volume", "a label is nothing", archive(member(b"label", b"V"), file(b"a")), [is_file(b"a")])


def cases(_canary):
    for group in (devices, setuid, xattrs, capabilities, other_attributes, owners, times, kinds):
        yield from group()
