#!/usr/bin/env python3
"""Images with layers whose descriptions were changed at random, each by its number.

usage: mutate.py examine SEED FIRST COUNT SANDBOX CANARY

What is not changed must be accepted; whatever is changed may be refused, with a reason, and then nothing may stay of it.
../archives/grammar.py tells the rest, and also makes some of the layers.
"""

import copy
import json
import os
import random
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "archives"))

import generate
from grammar import ACCEPT, ANY, REFUSE, Archive, examine_all
from tarbytes import bzipped, gzipped, xzed, zstd

LAYERS = [generate.LAYER, generate.tar(("a/b", b"b"), ("a/c", b"c")), generate.tar(("a/.wh.b", b"")), bytes(1024),
          generate.tar((".wh..wh..opq", b""), ("new", b"n")), generate.tar(generate.directory("a"), generate.link("a/l", "/etc"))]
VALUES = [None, True, 0, -1, 1 << 63, 1 << 70, 1.5, "", "x", "../../etc/passwd", "/etc/passwd", "sha256:" + "0" * 64, "a\0b",
          "\x1b[31m", "\u202e", "x" * 70000, [], {}, [[]], ["PATH=/bin"], {"x": {}}, [None] * 300, "linux", "s390x",
          "application/vnd.oci.image.index.v1+json", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"]
KEYS = ["Config", "Layers", "RepoTags", "digest", "size", "mediaType", "platform", "rootfs", "diff_ids", "config", "Env", "User",
        "Cmd", "os", "architecture", "variant", "manifests", "urls", "data", "history", "schemaVersion", "annotations", "x"]


def places(value):
    """Every container in a document."""
    if isinstance(value, (list, dict)):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from places(item)


class Mutant:
    model = None

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.said = []
        layers = [self.layer() for _ in range(self.random.choice((1, 1, 2, 3)))]
        self.image = generate.Image(*layers)
        self.image.config["config"] = {"Env": ["PATH=/bin", "A=b"], "Cmd": ["x"], "User": "1:2", "WorkingDir": "/d",
                                       "ExposedPorts": {"80/tcp": {}}, "Labels": {"a": "b"}, "StopSignal": "SIGINT"}
        self.image.config["history"] = [{"created_by": "x", "empty_layer": False}]
        self.targets = self.random.sample(("config", "manifest", "index"), self.random.choice((0, 1, 1, 1, 2)))
        self.data = self.random.choice((self.docker, self.oci))()
        if self.random.random() < 0.2:
            self.data = self.random.choice((gzipped, bzipped, xzed, zstd))(self.data)
        self.expect = ANY if self.said else ACCEPT
        self.damage()

    def layer(self):
        if self.random.random() < 0.8:
            return self.random.choice(LAYERS)
        self.said.append("a layer of the grammar")
        return Archive(str(self.random.random()), False).data

    def damage(self):
        kind = self.random.choice(("cut", "flip") + 18 * (None,))
        if kind == "cut" and self.data.rstrip(b"\0"):
            self.data = self.data[:self.random.randrange(len(self.data.rstrip(b"\0")))]
            self.expect = REFUSE
        elif kind == "flip":
            data = bytearray(self.data)
            data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
            self.data, self.expect = bytes(data), ANY
        if kind:
            self.said.append(kind)

    def change_value(self, document):
        """Another value, key or order somewhere in it."""
        place = self.random.choice(list(places(document)))
        value = copy.deepcopy(self.random.choice(VALUES + [document]))
        if isinstance(place, dict):
            key = self.random.choice(list(place) + KEYS)
            if self.random.random() < 0.3:
                place.pop(key, None)
            else:
                place[key] = value
        elif place and self.random.random() < 0.3:
            del place[self.random.randrange(len(place))]
        elif place and self.random.random() < 0.3:
            place.append(copy.deepcopy(place[0]))
        else:
            place.insert(0, value)

    def change_text(self, text):
        at = self.random.randrange(len(text))
        return self.random.choice((
            lambda: text[:at],
            lambda: text[:at] + bytes([self.random.randrange(256)]) + text[at + 1:],
            lambda: text[:at] + text[at:].replace(b":", b": " + b"[" * 5000, 1),
            lambda: text + text,
            lambda: text + b" " * (3 << 20),
            lambda: text.replace(b'"', b"'"),
            lambda: b"\xef\xbb\xbf" + text,
            lambda: text.replace(b'{"', b'{"x": 1, "x": 2, "', 1),
            lambda: text.replace(b"a", b"\\u0000", 1),
        ))()

    def spoil(self, name, document):
        """The text of a document, changed if it is one of those that are to be."""
        if name not in self.targets:
            return json.dumps(document).encode()
        self.said.append(name)
        document = copy.deepcopy(document)
        if self.random.random() < 0.75:
            for _ in range(self.random.choice((1, 1, 2, 4))):
                if isinstance(document, (list, dict)):
                    self.change_value(document)
            return json.dumps(document).encode()
        return self.change_text(json.dumps(document).encode())

    def docker(self):
        config = self.image.raw_config = self.spoil("config", self.image.config)
        self.image.manifest = self.spoil("manifest", [{"Config": generate.digest(config) + ".json",
                                                       "RepoTags": ["example/image:1"], "Layers": self.image.paths}])
        return self.image.docker()

    def oci(self):
        """Digests are right again after a change, mostly: or nobody would read what was changed."""
        self.image.raw_config = self.spoil("config", self.image.config)
        blobs, _ = self.image.oci()
        name = next(name for name, data in blobs.items() if data.startswith(b'{"schemaVersion"'))
        manifest = self.spoil("manifest", json.loads(blobs.pop(name)))
        blobs[generate.digest(manifest)] = manifest
        index = self.spoil("index", {"schemaVersion": 2, "manifests": [generate.describe(manifest, generate.MANIFEST)]})
        return generate.tar(*[("blobs/sha256/" + name, data) for name, data in blobs.items()], ("index.json", index),
                            ("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'))


def make(seed, _number):
    return Mutant(seed), "--userns=map"


if __name__ == "__main__":
    sys.exit(examine_all(make, sys.argv[2:]))
