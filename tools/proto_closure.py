#!/usr/bin/env python3
"""Prints the .proto files that the given roots import, the roots included, one a line.

    proto_closure.py INCLUDE_DIRECTORY[:INCLUDE_DIRECTORY] ROOT.proto [ROOT.proto ...]

google/protobuf/*.proto are left out: the protobuf library has them compiled in.
"""
import pathlib
import re
import sys

IMPORT = re.compile(r'^import\s+(?:public\s+|weak\s+)?"([^"]+)"', re.MULTILINE)


def find(directories, name):
    for directory in directories:
        if (directory / name).exists():
            return directory / name
    sys.exit(f"proto_closure: {name} is in none of {[str(d) for d in directories]}")


def main():
    directories = [pathlib.Path(d) for d in sys.argv[1].split(":")]
    seen, todo = set(), list(sys.argv[2:])
    while todo:
        name = todo.pop()
        if name in seen or name.startswith("google/protobuf/"):
            continue
        seen.add(name)
        todo.extend(IMPORT.findall(find(directories, name).read_text()))
    print("\n".join(sorted(seen)))


if __name__ == "__main__":
    main()
