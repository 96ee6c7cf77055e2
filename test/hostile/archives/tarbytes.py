"""Tar archives by the byte: every field of every header can be set to anything, right or wrong.

Nothing here checks what it is given; the honest cases are as much its callers' work as the hostile
ones. The layouts follow POSIX pax(1) ("ustar Interchange Format", "pax Header Block") and the GNU tar
manual ("Basic Tar Format", "Storing Sparse Files").
"""

import bz2
import lzma
import struct
import zlib

BLOCK = 512
END = bytes(2 * BLOCK)

FILE, HARDLINK, SYMLINK, CHARACTER, BLOCKDEV, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"

MAGIC = {"ustar": b"ustar\x0000", "gnu": b"ustar  \0", "v7": bytes(8)}


def octal(value, width):
    return b"%0*o\0" % (width - 1, value)


def base256(value, width):
    """GNU's binary numbers: the top bit marks them, the rest is two's complement."""
    raw = bytearray((value & ((1 << (8 * width)) - 1)).to_bytes(width, "big"))
    raw[0] |= 0x80
    return bytes(raw)


def number(value, width):
    """A header field: bytes as they are, integers in octal where they fit, else in base 256."""
    if isinstance(value, bytes):
        return value[:width].ljust(width, b"\0")
    if 0 <= value < 8 ** (width - 1):
        return octal(value, width)
    return base256(value, width)


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def header(name, kind=FILE, mode=0o644, uid=0, gid=0, size=0, mtime=1600000000, link=b"", form="ustar",
           magic=None, uname=b"", gname=b"", major=0, minor=0, prefix=b"", tail=b"", checksum=None):
    """One header block. `tail` goes where the ustar prefix stands (GNU's sparse table); `checksum`
    replaces the right one."""
    devices = b"" if form == "v7" else number(major, 8) + number(minor, 8)
    block = b"".join([
        name[:100].ljust(100, b"\0"), number(mode, 8), number(uid, 8), number(gid, 8), number(size, 12),
        number(mtime, 12), b" " * 8, kind, link[:100].ljust(100, b"\0"),
        (MAGIC[form] if magic is None else magic).ljust(8, b"\0"),
        uname[:32].ljust(32, b"\0"), gname[:32].ljust(32, b"\0"), devices.ljust(16, b"\0"),
        tail or prefix,
    ])
    block = block.ljust(BLOCK, b"\0")
    assert len(block) == BLOCK
    if checksum is None:
        checksum = b"%06o\0 " % sum(block)
    return block[:148] + checksum.ljust(8, b"\0")[:8] + block[156:]


def member(name, kind=FILE, data=b"", size=None, **fields):
    """A header and its data. `size` may contradict the data."""
    return header(name, kind, size=len(data) if size is None else size, **fields) + padded(data)


def file(name, data=b"data\n", **fields):
    return member(name, FILE, data, **fields)


def directory(name, mode=0o755, **fields):
    return member(name, DIRECTORY, mode=mode, **fields)


def symlink(name, target, **fields):
    return member(name, SYMLINK, link=target, mode=0o777, **fields)


def hardlink(name, target, **fields):
    return member(name, HARDLINK, link=target, **fields)


def pax_record(key, value):
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(b"%d" % length) + len(body) != length:
        length = len(b"%d" % length) + len(body)
    return b"%d" % length + body


def pax(*records, kind=b"x", data=None, **fields):
    """A pax header from (key, value) pairs, or from `data` as it is. kind "g" makes it global."""
    if data is None:
        data = b"".join(pax_record(key, value) for key, value in records)
    return member(b"PaxHeaders/x", kind, data, **fields)


def gnu_long(name=None, link=None):
    """GNU's long name ("L") and long link ("K") members, to stand before the member they describe."""
    out = b""
    if link is not None:
        out += member(b"././@LongLink", b"K", link + b"\0", form="gnu", mtime=0)
    if name is not None:
        out += member(b"././@LongLink", b"L", name + b"\0", form="gnu", mtime=0)
    return out


def gnu_sparse(name, real_size, chunks, data, size=None, extended=False, **fields):
    """An old GNU sparse member (type "S"): up to four (offset, length) pairs in the header, further
    ones, 21 to a block, after it."""
    def table(pairs, slots):
        return b"".join(number(o, 12) + number(n, 12) for o, n in pairs).ljust(24 * slots, b"\0")
    first, rest = chunks[:4], chunks[4:]
    tail = bytes(41) + table(first, 4) + (b"\1" if rest or extended else b"\0") + number(real_size, 12)
    out = header(name, b"S", size=len(data) if size is None else size, form="gnu", tail=tail, **fields)
    while rest:
        now, rest = rest[:21], rest[21:]
        out += (table(now, 21) + (b"\1" if rest else b"\0")).ljust(BLOCK, b"\0")
    return out + padded(data)


def pax_sparse(name, real_size, chunks, data, **fields):
    """A GNU sparse member in PAX 1.0 form: the map stands before the data."""
    text = b"%d\n" % len(chunks) + b"".join(b"%d\n%d\n" % pair for pair in chunks)
    return pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", name),
               (b"GNU.sparse.realsize", b"%d" % real_size)) + \
        file(b"GNUSparseFile.0/x", padded(text) + data, **fields)


def pax_sparse_01(name, real_size, chunks, data, **fields):
    """The same in PAX 0.1 form: the map is one record."""
    numbers = b",".join(b"%d,%d" % pair for pair in chunks)
    return pax((b"GNU.sparse.size", b"%d" % real_size), (b"GNU.sparse.numblocks", b"%d" % len(chunks)),
               (b"GNU.sparse.name", name), (b"GNU.sparse.map", numbers)) + \
        file(b"GNUSparseFile.0/x", data, **fields)


def archive(*members):
    return b"".join(members) + END


# Compressions. Streams are made from pieces, so that a bomb is never in memory as a whole.

def pieces(*parts):
    """Flattens bytes and (bytes, times) pairs into an iterator of bytes."""
    for part in parts:
        if isinstance(part, tuple):
            for _ in range(part[1]):
                yield part[0]
        else:
            yield part


def gzipped(*parts, level=9):
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    return b"".join([packer.compress(piece) for piece in pieces(*parts)] + [packer.flush()])


def bzipped(*parts):
    packer = bz2.BZ2Compressor(9)
    return b"".join([packer.compress(piece) for piece in pieces(*parts)] + [packer.flush()])


def xzed(*parts):
    packer = lzma.LZMACompressor(preset=0)
    return b"".join([packer.compress(piece) for piece in pieces(*parts)] + [packer.flush()])


ZSTD_BLOCK = 128 * 1024


def zstd_frame(blocks):
    """A zstd frame (RFC 8878) of 128 KiB windows from finished blocks (kind, size, payload)."""
    out = [struct.pack("<IBB", 0xFD2FB528, 0, 7 << 3)]
    for index, (kind, size, payload) in enumerate(blocks):
        last = index == len(blocks) - 1
        out.append(struct.pack("<I", last | kind << 1 | size << 3)[:3] + payload)
    return b"".join(out)


def zstd(data):
    """`data` as raw (stored) blocks: no compressor is needed to make a valid frame."""
    parts = [data[i:i + ZSTD_BLOCK] for i in range(0, len(data), ZSTD_BLOCK)] or [b""]
    return zstd_frame([(0, len(part), part) for part in parts])


def zstd_bomb(head, zeros):
    """`head`, then `zeros` zero bytes as run-length blocks of four bytes each."""
    blocks = [(0, len(head), head)] + [(1, ZSTD_BLOCK, b"\0")] * (zeros // ZSTD_BLOCK)
    return zstd_frame(blocks)


def zstd_skippable(payload):
    return struct.pack("<II", 0x184D2A50, len(payload)) + payload
