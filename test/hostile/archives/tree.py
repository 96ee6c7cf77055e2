#!/usr/bin/env python3
"""Looks at directory trees.

usage: tree.py snapshot DIRECTORY…          everything about every entry, as text that can be compared
       tree.py compare EXPECTED.json ROOT   prints every difference; 1 when there is any
"""

import json
import os
import sys

from case import compare, scan


def snapshot(directories):
    for directory in directories:
        for path, row in sorted(scan(os.fsencode(directory)).items()):
            print(directory, path, json.dumps({**row, "sha256": row.get("sha256")}, sort_keys=True))


def main():
    if sys.argv[1] == "snapshot":
        snapshot(sys.argv[2:])
        return 0
    with open(sys.argv[2], encoding="ascii") as stream:
        expected = json.load(stream)
    problems = compare(expected, scan(os.fsencode(sys.argv[3])))
    print(*problems, sep="\n", end="\n" if problems else "")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
