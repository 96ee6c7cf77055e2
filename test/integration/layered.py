#!/usr/bin/env python3
"""Writes layers and image archives.

usage: layered.py layers DIRECTORY BASE.tar      DIRECTORY/00.tar and so on: the layers of an image
       layered.py docker OUT.tar LAYOUT [FILTER] an OCI layout as `docker save` wrote it until Docker 24: ID/layer.tar,
                                                 through a program when FILTER names one; a layer that comes twice is
                                                 a symbolic link to the first
       layered.py hybrid OUT.tar LAYOUT          the same as since Docker 25: an OCI layout with a manifest.json
       layered.py packed OUT LAYOUT FILTER       an OCI layout whose layers went through a program
       layered.py many OUT.tar BASE.tar N        an image of N layers, each of which deletes a file of the one below
       layered.py several OUT.tar BASE.tar       a docker archive with three images: for two machines, and of another name
       layered.py index OUT LAYOUT               an OCI layout whose index names an index for three platforms

Debian's tools write neither of the two forms.
"""

import gzip
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile

TIME = 1600000000


class Layer:
    """A tar stream under construction; times grow, so that each entry's is its own."""

    def __init__(self, number):
        self.buffer = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.buffer, mode="w", format=tarfile.PAX_FORMAT)
        self.time = TIME + number * 1000

    def add(self, name, kind=tarfile.REGTYPE, data=b"", mode=0o644, owner=(0, 0), link="", attributes=None):
        info = tarfile.TarInfo(name)
        self.time += 1
        info.type, info.size, info.mode, info.mtime, info.linkname = kind, len(data), mode, self.time, link
        info.uid, info.gid = owner
        info.pax_headers = {"SCHILY.xattr." + key: value for key, value in (attributes or {}).items()}
        self.tar.addfile(info, io.BytesIO(data))

    def directory(self, name, mode=0o755, **more):
        self.add(name, tarfile.DIRTYPE, mode=mode, **more)

    def whiteout(self, directory, name):
        self.add(os.path.join(directory, ".wh." + name), mode=0)

    def finish(self):
        self.tar.close()
        return self.buffer.getvalue()


def first():
    """Besides the base: what the others change, and the places where a sandbox mounts something."""
    layer = Layer(0)
    for name in ("hostname", "hosts", "resolv.conf"):
        layer.add("etc/" + name)
    layer.directory("d", 0o750, owner=(5, 6))
    layer.directory("d/sub", 0o2711, owner=(7, 8), attributes={"user.note": "kept"})
    for name in ("d/a", "d/b", "d/sub/c"):
        layer.add(name, data=name.encode(), mode=0o4640, owner=(100, 200))
    layer.add("d/link", tarfile.SYMTYPE, link="a", owner=(3, 4))
    layer.add("d/hard", tarfile.LNKTYPE, link="d/a")
    layer.add("d/fifo", tarfile.FIFOTYPE, mode=0o600)
    for name in ("opaque", "replaced", "gone", "file-to-be", "n"):
        layer.directory(name, 0o700, owner=(11, 12))
        layer.add(name + "/old", data=b"old")
    layer.add("directory-to-be", data=b"a file")
    layer.add("link-to-be", data=b"a file")
    layer.directory("deleted", 0o701, owner=(13, 14))
    layer.directory("deleted/sub", 0o702, owner=(15, 16), attributes={"user.note": "deleted"})
    return layer


def second():
    """Each kind of change once."""
    layer = Layer(1)
    layer.add("d/a", data=b"changed", mode=0o600)             # in a directory that is not listed
    layer.add("d/sub/new", data=b"new", owner=(9, 9))
    layer.whiteout("d", "b")
    layer.whiteout("", "gone")
    layer.directory("opaque", 0o711)
    layer.add("opaque/.wh..wh..opq", mode=0)
    layer.add("opaque/new", data=b"new")
    layer.whiteout("", "replaced")                            # deleted and made anew, in this order
    layer.directory("replaced", 0o755)
    layer.add("replaced/new", data=b"new")
    layer.whiteout("", "file-to-be")
    layer.add("file-to-be", data=b"now a file")
    layer.whiteout("", "directory-to-be")
    layer.directory("directory-to-be")
    layer.add("directory-to-be/inside", data=b"inside")
    layer.add("link-to-be", tarfile.SYMTYPE, link="d/a")
    layer.add("later/deep/er", data=b"in directories that nobody lists")
    layer.whiteout("", "deleted")                             # and filled again, without being listed
    layer.add("deleted/sub/new", data=b"new")
    return layer


def further(number):
    """A file that the next layer deletes, and a folder that it replaces."""
    layer = Layer(number)
    layer.add(f"n/{number}", data=b"%d" % number)
    if number > 2:
        layer.whiteout("n", str(number - 1))
    layer.directory("every", 0o755 - number)
    layer.add("every/.wh..wh..opq", mode=0)
    layer.add(f"every/{number}", data=b"%d" % number)
    return layer


def write_layers(directory, base):
    with open(base, "rb") as stream:
        data = [stream.read(), first().finish(), second().finish()]
    data += [further(number).finish() for number in range(2, 28)]
    # Some come twice, as empty ones do in many images: one takes a directory from below, which was changed meanwhile.
    change, whole = Layer(28), Layer(29)
    change.directory("n", 0o711, owner=(17, 18))
    whole.directory("twice", 0o750)
    data += [change.finish(), data[10], whole.finish(), data[3], whole.finish()]
    for number, layer in enumerate(data):
        with open(os.path.join(directory, "%02d.tar" % number), "wb") as stream:
            stream.write(layer)


def blob(layout, descriptor):
    with open(os.path.join(layout, "blobs", *descriptor["digest"].split(":")), "rb") as stream:
        return stream.read()


class Archive:
    def __init__(self, path):
        self.tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)

    def add(self, name, data=b"", kind=tarfile.REGTYPE, link=""):
        info = tarfile.TarInfo(name)
        info.type, info.size, info.linkname, info.mtime = kind, len(data), link, TIME
        self.tar.addfile(info, io.BytesIO(data))


def read_image(layout):
    with open(os.path.join(layout, "index.json"), encoding="utf-8") as stream:
        index = json.load(stream)
    manifest = json.loads(blob(layout, index["manifests"][0]))
    layers = [blob(layout, layer) for layer in manifest["layers"]]
    return index, manifest, blob(layout, manifest["config"]), [
        gzip.decompress(layer) if layer[:2] == b"\x1f\x8b" else layer for layer in layers]


def write_docker(path, layout, program):
    _, _, config, layers = read_image(layout)
    archive, paths, seen = Archive(path), [], {}
    for number, layer in enumerate(layers):
        directory = hashlib.sha256(b"%d" % number).hexdigest()
        archive.add(directory + "/", kind=tarfile.DIRTYPE)
        archive.add(directory + "/VERSION", b"1.0")
        archive.add(directory + "/json", b"{}")
        paths.append(directory + "/layer.tar")
        if layer in seen:
            archive.add(paths[-1], kind=tarfile.SYMTYPE, link="../" + seen[layer])
        else:
            archive.add(paths[-1], subprocess.run(program, input=layer, stdout=subprocess.PIPE, check=True).stdout)
        seen.setdefault(layer, paths[-1])
    name = hashlib.sha256(config).hexdigest() + ".json"
    archive.add(name, config)
    archive.add("manifest.json", json.dumps(
        [{"Config": name, "RepoTags": ["example.org/layers/test:30"], "Layers": paths}]).encode())
    archive.add("repositories", b"{}")
    archive.tar.close()


def write_packed(path, layout, program):
    """Media types say "gzip" or nothing, as those of most tools do; what counts is the content."""
    shutil.copytree(layout, path)
    index, manifest, _, layers = read_image(layout)

    def store(data, old):
        with open(os.path.join(path, "blobs/sha256", digest(data)), "wb") as stream:
            stream.write(data)
        return {**old, "digest": "sha256:" + digest(data), "size": len(data)}
    for old in manifest["layers"]:
        os.remove(os.path.join(path, "blobs", *old["digest"].split(":")))
    manifest["layers"] = [
        store(subprocess.run(program, input=layer, stdout=subprocess.PIPE, check=True).stdout, old)
        for layer, old in zip(layers, manifest["layers"])]
    index["manifests"][0] = store(json.dumps(manifest).encode(), index["manifests"][0])
    with open(os.path.join(path, "index.json"), "w", encoding="utf-8") as stream:
        json.dump(index, stream)


def write_hybrid(path, layout):
    index, manifest, _, _ = read_image(layout)
    archive = Archive(path)
    archive.add("blobs/", kind=tarfile.DIRTYPE)
    archive.add("blobs/sha256/", kind=tarfile.DIRTYPE)
    for name in sorted(os.listdir(os.path.join(layout, "blobs/sha256"))):
        archive.add("blobs/sha256/" + name, blob(layout, {"digest": "sha256:" + name}))
    archive.add("index.json", json.dumps(index).encode())

    def place(descriptor):
        return "blobs/" + descriptor["digest"].replace(":", "/")
    archive.add("manifest.json", json.dumps([{
        "Config": place(manifest["config"]), "RepoTags": ["test:30"],
        "Layers": [place(layer) for layer in manifest["layers"]]}]).encode())
    archive.add("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
    archive.tar.close()


def digest(data):
    return hashlib.sha256(data).hexdigest()


def own_architecture():
    return {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def configuration(layers, architecture, **config):
    return json.dumps({"architecture": architecture, "os": "linux", "config": config, "rootfs": {
        "type": "layers", "diff_ids": ["sha256:" + digest(layer) for layer in layers]}}).encode()


def write_many(path, base, count):
    with open(base, "rb") as stream:
        layers = [stream.read()]
    for number in range(1, count):
        layer = Layer(number)
        layer.add(f"many/{number}")
        if number > 1:
            layer.whiteout("many", str(number - 1))
        layers.append(layer.finish())
    archive = Archive(path)
    for layer in layers:
        archive.add(digest(layer) + ".tar", layer)
    config = configuration(layers, own_architecture())
    archive.add(digest(config) + ".json", config)
    archive.add("manifest.json", json.dumps([{
        "Config": digest(config) + ".json", "RepoTags": None,
        "Layers": [digest(layer) + ".tar" for layer in layers]}]).encode())
    archive.tar.close()


def write_several(path, base):
    with open(base, "rb") as stream:
        layers = [stream.read()]
    archive, images = Archive(path), []
    archive.add(digest(layers[0]) + "/layer.tar", layers[0])
    for name, architecture in (("one:1", own_architecture()), ("one:1", "s390x"), ("two:1", own_architecture())):
        config = configuration(layers, architecture, Cmd=["echo", name, architecture], Env=["PATH=/bin"])
        archive.add(digest(config) + ".json", config)
        images.append({"Config": digest(config) + ".json", "RepoTags": [name], "Layers": [digest(layers[0]) + "/layer.tar"]})
    archive.add("manifest.json", json.dumps(images).encode())
    archive.tar.close()


def write_index(path, layout):
    shutil.copytree(layout, path)
    index, manifest, _, layers = read_image(layout)
    del manifest["layers"][1:]

    def store(data, kind, **more):
        with open(os.path.join(path, "blobs/sha256", digest(data)), "wb") as stream:
            stream.write(data)
        return {"mediaType": kind, "digest": "sha256:" + digest(data), "size": len(data), **more}

    manifests = []
    for architecture, variant in (("amd64", None), ("arm64", "v8"), ("arm", "v7")):
        config = configuration(layers[:1], architecture, Cmd=["echo", architecture], Env=["PATH=/bin"])
        manifest["config"] = store(config, manifest["config"]["mediaType"])
        described = {"os": "linux", "architecture": architecture, **({"variant": variant} if variant else {})}
        manifests.append(store(json.dumps(manifest).encode(), index["manifests"][0]["mediaType"], platform=described))
    # What buildkit states about an image stands beside it.
    manifests.append({**manifests[0], "platform": {"os": "unknown", "architecture": "unknown"}})
    inner = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()
    outer = {"schemaVersion": 2, "manifests": [store(inner, "application/vnd.oci.image.index.v1+json")]}
    with open(os.path.join(path, "index.json"), "w", encoding="utf-8") as stream:
        json.dump(outer, stream)


def main():
    command, path, source, *more = sys.argv[1:]
    if command == "layers":
        write_layers(path, source)
    elif command == "docker":
        write_docker(path, source, more or ["cat"])
    elif command == "packed":
        write_packed(path, source, more)
    elif command == "many":
        write_many(path, source, int(more[0]))
    else:
        {"hybrid": write_hybrid, "several": write_several, "index": write_index}[command](path, source)


if __name__ == "__main__":
    main()
