#!/usr/bin/env python3
"""Archives from a grammar, each by its number: honest and hostile members in any order, under few names, so that they meet.

usage: grammar.py write SEED NUMBER                         the archive, on standard output
       grammar.py examine SEED FIRST COUNT SANDBOX CANARY  imports each, and judges what came of it

A model of the rules stands beside the grammar: it says which archives must be refused, and what tree the others make.
Where it does not know (lies in headers, flipped bytes), an archive may be accepted or refused; but it has to be one of
the two, with a reason, nothing may stay of a refused one, and nothing outside may change.
"""

import base64
import collections
import hashlib
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

from case import compare, quote, scan
from tarbytes import (BLOCK, CHARACTER, DIRECTORY, END, FIFO, FILE, HARDLINK, SYMLINK, base256, bzipped, gnu_long, gnu_sparse,
                      gzipped, header, member, padded, pax, pax_sparse, xzed, zstd)

# What a refusal may be.
REASONS = ("E_ARCHIVE_", "E_ID_UNMAPPED", "E_IMAGE_CHOICE")

REFUSE, ACCEPT, ANY = "refuse", "accept", "any"
COMPONENTS = [bytes([letter]) for letter in b"abcdefghijkl"]
ODD_COMPONENTS = ["\u6f22\u5b57".encode(), b"\xff\xfe", b"\x1b[31m", b"-rf *", b".wh.a", b".wh..wh..opq", b"n" * 255, b"\n", b"..."]
BAD_COMPONENTS = [b"..", b"n" * 256]
CAPABILITY = struct.pack("<IIIII", 0x02000001, 0x2000, 0, 0, 0)
TARGETS = [b"a", b"../a", b"/etc/passwd", b"..", b".", b"/", b"a/b", b"no/such", b"t" * 4000]


class Refused(Exception):
    pass


class Node:
    def __init__(self, kind, **fields):
        self.kind, self.fields, self.attributes = kind, fields, {}


class Model:
    """What src/importer makes of the members, told anew."""

    def __init__(self, single):
        self.single, self.nodes, self.sure = single, {(): Node("directory")}, True
        self.notes = {}  # of each directory: by name, in the order of their making
        self.entries, self.failed = 0, False

    def parse(self, name, is_made=True):
        if not name or name.startswith(b"/"):
            raise Refused
        parts = tuple(part for part in name.split(b"/") if part not in (b"", b"."))
        if b".." in parts or (is_made and any(len(part) > 255 for part in parts)):
            raise Refused
        return parts

    def parent(self, path):
        for end in range(1, len(path)):
            node = self.nodes.setdefault(path[:end], Node("directory", mode=0o755, uid=0, gid=0, mtime=0))
            if node.kind != "directory":
                raise Refused

    def place(self, path, node):
        if path in self.nodes and self.nodes[path].kind == "directory":
            raise Refused
        if path in self.nodes and self.nodes[path].kind != "file":
            self.notes.get(path[:-1], {}).pop(path[-1], None)
        self.nodes[path] = node
        if self.single and node.kind in ("symlink", "fifo") and (node.fields["uid"] or node.fields["gid"]):
            kind, mode = ("symlink", 0o777) if node.kind == "symlink" else ("pipe", node.fields["mode"])
            self.note(path, b"%d:%d:0%o:%s" % (node.fields["uid"], node.fields["gid"], mode, kind.encode()))

    def note(self, path, text):
        notes = self.notes.setdefault(path[:-1], {})
        notes.pop(path[-1], None)
        notes[path[-1]] = text

    def own(self, fields):
        if not self.single and max(fields["uid"], fields["gid"]) > 65536:
            raise Refused

    def add(self, name, kind, fields, link=b"", data=b"", attributes=None):
        self.entries += 1
        path = self.parse(name, kind != CHARACTER)
        if not 0 <= fields["uid"] < 0xffffffff or not 0 <= fields["gid"] < 0xffffffff:
            raise Refused
        if not path and kind != DIRECTORY:
            raise Refused
        if kind == CHARACTER:
            parents = [path[:end] for end in range(len(path))]
            if len(path[-1]) <= 255 and all(each in self.nodes and self.nodes[each].kind == "directory" for each in parents):
                self.note(path, b"%d:%d:0%o:char-1-3:%d" % tuple(fields[key] for key in ("uid", "gid", "mode", "mtime")))
            return
        self.parent(path)
        if kind == HARDLINK:
            self.add_link(path, link)
            return
        self.own(fields)
        if any(key.startswith(("user.overlay.", "trusted.overlay.")) for key in attributes or {}):
            raise Refused
        kept = {key: value for key, value in (attributes or {}).items()
                if key.startswith("user.") or key == "security.capability"}
        if kind == DIRECTORY:
            node = self.nodes.setdefault(path, Node("directory"))
            if node.kind != "directory":
                raise Refused
            node.fields = dict(fields)
            node.attributes.update(kept)
        elif kind == FILE:
            self.place(path, Node("file", size=len(data), sha256=hashlib.sha256(data).hexdigest(), **fields))
            self.nodes[path].attributes = kept
        elif kind == SYMLINK:
            self.place(path, Node("symlink", target=quote(link), **fields))
        elif kind == FIFO:
            self.place(path, Node("fifo", **{**fields, "mode": fields["mode"] & 0o777}))

    def add_link(self, path, link):
        target = self.parse(link)
        for end in range(len(target) + 1):
            node = self.nodes.get(target[:end])
            if node is None or (node.kind == "directory") != (end < len(target)):
                raise Refused
        if target == path:
            raise Refused
        self.place(path, self.nodes[target])

    def row(self, path, node, first):
        fields = dict(node.fields)
        row = {"path": quote(b"/".join(path)), "type": node.kind, "xattrs": {}}
        for key, value in node.attributes.items():
            if self.single and key == "security.capability":
                key = "user.containers.override_security.capability"
            row["xattrs"][key] = base64.b64encode(value).decode("ascii")
        uid, gid, mode = fields.pop("uid"), fields.pop("gid"), fields.pop("mode")
        if self.single and node.kind in ("file", "directory") and (uid or gid or mode & 0o6000):
            text = b"%d:%d:0%o" % (uid, gid, mode)
            row["xattrs"]["user.containers.override_stat"] = base64.b64encode(text).decode("ascii")
        if node.kind == "directory" and self.notes.get(path):
            text = b"".join(name + b"/" + note + b"\0" for name, note in self.notes[path].items())
            row["xattrs"]["user.containers.override_entries"] = base64.b64encode(text).decode("ascii")
        if self.single:
            uid, gid, mode = 0, 0, mode & ~0o6000
        row.update(fields, uid=uid, gid=gid)
        if node.kind != "symlink":
            row["mode"] = "%04o" % mode
        if first != path:
            row["same_as"] = quote(b"/".join(first))
        return row

    def tree(self):
        rows, first = [], {}
        for path, node in sorted(self.nodes.items()):
            if path:
                rows.append(self.row(path, node, first.setdefault(id(node), path)))
        return rows


class Archive:
    """One sentence of the grammar: `data`, and what must become of it."""

    def __init__(self, seed, single):
        self.random = random.Random(seed)
        self.model, self.parts, self.said = Model(single), [], []
        for _ in range(self.random.choice((0, 1, 1, 2, 2, 3, 3, 5, 5, 8, 8, 13))):
            self.write_member()
        self.finish()

    def pick(self, *rows):
        """One of (weight, value)."""
        weights, values = zip(*rows)
        return self.random.choices(values, weights)[0]

    def component(self):
        kind = self.pick((600, COMPONENTS), (30, ODD_COMPONENTS), (1, BAD_COMPONENTS))
        return self.random.choice(kind)

    def name(self):
        name = b"/".join(self.component() for _ in range(self.pick((6, 1), (5, 2), (3, 3), (1, 4))))
        return self.pick((90, name), (10, b"./" + name), (3, name.replace(b"/", b"//")), (3, name + b"/."), (1, b"/" + name),
                         (1, b"../" + name), (1, name + b"/../" + name), (1, b"."))

    def number(self):
        return self.pick((80, 0), (30, self.random.choice((1, 33, 1000, 65534, 65535))), (1, self.random.choice(
            (65537, 70000, 0xfffffffe, 0xffffffff, 1 << 32, 1 << 40))))

    def fields(self):
        return {"uid": self.number(), "gid": self.number(), "mtime": self.random.randrange(1 << 32),
                "mode": self.pick((5, 0o755), (3, 0o644), (2, 0o700), (2, self.random.randrange(0o10000)))}

    def attributes(self):
        return self.pick((30, {}), (3, {"user.note": self.random.randbytes(20)}), (1, {"trusted.note": b"x"}),
                         (1, {"user.overlay.opaque": b"y"}), (1, {"user.containers.override_stat": b"0:0:06777"}),
                         (1, {"security.capability": CAPABILITY}))

    def write_member(self):
        kind = self.pick((10, FILE), (8, DIRECTORY), (5, SYMLINK), (4, HARDLINK), (2, FIFO), (1, CHARACTER), (1, None))
        if kind is None:
            self.write_odd()
            return
        name, fields, attributes = self.name(), self.fields(), {}
        link = data = b""
        if kind == SYMLINK:
            link = self.random.choice(TARGETS)
        if kind == HARDLINK:
            files = [said[0] for said in self.said if len(said) == 3 and said[1] not in (DIRECTORY, CHARACTER)]
            link = self.random.choice(files) if files and self.random.random() < 0.9 else self.name()
        if kind == FILE:
            data = self.random.randbytes(self.pick((3, 0), (5, 20), (2, 512), (2, 1500), (1, 70000)))
        if kind in (FILE, DIRECTORY):
            attributes = self.attributes()
        if kind == DIRECTORY:
            attributes.pop("security.capability", None)
        self.parts.append(self.encode(name, kind, fields, link, data, attributes))
        self.said.append((name, kind, link))
        if self.model.failed:
            return
        try:
            self.model.add(name, kind, fields, link, data, {
                key: value for key, value in attributes.items() if key != "user.containers.override_stat"})
        except Refused:
            self.model.failed = True

    def encode(self, name, kind, fields, link, data, attributes):
        """In one of the ways that the formats have for it."""
        records, before, form = [], b"", self.pick((3, "ustar"), (1, "gnu"))
        header_name, header_link = name, link
        if kind == DIRECTORY and self.random.random() < 0.5:
            name = header_name = name + b"/"
        if len(name) > 100 or len(link) > 100 or self.random.random() < 0.1:
            if form == "gnu":
                before, header_name, header_link = gnu_long(name, link or None), b"x", b"x" if link else b""
            else:
                records += [(b"path", name)] + ([(b"linkpath", link)] if link else [])
                header_name, header_link = b"x", b"x" if link else b""
        if attributes or self.random.random() < 0.1:
            form = "ustar"
            if before:
                before, records = b"", [(b"path", name)] + ([(b"linkpath", link)] if link else [])
            records += [(b"SCHILY.xattr." + key.encode(), value) for key, value in attributes.items()]
            records += [(b"uid", b"%d" % fields["uid"]), (b"mtime", b"%d" % fields["mtime"])]
        if records:
            before += pax(*records)
        device = {"major": 1, "minor": 3} if kind == CHARACTER else {}
        return before + member(header_name, kind, data, link=header_link, form=form, **device, **fields)

    def write_odd(self):
        """Members of which the model knows nothing: from here on anything may happen."""
        name, data = self.name(), self.random.randbytes(self.random.randrange(1200))
        numbers = [(self.random.randrange(1 << self.random.randrange(1, 63)), self.random.randrange(1 << 20)) for _ in range(3)]
        self.parts.append(self.random.choice((
            lambda: member(name, bytes([self.random.randrange(256)]), data),
            lambda: member(name, FILE, data, size=self.random.choice((0, 1, 511, 513, 5000, 1 << 33, (1 << 63) - 1, -1))),
            lambda: member(name, self.random.choice((HARDLINK, SYMLINK)), data, link=self.name()),
            lambda: member(name, FILE, data, mtime=base256(self.random.choice((-1, 1 << 62, -(1 << 62))), 12)),
            lambda: header(name, checksum=self.random.choice((None, b"%06o\0 " % self.random.randrange(1 << 17)))) + padded(data),
            lambda: gnu_sparse(name, self.random.randrange(1 << 30), numbers, data),
            lambda: pax_sparse(name, self.random.randrange(1 << 30), numbers, data),
            lambda: pax((b"path", self.name()), (b"linkpath", self.name()), (b"size", b"%d" % self.random.randrange(5000)),
                        kind=self.random.choice((b"x", b"g"))),
            lambda: pax(data=self.random.choice((data, b"%d path=" % self.random.randrange(99) + data, b"0" * 40 + b" path=a\n"))),
            lambda: pax((self.random.choice((b"GNU.sparse.map", b"GNU.sparse.size", b"mtime", b"hdrcharset", b"SCHILY.acl.access",
                                             b"LIBARCHIVE.xattr.user.%2F", b"SCHILY.xattr.user.x", b"path")), data[:200])),
            lambda: gnu_long(data, self.name()),
            lambda: data,
        ))())
        self.said.append(("odd",))
        self.model.sure = self.model.sure and self.model.failed

    def finish(self):
        stream = b"".join(self.parts)
        self.expect = REFUSE if self.model.failed or not self.model.entries else ACCEPT
        if not self.model.sure:
            self.expect = ANY
        tail = END + bytes(BLOCK * self.random.choice((0, 0, 1, 8, 18)))
        damage = self.pick((40, None), (1, "no end"), (1, "cut"), (1, "tail"), (2, "flip"))
        if damage == "no end":
            tail = bytes(self.random.choice((0, BLOCK)))
        if damage == "tail":
            tail += self.random.randbytes(self.random.randrange(1, 700))
        data = self.random.choice((lambda x: x, lambda x: x, gzipped, bzipped, xzed, zstd))(stream + tail)
        plain = data == stream + tail
        if damage == "cut":
            data = data[:self.random.randrange(len(stream) + len(END) if plain else len(data))]
        if damage == "flip":
            data = bytearray(data)
            for _ in range(self.random.randrange(1, 5)):
                data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        if damage:
            self.said.append((damage,))
            self.expect = ANY if damage == "flip" or (damage == "tail" and not self.model.sure) else REFUSE
        self.data = bytes(data)


def serve():
    """The other half, as root of the ids of the layers: looks at trees, and removes them."""
    for line in sys.stdin:
        command, path = json.loads(line)
        if command == "scan":
            print(json.dumps(scan(os.fsencode(path))), flush=True)
        else:
            subprocess.run(["rm", "-rf", path], check=True)
            print("{}", flush=True)


class Examiner:
    def __init__(self, sandbox, canary):
        self.sandbox, self.canary = sandbox, canary
        self.store = os.path.join(os.environ["XDG_CACHE_HOME"], "sandbox")
        self.before = self.look_outside()
        self.counts = collections.Counter()
        self.server = subprocess.Popen(["unshare", "--map-root-user", "--map-auto", sys.executable, __file__, "serve"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def look_outside(self):
        return [scan(os.fsencode(path)) for path in (self.canary, os.path.join(os.environ["HOME"], ".ssh"))]

    def ask(self, command, path):
        self.server.stdin.write(json.dumps([command, path]) + "\n")
        self.server.stdin.flush()
        return json.loads(self.server.stdout.readline())

    def left(self):
        found = []
        for folder in ("images", "layers", "names", "archives", "staging"):
            path = os.path.join(self.store, folder)
            found += [f"{folder}/{name}" for name in (os.listdir(path) if os.path.isdir(path) else [])]
        return found

    def objections(self, archive, status, text):
        reason = re.search(r"help (E_[A-Z_]+)$", text, re.M)
        if status == 0:
            self.counts["accepted"] += 1
            if archive.expect == REFUSE:
                yield "accepted, and should not be"
            elif archive.expect == ACCEPT and archive.model:
                layer, = os.listdir(os.path.join(self.store, "layers"))
                yield from compare(archive.model.tree(), self.ask("scan", os.path.join(self.store, "layers", layer, "root")))
        elif status == 125 and reason and reason[1].startswith(REASONS):
            self.counts[reason[1]] += 1
            if archive.expect == ACCEPT:
                yield "refused: " + text
            yield from ("left: " + name for name in self.left())
        else:
            yield f"status {status}: {text}"
        if re.search("Sanitizer|runtime error", text):
            yield text
        if re.search("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e]", text):
            yield "control characters in " + repr(text)
        if self.look_outside() != self.before:
            yield "changed outside"

    def examine(self, label, archive, *options):
        with tempfile.NamedTemporaryFile(prefix="tmp.", suffix=".tar") as file:
            file.write(archive.data)
            file.flush()
            done = subprocess.run([self.sandbox, "import", *options, file.name], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, timeout=120, check=False)
        problems = list(self.objections(archive, done.returncode, done.stderr.decode("utf-8")))
        self.ask("remove", self.store)
        for problem in problems:
            print(f"{label}: {problem}\n    {archive.said}")
        return not problems


def examine_all(make, arguments):
    """make(SEED-NUMBER, NUMBER) gives an archive and the options of its import. The exit status."""
    seed, first, count, sandbox, canary = arguments
    examiner = Examiner(sandbox, canary)
    good = 0
    for number in range(int(first), int(first) + int(count)):
        good += examiner.examine(f"{seed}-{number}", *make(f"{seed}-{number}", number))
    print(f"seed {seed}", *(f"{key}: {value}" for key, value in sorted(examiner.counts.items())), sep=", ")
    return good != int(count)


def make(seed, number):
    single = number % 3 == 0
    return Archive(seed, single), "--userns=" + ("single" if single else "map")


def main():
    if sys.argv[1] == "serve":
        return serve()
    if sys.argv[1] == "examine":
        return examine_all(make, sys.argv[2:])
    sys.stdout.buffer.write(make("-".join(sys.argv[2:]), int(sys.argv[3]))[0].data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
