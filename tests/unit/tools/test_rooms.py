"""tools/rooms on a made-up tree: what it finds there, and what it passes over.

    test_rooms.py SOURCE_ROOT
"""

import pathlib
import subprocess
import sys
import tempfile

ROOMS = pathlib.Path(sys.argv[1]) / "tools" / "rooms"

GOOD = {
    "ARCHITECTURE.md": """\
# Rooms

| room | is |
| --- | --- |
| `base/` | the ground |
| `call/` | calls, in `call/call.c`: `call_start()`, which `base/span.h` knows nothing of |

After `x_cancel()` nobody hears anything. A stage is `src/call/stage_NAME.c` with a row in `kinds.def`.
""",
    "docs/decisions/0001-shape.md": "`call_start()` starts; see call/call.c.\n",
    "src/base/span.h": "/* base/span.h: spans. */\nint span_len(const char *s);\n",
    "src/base/span.c": '#include "base/span.h"\n#include <string.h>\nint span_len(const char *s) { return (int)strlen(s); }\n',
    "src/base/kinds.def": "X(first, call_first)\n",
    "src/call/call.c": """\
/* Calls. Asks span_len() of base/span.h, and strlen() of string.h; on_end is told, see test_call. */
#include "base/span.h"
void call_start(void (*on_end)(void), int max_retries) {}
const char *text = "/* no comment: other_function() in other.c \\"", quote = '"'; // call_first(), max_retries
""",
    "tests/unit/call/test_call.c": "/* Sees call_start() of call.c start. */\n",
    "tests/e2e/test_call.py": '"""Starts what call_start() starts."""\ndef helper(): return "# other_helper() \\" in other.c"  # helper(), 0.5 s, e.g. a.b_c.d\nTEXT = """\n# other_text()\n"""\n',
}


def run(changes):
    """What tools/rooms says of the good tree with these files put over it, and its status."""
    with tempfile.TemporaryDirectory() as top:
        for name, text in {**GOOD, **changes}.items():
            path = pathlib.Path(top, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run([sys.executable, ROOMS, top], capture_output=True, text=True)
        return done.stdout.splitlines(), done.returncode, done.stderr


def check(changes, *problems):
    said = run(changes)
    assert said == (list(problems), 1 if problems else 0, ""), (changes, said)


check({})

# A function, a member, and files that are gone, wherever they are cited.
check({"src/call/call.c": GOOD["src/call/call.c"] + "/* One line,\n * then gone_function(). */\n"}, "src/call/call.c:6: there is no gone_function")
check({"src/call/call.c": GOOD["src/call/call.c"] + "// and on_full, Gone(),\n"},
      "src/call/call.c:5: there is no on_full", "src/call/call.c:5: there is no Gone")
check({"src/base/kinds.def": "/* See call/budget.h, base/call.c, gone.def. */\n" + GOOD["src/base/kinds.def"]},
      "src/base/kinds.def:1: there is no call/budget.h", "src/base/kinds.def:1: there is no base/call.c",
      "src/base/kinds.def:1: there is no gone.def")
check({"include/weir.h": "/* weir_gone() */\n"}, "include/weir.h:1: there is no weir_gone")
check({"tests/unit/call/test_call.c": "/* Sees call_begin() start. */\n"}, "tests/unit/call/test_call.c:1: there is no call_begin")
check({"tests/e2e/test_call.py": GOOD["tests/e2e/test_call.py"] + "# gone_helper()\n"}, "tests/e2e/test_call.py:6: there is no gone_helper")
check({"docs/decisions/0001-shape.md": "\nSee `src/call/gone.c`.\n"}, "docs/decisions/0001-shape.md:2: there is no src/call/gone.c")
check({"ARCHITECTURE.md": GOOD["ARCHITECTURE.md"] + "`call_stop()`\n"}, "ARCHITECTURE.md:9: there is no call_stop")

# That a comment speaks of it does not make it be there.
check({"bench/bench.c": "/* gone_function() */\n", "src/base/span.c": "/* gone_function() */\n" + GOOD["src/base/span.c"]},
      "src/base/span.c:1: there is no gone_function")

# The rule of includes.
check({"src/base/span.c": '#include "call/call.h"\n' + GOOD["src/base/span.c"]},
      "src/base/span.c:1: base/ may not use call/, which stands below it in the table")
check({"src/base/span.c": '#include "gone/call.h"\n#include "span.h"\n' + GOOD["src/base/span.c"]},
      "src/base/span.c:1: there is no room 'gone'", 'src/base/span.c:2: write includes as "room/file.h"')
check({"src/gone/call.c": "\n"}, "src/gone/call.c: the room 'gone' is not in ARCHITECTURE.md's table")
assert run({"ARCHITECTURE.md": ""})[1:] == (1, "tools/rooms: ARCHITECTURE.md has no table of rooms\n")

# The plan's stages are those of the page's table, in its order.
PLAN = 'static const stage_row rows[] = {\n    {"admit", 1},\n    {"look up", 2},\n    {"record", 3},\n};\nstatic const stage_row tool_rows[] = {\n    {"ask", 1},\n};\n'
STAGES = "\n| stage | asks |\n| --- | --- |\n| admit | room? |\n| look up | `one`, two |\n| record (always) | the line |\n\nThe end.\n"


def check_plan(stages, *problems):
    page = GOOD["ARCHITECTURE.md"].replace("| `call/`", "| `gateway/` | the door |\n| `call/`") + stages
    check({"ARCHITECTURE.md": page, "src/gateway/plan.c": PLAN}, *problems)


check_plan(STAGES)
check_plan(STAGES.replace("| look up | `one`, two |\n", ""), "ARCHITECTURE.md: the table of stages has record where src/gateway/plan.c has look up")
check_plan(STAGES.replace("| record (always) | the line |\n", ""), "ARCHITECTURE.md: the table of stages has no more where src/gateway/plan.c has record")
check_plan(STAGES.replace("| record (", "| more | it |\n| record ("), "ARCHITECTURE.md: the table of stages has more where src/gateway/plan.c has record")
