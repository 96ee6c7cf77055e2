"""Writes an archive of N small files, a thousand in each directory, to standard output. usage: entries.py N"""

import sys

BLOCK = 512


def header(name, size, kind, mode):
    block = bytearray(BLOCK)
    block[0:len(name)] = name
    block[100:108] = b"%07o\0" % mode
    block[108:116] = block[116:124] = b"0000000\0"
    block[124:136] = b"%011o\0" % size
    block[136:148] = b"14000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[257:265] = b"ustar\00000"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def entries(count):
    content = b"hello\n"
    for i in range(count):
        folder = b"usr/share/d%05d/" % (i // 1000)
        if i % 1000 == 0:
            yield header(folder, 0, b"5", 0o755)
        yield header(folder + b"file-%03d" % (i % 1000), len(content), b"0", 0o644) + content.ljust(BLOCK, b"\0")


for piece in entries(int(sys.argv[1])):
    sys.stdout.buffer.write(piece)
sys.stdout.buffer.write(bytes(2 * BLOCK))
