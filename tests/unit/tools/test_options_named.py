"""Every option that a page names exists: a path (`retry.base`), or a name as it stands in a file (`key:`).

    test_options_named.py SOURCE_ROOT

The options are those of docs/configuration.md, which is made from their table.
"""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
reference = (root / "docs" / "configuration.md").read_text()

# What looks like an option in a page and is none: members and functions of clients, fields of events, attributes of spans, kinds of alerts, schemes, files.
OTHERS = re.compile(r"chat\.completions(\.\w+)*|chat\.functions(\.step)?|chat\.h|server\.(address|port|AddTool)|breaker\.(opened|closed)|guard\.verdict")
OTHER_NAMES = {"data", "event", "id", "retry", "http", "https"}


def options():
    """Full paths; NAME and [] stand for what a user names or lists."""
    scope, found = "", set()
    for line in reference.partition("\n## Options")[2].partition("\n## Example")[0].splitlines():
        heading = re.match(r"## `(.+)`", line)
        row = re.match(r"\| `([\w.]+)` \|", line)
        if heading:
            scope = heading[1] + "."
        elif row:
            found.add(scope + row[1])
    return found


OPTIONS = options()
SECTIONS = {path.partition(".")[0] for path in OPTIONS if "NAME" not in path and "[]" not in path} | {"providers", "models"}
PREFIXES = {".".join(path.split(".")[:n]) for path in OPTIONS for n in range(1, path.count(".") + 2)}
NAMES = {part for path in OPTIONS for part in re.split(r"[.\[\]]+", path)}


def normal(path):
    """providers.openai.key as providers.NAME.key, models.'gpt-4.1'.pick as models.NAME.pick."""
    path = re.sub(r"^(providers|models)\.('[^']*'|\"[^\"]*\"|[\w-]+|…|<\w+>|\*)", r"\1.NAME", path)
    return re.sub(r"\[\d*\]", "[]", path)


def exists(path):
    path = normal(path).removesuffix(".")
    if path.endswith(("*", "…")):  # a group: `chat.say.*`, `timeouts.…`
        stem = path.rstrip("*…")
        return stem.endswith((".", "_")) and any(p.startswith(stem) for p in OPTIONS)
    return path in OPTIONS or path in PREFIXES


def quoted(text, kind):
    """What the page marks as a name."""
    if kind == ".md":
        text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)  # examples have tests of their own
        return re.findall(r"`([^`\n]+)`", re.sub(r"^    .*$", "", text, flags=re.M))
    if kind == ".h":
        return re.findall(r"\"([a-z_]+\.[\w.']+)\"", text) + re.findall(r"\bchat\.say[\w.]*\*?", text)
    return re.findall(r"^\.Cm (\S+)", text, re.M)


def faults(text, kind):
    """(how many options it names, what is wrong with them)"""
    count, wrong = 0, []
    for word in quoted(text, kind):
        name = re.fullmatch(r"([a-z_]+):", word)
        path = re.fullmatch(r"[a-z_]+(\.([\w*…-]+|'[^']+'|<\w+>))+", word)
        if name:
            count += 1
            if name[1] not in NAMES | OTHER_NAMES:
                wrong.append(f"there is no option that is called {name[1]}")
        elif path and word.partition(".")[0] in SECTIONS and not OTHERS.fullmatch(word):
            count += 1
            if not exists(word):
                wrong.append(f"there is no option {word}")
    return count, wrong


def check_itself():
    """It finds what it is there for."""
    for good in ("retry.base", "chat.say.*", "providers.NAME.ca_file", "providers.openai.key", "models.'gpt-4.1'.pick", "clients:", "timeouts", "x.y"):
        assert faults(f"a `{good}` b", ".md")[1] == [], good
    for bad in ("chat.say_*", "retry.bas", "providers.openai.ca", "models.m.pik", "ca:", "timeouts.all.*"):
        assert len(faults(f"a `{bad}` b", ".md")[1]) == 1, bad
        assert bad.endswith(":") or len(faults(f"x\n.Cm {bad}\ny", ".1")[1]) == 1, bad


check_itself()
pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("docs/*.[13]"), root / "bindings" / "python" / "README.md", root / "include" / "weir.h"]
found, named = [], 0
for page in pages:
    count, wrong = faults(page.read_text(), page.suffix)
    named += count
    found += [f"{page.relative_to(root)}: {what}" for what in wrong if page.name != "configuration.md"]
assert named > 100 and len(OPTIONS) > 80, f"not understood: {named} names, {len(OPTIONS)} options"
print("\n".join(found))
sys.exit(bool(found))
