"""docs/shares.md: each row names the tests that play it, and they are there.

    test_shares.py SOURCE_ROOT
"""

import pathlib
import re
import sys

TOP = pathlib.Path(sys.argv[1])
PAGE = TOP / "docs" / "shares.md"
TEST = re.compile(r"`(tests/[\w./]+)::(\w+)`")


def rows(page):
    """The cells of the table's rows, without its head."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines if not set(line) <= set("| -")][1:]


def problems(page, top):
    """What is wrong with a row, as sentences."""
    for cells in rows(page):
        if len(cells) != 4:
            yield f"{cells[0]}: {len(cells)} cells, not 4"
            continue
        tests = TEST.findall(cells[3])
        if not tests:
            yield f"{cells[0]}: names no test, as `tests/e2e/test_call.py::test_name`"
        for file, name in tests:
            path = top / file
            if not path.is_file():
                yield f"{cells[0]}: there is no {file}"
            elif not re.search(rf"\b{name}\(", path.read_text()):
                yield f"{cells[0]}: {file} has no {name}()"


def check_itself():
    """It finds what it is there for."""
    head = "| what | whose | sees | test |\n| --- | --- | --- | --- |\n"
    row = "| asks | all | nothing | {} |\n"
    here = "tests/unit/tools/test_shares.py"
    assert not list(problems(head + row.format(f"`{here}::check_itself`"), TOP))
    for bad in ("none", f"`{here}::check_other`", "`tests/unit/tools/nothing.py::check_itself`", f"`{here}::check_itself` | more"):
        assert len(list(problems(head + row.format(bad), TOP))) == 1, bad


check_itself()
found = list(problems(PAGE.read_text(), TOP))
print("\n".join(found))
sys.exit(1 if found else 0)
