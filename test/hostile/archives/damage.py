"""Damage and contradiction: truncation, wrong checksums, what stands after the end, headers that disagree."""

import gzip
import struct

from case import contained, is_file, refused
from tarbytes import (BLOCK, END, archive, bzipped, directory, file, gnu_sparse, gzipped, hardlink, header, member, padded, pax,
                      pax_sparse, pax_sparse_01, symlink, xzed, zstd, zstd_skippable)

FORMAT, TRUNCATED, HOSTILE = "E_ARCHIVE_FORMAT", "E_ARCHIVE_TRUNCATED", "E_ARCHIVE_HOSTILE"
GOOD = archive(directory(b"d"), file(b"d/a"), file(b"d/b", b"b" * 3000))
NOISE = bytes((i * 167 + 13) % 251 for i in range(40000))


def truncated():
    kind = "truncated-boundary"
    body = GOOD[:-len(END)]
    yield refused(kind, "no-end", "no end marker", body, TRUNCATED)
    yield refused(kind, "one-block", "half an end marker", body + bytes(BLOCK), TRUNCATED)
    yield refused(kind, "first", "after the first member", directory(b"d"), TRUNCATED)
    yield refused(kind, "before-data", "between a header and its data", directory(b"d") + header(b"a", size=3000), TRUNCATED)
    yield refused(kind, "pax", "between a pax header and its member", file(b"a") + pax((b"path", b"b")), TRUNCATED)
    yield refused(kind, "gzip", "no end marker, the compression is whole", gzipped(body), TRUNCATED, suffix="tar.gz")
    yield refused(kind, "zstd", "no end marker, the compression is whole", zstd(body), TRUNCATED, suffix="tar.zst")
    for at in range(BLOCK, len(GOOD), BLOCK):
        yield refused(kind, f"at-{at}", f"ends at block {at // BLOCK}", GOOD[:at], TRUNCATED)
    kind = "truncated-inside"
    for at in (100, 511, 700, 1030, 2000, len(body) - 1):
        yield refused(kind, f"{at}", f"ends at byte {at}", GOOD[:at], TRUNCATED if at >= BLOCK else FORMAT)
    yield refused(kind, "end-marker", "inside the end marker", GOOD[:-5], TRUNCATED)
    yield refused(kind, "sparse-map", "inside a sparse map",
                  header(b"a", b"S", size=5000, form="gnu", tail=bytes(41) + bytes(96) + b"\1" + b"00000010000\0"), TRUNCATED)


def compressed_cut():
    kind = "compressed-cut"
    content = archive(file(b"a", NOISE))
    for suffix, pack in (("gz", gzipped), ("bz2", bzipped), ("xz", xzed), ("zst", zstd)):
        whole = pack(content)
        yield refused(kind, f"{suffix}-half", "half of it", whole[:len(whole) // 2], TRUNCATED, suffix="tar." + suffix)
        yield refused(kind, f"{suffix}-last", "without the last byte", whole[:-1], TRUNCATED, suffix="tar." + suffix)
        yield refused(kind, f"{suffix}-header", "the first bytes only", whole[:5], FORMAT if suffix == "xz" else TRUNCATED, suffix="tar." + suffix)
    whole = gzipped(content)
    yield refused(kind, "gz-trailer", "without checksum and length", whole[:-8], TRUNCATED, suffix="tar.gz")
    whole = xzed(content)
    yield refused(kind, "xz-index", "without the footer", whole[:-12], TRUNCATED, suffix="tar.xz")
    kind = "compressed-damage"
    for suffix, pack in (("gz", gzipped), ("bz2", bzipped), ("xz", xzed)):
        whole = bytearray(pack(content))
        whole[len(whole) // 2] ^= 0x55
        yield refused(kind, suffix, "one byte is wrong", bytes(whole), FORMAT, suffix="tar." + suffix)
    whole = bytearray(gzipped(content))
    whole[-8] ^= 1
    yield refused(kind, "gz-crc", "the checksum is wrong", bytes(whole), FORMAT, suffix="tar.gz")
    whole[-8] ^= 1
    whole[-1] ^= 1
    yield refused(kind, "gz-length", "the length is wrong", bytes(whole), FORMAT, suffix="tar.gz")


def checksums():
    kind = "checksum"
    yield refused(kind, "first", "of the first member", header(b"a", checksum=b"000000\0 ") + END, FORMAT)
    yield refused(kind, "later", "of a later member", archive(file(b"a"), header(b"b", checksum=b"007777\0 "), file(b"c")), FORMAT)
    yield refused(kind, "missing", "none at all", archive(file(b"a"), header(b"b", checksum=bytes(8))), FORMAT)
    broken = bytearray(archive(file(b"a"), file(b"b")))
    broken[2 * BLOCK + 1] ^= 1
    yield refused(kind, "name", "a name was changed", bytes(broken), FORMAT)
    yield refused(kind, "pax", "of a pax header",
                  archive(file(b"a"), member(b"PaxHeaders/x", b"x", b"10 path=b\n", checksum=b"000001\0 "), file(b"b")), FORMAT)


def trailing():
    kind = "trailing"
    yield refused(kind, "text", "a line after the end", GOOD + b"rm -rf /\n", FORMAT)
    yield refused(kind, "member", "a member after the end", GOOD + file(b"hidden"), FORMAT)
    yield refused(kind, "archive", "a second archive", GOOD + archive(symlink(b"l", b"/")), FORMAT)
    yield refused(kind, "far", "after a megabyte of zeros", GOOD + bytes(1 << 20) + b"x" * BLOCK, FORMAT)
    yield refused(kind, "inside-gzip", "within the compressed stream", gzipped(GOOD + file(b"hidden")), FORMAT, suffix="tar.gz")
    yield refused(kind, "one-zero-block", "a single zero block, then more", GOOD[:-len(END)] + bytes(BLOCK) + archive(file(b"hidden")), FORMAT)


def compressed_junk():
    kind = "compressed-junk"
    yield refused(kind, "gzip-text", "text after a gzip member", gzipped(GOOD) + b"junk", FORMAT, suffix="tar.gz")
    yield refused(kind, "gzip-magic", "a broken second member", gzipped(GOOD) + b"\x1f\x8b\x08\x00junkjunkjunk", FORMAT, suffix="tar.gz")
    yield refused(kind, "gzip-between", "text between two members",
                  gzipped(GOOD[:1024]) + b"junk" + gzipped(GOOD[1024:]), FORMAT, suffix="tar.gz")
    yield refused(kind, "bzip2", "text after the stream", bzipped(GOOD) + b"junk", FORMAT, suffix="tar.bz2")
    yield refused(kind, "xz", "text after the stream", xzed(GOOD) + b"junk" * 10, FORMAT, suffix="tar.xz")
    yield refused(kind, "zstd", "text after the frame", zstd(GOOD) + b"junk", FORMAT, suffix="tar.zst")
    yield refused(kind, "gzip-tar", "a bare archive after a member", gzipped(GOOD) + GOOD, FORMAT, suffix="tar.gz")
    yield refused(kind, "twice", "compressed twice", gzipped(gzipped(GOOD)), FORMAT, suffix="tar.gz")


def pax_global():
    """None of a global header's records is applied: what one header says of all members at once can hide
    in front of any archive."""
    kind = "pax-global"

    def case(name, why, record, *members, tree):
        return contained(kind, name, why, archive(pax(record, kind=b"g"), *members), tree)
    yield case("path", "one name for all", (b"path", b"same"), file(b"a"), file(b"b"), tree=[is_file(b"a"), is_file(b"b")])
    yield case("path-climbs", "a name that climbs, for all", (b"path", b"../canary/file"), file(b"a"), tree=[is_file(b"a")])
    yield case("linkpath", "one target for all", (b"linkpath", b"/etc/passwd"), file(b"a"), hardlink(b"h", b"a"),
               tree=[is_file(b"a"), is_file(b"h", same_as="a")])
    yield case("size", "one size for all", (b"size", b"1536"), file(b"a", b""), file(b"b", b"not hidden"),
               tree=[is_file(b"a", b""), is_file(b"b", b"not hidden")])
    yield case("sparse", "a sparse map for all", (b"GNU.sparse.map", b"0,5"), file(b"a"), tree=[is_file(b"a")])
    yield case("comment", "a comment says nothing", (b"comment", b"git" * 13), file(b"a"), tree=[is_file(b"a")])
    yield refused(kind, "damaged", "not even a record", archive(file(b"a"), pax(data=b"x" * 512, kind=b"g", size=1 << 40), file(b"b")),
                  "E_ARCHIVE_LIMIT")


def pax_mismatch():
    kind = "pax-mismatch"
    yield refused(kind, "longer", "a record's length beyond the header",
                  archive(pax(data=b"999 path=b\n"), file(b"a")), FORMAT)
    yield refused(kind, "shorter", "a record's length within itself", archive(pax(data=b"5 path=b\n"), file(b"a")), FORMAT)
    yield refused(kind, "zero", "a length of 0", archive(pax(data=b"0 path=b\n"), file(b"a")), FORMAT)
    yield refused(kind, "negative", "a length of -9", archive(pax(data=b"-9 path=b\n"), file(b"a")), FORMAT)
    yield refused(kind, "no-number", "no length", archive(pax(data=b"path=/etc/passwd\n"), file(b"a")), FORMAT)
    yield refused(kind, "no-equals", "no equals sign", archive(pax(data=b"10 pathxb\n"), file(b"a")), FORMAT)
    yield refused(kind, "no-newline", "no line end", archive(pax(data=b"10 path=bX"), file(b"a")), FORMAT)
    yield refused(kind, "huge-length", "a length beyond a number", archive(pax(data=b"9" * 40 + b" path=b\n"), file(b"a")), FORMAT)
    yield refused(kind, "size-larger", "a size beyond the data", pax((b"size", b"100000")) + archive(file(b"a")), TRUNCATED)
    yield refused(kind, "size-smaller", "a size that makes data a header",
                  archive(pax((b"size", b"0")), file(b"a", b"no header at all".ljust(BLOCK, b"!"))), FORMAT)
    yield refused(kind, "last", "a pax header that describes nothing", archive(file(b"a"), pax((b"path", b"b"))), FORMAT)


def sparse_maps():
    kind = "sparse-map"
    yield refused(kind, "overlap", "two pieces overlap", archive(gnu_sparse(b"a", 8192, [(0, 1024), (512, 1024)], b"d" * 2048)), HOSTILE)
    yield refused(kind, "order", "pieces out of order", archive(gnu_sparse(b"a", 8192, [(4096, 512), (0, 512)], b"d" * 1024)), HOSTILE)
    yield refused(kind, "beyond", "a piece beyond the end", archive(gnu_sparse(b"a", 1000, [(4096, 512)], b"d" * 512)), HOSTILE)
    yield refused(kind, "wraps", "offset and length wrap", archive(gnu_sparse(b"a", 8192, [((1 << 63) - 1, 512)], b"d" * 512)), FORMAT)
    yield refused(kind, "negative", "a negative offset", archive(gnu_sparse(b"a", 8192, [(-4096, 512)], b"d" * 512)), FORMAT)
    yield refused(kind, "pax-overlap", "two pieces overlap (1.0)", archive(pax_sparse(b"a", 8192, [(0, 1024), (512, 1024)], b"d" * 2048)), HOSTILE)
    yield refused(kind, "pax-order", "pieces out of order (0.1)", archive(pax_sparse_01(b"a", 8192, [(4096, 512), (0, 512)], b"d" * 1024)), HOSTILE)
    yield refused(kind, "pax-beyond", "a piece beyond the end (1.0)", archive(pax_sparse(b"a", 1000, [(4096, 512)], b"d" * 512)), HOSTILE)
    yield refused(kind, "pax-missing", "more data than the map says", archive(pax_sparse(b"a", 8192, [(0, 512)], b"d" * 1024)), FORMAT)
    yield refused(kind, "pax-short", "less data than the map says", archive(pax_sparse(b"a", 8192, [(0, 2048)], b"d" * 512)), HOSTILE)
    yield refused(kind, "pax-letters", "no numbers", archive(pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"),
                  (b"GNU.sparse.name", b"a"), (b"GNU.sparse.realsize", b"8192")), file(b"x", padded(b"two\nzero\n"))), FORMAT)
    yield refused(kind, "pax-name", "the name climbs", archive(pax_sparse(b"../canary/file", 8192, [(0, 512)], b"d" * 512)), HOSTILE)


def other_formats():
    """Only tar is read: every other parser of libarchive would be one more to attack."""
    kind = "format"
    yield refused(kind, "text", "a text", b"#!/bin/sh\necho no archive\n" * 40, FORMAT)
    yield refused(kind, "noise", "noise", NOISE, FORMAT)
    yield refused(kind, "empty", "an empty file", b"", FORMAT)
    yield refused(kind, "no-entries", "an end marker and nothing before it", END, FORMAT)
    yield refused(kind, "no-entries-10k", "the same as GNU tar writes it", bytes(10240), FORMAT)
    yield refused(kind, "zip", "a zip", b"PK\x05\x06" + bytes(18), FORMAT, suffix="zip")
    yield refused(kind, "cpio", "a cpio",
                  b"070701" + b"00000000" * 11 + b"0000000B" + b"00000000" + b"TRAILER!!!\0" + bytes(500), FORMAT, suffix="cpio")
    yield refused(kind, "ar", "a Debian package", b"!<arch>\ndebian-binary   0           0     0     100644  4         `\n2.0\n", FORMAT, suffix="deb")
    yield refused(kind, "7z", "a 7-Zip", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(600), FORMAT, suffix="7z")
    yield refused(kind, "iso", "an ISO image", bytes(32768) + b"\1CD001\1" + bytes(4096), FORMAT, suffix="iso")
    yield refused(kind, "mtree", "an mtree", b"#mtree\n./a type=file contents=/etc/passwd\n", FORMAT, suffix="mtree")
    yield refused(kind, "compress", "Unix compress", b"\x1f\x9d\x90" + bytes(600), FORMAT, suffix="tar.Z")
    yield refused(kind, "gzip-text", "a compressed text", gzip.compress(b"no archive\n" * 100, mtime=0), FORMAT, suffix="gz")
    yield refused(kind, "zeros-gzip", "an empty compressed file", gzip.compress(b"", mtime=0), FORMAT, suffix="gz")
    yield refused(kind, "zstd-skippable", "skippable frames only", zstd_skippable(b"x" * 100), FORMAT, suffix="zst")
    yield refused(kind, "zstd-window", "a window of 2 TiB",
                  struct.pack("<IBB", 0xFD2FB528, 0, 31 << 3) + b"\1\0\0" + bytes(64), FORMAT, suffix="zst")


def cases(_canary):
    for group in (truncated, compressed_cut, checksums, trailing, compressed_junk, pax_global, pax_mismatch, sparse_maps,
                  other_formats):
        yield from group()
