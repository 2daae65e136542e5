"""What a log's module frames mean: scenarios' tags and the sources in, functions, files and lines out.

The tags are the truth. Because compilers fold, split and move code, each frame is also looked up by an independent
reader (binutils' addr2line, told the section): `confirmed` says whether it agrees.
"""

import re
import subprocess
from functools import cache
from pathlib import Path

LAB = Path(__file__).resolve().parent
FRAME = re.compile(r"^(?:\[[^\]]*\])? *(?P<rip>RIP: 0010:)?(?P<symbol>[\w.]+)\+0x(?P<offset>[0-9a-f]+)/0x(?P<size>[0-9a-f]+) \[(?P<module>crashme|crashlib)\]$")


def frames(expected: tuple[str, ...], console: str) -> list[dict]:
    """The expected frames as the console shows them, in order; raises LookupError where one is absent."""
    # Frames marked `? ` do not match: the unwinder is not sure of them. Nor does a headline that names a frame.
    printed = iter([match for line in console.splitlines() if (match := FRAME.match(line))])
    found = []
    for tags in expected:
        function = re.split(r"[.|]", tags.split()[-1])[0]
        match = next((m for m in printed if m["symbol"].split(".")[0] == function), None)
        if match is None:
            raise LookupError(f"the console shows no frame of {function} where one is due")
        found.append(located(match, tags.split()))
    return found


def located(match: re.Match, expected: list[str]) -> dict:
    """A printed frame with where its code lies and the calls that it stands for."""
    # RIP is where the CPU stood; other frames are return addresses, one past the call.
    exact = match["rip"] is not None
    section, start = symbols(match["module"])[match["symbol"]]
    address = start + int(match["offset"], 16) - (0 if exact else 1)
    chain = reader(match["module"], section, address)
    calls = [call(tag, chain) for tag in expected]
    for inner in calls[:-1]:
        inner["inlined"] = True
    wanted = [(c["function"], c["file"], c["line"]) for c in calls]
    # Inlined functions of kernel headers stand before those that the tags name.
    return {
        "frame": match[0][match.start("symbol") :],
        "exact": exact,
        "section": section,
        "section_offset": address,
        "calls": calls,
        "confirmed": chain[-len(wanted) :] == wanted,
        "reader": [{"function": function, "file": file, "line": line} for function, file, line in chain],
    }


def call(tag: str, chain: list[tuple[str, str, int]]) -> dict:
    """The place of a tag; of "a|b", the place that the reader names, else the first."""
    choices = [(choice.split(".")[0], *tags()[choice]) for choice in tag.split("|")]
    function, file, line = next((choice for choice in choices if choice in chain), choices[0])
    return {"function": function, "file": file, "line": line, "inlined": False}


@cache
def tags() -> dict[str, tuple[str, int]]:
    """Where each "@tag" of the sources stands."""
    found: dict[str, tuple[str, int]] = {}
    for source in sorted(LAB.glob("*.c")):
        for number, line in enumerate(source.read_text().splitlines(), 1):
            for tag in re.findall(r"/\* @([\w.]+) \*/", line):
                if tag in found:
                    raise ValueError(f"tag @{tag} stands twice")
                found[tag] = (f"testdata/lab/{source.name}", number)
    return found


@cache
def symbols(module: str) -> dict[str, tuple[str, int]]:
    """Functions of a module: section and offset in it."""
    ko = LAB / "ko" / f"{module}.ko"
    # "  [ 3] .text PROGBITS …", and "  42: 00000000000000f0 30 FUNC LOCAL DEFAULT 3 chain_3"
    sections = dict(re.findall(r"^\s*\[\s*(\d+)\] (\S+)", output("readelf", "-SW", ko), re.M))
    rows = re.findall(r"^\s*\d+: ([0-9a-f]+)\s+\S+ FUNC\s+\S+\s+\S+\s+(\d+) (\S+)", output("readelf", "-sW", ko), re.M)
    return {name: (sections[index], int(value, 16)) for value, index, name in rows}


def reader(module: str, section: str, address: int) -> list[tuple[str, str, int]]:
    """What addr2line answers, innermost call first."""
    lines = output("addr2line", "-f", "-i", "-j", section, "-e", LAB / "ko" / f"{module}.ko", hex(address)).splitlines()
    chain = []
    for function, place in zip(lines[::2], lines[1::2]):
        file, _, line = place.partition(" ")[0].rpartition(":")
        chain.append((function.split(".")[0], file.removeprefix("./"), int(line) if line.isdigit() else 0))
    return chain


def output(*command) -> str:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout
