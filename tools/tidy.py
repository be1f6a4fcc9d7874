#!/usr/bin/env python3
"""The style guide as a program: fails on what the house does not allow.

    tidy.py            checks every tracked and untracked source file
    tidy.py --self-test  checks that each rule can fail

Rules: includes follow the table of the rooms; files have at most 800 lines, functions at most 70, lines at most 100
columns (formatting is clang-format's); time, sleep and randomness only in base and bin; no iteration over hash containers
where replay needs one order; no names that say nothing; no std::string_view (Debian's abseil has its own).
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Folder -> folders that it may include. "x.h" entries are single headers. base and model: any header of theirs.
ALLOWED = {
    "base": set(),
    "model": {"base"},
    "sched": {"base", "model"},
    "tuning": {"base", "model"},
    "store": {"base", "model"},
    "control": {"base", "model", "sched", "tuning", "store"},
    "logs": {"base", "model"},
    "objects": {"base"},
    "runtime": {"base", "model", "control/runtime.h", "objects", "logs"},
    "runner": {"base", "logs"},
    "reduce": {"base"},
    "edge": {"base", "model"},
    "api": {"base", "model", "edge", "control", "store", "logs", "objects", "sched"},
    "cli": {"base", "model"},
    "bin": {"base", "model", "sched", "tuning", "store", "control", "runtime", "runner", "logs", "objects", "reduce",
            "edge", "api", "cli"},
    "sim": {"base", "model", "sched", "tuning", "store", "control", "runtime", "logs", "objects"},
}
# Headers that other folders may include, where a folder has more than one front door.
FRONT_DOORS = {
    "sched": {"sched/planner.h"},
    "store": {"store/store.h"},
    "control": {"control/engine.h", "control/runtime.h"},
    "logs": {"logs/logs.h"},
    "objects": {"objects/objects.h"},
    "edge": {"edge/call.h", "edge/method_table.h", "edge/http_handler.h", "edge/server.h", "edge/identity.h"},
    "api": {"api/services.h"},
    "runtime": {"runtime/runtime.h"},
    "cli": {"cli/cli.h"},
}
ORDERED = {"sched", "control", "sim"}
FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100
BANNED_NAMES = re.compile(r"(^|_)(utils?|common|helpers?|misc|managers?)(_|$)", re.IGNORECASE)
BANNED_TIME = re.compile(r"absl::Now\(|sleep_for|absl::SleepFor|system_clock|\bs?rand\(|std::random_device|\bstd::thread\b")
THREADS_ALLOWED = {"edge/server", "edge/http", "edge/listener"}
STRING_VIEW = re.compile(r"std::string_view")
HASH_LOOP = re.compile(r"for \(.*:\s*(\w+)\)")
HASH_DECLARATION = re.compile(r"(?:unordered_(?:map|set)|flat_hash_(?:map|set)|node_hash_(?:map|set))<.*>\s+(\w+)")
INCLUDE = re.compile(r'^#include "((\w+)/[^"]+)"')
FUNCTION_START = re.compile(r"^[A-Za-z_].*[({,:]\s*$|^[A-Za-z_].*\) (const )?(override )?\{$|^[A-Za-z_].*\{$")


def source_files():
    command = ["git", "ls-files", "-co", "--exclude-standard", "*.h", "*.cc"]
    names = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return [name for name in names if (ROOT / name).exists()]


def folder_of(name):
    parts = name.split("/")
    if parts[0] == "src":
        return parts[1]
    return parts[0]


def check_includes(name, lines):
    folder = folder_of(name)
    allowed = ALLOWED.get(folder)
    if allowed is None:
        return
    is_test = name.endswith("_test.cc")
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match or match.group(2) not in ALLOWED:
            continue
        header, other = match.group(1), match.group(2)
        if other == folder or (is_test and other in ("base", "model", "store")):
            continue
        if other not in allowed and header not in allowed:
            yield number, f"{folder} may not include {header}"
        elif other in FRONT_DOORS and header not in FRONT_DOORS[other] and folder not in ("bin", "sim") and not is_test:
            yield number, f"{header} is not a front door of {other}"


def check_lengths(name, lines):
    if len(lines) > FILE_LINES_MAX:
        yield 1, f"{len(lines)} lines; at most {FILE_LINES_MAX}"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX + 20 and "http" not in line and 'R"' not in line:
            yield number, f"{len(line)} columns; at most {COLUMNS_MAX}"
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("}"):
            if start and number - start + 1 > FUNCTION_LINES_MAX and not line.startswith("}  // namespace"):
                yield start, f"function of {number - start + 1} lines; at most {FUNCTION_LINES_MAX}"
            start = None
        elif line and not line[0].isspace() and line.endswith("{") and "namespace" not in line:
            opener = re.match(r"(class|struct|enum|union|extern)\b", line)
            constant = re.match(r"(constexpr|const|static const|inline constexpr)\b.*=", line)
            start = None if opener or constant or "= {" in line else number


def check_words(name, lines):
    folder = folder_of(name)
    stem = pathlib.Path(name).stem
    if BANNED_NAMES.search(stem) or any(BANNED_NAMES.search(part) for part in pathlib.Path(name).parent.parts):
        yield 1, "a name that says nothing (util, common, helper, misc, manager)"
    hash_names = set()
    for number, line in enumerate(lines, 1):
        code = line.split("//")[0]
        threads_ok = any(f"src/{prefix}" in name for prefix in THREADS_ALLOWED)
        if folder not in ("base", "bin", "tests", "bench") and not name.endswith("_test.cc"):
            match = BANNED_TIME.search(code)
            if match and not ("std::thread" in match.group(0) and threads_ok):
                yield number, f"{match.group(0).rstrip('(')} outside base and bin: take a Clock, an Executor, a Random"
        if STRING_VIEW.search(code):
            yield number, "std::string_view: use absl::string_view"
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
            yield number, "unfinished work does not land"
        if folder in ORDERED:
            declared = HASH_DECLARATION.search(code)
            if declared:
                hash_names.add(declared.group(1))
            loop = HASH_LOOP.search(code)
            if loop and loop.group(1) in hash_names:
                yield number, "iteration over a hash container: replay needs one order"


def check(name, text):
    lines = text.splitlines()
    for rule in (check_includes, check_lengths, check_words):
        yield from rule(name, lines)


SELF_TEST = [
    ("src/sched/x.cc", '#include "control/engine.h"\n', "may not include"),
    ("src/api/x.cc", '#include "store/sqlite_store.h"\n', "not a front door"),
    ("src/model/x.cc", "\n" * 801, "801 lines"),
    ("src/model/x.cc", "void F() {\n" + "  g();\n" * 70 + "}\n", "function of 72 lines"),
    ("src/model/x.cc", "auto t = absl::Now();\n", "outside base and bin"),
    ("src/model/x_utils.cc", "", "says nothing"),
    ("src/sched/x.cc", "std::unordered_map<int, int> jobs;\nfor (auto& j : jobs) {\n", "hash container"),
    ("src/model/x.cc", "std::string_view s;\n", "absl::string_view"),
]


def self_test():
    for name, text, want in SELF_TEST:
        found = [message for _, message in check(name, text)]
        if not any(want in message for message in found):
            sys.exit(f"tidy.py --self-test: {name}: expected «{want}», found {found}")
    print(f"tidy: {len(SELF_TEST)} rules can fail")


def main():
    if "--self-test" in sys.argv:
        return self_test()
    problems = 0
    for name in source_files():
        for number, message in check(name, (ROOT / name).read_text(errors="replace")):
            print(f"{name}:{number}: {message}")
            problems += 1
    if problems:
        sys.exit(f"tidy: {problems} problems")
    print("tidy: clean")


if __name__ == "__main__":
    main()
