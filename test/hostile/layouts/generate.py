#!/usr/bin/env python3
"""Writes root file systems that set-up will stumble over, and odd ones that it must not stumble over.

usage: generate.py DIRECTORY CANARY PROGRAM

Each is an archive of a few entries and the static PROGRAM (as /contained). `manifest` has a row for each,
fields separated by tabs:

    file  expectation  options of run  why

The expectation is "ordinary" (it has to run) or "hostile": it runs contained, or ends with one clear error.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "archives"))
# pylint: disable=wrong-import-position
from tarbytes import (CHARACTER, FIFO, archive, directory, file, gnu_sparse, hardlink, member, symlink)  # noqa: E402

# What set-up touches, and the options that make it do so.
DIRECTORIES = {
    "proc": "", "sys": "", "dev": "", "etc": "", "tmp": "", "run": "",
    "work": "-w /work/deep/er", "root": "-e HOME=/root -w /root", "mnt": "-v SHARE:/mnt/point", "var": "--tmpfs /var/cache/x",
}
FILES = {
    "etc/hosts": "", "etc/hostname": "", "etc/resolv.conf": "", "etc/passwd": "-u someone", "etc/group": "-u someone:people",
    "mnt/file": "-v SHARE/file:/mnt/file",
}
PASSWD = b"root:x:0:0::/root:/bin/sh\nsomeone:x:1000:1000::/home/someone:/bin/sh\n"
GROUP = b"root:x:0:\npeople:x:1000:someone\n"


def links(canary, name):
    """Targets for a link that stands in the place of `name`."""
    out = canary.encode()
    up = b"../" * 20
    return {
        "absolute": out, "climbing": up + out[1:], "climbing-root": up, "dangling": out + b"/nothing/here", "file": out + b"/file",
        "climbing-file": up + out[1:] + b"/file", "proc-file": b"/proc/self/root" + out + b"/file",
        "self": name.split(b"/")[-1], "inside": b"/elsewhere", "slash": b"/", "dot": b".",
        "proc-root": b"/proc/self/root" + out, "proc-1": b"/proc/1/root" + out, "proc-cwd": b"/proc/self/cwd",
        "proc-fd": b"/proc/self/fd/3", "proc-exe": b"/proc/self/exe", "proc": b"/proc", "sys": b"/sys/kernel", "dev": b"/dev/shm",
        "tty": b"/dev/tty", "long": b"x/" * 2000 + b"y",
    }


def shapes_of_all(canary, name):
    for label, target in links(canary, name).items():
        yield f"link-{label}", symlink(name, target)
    yield "loop", symlink(name, b"/loop-a") + symlink(b"loop-a", b"loop-b") + symlink(b"loop-b", b"loop-a")
    yield "chain", b"".join(symlink(b"chain-%d" % i, b"chain-%d" % (i + 1)) for i in range(50)) + symlink(name, b"/chain-0")
    yield "fifo", member(name, FIFO, mode=0o666)
    yield "device", member(name, CHARACTER, major=1, minor=1, mode=0o666)


def shapes_of_directories(canary, name):
    yield from shapes_of_all(canary, name)
    yield "file", file(name, b"not a directory\n")
    yield "unreadable", directory(name, mode=0)
    yield "foreign", directory(name, mode=0o700, uid=1234, gid=1234)
    yield "setid", directory(name, mode=0o7777)
    yield "link-below", directory(name) + b"".join(
        symlink(name + b"/" + below, canary.encode() + b"/file") for below in
        (b"self", b"null", b"pts", b"shm", b"fs", b"kcore", b"hosts", b"passwd", b"point", b"deep", b"cache"))


def shapes_of_files(canary, name):
    yield from shapes_of_all(canary, name)
    yield "directory", directory(name)
    yield "unreadable", file(name, b"secret\n", mode=0)
    yield "foreign", file(name, b"foreign\n", mode=0o600, uid=1234, gid=1234)
    yield "huge", gnu_sparse(name, 1 << 30, [(0, 5), (1 << 30, 0)], b"data\n")
    yield "hardlink", file(b"other", b"shared\n") + hardlink(name, b"other")


def hostile(canary):
    for name, options in DIRECTORIES.items():
        for label, data in shapes_of_directories(canary, name.encode()):
            yield f"{name}-{label}", data, options
    for name, options in FILES.items():
        for label, data in shapes_of_files(canary, name.encode()):
            if name == "etc/group":
                data = file(b"etc/passwd", PASSWD) + data
            yield f"{name.replace('/', '-')}-{label}", data, options
    for label, text in databases().items():
        yield f"passwd-{label}", directory(b"etc") + file(b"etc/passwd", text) + file(b"etc/group", GROUP), "-u someone"
        yield f"group-{label}", directory(b"etc") + file(b"etc/passwd", PASSWD) + file(b"etc/group", text), "-u someone:people"


def databases():
    """Contents for the files of users and groups."""
    return {
        "binary": bytes(range(256)) * 64, "nul": b"someone:x:0:0\0::/:/bin/sh\n", "long-line": b"s" * (4 << 20) + b"\n",
        "no-colons": b"someone\npeople\n", "negative": b"someone:x:-1:-1::/:/bin/sh\n", "minus-one": b"someone:x:4294967295:4294967295::/:\n",
        "wraps": b"someone:x:4294967296:4294967296::/:\n", "octal": b"someone:x:010:010::/:\n", "space": b"someone:x: 0: 0::/:\n",
        "home-climbs": b"someone:x:1000:1000::/../../../tmp/canary:\n", "home-relative": b"someone:x:1000:1000::..:\n",
        "home-escape": b"someone:x:1000:1000::/\x1b[31m\x07:\n", "many-groups": b"".join(b"g%d:x:%d:someone\n" % (i, i) for i in range(70000)),
        "unmapped": b"someone:x:3000000000:3000000000::/:\npeople:x:3000000000:\n",
    }


def ordinary():
    etc = directory(b"etc")
    users = etc + file(b"etc/passwd", PASSWD) + file(b"etc/group", GROUP)
    yield "bare", b"", "", "nothing but the program"
    yield "var-run", directory(b"run") + directory(b"var") + symlink(b"var/run", b"/run"), "-v SHARE:/var/run/share", "a link to an absolute target"
    yield "run-var-run", directory(b"var") + directory(b"var/run") + symlink(b"run", b"var/run"), "", "the old way round"
    yield "resolved", etc + symlink(b"etc/resolv.conf", b"../run/systemd/resolve/stub-resolv.conf"), "", "systemd-resolved's dangling link"
    yield "resolvconf", etc + symlink(b"etc/resolv.conf", b"/run/resolvconf/resolv.conf"), "", "resolvconf's dangling link"
    yield "mtab", etc + symlink(b"etc/mtab", b"/proc/self/mounts") + symlink(b"etc/localtime", b"/usr/share/zoneinfo/UTC"), "", "links into what is mounted later"
    yield "docker-export", directory(b"dev") + file(b"dev/console", b"") + directory(b"dev/pts") + directory(b"dev/shm") + directory(b"proc") + \
        directory(b"sys") + etc + file(b"etc/hosts", b"") + file(b"etc/hostname", b"") + file(b"etc/resolv.conf", b"") + \
        symlink(b"etc/mtab", b"/proc/mounts") + file(b".dockerenv", b""), "", "what docker export leaves"
    yield "read-only-etc", directory(b"etc", mode=0o555), "", "a 0555 /etc"
    yield "read-only-root", directory(b"./", mode=0o555), "-w /made", "a 0555 root"
    yield "closed-parents", directory(b"home", mode=0o711) + directory(b"home/someone", mode=0o700, uid=1000, gid=1000) + users, \
        "-u someone -w /home/someone", "0711 and 0700 parents"
    yield "merged-usr", directory(b"usr") + directory(b"usr/bin") + symlink(b"bin", b"usr/bin") + symlink(b"sbin", b"usr/bin") + users, \
        "-u someone:people", "a merged /usr"
    yield "ostree", directory(b"var") + directory(b"var/roothome", mode=0o700) + symlink(b"root", b"var/roothome") + directory(b"var/home") + \
        symlink(b"home", b"var/home") + directory(b"sysroot") + directory(b"run") + symlink(b"mnt", b"var/mnt") + symlink(b"tmp", b"sysroot/tmp") + \
        directory(b"sysroot/tmp", mode=0o1777), "-w /root", "an ostree root"
    yield "linked-databases", directory(b"usr") + directory(b"usr/etc") + file(b"usr/etc/passwd", PASSWD) + file(b"usr/etc/group", GROUP) + etc + \
        symlink(b"etc/passwd", b"../usr/etc/passwd") + symlink(b"etc/group", b"/usr/etc/group"), "-u someone:people", "linked user files"
    yield "no-newline", etc + file(b"etc/passwd", PASSWD[:-1]) + file(b"etc/group", b"\n\n" + GROUP[:-1]), "-u someone:people", "files without a last newline"
    yield "nis", etc + file(b"etc/passwd", PASSWD + b"+::::::\n") + file(b"etc/group", GROUP + b"+\n"), "-u someone:people", "NIS entries"
    yield "full-proc", directory(b"proc") + file(b"proc/version", b"left over\n") + directory(b"sys") + file(b"sys/x", b"x") + directory(b"tmp", mode=0o1777) + \
        file(b"tmp/left", b"over\n"), "", "files where file systems are mounted"
    yield "fifo-elsewhere", member(b"initctl", FIFO) + directory(b"run") + member(b"run/fifo", FIFO), "", "FIFOs that nobody opens"
    yield "dangling-directory", directory(b"var") + symlink(b"mnt", b"var/mnt") + symlink(b"srv", b"/var/srv/a"), \
        "-v SHARE:/mnt/point -w /srv/b", "ostree's links to directories that are made at boot"
    yield "deep-workdir", directory(b"srv"), "-w /srv/a/b/c/d", "a working directory that is made"
    yield "numeric", b"", "-u 1234:5678", "no user database, numeric ids"
    yield from more_ordinary()


def more_ordinary():
    etc = directory(b"etc")
    users = etc + file(b"etc/passwd", PASSWD) + file(b"etc/group", GROUP)
    yield "nix", directory(b"nix") + directory(b"nix/store", mode=0o1775) + etc + symlink(b"etc/passwd", b"/etc/static/passwd") + \
        directory(b"etc/static") + file(b"etc/static/passwd", PASSWD) + symlink(b"etc/group", b"static/group") + \
        file(b"etc/static/group", GROUP), "-u someone:people", "NixOS's links through /etc/static"
    yield "guix", symlink(b"bin", b"/gnu/profile/bin") + directory(b"gnu") + directory(b"gnu/profile") + directory(b"gnu/profile/bin"), \
        "-w /bin", "directories behind absolute links"
    yield "openwrt", symlink(b"var", b"tmp") + directory(b"tmp", mode=0o1777) + symlink(b"etc/resolv.conf", b"/tmp/resolv.conf") + etc, \
        "-v SHARE:/var/share", "/var as a link into /tmp"
    yield "home-in-usr", directory(b"usr") + directory(b"usr/home") + directory(b"usr/home/someone", mode=0o750, uid=1000, gid=1000) + \
        symlink(b"home", b"usr/home") + users, "-u someone -w /home/someone", "homes below /usr"
    yield "toybox", symlink(b"sbin", b"bin") + symlink(b"lib", b"lib64") + directory(b"lib64") + directory(b"bin"), "", "relative links at the top"
    yield "climbing-link", directory(b"srv") + directory(b"opt") + symlink(b"srv/data", b"../../../opt/data") + directory(b"opt/data"), \
        "-v SHARE:/srv/data/share", "a link that climbs above the root, and stays in it"
    yield "chain-of-links", directory(b"real") + symlink(b"three", b"real") + symlink(b"two", b"/three") + symlink(b"one", b"./two"), \
        "-v SHARE:/one/share -w /two", "a short chain of links"
    yield "sticky-everywhere", directory(b"tmp", mode=0o1777) + directory(b"var") + directory(b"var/tmp", mode=0o1777) + \
        directory(b"run", mode=0o1777), "--tmpfs /var/tmp", "sticky directories"
    yield "setgid-staff", directory(b"usr") + directory(b"usr/local", mode=0o2775, gid=50) + directory(b"usr/local/src", mode=0o2775, gid=50), \
        "-v SHARE:/usr/local/src/share", "Debian's group-writable /usr/local"
    yield "shadow", users + file(b"etc/shadow", b"root:*:1::::::\n", mode=0o640, gid=42) + file(b"etc/nsswitch.conf", b"passwd: files\n"), \
        "-u someone", "a shadow file"
    yield "comments", etc + file(b"etc/passwd", b"# users\n\n" + PASSWD) + file(b"etc/group", b"# groups\n" + GROUP), "-u someone:people", \
        "comments in user files"
    yield "volume-on-file", etc + file(b"etc/motd", b"hello\n"), "-v SHARE/file:/etc/motd", "a volume over a file"
    yield "volume-in-home", directory(b"root", mode=0o700), "-v SHARE:/root/.config/app -w /root", "a volume deep in a home"
    yield "odd-names", directory("caf\u00e9".encode()) + file(b"with space", b"x") + file(b"-dash", b"x") + file(b"tab\there", b"x"), \
        "-w /caf\u00e9", "names that need care"
    yield "unicode-volume", directory(b"srv"), "-v SHARE:/srv/\u00fcber", "a target that is not ASCII"


def main():
    out, canary, program = sys.argv[1:]
    with open(program, "rb") as stream:
        contained = file(b"contained", stream.read(), mode=0o755)
    os.makedirs(out, exist_ok=True)
    rows = [(name, "hostile", data, options, "hostile") for name, data, options in hostile(canary)]
    rows += [("ordinary-" + name, "ordinary", data, options, why) for name, data, options, why in ordinary()]
    with open(os.path.join(out, "manifest"), "w", encoding="utf-8") as manifest:
        for name, expect, data, options, why in rows:
            with open(os.path.join(out, name + ".tar"), "wb") as stream:
                stream.write(archive(contained, data))
            print(name + ".tar", expect, options or "-", why, sep="\t", file=manifest)


if __name__ == "__main__":
    main()
