"""What including the library costs: time to compile, and size of a program."""

import dataclasses
import os
import re
import resource
import shutil
import subprocess
import tempfile

from harness import programs
from harness.scenario import Scenario

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
_INCLUDE = re.compile(r'^\s*#include\s+["<]([^">]+)[">]', re.MULTILINE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompileScenario(Scenario):
    """Translation units that only include: compiler's processor seconds.

    `headers` maps a contender to the headers it includes; "absl of X" stands
    for those of abseil that X includes, itself or through our headers.
    """
    headers: dict

    def contender_names(self):
        return list(self.headers)

    def missing(self, _name, _context):
        if _compiler() is None:
            return "no C++ compiler"
        if not os.path.exists("/usr/include/absl"):
            return "abseil's headers are not installed in /usr/include"
        return None

    def measure(self, name, _context):
        with tempfile.TemporaryDirectory(prefix="rpc-compile-") as directory:
            source = os.path.join(directory, "unit.cc")
            with open(source, "w") as file:
                for header in _expand(self.headers[name]):
                    file.write(f'#include "{header}"\n')
                file.write("int main() {}\n")
            output = os.path.join(directory, "unit.o")
            return {"seconds": _cpu_seconds(
                [_compiler(), "-std=c++20", "-O2", "-I", _ROOT, "-c", source,
                 "-o", output])}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SizeScenario(Scenario):
    """Bytes of built programs, without their symbols."""
    programs: dict

    def contender_names(self):
        return list(self.programs)

    def missing(self, name, context):
        if shutil.which("strip") is None:
            return "strip is not installed"
        return programs.missing(self.programs[name], context)

    def measure(self, name, context):
        with tempfile.NamedTemporaryFile(prefix="rpc-size-") as stripped:
            subprocess.run(
                ["strip", "-o", stripped.name,
                 programs.path_of(self.programs[name], context)], check=True)
            return {"bytes": os.stat(stripped.name).st_size}


def _compiler():
    return shutil.which(os.environ.get("CXX", "c++"))


def _expand(headers):
    expanded = []
    for header in headers:
        root = header.removeprefix("absl of ")
        expanded += [header] if root == header else sorted(
            found for found in _reached(root) if found.startswith("absl/"))
    return expanded


def _reached(header, seen=None):
    """The headers that `header` includes, through ours but no others'."""
    seen = set() if seen is None else seen
    if header not in seen:
        seen.add(header)
        path = os.path.join(_ROOT, header)
        if os.path.exists(path):
            with open(path) as file:
                for included in _INCLUDE.findall(file.read()):
                    _reached(included, seen)
    return seen


def _cpu_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(command, stdin=subprocess.DEVNULL,
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise programs.RunFailed(f"{' '.join(command)} failed: {run.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime
            - before.ru_utime - before.ru_stime)
