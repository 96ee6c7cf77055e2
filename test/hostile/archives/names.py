"""Hostile names: what a path in an archive can say."""

from case import contained, implied, is_directory, is_file, is_symlink, refused
from tarbytes import archive, directory, file, gnu_long, hardlink, pax, symlink

ESC = b"\x1b[31mred\x1b]0;title\x07"
BIDI = "\u202egnp.exe".encode()


def dotdot():
    kind = "dotdot"
    yield refused(kind, "file", "the name climbs", archive(file(b"../canary/file", b"x")))
    yield refused(kind, "middle", "a component climbs", archive(directory(b"a"), file(b"a/../../canary/file", b"x")))
    yield refused(kind, "harmless", "even inside: never repaired", archive(directory(b"a"), file(b"a/../b", b"x")))
    yield refused(kind, "directory", "a directory climbs", archive(directory(b"..", mode=0o777)))
    yield refused(kind, "last", "the last component climbs", archive(directory(b"a"), directory(b"a/..", mode=0o777)))
    yield refused(kind, "dotted", "hidden behind ./", archive(file(b"./../canary/file", b"x")))
    yield refused(kind, "many", "far up", archive(file(b"../" * 30 + b"tmp/escaped", b"x")))
    yield refused(kind, "pax", "by a pax path", archive(pax((b"path", b"../canary/file")), file(b"fine", b"x")))
    yield refused(kind, "gnu", "by a GNU long name",
                  archive(gnu_long(b"../canary/" + b"n" * 120), file(b"fine", b"x", form="gnu")))
    yield refused(kind, "prefix", "by the ustar prefix", archive(file(b"canary/file", b"x", prefix=b"..")))
    yield refused(kind, "slashes", "behind doubled slashes", archive(file(b".//..//canary/file", b"x")))


def absolute(canary):
    kind = "absolute"
    inside = canary.encode() + b"/file"
    yield refused(kind, "file", "an absolute name", archive(file(inside, b"x")))
    yield refused(kind, "directory", "an absolute directory", archive(directory(canary.encode(), mode=0o777)))
    yield refused(kind, "double", "two slashes", archive(file(b"/" + inside, b"x")))
    yield refused(kind, "pax", "by a pax path", archive(pax((b"path", inside)), file(b"fine", b"x")))
    yield refused(kind, "gnu", "by a GNU long name", archive(gnu_long(inside), file(b"fine", b"x", form="gnu")))
    yield refused(kind, "symlink", "an absolute link name", archive(symlink(inside + b"-link", b"/etc/passwd")))
    yield refused(kind, "prefix", "by the ustar prefix", archive(file(b"file", b"x", prefix=canary.encode())))


def slashes():
    kind = "slash-names"
    yield refused(kind, "file", "only slashes, as a file", archive(file(b"///", b"x")))
    yield refused(kind, "directory", "only a slash", archive(directory(b"/", mode=0o777)))
    yield refused(kind, "empty", "no name at all", archive(file(b"", b"x")))
    yield refused(kind, "pax", "an empty pax path", archive(pax((b"path", b"")), file(b"", b"x")))
    yield refused(kind, "symlink", "only slashes, as a symlink", archive(symlink(b"//", b"/tmp")))


def dot():
    kind = "dot-entry"
    yield refused(kind, "symlink", "the root becomes a symlink", archive(symlink(b".", b"/tmp"), file(b"escaped", b"x")))
    yield refused(kind, "symlink-slash", "the same with a slash", archive(symlink(b"./", b"../../.."), file(b"escaped", b"x")))
    yield refused(kind, "file", "the root becomes a file", archive(file(b".", b"x")))
    yield refused(kind, "hardlink", "the root becomes a hard link", archive(file(b"a"), hardlink(b".", b"a")))
    yield refused(kind, "double", "./. as a symlink", archive(symlink(b"./.", b"/tmp"), file(b"escaped", b"x")))


def spelling():
    kind = "spelling"
    yield contained(kind, "inner-dot", "a/./b is a/b", archive(directory(b"a"), file(b"a/./b")),
                    [is_directory(b"a"), is_file(b"a/b")])
    yield contained(kind, "double-slash", "a//b is a/b", archive(directory(b"a"), file(b"a//b")),
                    [is_directory(b"a"), is_file(b"a/b")])
    yield contained(kind, "leading-dots", "././a is a", archive(file(b"././a")), [is_file(b"a")])
    yield contained(kind, "three-dots", "... is a name", archive(file(b".../..a")), [implied(b"..."), is_file(b".../..a")])


def below_file():
    kind = "below-file"
    yield refused(kind, "plain", "the parent is a file", archive(file(b"a"), file(b"a/b", b"x")))
    yield refused(kind, "directory", "a directory below a file", archive(file(b"a"), directory(b"a/b")))
    yield refused(kind, "symlink", "a link below a file", archive(file(b"a"), symlink(b"a/b", b"/tmp")))
    yield refused(kind, "deep", "further down", archive(directory(b"d"), file(b"d/a"), file(b"d/a/b/c", b"x")))


def nul():
    kind = "nul-name"
    yield contained(kind, "pax-path", "what follows a NUL in a pax record is no part of it",
                    archive(pax((b"path", b"good\0/../bad")), file(b"fine")), [is_file(b"good")])
    yield contained(kind, "pax-link", "the same in a link target",
                    archive(pax((b"linkpath", b"good\0bad")), symlink(b"l", b"x")), [is_symlink(b"l", b"good")])
    yield refused(kind, "pax-climbs", "what stands before it is judged",
                  archive(pax((b"path", b"../canary/file\0good")), file(b"fine", b"x")))
    yield contained(kind, "header", "what follows a NUL in a header field is no part of it", archive(file(b"name\0/../x")),
                    [is_file(b"name")])
    yield contained(kind, "gnu", "the same in a GNU long name",
                    archive(gnu_long(b"short\0" + b"n" * 200), file(b"fine", form="gnu")), [is_file(b"short")])
    yield refused(kind, "gnu-empty", "a long name that begins with NUL is empty",
                  archive(gnu_long(b"\0/etc/passwd"), file(b"", b"x", form="gnu")))


def escapes():
    """Names that would drive a terminal. Accepted they are names like others; the second of each pair is
    refused for another reason, so that the name has to appear in the error."""
    kind = "escape-name"
    for label, raw in (("ansi", ESC), ("bidi", BIDI), ("newline", b"a\nsandbox: all is well"),
                       ("c1", b"a\xc2\x9b31mb"), ("invalid-utf8", b"\xff\xfe\x9b31m"), ("backspace", b"secret\x08\x08\r")):
        yield contained(kind, label, "a name like others", archive(file(raw)), [is_file(raw)])
        yield refused(kind, label + "-error", "shown escaped", archive(file(raw), file(raw + b"/below", b"x")))
    yield refused(kind, "target-error", "link target shown escaped",
                  archive(hardlink(b"a", ESC + b"/missing")))


def whiteouts():
    """In a flat export these are names; a literal file is all that may come of them."""
    kind = "whiteout"
    for label, raw in (("plain", b".wh.keep"), ("dot", b".wh.."), ("dotdot", b".wh..."), ("opaque", b".wh..wh..opq"),
                       ("plnk", b".wh..wh.plnk"), ("empty", b".wh.")):
        yield contained(kind, label, "a name like others in a flat archive",
                        archive(directory(b"d"), file(b"d/keep"), file(b"d/" + raw, b"")),
                        [is_directory(b"d"), is_file(b"d/keep"), is_file(b"d/" + raw, b"")])
    yield refused(kind, "climb", "a whiteout name that climbs", archive(file(b".wh.../../canary/file", b"")))


def loops():
    kind = "symlink-loop"
    yield contained(kind, "self", "links are never followed", archive(symlink(b"a", b"a")), [is_symlink(b"a", b"a")])
    yield contained(kind, "pair", "links are never followed", archive(symlink(b"a", b"b"), symlink(b"b", b"a")),
                    [is_symlink(b"a", b"b"), is_symlink(b"b", b"a")])
    yield refused(kind, "through", "an entry below a loop", archive(symlink(b"a", b"a"), file(b"a/b", b"x")))
    yield refused(kind, "hardlink", "a hard link through a loop",
                  archive(symlink(b"a", b"b"), symlink(b"b", b"a"), hardlink(b"c", b"a/x")))


def cases(canary):
    yield from dotdot()
    yield from absolute(canary)
    for group in (slashes, dot, spelling, below_file, nul, escapes, whiteouts, loops):
        yield from group()
