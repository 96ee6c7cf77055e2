#!/usr/bin/env python3
"""Writes the archives, and what must become of each.

usage: generate.py DIRECTORY CANARY

DIRECTORY gets the archives, a directory `trees` with the expected tree of each accepted one (JSON), and
`manifest`: a row for each archive, fields separated by tabs:

    file  class  expectation  flags  flag that allows it  runnable  why

CANARY is the absolute path that the hostile ones aim at. Python's standard library is all it needs.
"""

import json
import os
import platform
import struct
import sys

import damage
import decent
import limits
import links
import metadata
import names


def program_true():
    """The smallest program that ends well: a static ELF executable of one segment, which calls exit(0)."""
    machine, code = {
        "x86_64": (62, bytes.fromhex("31ffb83c0000000f05")),        # xor edi,edi; mov eax,60; syscall
        "aarch64": (183, bytes.fromhex("000080d2a80b80d2010000d4")),  # mov x0,0; mov x8,93; svc 0
    }[platform.machine()]
    base, start = 0x400000, 64 + 56
    size = start + len(code)
    identity = b"\x7fELF\2\1\1" + bytes(9)
    head = identity + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, base + start, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 4096)
    return head + segment + code


def main():
    out, canary = sys.argv[1], sys.argv[2]
    os.makedirs(os.path.join(out, "trees"), exist_ok=True)
    seen = set()
    with open(os.path.join(out, "manifest"), "w", encoding="ascii") as manifest:
        everything = [case for module in (names, links, metadata, limits, damage) for case in module.cases(canary)]
        for case in everything + list(decent.cases(program_true())):
            assert case.name not in seen, case.name
            seen.add(case.name)
            with open(os.path.join(out, case.filename()), "wb") as stream:
                stream.write(case.data)
            if case.tree is not None:
                with open(os.path.join(out, "trees", case.filename() + ".json"), "w", encoding="ascii") as stream:
                    json.dump(case.tree, stream, indent=1)
            row = (case.filename(), case.kind, case.expect, case.flags or "-", case.allow or "-",
                   "run" if case.expect == "honest" and case.run else "-", case.why)
            print(*row, sep="\t", file=manifest)


if __name__ == "__main__":
    main()
