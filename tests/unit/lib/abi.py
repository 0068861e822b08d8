"""Compares what programs are compiled and linked against with tests/golden/lib/weir.abi, line by line:

    function NAME@@VERSION        exported by the shared library
    value    ENUM.NAME NUMBER
    struct   NAME.FIELD OFFSET SIZE     in bytes, on 64-bit machines

A line that is gone or other than it was breaks programs that exist; a new one is a promise. Both are red here. After a change that
is meant (a new function, a field at the end of its struct): WEIR_GOLDEN=write, and read the difference before it is committed.

Also holds what the shared library brings into a program: the libraries that it needs, and how much code it is.

    abi.py SOURCE_ROOT CC LIBRARY.so LIBRARY.a KIND

KIND is what build it is: ordinary, sanitized (which needs more libraries) or other (whose code has another size).
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

root, cc, shared, static, kind = pathlib.Path(sys.argv[1]), *sys.argv[2:]
header = root / "include" / "weir.h"
golden = root / "tests" / "golden" / "lib" / "weir.abi"
text = re.sub(r"/\*.*?\*/", " ", header.read_text(), flags=re.S)
faults = []

# A program that links libweir gets these, and with them their licences and their security updates. What only the gateway needs stays out of it.
NEEDED = ["libbrotlidec.so.1", "libc.so.6", "libcrypto.so.3", "libfyaml.so.0", "libm.so.6", "libpcre2-8.so.0", "libssl.so.3", "libuv.so.1", "libz.so.1",
          "libzstd.so.1"]
# Bytes of .text with gcc 12 on x86-64, at most: room for a repair, not for a feature of the gateway whose functions get into the library
# because something in it names them (meson.build, --gc-sections). A feature that programs call may raise it: of the
# 639,000 or so that there are 8,000 read forms, which programs send to further paths and which name the model there (transcriptions, edits of
# images), 12,000 are what providers were found to do otherwise than OpenAI (Azure's paths, failures amid a stream, usage told
# early, items that only one account knows, errors that are cut); 48,000 are runs of a model with functions of the program (most of them the checker of schemas), 63,000 the simulator,
# which programs name in the place of a URL, and the server under it, and more than 82,000 the
# reading of a configuration, of which a program may bring any: also what it says of guards, caches, tools, keys, tokens, alerts and shared limits.
TEXT_MAX = 642_000


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def fields_of(body):
    """`const char *a; int64_t b, c;` gives a, b, c."""
    for declaration in body.split(";"):
        for part in declaration.split(","):
            if part.strip():
                yield re.search(r"(\w+)\s*$", part)[1]


def layout():
    """What the compiler makes of the header's enums and structs."""
    rows = []
    for name, body in re.findall(r"typedef enum (\w+) \{(.*?)\}", text, re.S):
        for value in re.findall(r"\b([A-Z]\w+)\s*(?==|,|$)", body):
            rows.append(f'printf("value {name}.{value} %d\\n", (int){value});')
    for name, body in re.findall(r"typedef struct (\w+) \{(.*?)\} \w+;", text, re.S):
        for field in fields_of(body):
            rows.append(f'printf("struct {name}.{field} %zu %zu\\n", offsetof({name}, {field}), sizeof((({name} *)0)->{field}));')
    with tempfile.TemporaryDirectory() as folder:
        source, program = pathlib.Path(folder, "layout.c"), pathlib.Path(folder, "layout")
        source.write_text("#include <weir.h>\n#include <stdio.h>\nint main(void) {\n" + "\n".join(rows) + "\nreturn 0;\n}\n")
        run(*cc.split(), f"-I{header.parent}", str(source), "-o", str(program))
        return run(str(program)).splitlines()


def names(listing):
    """Defined symbols of nm's output, without the name of the version itself."""
    found = re.findall(r"^[0-9a-f]+ ([A-Z]) (\S+)$", listing, re.M)
    return sorted(name for kind, name in found if kind != "A")


exported = names(run("nm", "-D", "--defined-only", "--with-symbol-versions", shared))
promised = sorted(re.findall(r"WEIR_API\b[^;(]*?\b(weir_\w+)\s*\(", text))
if sorted(re.sub("@.*", "", name) for name in exported) != promised:
    faults.append(f"weir.h and the shared library differ in {set(promised) ^ {re.sub('@.*', '', n) for n in exported}}; see src/lib/weir.map")
archived = names(run("nm", "-g", "--defined-only", static))
if archived != promised:
    faults.append(f"weir.h and the static library differ in {sorted(set(promised) ^ set(archived))}; see packaging/archive")
if ".gnu.lto_" in run("readelf", "-SW", static):
    faults.append("the static library holds code for link-time optimisation, which one compiler alone understands")

if kind != "sanitized":
    needed = sorted(re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-dW", shared)))
    needed = [name for name in needed if not name.startswith("libllhttp.so")]  # in the library itself, or beside it where that is packaged
    if needed != NEEDED:
        faults.append(f"the shared library needs {' '.join(needed)}; it should need {' '.join(NEEDED)}")
if kind == "ordinary":
    size = int(re.search(r"^\.text\s+(\d+)", run("size", "-A", shared), re.M)[1])
    if size > TEXT_MAX:
        faults.append(f"the shared library has {size:,} bytes of code; at most {TEXT_MAX:,} are allowed, see TEXT_MAX")

now = [f"function {name}" for name in exported] + layout()
if os.environ.get("WEIR_GOLDEN") == "write":
    golden.write_text("\n".join(now) + "\n")
before = golden.read_text().splitlines()
faults += [f"gone: {line}" for line in before if line not in now]
faults += [f"new: {line}" for line in now if line not in before]
if not faults and now != before:
    faults.append(f"the order of {golden.name} is another")
if len(promised) < 40 or len(now) < 80:
    faults.append(f"{header.name} was not understood: {len(promised)} functions, {len(now)} lines")
for fault in faults:
    print(fault)
sys.exit(1 if faults else 0)
