"""Peculiar, and honest: every one of these is accepted, and makes exactly the tree that it describes."""

import base64

from case import (honest, implied, is_directory, is_fifo, is_file, is_hole, is_symlink)
from tarbytes import (BLOCK, END, FIFO, archive, base256, bzipped, directory, file, gnu_long, gnu_sparse, gzipped, hardlink,
                      member, pax, pax_sparse, pax_sparse_01, symlink, xzed, zstd, zstd_skippable)

LONG = b"/".join([b"a-rather-long-component-%02d" % i for i in range(12)])


class Bundle:
    """Members and the rows they make, side by side; every bundle can be run: it has /bin/true."""

    def __init__(self, program):
        self.members, self.rows = [], []
        self.add(directory(b"bin"), is_directory(b"bin"))
        self.add(file(b"bin/true", program, mode=0o755), is_file(b"bin/true", program, mode=0o755))

    def add(self, data, *rows):
        self.members.append(data)
        self.rows.extend(rows)
        return self

    def case(self, name, why, pack=None, **more):
        data = archive(*self.members)
        return honest(name, why, pack(data) if pack else data, self.rows, **more)


def layouts(new):
    yield new().add(directory(b"run"), is_directory(b"run")).add(directory(b"var"), is_directory(b"var")) \
        .add(symlink(b"var/run", b"/run"), is_symlink(b"var/run", b"/run")) \
        .add(symlink(b"var/lock", b"/run/lock"), is_symlink(b"var/lock", b"/run/lock")).case("var-run", "links to absolute targets")
    yield new().add(directory(b"home", mode=0o711), is_directory(b"home", mode=0o711)) \
        .add(directory(b"home/u", mode=0o700, uid=1000, gid=1000), is_directory(b"home/u", mode=0o700, uid=1000, gid=1000)) \
        .add(file(b"home/u/f", mode=0o600, uid=1000, gid=1000), is_file(b"home/u/f", mode=0o600, uid=1000, gid=1000)) \
        .case("closed-parents", "0711 and 0700 parents with other owners")
    yield new().add(directory(b"ro", mode=0o555), is_directory(b"ro", mode=0o555)) \
        .add(directory(b"ro/none", mode=0o000), is_directory(b"ro/none", mode=0o000)) \
        .add(file(b"ro/none/f", mode=0o000), is_file(b"ro/none/f", mode=0o000)).case("read-only", "0555 and 0000 directories with children")
    yield new().add(file(b"d/sub/f"), is_file(b"d/sub/f")) \
        .add(b"", implied(b"d"), implied(b"d/sub")).case("missing-parents", "parents that no entry names")
    yield new().add(file(b"d/f"), is_file(b"d/f")) \
        .add(directory(b"d", mode=0o750, uid=7, gid=8, mtime=12345), is_directory(b"d", mode=0o750, uid=7, gid=8, mtime=12345)) \
        .case("late-directory", "a directory after its children")
    yield new().add(directory(b"d", mode=0o700)) .add(file(b"d/f"), is_file(b"d/f")) \
        .add(directory(b"d", mode=0o700), is_directory(b"d", mode=0o700)).case("same-directory", "one directory twice")
    yield new().add(directory(b"./", mode=0o711, uid=3, gid=4, mtime=777), is_directory(b".", mode=0o711, uid=3, gid=4, mtime=777)) \
        .case("root-entry", "a root entry with a mode and an owner of its own", run=False)
    yield new().add(directory(b"usr"), is_directory(b"usr")).add(directory(b"usr/bin"), is_directory(b"usr/bin")) \
        .add(symlink(b"sbin", b"usr/bin"), is_symlink(b"sbin", b"usr/bin")).case("merged-usr", "a link to a directory beside it")
    yield new().add(symlink(b"dangling", b"no/such/thing"), is_symlink(b"dangling", b"no/such/thing")) \
        .add(symlink(b"up", b"../../../../etc/passwd"), is_symlink(b"up", b"../../../../etc/passwd")) \
        .add(symlink(b"out", b"/root/.ssh/id_rsa"), is_symlink(b"out", b"/root/.ssh/id_rsa")).case("odd-targets", "links that lead anywhere")
    yield new().add(directory(b"tmp", mode=0o1777), is_directory(b"tmp", mode=0o1777)) \
        .add(directory(b"mail", mode=0o2775, gid=8), is_directory(b"mail", mode=0o2775, gid=8)).case("sticky", "sticky and set-gid directories")
    yield new().add(member(b"fifo", FIFO, mode=0o620, gid=5), is_fifo(b"fifo", mode=0o620, gid=5)).case("fifo", "a FIFO")


def links(new):
    yield new().add(file(b"su", mode=0o4755), is_file(b"su", mode=0o4755)) \
        .add(hardlink(b"sudo", b"su", mode=0o4755), is_file(b"sudo", mode=0o4755, same_as="su")).case("hardlinked-setuid", "a set-uid file of two names")
    yield new().add(symlink(b"l", b"target"), is_symlink(b"l", b"target")) \
        .add(hardlink(b"h", b"l"), is_symlink(b"h", b"target", same_as="l")) \
        .case("hardlinked-symlink", "GNU tar writes a link of two names so, and makes it so")
    yield new().add(file(b"a"), is_file(b"a")).add(directory(b"d"), is_directory(b"d")) \
        .add(hardlink(b"./d/b", b"./a"), is_file(b"d/b", same_as="a")).add(hardlink(b"d/c", b"d/b"), is_file(b"d/c", same_as="a")) \
        .case("hardlink-chain", "links to links, spelt with dots")
    deep = LONG.decode()
    bundle = new()
    for i in range(1, 12):
        bundle.add(pax((b"path", b"/".join(LONG.split(b"/")[:i]))) + directory(b"x"), is_directory(b"/".join(LONG.split(b"/")[:i])))
    yield bundle.add(pax((b"path", LONG)) + file(b"x"), is_file(LONG)) \
        .add(pax((b"linkpath", LONG)) + hardlink(b"short", b"x"), is_file(b"short", same_as=deep)) \
        .add(pax((b"linkpath", LONG)) + symlink(b"link", b"x"), is_symlink(b"link", LONG)).case("long-pax", "long names by pax")
    bundle = new()
    for i in range(1, 12):
        bundle.add(gnu_long(b"/".join(LONG.split(b"/")[:i]) + b"/") + directory(b"x", form="gnu"), is_directory(b"/".join(LONG.split(b"/")[:i])))
    yield bundle.add(gnu_long(LONG) + file(b"x", form="gnu"), is_file(LONG)) \
        .add(gnu_long(b"second/" + LONG, LONG) + hardlink(b"x", b"x", form="gnu"), is_file(b"second/" + LONG, same_as=deep)) \
        .add(b"", implied(b"second"), *[implied(b"second/" + b"/".join(LONG.split(b"/")[:i])) for i in range(1, 12)]) \
        .case("long-gnu", "long names by GNU tar")
    yield new().add(file(b"n" * 60, prefix=b"p" * 100 + b"/" + b"q" * 54), is_file(b"p" * 100 + b"/" + b"q" * 54 + b"/" + b"n" * 60)) \
        .add(b"", implied(b"p" * 100), implied(b"p" * 100 + b"/" + b"q" * 54)).case("long-ustar", "a long name by the ustar prefix")
    yield new().add(pax((b"path", b"n" * 255)) + file(b"x"), is_file(b"n" * 255)) \
        .add(pax((b"linkpath", b"t" * 4095)) + symlink(b"l", b"x"), is_symlink(b"l", b"t" * 4095)).case("longest", "the longest component and target")


def contents(new):
    yield new().add(gnu_sparse(b"old", 16 << 20, [(0, 512), (1 << 20, 5), (16 << 20, 0)], b"h" * 517), is_hole(b"old", 16 << 20)) \
        .add(gnu_sparse(b"many", 30 << 20, [(i << 20, 512) for i in range(29)] + [(30 << 20, 0)], b"d" * 512 * 29), is_hole(b"many", 30 << 20)) \
        .case("sparse-gnu", "old GNU sparse files, one with more pieces than fit its header")
    yield new().add(pax_sparse(b"one", 16 << 20, [(0, 512), (1 << 20, 512), (16 << 20, 0)], b"h" * 1024), is_hole(b"one", 16 << 20)) \
        .add(pax_sparse_01(b"zero", 16 << 20, [(0, 512), (1 << 20, 512), (16 << 20, 0)], b"h" * 1024), is_hole(b"zero", 16 << 20)) \
        .add(gnu_sparse(b"empty", 0, [], b""), is_file(b"empty", b"")).case("sparse-pax", "pax sparse files, versions 1.0 and 0.1")
    zeros = bytes(1 << 20)
    yield new().add(file(b"zeros", zeros), is_file(b"zeros", zeros)).add(file(b"empty", b""), is_file(b"empty", b"")) \
        .add(file(b"block", b"b" * BLOCK), is_file(b"block", b"b" * BLOCK)).case("zeros", "zeros, nothing, and exactly a block")
    marker = END + file(b"not-an-entry")
    yield new().add(file(b"inner.tar", marker), is_file(b"inner.tar", marker)).case("inner-archive", "an end marker inside a file")
    for name in ("n\u00e4m\u00e9-\u6f22\u5b57-\U0001f4e6".encode(), b"latin-\xe4\xf6", b"\xff\xfe\x80", b" leading and trailing ", b"-rf *", b"a\\b\"'"):
        label = {b"n": "utf8", b"l": "latin1", b"\xff": "invalid-utf8", b" ": "spaces", b"-": "dash", b"a": "quotes"}[name[:1]]
        yield new().add(file(name), is_file(name)).add(symlink(b"l", name), is_symlink(b"l", name)).case("name-" + label, "a name of any bytes")
    raw = b"\xff\xe4"
    yield new().add(pax((b"path", raw), (b"hdrcharset", b"BINARY")) + file(b"x"), is_file(raw)).case("name-pax-binary", "raw bytes in a pax record")


def metadata(new):
    yield new().add(file(b"n", uid=65534, gid=65534), is_file(b"n", uid=65534, gid=65534)) \
        .add(directory(b"d", uid=101, gid=65534), is_directory(b"d", uid=101, gid=65534)) \
        .add(symlink(b"l", b"n", uid=65534, gid=2), is_symlink(b"l", b"n", uid=65534, gid=2)).case("nobody", "nobody's files")
    yield new().add(file(b"later", mtime=base256(4102444800, 12)), is_file(b"later", mtime=4102444800)) \
        .add(pax((b"mtime", b"1700000000.123456789")) + file(b"exact"), is_file(b"exact", mtime=1700000000, mtime_ns=1700000000123456789)) \
        .add(pax((b"mtime", b"-5.5")) + file(b"before"), is_file(b"before", mtime=None)) \
        .add(file(b"epoch", mtime=0), is_file(b"epoch", mtime=0)).case("times", "the year 2100, nanoseconds, before 1970, 0")
    value = base64.b64encode(b"hello\0world").decode()
    yield new().add(pax((b"SCHILY.xattr.user.note", b"hello\0world")) + file(b"schily"), is_file(b"schily", xattrs={"user.note": value})) \
        .add(pax((b"LIBARCHIVE.xattr.user.note", value.rstrip("=").encode())) + file(b"libarchive"),
             is_file(b"libarchive", xattrs={"user.note": value})) \
        .add(pax((b"SCHILY.xattr.user.note", b"hello\0world")) + directory(b"d"), is_directory(b"d", xattrs={"user.note": value})) \
        .case("xattrs", "user attributes")
    yield new().add(file(b"odd", mode=0o7000 | 0o421, uid=9), is_file(b"odd", mode=0o7421, uid=9)).case("modes", "every special bit")


def packings(new):
    for form in ("ustar", "gnu", "v7"):
        yield new().add(file(b"f", form=form, uid=1, gid=2), is_file(b"f", uid=1, gid=2)) \
            .add(member(b"old/", b"\0" if form == "v7" else b"5", form=form, mode=0o755), is_directory(b"old")).case("form-" + form, "the format " + form)
    yield new().add(member(b"cont", b"7", b"data\n"), is_file(b"cont")).case("contiguous", "a contiguous file is a file")
    yield new().add(pax((b"comment", b"x" * 52), kind=b"g"), is_file(b"f")).add(file(b"f")).case("git", "a global comment, as git archive writes it")
    big = pax((b"path", b"by-pax"), (b"size", b"5"), (b"uid", b"70"), (b"gid", b"71"), (b"mtime", b"99"))
    yield new().add(big + file(b"fallback", size=0), is_file(b"by-pax", uid=70, gid=71, mtime=99)).case("pax-all", "everything from pax records")
    bundle = new().add(file(b"f"), is_file(b"f"))
    data = archive(*bundle.members)
    half = len(data) // 1024 * 512
    yield honest("padding-10k", "zeros up to a record of 10 KiB", data + bytes(-len(data) % 10240), bundle.rows)
    yield honest("padding-odd", "zeros up to no record", data + bytes(BLOCK * 7), bundle.rows)
    yield honest("padding-far", "a megabyte of zeros", data + bytes(1 << 20), bundle.rows)
    yield honest("gzip", "compressed", gzipped(data), bundle.rows, suffix="tar.gz")
    yield honest("gzip-members", "two gzip members", gzipped(data[:half]) + gzipped(data[half:]), bundle.rows, suffix="tar.gz")
    yield honest("gzip-padded", "zeros after the gzip stream", gzipped(data) + bytes(BLOCK), bundle.rows, suffix="tar.gz")
    yield honest("gzip-misnamed", "known by content, not by name", gzipped(data), bundle.rows, suffix="tar")
    yield honest("bzip2", "compressed", bzipped(data), bundle.rows, suffix="tar.bz2")
    yield honest("bzip2-streams", "two bzip2 streams", bzipped(data[:half]) + bzipped(data[half:]), bundle.rows, suffix="tar.bz2")
    yield honest("xz", "compressed", xzed(data), bundle.rows, suffix="tar.xz")
    yield honest("xz-streams", "two xz streams, padded", xzed(data[:half]) + bytes(8) + xzed(data[half:]), bundle.rows, suffix="tar.xz")
    yield honest("zstd", "compressed", zstd(data), bundle.rows, suffix="tar.zst")
    yield honest("zstd-frames", "two frames with a skippable one between", zstd(data[:half]) + zstd_skippable(b"note") + zstd(data[half:]),
                 bundle.rows, suffix="tar.zst")


def cases(program):
    def new():
        return Bundle(program)
    for group in (layouts, links, contents, metadata, packings):
        yield from group(new)
