"""Hostile links: symbolic ones in the way, and hard ones to what they should not reach."""

from case import contained, is_directory, is_fifo, is_file, is_symlink, refused
from tarbytes import FIFO, archive, directory, file, hardlink, member, pax, symlink


def symlinked_parent(canary):
    kind = "symlinked-parent"
    out = canary.encode()
    yield refused(kind, "absolute", "a parent leads outside", archive(symlink(b"l", out), file(b"l/file", b"x")))
    yield refused(kind, "relative", "a parent climbs",
                  archive(symlink(b"l", b"../" * 12 + out[1:]), file(b"l/file", b"x")))
    yield refused(kind, "inside", "even inside: no parent is followed",
                  archive(directory(b"d"), symlink(b"l", b"d"), file(b"l/file", b"x")))
    yield refused(kind, "chain", "two links", archive(symlink(b"a", out), symlink(b"b", b"a"), file(b"b/file", b"x")))
    yield refused(kind, "deep", "a link in the middle",
                  archive(directory(b"d"), symlink(b"d/l", out), file(b"d/l/sub/file", b"x")))
    yield refused(kind, "directory", "a directory entry through a link",
                  archive(symlink(b"l", out), directory(b"l/sub", mode=0o777)))
    yield refused(kind, "symlink", "a link made through a link", archive(symlink(b"l", out), symlink(b"l/planted", b"/")))
    yield refused(kind, "fifo", "a FIFO made through a link", archive(symlink(b"l", out), member(b"l/planted", FIFO)))
    yield refused(kind, "proc", "through /proc", archive(symlink(b"l", b"/proc/self/cwd"), file(b"l/file", b"x")))
    yield refused(kind, "store", "into the importer's own folder",
                  archive(symlink(b"l", b".."), file(b"l/image.json", b"{}")))
    yield refused(kind, "pax-target", "target from a pax record",
                  archive(pax((b"linkpath", out)), symlink(b"l", b"harmless"), file(b"l/file", b"x")))


def directory_replaced(canary):
    kind = "directory-replaced"
    out = canary.encode()
    yield refused(kind, "symlink", "a directory becomes a link midway",
                  archive(directory(b"d"), file(b"d/a"), symlink(b"d", out), file(b"d/file", b"x")))
    yield refused(kind, "empty", "an empty directory too",
                  archive(directory(b"d"), symlink(b"d", out), file(b"d/file", b"x")))
    yield refused(kind, "slash", "spelt with a slash",
                  archive(directory(b"d/"), symlink(b"d/", out), file(b"d/file", b"x")))
    yield refused(kind, "deep", "an upper one",
                  archive(directory(b"d"), directory(b"d/e"), symlink(b"d", out), file(b"d/e/file", b"x")))
    yield refused(kind, "hardlink", "by a hard link to a link",
                  archive(symlink(b"l", out), directory(b"d"), hardlink(b"d", b"l"), file(b"d/file", b"x")))
    yield refused(kind, "file", "by a file", archive(directory(b"d"), file(b"d/a"), file(b"d", b"x")))
    yield refused(kind, "back", "a link becomes a directory",
                  archive(symlink(b"d", out), directory(b"d", mode=0o777), file(b"d/file", b"x")))


def hardlink_through(canary):
    kind = "hardlink-through-symlink"
    out = canary.encode()
    yield refused(kind, "absolute", "the target's parent leads outside",
                  archive(symlink(b"l", out), hardlink(b"h", b"l/file")))
    yield refused(kind, "write", "and then written", archive(symlink(b"l", out), hardlink(b"h", b"l/file"), file(b"h", b"x")))
    yield refused(kind, "inside", "even inside", archive(directory(b"d"), file(b"d/a"), symlink(b"l", b"d"), hardlink(b"h", b"l/a")))
    yield refused(kind, "name", "the new name's parent is a link",
                  archive(file(b"a"), symlink(b"l", out), hardlink(b"l/planted", b"a")))
    yield refused(kind, "relative", "the parent climbs",
                  archive(symlink(b"l", b"../" * 12 + out[1:]), hardlink(b"h", b"l/file")))
    yield refused(kind, "proc", "through /proc/self/root",
                  archive(symlink(b"l", b"/proc/self/root"), hardlink(b"h", b"l" + out + b"/file")))


def hardlink_outside(canary):
    kind = "hardlink-outside"
    out = canary.encode()
    yield refused(kind, "absolute", "an absolute target", archive(hardlink(b"h", out + b"/file")))
    yield refused(kind, "absolute-write", "and then written", archive(hardlink(b"h", out + b"/file"), file(b"h", b"x")))
    yield refused(kind, "dotdot", "a target that climbs", archive(hardlink(b"h", b"../" * 12 + out[1:] + b"/file")))
    yield refused(kind, "middle", "a target that climbs midway",
                  archive(directory(b"d"), hardlink(b"h", b"d/../../x")))
    yield refused(kind, "pax", "from a pax record", archive(pax((b"linkpath", out + b"/file")), hardlink(b"h", b"a")))
    yield refused(kind, "root", "the root itself", archive(hardlink(b"h", b"/")))
    yield refused(kind, "empty", "no target at all", archive(hardlink(b"h", b"")))


def hardlink_data():
    kind = "hardlink-data"
    yield refused(kind, "plain", "a hard link with data", archive(file(b"a"), member(b"h", b"1", b"overwrite", link=b"a")),
                  error="E_ARCHIVE_FORMAT")
    yield refused(kind, "pax-size", "size from a pax record",
                  archive(file(b"a"), pax((b"size", b"9")), member(b"h", b"1", b"overwrite", link=b"a")))
    yield refused(kind, "symlink", "data through a link to outside",
                  archive(symlink(b"l", b"/etc/hostname"), member(b"h", b"1", b"overwrite", link=b"l")),
                  error="E_ARCHIVE_FORMAT")
    yield refused(kind, "hidden", "the data hides an entry",
                  archive(file(b"a"), member(b"h", b"1", file(b"../canary/file", b"x"), link=b"a")))


def hardlink_self():
    kind = "hardlink-self"
    yield refused(kind, "new", "to itself, before it is there", archive(hardlink(b"h", b"h")))
    yield refused(kind, "existing", "to itself, when it is there", archive(file(b"h"), hardlink(b"h", b"h")))
    yield refused(kind, "spelling", "to itself by another spelling", archive(file(b"h"), hardlink(b"./h", b".//h")))
    yield refused(kind, "pair", "two that stand for each other", archive(hardlink(b"a", b"b"), hardlink(b"b", b"a")))


def hardlink_directory():
    kind = "hardlink-directory"
    yield refused(kind, "plain", "to a directory", archive(directory(b"d"), hardlink(b"h", b"d")))
    yield refused(kind, "root", "to the root", archive(hardlink(b"h", b".")))
    yield refused(kind, "parent", "to its own parent", archive(directory(b"d"), hardlink(b"d/h", b"d")))
    yield refused(kind, "slash", "with a slash", archive(directory(b"d"), hardlink(b"h", b"d/")))


def hardlink_forward():
    kind = "hardlink-forward"
    yield refused(kind, "plain", "the target comes later", archive(hardlink(b"h", b"a"), file(b"a")))
    yield refused(kind, "missing", "the target never comes", archive(hardlink(b"h", b"a")))
    yield refused(kind, "deep", "nor its folder", archive(hardlink(b"h", b"d/a"), directory(b"d"), file(b"d/a")))
    yield refused(kind, "below-file", "the target is below a file", archive(file(b"a"), hardlink(b"h", b"a/b")))


def deferred(canary):
    """Directory modes and times are set at the end: what stands there by then must not be followed."""
    kind = "deferred-chmod"
    out = canary.encode()
    yield refused(kind, "replaced", "a 0777 directory becomes a link",
                  archive(directory(b"d", mode=0o777, mtime=1), symlink(b"d", out)))
    yield refused(kind, "parent", "its parent becomes a link",
                  archive(directory(b"d"), directory(b"d/sub", mode=0o777, mtime=1), symlink(b"d", out)))
    yield refused(kind, "read-only", "a 0500 directory becomes a link",
                  archive(directory(b"d", mode=0o500), symlink(b"d", out), file(b"d/file", b"x")))
    yield contained(kind, "symlink", "mode and time of a link are its own",
                    archive(symlink(b"l", out, mtime=1)), [is_symlink(b"l", out, mtime=1)])
    yield contained(kind, "symlink-mode", "a set-id mode on a link to outside changes nothing",
                    archive(member(b"l", b"2", link=out + b"/file", mode=0o6777, uid=1, gid=1)),
                    [is_symlink(b"l", out + b"/file", uid=1, gid=1)])
    yield contained(kind, "hardlink-to-link", "a hard link to a link is the link, its mode is not followed",
                    archive(symlink(b"l", out + b"/file"), hardlink(b"h", b"l", mode=0o6777, mtime=1600000000)),
                    [is_symlink(b"l", out + b"/file"), is_symlink(b"h", out + b"/file", same_as="l")])
    yield contained(kind, "xattr-symlink", "attributes of a link are its own",
                    archive(pax((b"SCHILY.xattr.user.planted", b"x")), symlink(b"l", out + b"/file")),
                    [is_symlink(b"l", out + b"/file")])


def fifo():
    kind = "fifo"
    yield contained(kind, "file", "a file over a FIFO replaces it, and does not open it", archive(member(b"f", FIFO), file(b"f", b"x")),
                    [is_file(b"f", b"x")])
    yield contained(kind, "hardlink-write", "nor over a hard link to one",
                    archive(member(b"f", FIFO), hardlink(b"h", b"f"), file(b"h", b"x")), [is_fifo(b"f"), is_file(b"h", b"x")])
    yield refused(kind, "parent", "an entry below one", archive(member(b"f", FIFO), file(b"f/a", b"x")))
    yield refused(kind, "hardlink-parent", "a link target below one", archive(member(b"f", FIFO), hardlink(b"h", b"f/a")))
    yield contained(kind, "etc", "standing where set-up reads", archive(directory(b"etc"), member(b"etc/passwd", FIFO)),
                    [is_directory(b"etc"), is_fifo(b"etc/passwd")])
    yield contained(kind, "hardlink", "a hard link to one is one", archive(member(b"f", FIFO), hardlink(b"h", b"f")),
                    [is_fifo(b"f"), is_fifo(b"h", same_as="f")])


def long_targets():
    kind = "long-target"
    for size in (4096, 65536, 1 << 20):
        yield refused(kind, f"{size}", "no symbolic link can be so long",
                      archive(pax((b"linkpath", b"t" * size)), symlink(b"l", b"x")), error="E_ARCHIVE_LIMIT")
    yield refused(kind, "hardlink", "nor a path", archive(file(b"a"), pax((b"linkpath", b"t/" * 40000)), hardlink(b"l", b"x")),
                  error="E_ARCHIVE_LIMIT")
    yield refused(kind, "empty", "nor can it be empty", archive(symlink(b"l", b"")))


def duplicates():
    """The last of a name stays, as after `tar -r`; it replaces the earlier one, and never writes through it."""
    kind = "duplicate"
    again = b"again\n"
    yield contained(kind, "file", "the last stays", archive(file(b"a"), file(b"a", again)), [is_file(b"a", again)])
    yield contained(kind, "symlink", "the last stays", archive(symlink(b"a", b"b"), symlink(b"a", b"c")), [is_symlink(b"a", b"c")])
    yield contained(kind, "file-link", "the last stays", archive(file(b"a"), symlink(b"a", b"/etc/passwd")), [is_symlink(b"a", b"/etc/passwd")])
    yield contained(kind, "spelling", "the same name spelt otherwise", archive(directory(b"d"), file(b"d/a"), file(b"d/./a", again)),
                    [is_directory(b"d"), is_file(b"d/a", again)])
    yield contained(kind, "hard-link", "the other name keeps the first content",
                    archive(file(b"a"), hardlink(b"h", b"a"), file(b"h", again)), [is_file(b"a"), is_file(b"h", again)])


def written_through(canary):
    """A file over a link replaces the link, wherever that led."""
    kind = "written-through"
    out = canary.encode() + b"/file"
    for label, target in (("absolute", out), ("relative", b"../" * 12 + out[1:]), ("new", canary.encode() + b"/planted"),
                          ("proc", b"/proc/self/root" + out)):
        yield contained(kind, label, "the link is replaced", archive(symlink(b"a", target), file(b"a", b"x")), [is_file(b"a", b"x")])
    yield contained(kind, "hard-link", "a hard link to it is replaced",
                    archive(symlink(b"l", out), hardlink(b"h", b"l"), file(b"h", b"x")), [is_symlink(b"l", out), is_file(b"h", b"x")])
    yield refused(kind, "directory", "a directory does not take its place", archive(symlink(b"a", out), directory(b"a", mode=0o777)))


def cases(canary):
    for group in (symlinked_parent, directory_replaced, hardlink_through, hardlink_outside, deferred, written_through):
        yield from group(canary)
    for group in (hardlink_data, hardlink_self, hardlink_directory, hardlink_forward, fifo, long_targets, duplicates):
        yield from group()
