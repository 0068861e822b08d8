"""weir(3) must name every function, type, code and struct member of weir.h, with its arguments as they are, and have no fault that
mandoc can find.

    manual.py SOURCE_ROOT
"""

import pathlib
import re
import shutil
import subprocess
import sys

root = pathlib.Path(sys.argv[1])
text = re.sub(r"/\*.*?\*/|^#[^\n]*$", " ", (root / "include" / "weir.h").read_text(), flags=re.S | re.M)
page = (root / "docs" / "weir.3").read_text()
words = set(re.findall(r"\w+", page))
synopsis = page[page.index(".Sh SYNOPSIS"):page.index(".Sh DESCRIPTION")]
faults = []


def plain(declaration):
    return re.sub(r"\W+", " ", declaration).split()


def functions():
    for returned, name, arguments in re.findall(r"WEIR_API(?: WEIR_USE_RESULT)?\s+([^;(]*?)\b(weir_\w+)\s*\(([^)]*)\);", text):
        yield returned, name, arguments
    for returned, name, arguments in re.findall(r"typedef ([^;({]*?)\b(weir_\w+_fn)\s*\(([^)]*)\);", text):
        yield "typedef " + returned, name, arguments


shown = {}
for returned, rest in re.findall(r"^\.Ft (.*)\n((?:\.F[noac].*\n)+)", synopsis, re.M):
    name, *arguments = plain(re.sub(r"^\.F[noac]", "", rest, flags=re.M))
    shown[name] = (plain(returned), arguments)
count = 0
for returned, name, arguments in functions():
    count += 1
    if name not in shown:
        faults.append(f"the synopsis has no {name}")
    elif shown.pop(name) != (plain(returned), plain(arguments)):
        faults.append(f"the synopsis has another {name} than weir.h: {returned} {name}({arguments})")
    if name not in words:
        faults.append(f"{name} is not described")
    if not re.search(rf"\b{name}\b", page[page.index(".Sh DESCRIPTION"):]) and not name.endswith(("_new", "_free")):
        faults.append(f"{name} stands in the synopsis alone")
faults += [f"the synopsis has {name}, which weir.h has not" for name in shown]
for body in re.findall(r"typedef (?:struct|enum) \w+ \{(.*?)\}", text, re.S):
    for declaration in re.split(r"[;,]", body):
        member = re.search(r"(\w+)\s*(?:=\s*\d+\s*)?$", declaration)
        if member and member[1] not in words:
            faults.append(f"{member[1]} is not described")
if count < 40:
    faults.append(f"weir.h was not understood: {count} functions")

mandoc = shutil.which("mandoc")
if mandoc:
    lint = subprocess.run([mandoc, "-T", "lint", "-W", "style", str(root / "docs" / "weir.3")], capture_output=True, text=True)
    faults += [line for line in lint.stdout.splitlines() if "referenced manual not found" not in line]  # a machine has those it has
    if lint.returncode >= 3 and not faults:
        faults.append(lint.stderr)
for fault in faults:
    print(fault)
if not mandoc and not faults:
    print("skipped: there is no mandoc to look for faults of form")
    sys.exit(77)  # Meson's word for it
sys.exit(1 if faults else 0)
