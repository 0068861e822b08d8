"""tools/mutate: what it makes of pieces of C, and what it says about a small project of its own.

    mutate.py SOURCE_ROOT
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

root = pathlib.Path(sys.argv[1])
sys.dont_write_bytecode = True
sys.path.insert(0, str(root / "tools"))
from mutation.mutants import mutants_of  # noqa: E402

faults = []

# The body of a function, and what its mutants are for people. An empty list: nothing is to be changed.
BODIES = [
    ("if (a < b) go();", ["a < b -> a <= b", "go() -> nothing"]),
    ("x = p->len >= q[i].max;", ["p->len >= q[i].max -> p->len > q[i].max"]),
    ("x = f(a, b) != g->h(c);", ["f(a, b) != g->h(c) -> f(a, b) == g->h(c)"]),
    ("x = a && b == c;", ["a && b == c -> a || b == c", "b == c -> b != c"]),
    ("x = a->b << c; y = &p; z = a & b | c;", []),
    ("x = n + 1;", ["n + 1 -> n", "n + 1 -> n + 2"]),
    ("x = n - 1 * m;", ["n - 1 -> n - 2"]),
    ("x = -1; y = f(-1);", ["x = -1 -> x = -0", "f(-1) -> f(-0)"]),
    ("x = 0x7f; y = 0.5; z = 3u;", ["x = 0x7f -> x = 0x80", "z = 3u -> z = 4u"]),
    ("if (!ready) x = y != z;", ["!ready -> ready", "y != z -> y == z"]),
    ("if (!span_eq(a, b)) x = y;", ["!span_eq(a, b) -> span_eq(a, b)"]),
    ("list.ops[i]->drop(a,\n   b);", ["list.ops[i]->drop(a, b) -> nothing"]),
    ("(void)close(fd); else f(a);", ["(void)close(fd) -> nothing", "f(a) -> nothing"]),
    ("x = f(a); f(a), b; return f(a); sizeof(f);", []),
    ("case A: f(a); break; default: g();", ["f(a) -> nothing", "break -> continue", "g() -> nothing"]),
    ("for (f(a); g(b); h(c)) continue;", ["continue -> break"]),
    ("while (a) f();", ["f() -> nothing"]),
    ('log("a < b && !c + 1", \'<\'); // d < e', ['log("a < b && !c + 1", \'<\') -> nothing']),
    ("/* a < b\n */ x = y;", []),
    ("\n#if A < 2 && \\\n  B < 3\n#endif\nx = y;", []),
    ("assert(a < b && f(1)); static_assert(sizeof a == 4, \"\");", []),
    ("static const int t[] = {1, 2}; static int n = 3; enum { LONG = 9 };", []),
    ("char text[64], *p[2]; const struct a b[3] = {0}; x = c[4];", ["c[4] -> c[5]"]),
    ("switch (a) { case 4: return 5; }", ["case 4 -> case 5", "return 5 -> return 6"]),
]
# Functions whole: only those of type bool return a truth.
FILES = [
    ("static bool f(void) {\n    return true;\n}\n", ["2: return true -> return false"]),
    ("bool f(int a) {\n    return a <\n           b;\n}\n", ["2: return a < b -> return !(a < b)", "2: a < b -> a <= b"]),
    ("int f(void) {\n    return a;\n}\nbool *g(void) { return a; }\n", []),
    ("static const int limits[] = {1, 2, 3};\nenum { A = 1 };\n#define B (1 + 1)\nint c = 1;\nbool f(int);\n", []),
]


def compare(what, found, wanted):
    if sorted(found) != sorted(wanted):
        faults.append(f"{what!r}\n  gives  {sorted(found)}\n  not    {sorted(wanted)}")


for body, wanted in BODIES:
    text = f"int f(int a) {{\n{body}\n}}\n"
    compare(body, [f"{m.was} -> {m.now}" for m in mutants_of(text)], wanted)
for text, wanted in FILES:
    compare(text, [f"{m.line}: {m.was} -> {m.now}" for m in mutants_of(text)], wanted)
for text in [f"int f(int a) {{\n{body}\n}}\n" for body, _ in BODIES] + [text for text, _ in FILES]:
    for m in mutants_of(text):
        if m.apply(text).count("\n") != text.count("\n") or m.apply(text) == text:
            faults.append(f"{text!r}: {m} moves lines, or is none")

PROJECT = {
    "meson.build": """project('tried', 'c', default_options: ['werror=true', 'warning_level=2'])
core = static_library('core', 'src/call/sign.c', 'src/call/wait.c', include_directories: 'src')
foreach name : ['sign', 'wait']
  test('call.' + name, executable('test-' + name, 'tests' / name + '.c', link_with: core, include_directories: 'src'))
endforeach
""",
    "src/call/sign.h": "int sign(int n);\nint wait_for(int n);\n",
    "src/call/sign.c": """#include "call/sign.h"
int sign(int n) {
    if (n < 0) return -1;
    return n > 0;
}
""",
    "src/call/wait.c": """#include "call/sign.h"
int wait_for(int n) {
    int turns = 0;
    while (n > 0) {
        n = n - 1;
        turns = turns + 1;
    }
    return turns;
}
""",
    # sign(0) is asked by nobody.
    "tests/sign.c": '#include "call/sign.h"\nint main(void) { return !(sign(-2) == -1 && sign(1) == 1); }\n',
    "tests/wait.c": '#include "call/sign.h"\nint main(void) { return wait_for(4) != 4; }\n',
}


def digest(folder):
    tree = [path for path in sorted(folder.rglob("*")) if path.is_file() and "build-mutate" not in path.parts and "__pycache__" not in path.parts]
    return hashlib.sha256(b"".join(str(path).encode() + path.read_bytes() for path in tree)).hexdigest()


def run(folder, *arguments):
    # Which mutants are the same code is the compiler's to say: of another the counts are others.
    done = subprocess.run([sys.executable, str(folder / "tools" / "mutate"), *arguments], capture_output=True, text=True, cwd=folder, env=os.environ | {"CC": "gcc"})
    return done.returncode, done.stdout.splitlines(), done.stderr


def expect(what, found, wanted):
    if found != wanted:
        faults.append(f"{what}: {found}\n  not: {wanted}")


def try_project(folder):
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    shutil.copytree(root / "tools" / "mutation", folder / "tools" / "mutation", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "tools" / "mutate", folder / "tools" / "mutate")
    before = digest(folder)

    # n < 1 is n <= 0 once more, and is counted once.
    status, said, error = run(folder, "src/call/sign.c")
    expect("sign.c", (status, error, said[:-2]), (0, "", ["src/call/sign.c:3: n < 0 -> n <= 0", "src/call/sign.c:4: n > 0 -> n >= 0", "",
                                                          "call        killed 2 of 4 (50 %)"]))
    expect("again", run(folder, "src/call/sign.c")[1][:-1], said[:-1])
    # n = n counts for ever; whatever the others do, they end and are told from four.
    status, said, error = run(folder, "src/call/wait.c", "--patience", "1")
    expect("wait.c", (status, error, said[1:2]), (0, "", ["call        killed 7 of 7 (100 %)"]))
    expect("the tree has changed", digest(folder), before)

    (folder / "tests" / "wait.c").write_text("int main(void) { return 3; }\n")
    status, said, error = run(folder, "src/call/sign.c")
    expect("a test that fails", (status, said, error.split(":\n")[0]), (1, [], "tools/mutate: call.wait fails without a mutant, before all others"))
    status, said, error = run(folder, "nowhere")
    expect("no such room", (status, said, error), (1, [], "tools/mutate: 'nowhere' is neither a room nor a C file in src/\n"))


with tempfile.TemporaryDirectory(prefix="weir-mutate-") as name:
    try_project(pathlib.Path(name))
for fault in faults:
    print(fault)
sys.exit(1 if faults else 0)
