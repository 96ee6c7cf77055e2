#!/usr/bin/env python3
"""Writes images of an adversary, and what must become of each.

usage: generate.py DIRECTORY CANARY

DIRECTORY gets archives and layouts, and `manifest`: a row for each, fields separated by tabs:

    file  class  expectation (an error id, or "honest")  why

CANARY is the absolute path of a file that the hostile ones aim at.
"""

import hashlib
import io
import json
import os
import platform
import shutil
import sys
import tarfile

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest(data):
    return hashlib.sha256(data).hexdigest()


def tar(*entries):
    """A tar stream of (name, data), or of whole tarfile.TarInfo."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry in entries:
            info, data = entry if isinstance(entry[0], tarfile.TarInfo) else (tarfile.TarInfo(entry[0]), entry[1])
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def directory(name):
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE
    return info, b""


LAYER = tar(("file", b"content"))


class Image:
    """A small honest image, of which each case changes something."""

    def __init__(self, *layers):
        self.layers = list(layers or [LAYER])
        self.diffs = ["sha256:" + digest(layer) for layer in self.layers]
        self.config = {"architecture": ARCHITECTURE, "os": "linux", "config": {},
                       "rootfs": {"type": "layers", "diff_ids": self.diffs}}
        self.raw_config = None
        self.paths = [digest(layer) + ".tar" for layer in self.layers]
        self.extra = []
        self.manifest = None
        self.tags = ["example/image:1"]
        self.without = set()

    def config_bytes(self):
        return self.raw_config if self.raw_config is not None else json.dumps(self.config).encode()

    def docker(self):
        config = self.config_bytes()
        name = digest(config) + ".json"
        manifest = self.manifest
        if manifest is None:
            manifest = json.dumps([{"Config": name, "RepoTags": self.tags, "Layers": self.paths}]).encode()
        members = dict(zip([digest(layer) + ".tar" for layer in self.layers], self.layers))
        entries = [(path, data) for path, data in members.items() if path not in self.without]
        return tar(*entries, *self.extra, (name, config), ("manifest.json", manifest))

    def oci(self, change=None, index=None):
        """The blobs of a layout and its index.json; `change` may spoil the manifest, `index` replaces the index."""
        config = self.config_bytes()
        blobs = {digest(data): data for data in [config, *self.layers]}
        manifest = {"schemaVersion": 2, "config": describe(config, "application/vnd.oci.image.config.v1+json"),
                    "layers": [describe(layer, "application/vnd.oci.image.layer.v1.tar") for layer in self.layers]}
        if change:
            change(manifest)
        raw = json.dumps(manifest).encode()
        blobs[digest(raw)] = raw
        if index is None:
            index = json.dumps({"schemaVersion": 2, "manifests": [describe(raw, MANIFEST)]}).encode()
        for missing in self.without:
            blobs.pop(missing, None)
        return blobs, index

    def oci_archive(self, **more):
        blobs, index = self.oci(**more)
        return tar(*[("blobs/sha256/" + name, data) for name, data in blobs.items()], ("index.json", index),
                   ("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'))


def describe(data, kind, **more):
    return {"mediaType": kind, "digest": "sha256:" + digest(data), "size": len(data), **more}


def nested(depth):
    """An index in an index, and so on."""
    image = Image()
    blobs, index = image.oci()
    for _ in range(depth):
        blobs[digest(index)] = index
        index = json.dumps({"schemaVersion": 2, "manifests": [describe(index, INDEX)]}).encode()
    return blobs, index


def write_layout(path, blobs, index):
    os.makedirs(os.path.join(path, "blobs/sha256"))
    for name, data in [("index.json", index), ("oci-layout", b"{}")] + [
            ("blobs/sha256/" + name, data) for name, data in blobs.items()]:
        with open(os.path.join(path, name), "wb") as stream:
            stream.write(data)


def with_config(**config):
    image = Image()
    image.config["config"] = config
    return image.docker()


def with_layers(*layers):
    return Image(*layers).docker()


def paths(canary):
    for name, path in (("absolute", canary), ("dotdot", "../" * 9 + canary.lstrip("/")), ("etc", "/etc/passwd"),
                       ("empty", ""), ("long", "a/" * 5000), ("nul", "a\0b")):
        image = Image()
        image.paths = [path]
        yield f"layer-path-{name}", "path", "E_ARCHIVE_FORMAT", "the path of a layer leads elsewhere", image.docker()
        image = Image()
        image.manifest = json.dumps([{"Config": path, "Layers": image.paths}]).encode()
        yield f"config-path-{name}", "path", "E_ARCHIVE_FORMAT", "the path of the configuration does", image.docker()
    for name, target in (("absolute", canary), ("dotdot", "../" * 9 + canary.lstrip("/")), ("passwd", "/etc/passwd"),
                         ("self", "layer.tar"), ("nowhere", "missing")):
        image = Image()
        image.paths = ["0" * 64 + "/layer.tar"]
        image.extra = [link("0" * 64 + "/layer.tar", target)]
        yield f"layer-link-{name}", "link", "E_ARCHIVE_FORMAT", "layer.tar is a link out of the archive", image.docker()
    image = Image()
    image.paths = ["0" * 64 + "/layer.tar"]
    image.extra = [link("0" * 64 + "/layer.tar", "../" + "1" * 64), link("1" * 64, "0" * 64 + "/layer.tar")]
    yield "layer-link-circle", "link", "E_ARCHIVE_FORMAT", "links go round in circles", image.docker()
    image = Image()
    image.extra = [directory("0" * 64 + ".tar")]
    image.paths = ["0" * 64 + ".tar"]
    yield "layer-directory", "link", "E_ARCHIVE_FORMAT", "a layer is a directory", image.docker()
    image = Image()
    image.extra = [link("0" * 64 + "/layer.tar", "../" + image.paths[0])]
    image.paths = ["0" * 64 + "/layer.tar"]
    yield "layer-link", "link", "honest", "as docker save wrote it", image.docker()
    image.extra = [link("0" * 64 + "/layer.tar", digest(LAYER) + ".tar", tarfile.LNKTYPE)]
    yield "layer-hard-link", "link", "honest", "as tar might write it", image.docker()


def digests():
    image = Image()
    image.diffs[0] = "sha256:" + "0" * 64
    yield "diff-id", "digest", "E_ARCHIVE_HOSTILE", "the layer is another", image.docker()
    for name, text in (("md5", "md5:" + "0" * 32), ("short", "sha256:00"), ("path", "sha256:../../../../etc/passwd"),
                       ("upper", "sha256:" + "A" * 64), ("empty", ""), ("sha512", "sha512:" + "0" * 128)):
        image = Image()
        image.diffs[0] = text
        yield f"diff-id-{name}", "digest", "E_ARCHIVE_FORMAT", "no SHA-256", image.docker()

        def spoil(manifest, text=text):
            manifest["layers"][0]["digest"] = text
        yield f"blob-digest-{name}", "digest", "E_ARCHIVE_FORMAT", "no SHA-256", Image().oci_archive(change=spoil)
    image = Image()
    blobs, index = image.oci()
    for number, name in enumerate(sorted(blobs)):
        spoilt = dict(blobs)
        for text in (b'"schemaVersion": 2,', b'"os": "linux"', b"content"):
            if text in spoilt[name]:
                spoilt[name] = spoilt[name].replace(text, text[:-2] + b"3" + text[-1:], 1)
                break
        yield (f"blob-changed-{number}", "digest", "E_ARCHIVE_HOSTILE", "a blob has another digest",
               tar(*[("blobs/sha256/" + key, data) for key, data in spoilt.items()], ("index.json", index),
                   ("oci-layout", b"{}")))

    def spoil_size(manifest):
        manifest["layers"][0]["size"] += 1
    yield "blob-size", "digest", "E_ARCHIVE_FORMAT", "a blob has another size", Image().oci_archive(change=spoil_size)
    # One layer right and one wrong: the right one must not stay, either.
    image = Image(LAYER, tar(("other", b"content")))
    image.diffs[1] = "sha256:" + "0" * 64
    yield "second-diff-id", "digest", "E_ARCHIVE_HOSTILE", "the second layer is another", image.docker()
    image = Image(LAYER, tar(("other", b"content")))
    image.without = {digest(image.layers[1]) + ".tar"}
    yield "missing-layer", "missing", "E_ARCHIVE_FORMAT", "a layer is not there", image.docker()
    image = Image()
    image.without = {digest(LAYER)}
    yield "missing-blob", "missing", "E_ARCHIVE_FORMAT", "a blob is not there", image.oci_archive()
    image = Image()
    image.without = {digest(image.config_bytes())}
    yield "missing-config", "missing", "E_ARCHIVE_FORMAT", "the configuration is not there", image.oci_archive()
    image = Image()
    image.diffs.append(image.diffs[0])
    yield "more-diffs", "missing", "E_ARCHIVE_FORMAT", "more digests than layers", image.docker()
    image = Image()
    image.paths *= 2
    yield "more-layers", "missing", "E_ARCHIVE_FORMAT", "more layers than digests", image.docker()
    image = Image()
    image.paths, image.config["rootfs"]["diff_ids"] = [], []
    yield "no-layers", "missing", "E_ARCHIVE_FORMAT", "no layer at all", image.docker()


def texts():
    for name, data, expect in (
            ("empty", b"", "E_ARCHIVE_FORMAT"), ("garbage", b"\xff\xfe{]", "E_ARCHIVE_FORMAT"),
            ("number", b"7", "E_ARCHIVE_FORMAT"), ("object", b"{}", "E_ARCHIVE_FORMAT"),
            ("null", b"[null]", "E_ARCHIVE_FORMAT"), ("nothing", b"[]", "E_ARCHIVE_FORMAT"),
            ("twice", b"[{}] [{}]", "E_ARCHIVE_FORMAT"), ("deep", b"[" * 100000, "E_ARCHIVE_FORMAT"),
            ("deep-closed", b"[" * 1000 + b"]" * 1000, "E_ARCHIVE_FORMAT"),
            ("long", b"[" + b" " * (5 << 20) + b"]", "E_ARCHIVE_LIMIT"),
            ("many", b"[" + b",".join([b"{}"] * 100000) + b"]", "E_ARCHIVE_FORMAT"),
            ("cut", b'[{"Config": "', "E_ARCHIVE_FORMAT")):
        image = Image()
        image.manifest = data
        yield f"manifest-{name}", "json", expect, "no manifest.json", image.docker()
        yield f"index-{name}", "json", expect, "no index.json", Image().oci_archive(index=data)
        if name != "long":
            image = Image()
            image.raw_config = data
            yield f"config-{name}", "json", expect, "no configuration", image.docker()
    image = Image()
    image.manifest = json.dumps([{"Config": "x", "Layers": image.paths}]).encode().replace(
        b'"Config"', b'"Config": "' + (digest(image.config_bytes()) + ".json").encode() + b'", "Config"')
    yield "key-twice", "json", "E_ARCHIVE_FORMAT", "a key is given twice", image.docker()
    image = Image()
    image.raw_config = json.dumps(image.config).encode().replace(b'"config": {}', b'"config": {"User": "0", "User": "1"}')
    yield "config-key-twice", "json", "E_ARCHIVE_FORMAT", "a key is given twice", image.docker()
    for name, value in (("string", "x"), ("numbers", [1, 2]), ("nested", [["x"]]), ("object", {"x": "y"})):
        yield f"type-{name}", "json", "E_ARCHIVE_FORMAT", "another type than the specification's", with_config(Env=value)
    image = Image()
    image.config["rootfs"]["type"] = "windows"
    yield "rootfs-type", "json", "E_ARCHIVE_FORMAT", "layers of another kind", image.docker()


def configurations():
    rows = (
        ("env-name", {"Env": ["=x"]}, "E_ARCHIVE_HOSTILE"), ("env-no-value", {"Env": ["PATH"]}, "E_ARCHIVE_HOSTILE"),
        ("env-nul", {"Env": ["A=b\0c"]}, "E_ARCHIVE_FORMAT"), ("command-nul", {"Cmd": ["a\0b"]}, "E_ARCHIVE_FORMAT"),
        ("env-long", {"Env": ["A=" + "x" * 40000]}, "E_ARCHIVE_LIMIT"),
        ("env-much", {"Env": [f"A{n}=" + "x" * 20000 for n in range(20)]}, "E_ARCHIVE_LIMIT"),
        ("env-many", {"Env": [f"A{n}=x" for n in range(5000)]}, "E_ARCHIVE_LIMIT"),
        ("user-space", {"User": "a b"}, "E_ARCHIVE_HOSTILE"), ("user-option", {"User": "-u"}, "E_ARCHIVE_HOSTILE"),
        ("user-escape", {"User": "\x1b[31mred"}, "E_ARCHIVE_HOSTILE"), ("user-line", {"User": "a\nb"}, "E_ARCHIVE_HOSTILE"),
        ("user-groups", {"User": "a:b:c"}, "E_ARCHIVE_HOSTILE"), ("user-no-group", {"User": "a:"}, "E_ARCHIVE_HOSTILE"),
        ("workdir-relative", {"WorkingDir": "etc"}, "E_ARCHIVE_HOSTILE"),
        ("workdir-dots", {"WorkingDir": "../.."}, "E_ARCHIVE_HOSTILE"),
        ("workdir-long", {"WorkingDir": "/" + "x" * 5000}, "E_ARCHIVE_HOSTILE"),
        ("signal", {"StopSignal": "\x07"}, "E_ARCHIVE_HOSTILE"), ("port", {"ExposedPorts": {"\x1b]0;x\x07": {}}}, "E_ARCHIVE_HOSTILE"),
        ("label", {"Labels": {"": "x"}}, "E_ARCHIVE_HOSTILE"),
        ("label-escape", {"Labels": {"a": "\x1b[31m"}, "Env": ["A=\x1b[31m"]}, "honest"),
    )
    for name, config, expect in rows:
        yield f"config-{name}", "config", expect, "the configuration says what none may", with_config(**config)
    image = Image()
    image.tags = ["\x1b]0;title\x07" + "x" * 200]
    yield "name-escape", "config", "honest", "a name with escapes is none, and is shown escaped", image.docker()
    image = Image()
    image.tags = ["../../names", "a" * 300]
    yield "name-path", "config", "honest", "a name that is a path", image.docker()


def indexes():
    blobs, index = nested(3)
    yield "indexes-nested", "index", "honest", "an index in an index", (blobs, index)
    yield "indexes-deep", "index", "E_ARCHIVE_FORMAT", "too many of them", nested(9)
    # A digest cannot hold itself; but one index may name another a thousand times, and that one a third.
    blobs, index = Image().oci()
    for _ in range(3):
        blobs[digest(index)] = index
        index = json.dumps({"schemaVersion": 2, "manifests": [describe(index, INDEX)] * 200}).encode()
    yield "indexes-multiplied", "index", "E_ARCHIVE_FORMAT", "indexes that multiply", (blobs, index)
    self = json.dumps({"schemaVersion": 2, "manifests": [{"mediaType": INDEX, "digest": "sha256:" + "0" * 64, "size": 300}]})
    self = self.encode().ljust(300)
    yield "indexes-circle", "index", "E_ARCHIVE_HOSTILE", "an index that names itself", ({"0" * 64: self}, self)
    blobs, index = Image().oci()
    missing = json.loads(index)
    missing["manifests"][0]["mediaType"] = "application/x-unknown"
    yield "indexes-unknown", "index", "E_ARCHIVE_FORMAT", "nothing that is an image", (blobs, json.dumps(missing).encode())


def layers():
    for name, entry in (("dot", ".wh.."), ("dots", ".wh..."), ("nothing", ".wh."), ("deep-dots", "a/.wh..."),
                        ("inside", ".wh.a/b")):
        yield f"whiteout-{name}", "whiteout", "E_ARCHIVE_HOSTILE", "a deletion of no name", with_layers(LAYER, tar((entry, b"")))
    yield ("whiteout-directory", "whiteout", "E_ARCHIVE_HOSTILE", "a deletion that is a directory",
           with_layers(LAYER, tar(directory(".wh.a"))))
    yield ("whiteout-dotdot", "whiteout", "E_ARCHIVE_HOSTILE", "a deletion outside",
           with_layers(LAYER, tar(("../.wh.canary", b""))))
    yield ("whiteout-through-link", "whiteout", "E_ARCHIVE_HOSTILE", "a deletion behind a link",
           with_layers(LAYER, tar(link("out", "/"), ("out/.wh.etc", b""))))
    yield ("whiteout-linked", "whiteout", "E_ARCHIVE_HOSTILE", "a hard link to a deletion",
           with_layers(LAYER, tar((".wh.file", b""), link("other", "file", tarfile.LNKTYPE))))
    yield ("whiteout-notes", "whiteout", "honest", "aufs's notes are passed over",
           with_layers(LAYER, tar((".wh..wh.aufs", b""), (".wh..wh.plnk", b""))))
    yield ("whiteout-only", "whiteout", "honest", "everything is deleted", with_layers(LAYER, tar((".wh.file", b""))))
    yield "whiteout-root", "whiteout", "honest", "the root is opaque", with_layers(LAYER, tar((".wh..wh..opq", b""), ("new", b"")))
    overlay = tarfile.TarInfo("a")
    overlay.pax_headers = {"SCHILY.xattr.user.overlay.redirect": "/etc"}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(overlay)
    yield "layer-overlay", "layer", "E_ARCHIVE_HOSTILE", "overlay's own attributes", with_layers(LAYER, buffer.getvalue())
    for name, entry in (("dotdot", ("../x", b"")), ("absolute", ("/x", b""))):
        yield f"layer-{name}", "layer", "E_ARCHIVE_HOSTILE", "a layer with a path outside", with_layers(LAYER, tar(entry))
    yield "layer-empty", "layer", "honest", "a layer without anything in it", with_layers(LAYER, bytes(1024))
    yield "layer-twice", "layer", "honest", "one layer twice", with_layers(LAYER, tar(("x", b"")), LAYER)
    yield "layer-garbage", "layer", "E_ARCHIVE_FORMAT", "a layer that is no tar", with_layers(LAYER, b"garbage" * 200)
    yield "layer-cut", "layer", "E_ARCHIVE_TRUNCATED", "a layer that is cut short", with_layers(LAYER, LAYER[:1024])
    many = [tar((f"f{number}", b"")) for number in range(300)]
    yield "layers-many", "layer", "E_ARCHIVE_LIMIT", "more layers than any image has", with_layers(*many)


def truncations():
    for form, whole in (("docker", Image().docker()), ("oci", Image().oci_archive())):
        for end in range(512, len(whole.rstrip(b"\0")) + 1024, 512):
            yield f"cut-{form}-{end}", "cut", "E_ARCHIVE_", "the archive is cut short", whole[:end]
    yield "appended", "cut", "E_ARCHIVE_FORMAT", "something follows the archive", whole + b"x" * 512


def main():
    out, canary = sys.argv[1], sys.argv[2]
    os.makedirs(out)
    with open(os.path.join(out, "manifest"), "w", encoding="ascii") as manifest:
        for cases in (paths(canary), digests(), texts(), configurations(), indexes(), layers(), truncations()):
            for name, kind, expect, why, data in cases:
                path = os.path.join(out, name)
                if isinstance(data, tuple):
                    write_layout(path, *data)
                else:
                    with open(path, "wb") as stream:
                        stream.write(data)
                print(name, kind, expect, why, sep="\t", file=manifest)
        # Layouts on disk whose blobs are no files of theirs.
        for name, target in (("link-out", canary), ("link-passwd", "/etc/passwd"), ("fifo", None)):
            blobs, index = Image().oci()
            path = os.path.join(out, "layout-" + name)
            write_layout(path, blobs, index)
            blob = os.path.join(path, "blobs/sha256", digest(LAYER))
            os.remove(blob)
            if target:
                os.symlink(target, blob)
            else:
                os.mkfifo(blob)
            print("layout-" + name, "layout", "E_ARCHIVE_FORMAT", "a blob that is no file", sep="\t", file=manifest)
        path = os.path.join(out, "layout-link-folder")
        blobs, index = Image().oci()
        write_layout(path, blobs, index)
        shutil.move(os.path.join(path, "blobs"), os.path.join(out, "elsewhere"))
        os.symlink("../elsewhere", os.path.join(path, "blobs"))
        print("layout-link-folder", "layout", "E_ARCHIVE_FORMAT", "blobs that lie elsewhere", sep="\t", file=manifest)


if __name__ == "__main__":
    main()
