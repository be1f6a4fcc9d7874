#!/usr/bin/env python3
"""Fetches the .proto files that Trainyard is built from.

    fetch_protos.py DESTINATION

Reads proto/packages.txt, takes each npm package from the npm cache or registry, checks its SHA-512,
and unpacks its .proto files below DESTINATION. Does nothing when DESTINATION is already current.
"""
import base64
import hashlib
import pathlib
import shutil
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PREFIXES = ("package/build/protos/", "package/protos/")


def read_packages(path):
    lines = path.read_text().splitlines()
    return [line.split() for line in lines if line.strip() and not line.startswith("#")]


def pack(name, version, directory):
    result = subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=directory,
                            check=True, stdout=subprocess.PIPE, text=True)
    return directory / result.stdout.strip().splitlines()[-1]


def check(tarball, integrity):
    digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if digest != integrity:
        sys.exit(f"fetch_protos: {tarball.name} has SHA-512 {digest}, packages.txt says {integrity}")


def unpack(tarball, destination):
    with tarfile.open(tarball) as archive:
        for member in archive:
            for prefix in PREFIXES:
                if member.isfile() and member.name.startswith(prefix + "google/") \
                        and member.name.endswith(".proto") \
                        and not member.name.startswith(prefix + "google/protobuf/"):
                    target = destination / member.name[len(prefix):]
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(archive.extractfile(member).read())


def main():
    destination = pathlib.Path(sys.argv[1])
    manifest = ROOT / "proto" / "packages.txt"
    stamp = destination / ".packages.txt"
    if stamp.exists() and stamp.read_text() == manifest.read_text():
        return
    shutil.rmtree(destination, ignore_errors=True)
    destination.mkdir(parents=True)
    for name, version, integrity in read_packages(manifest):
        tarball = pack(name, version, destination)
        check(tarball, integrity)
        unpack(tarball, destination)
        tarball.unlink()
    stamp.write_text(manifest.read_text())


if __name__ == "__main__":
    main()
