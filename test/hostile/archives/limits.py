"""Archives that cost too much: bytes, entries, depth, headers. Small files that grow."""

from case import contained, is_directory, is_file, is_hole, limited, refused
from tarbytes import (END, archive, base256, bzipped, directory, file, gnu_long, gnu_sparse, gzipped, header, member, octal,
                      pax, pax_sparse, pax_sparse_01, symlink, xzed, zstd_bomb)

MIB = 1 << 20
ZEROS = bytes(MIB)


def sparse_bombs():
    kind = "sparse-bomb"
    tera = 1 << 40
    yield limited(kind, "old", "8 PiB of nothing", archive(gnu_sparse(b"a", 8192 * tera, [(0, 4)], b"data")))
    yield limited(kind, "two", "2 TiB of nothing", archive(gnu_sparse(b"a", 2 * tera, [(0, 4)], b"data")), allow="--max-apparent-size=3298534883328")
    yield limited(kind, "pax", "8 PiB of nothing", archive(pax_sparse(b"a", 8192 * tera, [(0, 512)], b"d" * 512)))
    yield limited(kind, "pax-01", "8 PiB of nothing", archive(pax_sparse_01(b"a", 8192 * tera, [(0, 512)], b"d" * 512)))
    yield limited(kind, "many", "300 files of 8 GiB",
                  archive(*[gnu_sparse(b"f%d" % i, 8 << 30, [(0, 4)], b"data") for i in range(300)]))
    yield contained(kind, "below", "1 GiB of nothing stays nothing",
                    archive(gnu_sparse(b"a", 1 << 30, [(0, 4)], b"data")), [is_hole(b"a", 1 << 30)])


def ratio_bombs():
    """Within a few hundred KiB each; the plain stream is several GiB, but never beyond the limit on bytes."""
    kind = "ratio-bomb"
    size = 3 << 30
    head = header(b"zeros", size=size)
    yield limited(kind, "bzip2", "400 MiB from a few hundred bytes", bzipped(head, (ZEROS, 400)),
                  suffix="tar.bz2")
    yield limited(kind, "zstd", "3 GiB from 96 KiB", zstd_bomb(head, size), suffix="tar.zst")
    yield limited(kind, "zstd-small", "256 MiB from 8 KiB", zstd_bomb(header(b"zeros", size=256 * MIB), 256 * MIB), suffix="tar.zst")
    yield limited(kind, "zstd-padding", "the end marker, then zeros", zstd_bomb(archive(file(b"a")), 256 * MIB), suffix="tar.zst",
                  allow="--max-ratio=1000000")


def byte_limits():
    kind = "limit-bytes"
    big = archive(*[file(b"f%d" % i, ZEROS) for i in range(8)])
    for suffix, pack in (("tar", lambda x: x), ("tar.gz", gzipped), ("tar.xz", xzed)):
        yield limited(kind, suffix.replace("tar", "stream").replace(".", "-"), "more than the flag allows", pack(big), suffix=suffix,
                      flags="--max-size=4M", allow="--max-size=32M")
    yield limited(kind, "apparent", "more than the flag allows", archive(gnu_sparse(b"a", 64 * MIB, [(0, 4)], b"data")),
                  flags="--max-apparent-size=32M", allow="--max-apparent-size=128M")
    yield limited(kind, "sum", "together more than the flag allows",
                  archive(*[gnu_sparse(b"f%d" % i, 9 * MIB, [(0, 4)], b"data") for i in range(4)]),
                  flags="--max-apparent-size=32M", allow="--max-apparent-size=64M")


def entry_limits():
    kind = "limit-entries"
    files = archive(*[file(b"f%d" % i, b"") for i in range(200)])
    yield limited(kind, "files", "more than the flag allows", files, flags="--max-entries=100", allow="--max-entries=200")
    yield limited(kind, "directories", "more than the flag allows", archive(*[directory(b"d%d" % i) for i in range(200)]),
                  flags="--max-entries=199", allow="--max-entries=200")
    yield limited(kind, "implied", "parents that no entry names count too",
                  archive(*[file(b"d%d/e/a" % i, b"") for i in range(60)]), flags="--max-entries=100", allow="--max-entries=120")
    yield limited(kind, "same", "one directory again and again", archive(*[directory(b"d")] * 200), flags="--max-entries=100",
                  allow="--max-entries=200")


def chain(depth, name=b"d"):
    return b"/".join([name] * depth)


def nested(depth):
    """A directory below a directory …, each by its own entry."""
    return archive(*[pax((b"path", chain(i))) + directory(b"d") for i in range(1, depth + 1)])


def depth_limits():
    kind = "limit-depth"
    yield limited(kind, "3000", "3,000 deep in one name", archive(pax((b"path", chain(3000))) + directory(b"d")),
                  allow="--max-depth=4000")
    yield limited(kind, "3000-file", "3,000 deep, a file", archive(gnu_long(chain(3000)) + file(b"d", form="gnu")))
    yield limited(kind, "steps", "600 deep, step by step", nested(600))
    yield limited(kind, "flag", "deeper than the flag allows", archive(file(b"a/b/c/d")), flags="--max-depth=3",
                  allow="--max-depth=4")
    yield limited(kind, "hardlink", "the target of a link", archive(file(b"a"), gnu_long(link=chain(3000)) + member(b"h", b"1", link=b"d", form="gnu")))


def header_limits():
    kind = "limit-header"
    large = 64 * MIB
    yield limited(kind, "pax-64m", "a 64 MiB pax header",
                  gzipped(header(b"PaxHeaders/x", b"x", size=large), (ZEROS, 64), file(b"a"), END), suffix="tar.gz")
    yield limited(kind, "pax-record", "one 64 MiB record",
                  gzipped(header(b"PaxHeaders/x", b"x", size=large), b"67108864 comment=", (b"c" * MIB, 63),
                          b"c" * (MIB - 18) + b"\n", file(b"a"), END), suffix="tar.gz")
    yield limited(kind, "global-64m", "a 64 MiB global header",
                  gzipped(header(b"PaxHeaders/g", b"g", size=large), b"67108864 comment=", (b"c" * MIB, 63),
                          b"c" * (MIB - 18) + b"\n", file(b"a"), END), suffix="tar.gz")
    yield limited(kind, "longname-64m", "a 64 MiB long name",
                  gzipped(header(b"././@LongLink", b"L", size=large, form="gnu"), (b"n" * MIB, 64), file(b"a", form="gnu"), END),
                  suffix="tar.gz")
    yield limited(kind, "longlink-64m", "a 64 MiB long link",
                  gzipped(header(b"././@LongLink", b"K", size=large, form="gnu"), (b"n" * MIB, 64), symlink(b"a", b"b"), END),
                  suffix="tar.gz")
    yield limited(kind, "flag", "more than the flag allows", archive(pax((b"comment", b"c" * 8000)), file(b"a")),
                  flags="--max-header-size=8k", allow="--max-header-size=10k")
    yield limited(kind, "sum", "a long name, a long link and a record, together more than 1 MiB",
                  archive(pax((b"comment", b"c" * 600000)), gnu_long(link=b"n" * 600000), symlink(b"a", b"b")))
    yield limited(kind, "path-70k", "a name of 70,000 bytes", archive(pax((b"path", b"n" * 70000)), file(b"a")))
    yield limited(kind, "component", "a component of 300 bytes", archive(pax((b"path", b"n" * 300)), file(b"a")))
    yield limited(kind, "xattr-64k", "an attribute of 80,000 bytes",
                  archive(pax((b"SCHILY.xattr.user.big", b"v" * 80000)), file(b"a")))


def sizes():
    kind = "size"
    lying = END * 4
    yield refused(kind, "negative-octal", "a minus sign", archive(header(b"a", size=b"-0000000001\0")), error="E_ARCHIVE_FORMAT")
    yield refused(kind, "negative-binary", "-1 in base 256", archive(header(b"a", size=base256(-1, 12))), error="E_ARCHIVE_FORMAT")
    yield refused(kind, "negative-large", "-2^62 in base 256", archive(header(b"a", size=base256(-(1 << 62), 12))), error="E_ARCHIVE_FORMAT")
    yield refused(kind, "max", "2^63-1 in base 256", archive(header(b"a", size=base256((1 << 63) - 1, 12))) + lying, error="E_ARCHIVE_FORMAT")
    yield refused(kind, "wraps", "2^64+5 in base 256", archive(header(b"a", size=base256((1 << 64) + 5, 12))) + lying, error="E_ARCHIVE_FORMAT")
    yield refused(kind, "octal-max", "8 GiB that are not there", header(b"a", size=octal(8 ** 11 - 1, 12)) + lying, error="E_ARCHIVE_TRUNCATED")
    yield refused(kind, "pax-negative", "-1 from a pax record", archive(pax((b"size", b"-1")), file(b"a")), error="E_ARCHIVE_FORMAT")
    yield refused(kind, "pax-max", "2^63-1 from a pax record", archive(pax((b"size", b"9223372036854775807")), file(b"a")), error="E_ARCHIVE_FORMAT")
    yield refused(kind, "pax-wraps", "2^64 from a pax record", archive(pax((b"size", b"18446744073709551616")), file(b"a")), error="E_ARCHIVE_FORMAT")
    yield refused(kind, "letters", "no number at all", archive(header(b"a", size=b"size me up!")), error="E_ARCHIVE_FORMAT")
    yield refused(kind, "directory", "a directory with data that hides an entry",
                  archive(member(b"d", b"5", file(b"../canary/file", b"x"))))


def cases(_canary):
    for group in (sparse_bombs, ratio_bombs, byte_limits, entry_limits, depth_limits, header_limits, sizes):
        yield from group()
