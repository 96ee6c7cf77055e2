#!/usr/bin/env python3
"""Unpacks the archives as a careless program would, and says which of them got out.

usage: careless.py SCRATCH

The control of the archives and of the canary: an archive that cannot hurt the careless would prove
nothing about the careful. Prints "class: N of M changed the canary", and fails when a class that is about
getting out has none.
"""

import os
import shutil
import subprocess
import sys
import tarfile

import links
import names
from case import scan

ESCAPING = ("dotdot", "absolute", "symlinked-parent", "directory-replaced", "written-through", "hardlink-outside",
            "hardlink-through-symlink", "deferred-chmod")


def make_room(path):
    """Whatever is there goes, but for a directory where one is wanted, or a file, which is opened as it is."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def unpack_one(archive, member, late):
    path = member.name or "."
    if member.isdir():
        os.makedirs(path, exist_ok=True)
        late.append((path, member))
    elif member.issym():
        make_room(path)
        os.symlink(member.linkname, path)
    elif member.islnk():
        make_room(path)
        os.link(os.path.realpath(member.linkname), path)
    elif member.isfifo():
        os.mkfifo(path)
    elif member.isreg():
        if os.path.isdir(path):
            make_room(path)
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(archive.extractfile(member).read())


def unpack(filename):
    """Continues after every failure, as many programs do, and follows whatever link is in the way."""
    late = []
    with tarfile.open(filename) as archive:
        for member in archive:
            try:
                unpack_one(archive, member, late)
                if not member.isdir() and not member.isfifo():
                    os.chmod(member.name, member.mode)
            except OSError:
                pass
    for path, member in late:
        try:
            os.chmod(path, member.mode)
            os.utime(path, (member.mtime, member.mtime))
        except OSError:
            pass


def remove(scratch):
    subprocess.run(["chmod", "-R", "u+rwX", scratch], check=False, stderr=subprocess.DEVNULL)
    subprocess.run(["rm", "-rf", scratch], check=True)


def gets_out(scratch, case):
    """Whether unpacking in a process of its own changes the canary beside it."""
    remove(scratch)
    canary, root = os.path.join(scratch, "canary"), os.path.join(scratch, "root")
    os.makedirs(os.path.join(canary, "sub"))
    os.mkdir(root)
    for name in ("file", "sub/file"):
        with open(os.path.join(canary, name), "w", encoding="ascii") as stream:
            stream.write("precious\n")
    filename = os.path.join(scratch, "archive")
    with open(filename, "wb") as stream:
        stream.write(case.data)
    before = scan(os.fsencode(canary))
    child = os.fork()
    if child == 0:
        os.chdir(root)
        try:
            unpack(filename)
        except (tarfile.TarError, ValueError, KeyError):
            pass
        os._exit(0)
    os.waitpid(child, 0)
    return scan(os.fsencode(canary)) != before


def main():
    scratch = os.path.abspath(sys.argv[1])
    canary = os.path.join(scratch, "canary")
    cases = [case for module in (names, links) for case in module.cases(canary)]
    harmless = []
    for kind in ESCAPING:
        results = [gets_out(scratch, case) for case in cases if case.kind == kind]
        print(f"{kind}: {sum(results)} of {len(results)} changed the canary")
        if not any(results):
            harmless.append(kind)
    remove(scratch)
    return bool(harmless)


if __name__ == "__main__":
    sys.exit(main())
