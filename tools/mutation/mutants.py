"""The small mutants of a C file, found in its text: what tools/mutate tries.

Source text goes in, a list of Mutant comes out:

    a < b -> a <= b     a == b -> a != b     a && b -> a || b     !a -> a     a + 1 -> a     7 -> 8     -1 -> 0
    return true -> return false     return a -> return !a, of a bool     break -> continue     f(a); -> nothing

Only the bodies of functions are changed, and in them neither comments, strings, directives and
asserts nor what is static (tables) or an enum (sizes). A mutant leaves every line where it was, so that __LINE__ stays as it is.

The reading is by tokens and brackets, which is enough for code that clang-format has laid out. What is misread comes to nothing: it does not
compile, or to the same code, and tools/mutate counts neither.
"""

import dataclasses
import re

TOKEN = re.compile(r"""
    (?P<skip>/\*.*?\*/ | //[^\n]* | ^[ \t]*\#(?:[^\\\n]|\\.)*)
  | (?P<text>(?:u8|[uUL])?"(?:\\.|[^"\\])*" | [uUL]?'(?:\\.|[^'\\])*')
  | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<op>->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\.\.\.|\S)
""", re.X | re.S | re.M)

COMPARED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
JOINED = {"&&": "||", "||": "&&"}
CLOSING = {"(": ")", "[": "]", "{": "}"}
HEADERS = {"if", "for", "while", "switch"}
KEYWORDS = HEADERS | {"return", "sizeof", "_Alignof", "case", "goto", "do", "else", "break", "continue", "default"}
ASSERT = re.compile(r"assert(_\w+)?|static_assert|_Static_assert")
INTEGER = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)")
SHOWN = 72  # characters of a line of code that a report quotes


@dataclasses.dataclass(frozen=True)
class Mutant:
    line: int
    start: int  # text[start:end] becomes put
    end: int
    put: str
    was: str  # for people: what stands there, and what would stand there instead
    now: str

    def apply(self, text):
        return text[:self.start] + self.put + text[self.end:]


@dataclasses.dataclass
class Token:
    kind: str
    text: str
    start: int
    end: int
    mate: int = -1  # of a bracket: the index of the other one
    around: int = -1  # the index of the innermost bracket that it stands in


def tokens_of(text):
    found, around = [], [-1]
    for match in TOKEN.finditer(text):
        if match.lastgroup == "skip":
            continue
        token = Token(match.lastgroup, match[0], match.start(), match.end(), around=around[-1])
        if token.text in CLOSING:
            around.append(len(found))
        elif around[-1] >= 0 and token.text == CLOSING[found[around[-1]].text]:
            token.mate = around.pop()
            token.around = around[-1]
            found[token.mate].mate = len(found)
        found.append(token)
    return found


def quoted(text, start, end, put, first, last):
    """(was, now) of text[first:last], in which text[start:end] becomes put: in one line each, and not more than is worth reading."""
    before, after = text[first:start], text[end:last]
    room = max(10, (SHOWN - max(end - start, len(put))) // 2)
    if len(before) > room:
        before = "…" + before[-room:]
    if len(after) > room:
        after = after[:room] + "…"
    return [" ".join((before + middle + after).split())[:2 * SHOWN] for middle in (text[start:end], put)]


class Reader:
    """Goes once through the tokens of a file and collects mutants."""

    def __init__(self, text):
        self.text, self.tokens, self.found = text, tokens_of(text), []

    def at(self, i):
        return self.tokens[i].text if 0 <= i < len(self.tokens) else ""

    def read(self):
        i = 0
        while i < len(self.tokens):
            if self.at(i) == "{":
                if self.tokens[i].mate < 0:
                    break
                if self.at(i - 1) == ")":
                    name = self.tokens[i - 1].mate - 1
                    self.body(i + 1, self.tokens[i].mate, returns_bool=self.at(name - 1) == "bool")
                i = self.tokens[i].mate
            i += 1
        return self.found

    def body(self, i, end, returns_bool):
        starts = True  # a statement begins at i
        while i < end:
            past = self.left_alone(i, starts)
            if past > i:
                i, starts = past, True
                continue
            if starts:
                self.call_statement(i)
            if self.at(i) == "return" and returns_bool:
                self.returned(i)
            self.token(i)
            starts = self.ends_statement(i)
            i += 1

    def left_alone(self, i, starts):
        """Where an assert, a static table or an enum ends that begins at i; or i."""
        if ASSERT.fullmatch(self.at(i)) and self.at(i + 1) == "(":
            return self.tokens[i + 1].mate + 1
        return self.end_of_statement(i) if starts and self.at(i) in ("static", "enum") else i

    def end_of_statement(self, i):
        while self.at(i) not in (";", ""):
            i = max(i, self.tokens[i].mate) + 1
        return i

    def ends_statement(self, i):
        """Whether another may begin behind the token i."""
        word = self.at(i)
        if word == ")":
            return self.at(self.tokens[i].mate - 1) in HEADERS
        if word == ":":
            return self.at(i - 2) in ("case", ";", "{", "}") or self.at(i - 1) == "default"
        return word in ("{", "}", "else", "do") or word == ";" and self.at(self.tokens[i].around) == "{"

    # ---- What is changed ----

    def add(self, first, last, put, shown, now=None):
        """The tokens from first to last become put; shown are the first and the last token that a report quotes."""
        start, end = self.tokens[first].start, self.tokens[last].end
        was, becomes = quoted(self.text, start, end, put, self.tokens[shown[0]].start, self.tokens[shown[1]].end)
        put += "\n" * (self.text.count("\n", start, end) - put.count("\n"))
        self.found.append(Mutant(self.text.count("\n", 0, start) + 1, start, end, put, was, now or becomes))

    def token(self, i):
        token, word = self.tokens[i], self.at(i)
        if token.kind == "number":
            self.number(i)
        elif word in COMPARED:
            self.add(i, i, COMPARED[word], (self.operand_before(i), self.operand_after(i)))
        elif word in JOINED:
            self.add(i, i, JOINED[word], (self.term_before(i), self.term_after(i)))
        elif word in ("+", "-") and self.is_operand(i - 1) and self.at(i + 1) == "1" and self.at(i + 2) not in ("*", "/", "%"):
            self.add(i, i + 1, "", (self.operand_before(i), i + 1))
        elif word == "!":
            self.add(i, i, "", (i, self.operand_after(i)))
        elif word in ("break", "continue"):
            self.add(i, i, "continue" if word == "break" else "break", (i, i))

    def number(self, i):
        """One more; but -1 becomes 0, since -2 says "none" as well."""
        whole = INTEGER.fullmatch(self.at(i))
        if not whole or (self.at(i - 1), self.at(i + 1)) == ("{", "}") or self.is_size(i):
            return
        negative = self.at(i - 1) == "-" and not self.is_operand(i - 2)
        is_hex = whole[1][:2] in ("0x", "0X")
        value = int(whole[1], 16 if is_hex else 10)
        value += -1 if negative and value else 1
        self.add(i, i, (hex(value) if is_hex else str(value)) + whole[2], self.surroundings(i - 1 if negative else i))

    def is_size(self, i):
        """char text[64]: a declaration, of which nothing but its room would change."""
        first = i - 1
        if self.at(first) != "[":
            return False
        while self.tokens[first - 1].kind == "word" and self.at(first - 1) not in KEYWORDS or self.at(first - 1) in ("*", ",", "]"):
            first = self.tokens[first - 1].mate if self.at(first - 1) == "]" else first - 1
        begins = self.at(first - 1) in (";", "{", "}", ":") and self.tokens[first].kind == "word"
        return begins and (self.tokens[first + 1].kind == "word" or self.at(first + 1) == "*")

    def returned(self, i):
        end = self.end_of_statement(i)
        what = self.text[self.tokens[i + 1].start:self.tokens[end].start]
        put = {"true": "false", "false": "true"}.get(what, f"!({what})")
        self.add(i + 1, end - 1, put, (i, end - 1))

    def call_statement(self, i):
        """f(…); a->b(…); (void)f(…);"""
        first = i
        if [self.at(i), self.at(i + 1), self.at(i + 2)] == ["(", "void", ")"]:
            i += 3
        if self.at(i) in KEYWORDS:
            return
        while self.tokens[i].kind == "word" and self.at(i + 1) in ("->", ".", "["):
            i = self.tokens[i + 1].mate if self.at(i + 1) == "[" else i + 2
            if self.at(i) == "]":
                i += 2
        if self.tokens[i].kind == "word" and self.at(i + 1) == "(" and self.at(self.tokens[i + 1].mate + 1) == ";":
            end = self.tokens[i + 1].mate
            self.add(first, end, "(void)0", (first, end), "nothing")

    # ---- What stands around it ----

    def is_operand(self, i):
        """Whether an operand may end with the token i, so that the operator behind it is a binary one."""
        return self.tokens[i].kind in ("word", "number") and self.at(i) not in KEYWORDS or self.at(i) in (")", "]")

    def operand_before(self, i):
        first = i - 1
        while True:
            if self.at(first) in (")", "]"):
                first = self.tokens[first].mate
                if not self.is_operand(first - 1):
                    return first
                first -= 1
            elif self.at(first - 1) in ("->", "."):
                first -= 2
            else:
                return first

    def operand_after(self, i):
        last = i + 1
        while self.at(last) in ("!", "-", "*", "&", "~"):
            last += 1
        last = max(last, self.tokens[last].mate)
        while self.at(last + 1) in ("->", ".", "(", "["):
            last = self.tokens[last + 1].mate if self.at(last + 1) in CLOSING else last + 2
        return last

    ENDS_TERM = ("&&", "||", "?", ":", ",", ";", "=", "return", "{", "}")

    def term_before(self, i):
        first = i
        while self.tokens[first - 1].mate < first and self.at(first - 1) not in self.ENDS_TERM:
            first = self.tokens[first - 1].mate if self.tokens[first - 1].mate >= 0 else first - 1
        return first

    def term_after(self, i):
        last = i
        while self.at(last + 1) not in self.ENDS_TERM and (self.tokens[last + 1].mate < 0 or self.tokens[last + 1].mate > last + 1):
            last = max(last + 1, self.tokens[last + 1].mate)
        return last

    def surroundings(self, i):
        """The operation, the call or the statement that the number at i (with its sign) stands in."""
        last = i + (self.at(i) == "-")
        before, bracket = self.at(i - 1), self.tokens[i].around
        if before in COMPARED or before in ("+", "-", "*", "/", "%", "=", "+=", "-=", "<<", ">>") and self.is_operand(i - 2):
            return self.operand_before(i - 1), last
        if before in ("return", "case"):
            return i - 1, last
        if self.at(bracket) in ("(", "["):
            return self.operand_before(bracket) if self.is_operand(bracket - 1) else bracket, self.tokens[bracket].mate
        first = i
        while self.at(first - 1) not in (";", "{", "}", ","):
            first -= 1
        return first, last


def mutants_of(text):
    """All mutants of a C file, in the order of their places."""
    return sorted(Reader(text).read(), key=lambda m: (m.start, m.end, m.put))
