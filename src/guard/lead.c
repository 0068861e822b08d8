#include "guard/lead.h"

#include "guard/shape.h"

enum { GROUPS_MAX = 64, REPEAT_MAX = 1000 };

/* Where what stands at `at` ends: an escape, a class, a byte. */
static size_t atom_end(span p, size_t at) {
    if (p.ptr[at] == '\\') return at + 2 < p.len ? at + 2 : p.len;
    if (p.ptr[at] != '[') return at + 1;
    size_t i = at + 1;
    if (i < p.len && p.ptr[i] == '^') i++;
    if (i < p.len && p.ptr[i] == ']') i++;
    for (; i < p.len && p.ptr[i] != ']'; i++) {
        if (p.ptr[i] == '\\') i++;
        if (i + 1 < p.len && p.ptr[i] == '[' && p.ptr[i + 1] == ':') {
            size_t end = span_find_span(p, i, SPAN_OF(":]"));
            if (end < p.len) i = end + 1;
        }
    }
    return i < p.len ? i + 1 : p.len;
}

/* ---- the literal in front ---- */

/* The end of a group that begins at `at`. */
static size_t group_end(span p, size_t at) {
    size_t depth = 0;
    for (size_t i = at; i < p.len; i = atom_end(p, i)) {
        if (p.ptr[i] == '(') depth++;
        if (p.ptr[i] == ')' && --depth == 0) return i + 1;
    }
    return p.len;
}

/* Whether what stands at `at` may be there or not. */
static bool is_optional(span p, size_t at) {
    return at < p.len && p.ptr[at] != '\0' && strchr("?*{", p.ptr[at]);
}

/* Behind what only looks back. */
static size_t skip_assertions(span p, pattern_head *head) {
    size_t at = 0;
    for (;;) {
        span rest = span_slice(p, at, p.len);
        if (span_starts(rest, SPAN_OF("(?i)"))) {
            at += 4;
        } else if (span_starts(rest, SPAN_OF("\\b"))) {
            at += 2;
            head->edge = true;
        } else if (span_starts(rest, SPAN_OF("(?<!"))) {
            size_t end = group_end(p, at), open = at + 4;
            bool one = open < p.len && p.ptr[open] == '[' && atom_end(p, open) + 1 == end &&
                       !is_optional(p, end);
            head->apart = head->apart || (one && span_starts(rest, SPAN_OF("(?<![A-Za-z0-9")));
            head->parted = head->parted || (one && span_starts(rest, SPAN_OF("(?<![A-Za-z")));
            at = end;
        } else if (span_starts(rest, SPAN_OF("(?<="))) {
            at = group_end(p, at);
        } else {
            return at;
        }
    }
}

/* What is left out stands for itself where it is repeated. Within what must not follow nothing may
 * be left out: that would refuse more. */
void pattern_loosen(span p, buf *out) {
    for (size_t i = 0, end; i < p.len; i = end) {
        const span rest = span_slice(p, i, p.len);
        const bool back = span_starts(rest, SPAN_OF("(?<!")) || span_starts(rest, SPAN_OF("(?<="));
        const bool edge = span_starts(rest, SPAN_OF("\\b")) || span_starts(rest, SPAN_OF("\\B"));
        const bool whole = back || span_starts(rest, SPAN_OF("(?!"));
        end = whole ? group_end(p, i) : atom_end(p, i);
        buf_add(out, back || edge ? SPAN_OF("(?:)") : span_slice(p, i, end));
    }
}

static bool is_special(char c) {
    return c == 0 || strchr("[](){}?*+|^$.\\", c) != NULL;
}

/* The byte that stands for itself at `at`; -1: there is none. */
static int literal_at(span p, size_t at, size_t *ret_end) {
    if (at >= p.len) return -1;
    if (p.ptr[at] != '\\') {
        *ret_end = at + 1;
        return is_special(p.ptr[at]) ? -1 : (unsigned char)p.ptr[at];
    }
    if (at + 1 >= p.len) return -1;
    char c = p.ptr[at + 1];
    bool named = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    *ret_end = at + 2;
    return named ? -1 : (unsigned char)c;
}

static bool has_alternatives(span p) {
    size_t depth = 0;
    for (size_t i = 0; i < p.len; i = atom_end(p, i)) {
        if (p.ptr[i] == '(') depth++;
        if (p.ptr[i] == ')' && depth) depth--;
        if (p.ptr[i] == '|' && depth == 0) return true;
    }
    return false;
}

bool lead_begins_word(span literal) {
    const unsigned char first = literal.len ? (unsigned char)literal.ptr[0] : 0;
    return ((first | 0x20) >= 'a' && (first | 0x20) <= 'z') || (first >= '0' && first <= '9');
}

pattern_head pattern_head_of(span p, buf *literal) {
    pattern_head head = {0};
    if (has_alternatives(p)) return head;
    size_t at = skip_assertions(p, &head), end = at;
    for (int c; (c = literal_at(p, at, &end)) >= 0; at = end) {
        if (end < p.len && p.ptr[end] != '\0' && strchr("?*+{", p.ptr[end])) break;
        buf_add_char(literal, (char)c);
        head.len++;
    }
    span rest = span_slice(p, at, p.len);
    head.whole = head.len && (rest.len == 0 || span_eq(rest, SPAN_OF("\\b")));
    if (head.edge && head.len)
        head.apart =
            head.apart ||
            lead_begins_word(span_slice(buf_span(literal), literal->len - head.len, literal->len));
    return head;
}

/* ---- repeats ---- */

/* Of a repeat at `at`: its end, how often at least, and whether it has no bound, and gives nothing
 * back. end == at: there is none. */
typedef struct repeat {
    size_t end, least;
    bool unbound, possessive;
} repeat;

static repeat repeat_at(span p, size_t at) {
    repeat r = {.end = at, .least = 1};
    if (at >= p.len) return r;
    char c = p.ptr[at];
    if (c == '*' || c == '+' || c == '?') {
        r.end = at + 1;
        r.least = c == '+';
        r.unbound = c != '?';
    } else if (c == '{') {
        size_t i = at + 1, digits = 0, least = 0;
        for (; i < p.len && p.ptr[i] >= '0' && p.ptr[i] <= '9'; i++, digits++)
            least = least < REPEAT_MAX ? 10 * least + (size_t)(p.ptr[i] - '0') : least;
        bool comma = i < p.len && p.ptr[i] == ',';
        size_t most = comma ? ++i : i;
        while (i < p.len && p.ptr[i] >= '0' && p.ptr[i] <= '9')
            i++;
        if (!digits || i >= p.len || p.ptr[i] != '}') return r;
        r.end = i + 1;
        r.least = least;
        r.unbound = comma && i == most;
    } else {
        return r;
    }
    if (r.end < p.len && (p.ptr[r.end] == '+' || p.ptr[r.end] == '?'))
        r.possessive = p.ptr[r.end++] == '+';
    return r;
}

/* ---- the digits in front ---- */

/* How many digits all matches begin with at least. goes_on: they have nothing else but what parts
 * digits, so what follows counts too. The same of the run before anything parts them. */
typedef struct digits_head {
    size_t least;
    bool goes_on;
    size_t run;
    bool runs_on;
} digits_head;

static const digits_head other_head = {.least = 0};

/* A byte, an escape or a class. */
static digits_head atom_digits(span atom) {
    const bool set = atom.ptr[0] == '[';
    if (atom.ptr[0] == '.') return other_head;
    if (set) atom = span_slice(atom, 1, atom.len - 1);
    const bool any = atom.len > 0;
    digits_head head = {1, any, 1, any};
    for (size_t i = 0; i < atom.len; i++) {
        unsigned char first = (unsigned char)atom.ptr[i], last = first;
        if (first == '\\') {
            if (++i == atom.len) return other_head;
            first = last = (unsigned char)atom.ptr[i];
            if (first == 'd') continue;
            if (!guard_parts_digits(first)) return other_head;
        } else if (set && i + 2 < atom.len && atom.ptr[i + 1] == '-') {
            last = (unsigned char)atom.ptr[i += 2];
        }
        if (first >= '0' && last <= '9') continue;
        if (first != last || !guard_parts_digits(first)) return other_head;
        head.least = head.run = 0;
        head.runs_on = false;
    }
    return head;
}

static digits_head digits_of(span p);

static digits_head group_digits(span group) {
    const bool plain = !span_starts(group, SPAN_OF("(?"));
    if (plain || span_starts(group, SPAN_OF("(?:")) || span_starts(group, SPAN_OF("(?>")))
        return digits_of(span_slice(group, plain ? 1 : 3, group.len - 1));
    static const span around[] = {SPAN("(?!"), SPAN("(?="), SPAN("(?<!"), SPAN("(?<=")};
    for (size_t i = 0; i < ARRAY_LEN(around); i++)
        if (span_starts(group, around[i])) return (digits_head){0, true, 0, true};
    return other_head;
}

/* Of what has no alternatives. */
static digits_head row_digits(span p) {
    digits_head all = {0, true, 0, true};
    for (size_t i = 0; all.goes_on && i < p.len;) {
        const bool is_group = p.ptr[i] == '(';
        const size_t end = is_group ? group_end(p, i) : atom_end(p, i);
        const span one = span_slice(p, i, end);
        const digits_head head = is_group ? group_digits(one) : atom_digits(one);
        const repeat r = repeat_at(p, end);
        if (r.end == end && end < p.len && p.ptr[end] == '{')
            return (digits_head){all.least, false, all.run, false}; /* repeats since PCRE2 10.43 */
        if (all.runs_on) all.run += head.runs_on ? head.run * r.least : r.least ? head.run : 0;
        all.runs_on = all.runs_on && head.runs_on;
        all.least += head.goes_on ? head.least * r.least : r.least ? head.least : 0;
        all.goes_on = head.goes_on;
        i = r.end;
    }
    return all;
}

static digits_head digits_of(span p) {
    digits_head all = {SIZE_MAX, true, SIZE_MAX, true};
    for (size_t from = 0, to; from <= p.len; from = to + 1) {
        for (to = from; to < p.len && p.ptr[to] != '|';)
            to = p.ptr[to] == '(' ? group_end(p, to) : atom_end(p, to);
        const digits_head row = row_digits(span_slice(p, from, to));
        if (row.least < all.least) all.least = row.least;
        if (row.run < all.run) all.run = row.run;
        all.goes_on = all.goes_on && row.goes_on;
        all.runs_on = all.runs_on && row.runs_on;
    }
    return all;
}

/* Nothing in it that would have to be read otherwise than digits_of() does: a comment, an option, a
 * name, an escape that takes more than the letter behind it or that is none, a class within one. */
static bool is_plain(span p) {
    bool set = false;
    for (size_t i = 0; i < p.len; i++) {
        const char c = p.ptr[i], next = i + 1 < p.len ? p.ptr[i + 1] : '\0';
        if (c == '\\') {
            const bool letter = (next | 0x20) >= 'a' && (next | 0x20) <= 'z';
            if (!next || (letter && !strchr("dDwWsSbB", next))) return false;
            i++;
        } else if (set) {
            if (c == '[') return false;
            set = c != ']';
        } else if (c == '[') {
            if (next == ']' || next == '^') return false;
            set = true;
        } else if (c == '(' && next == '?') {
            const char kind = i + 2 < p.len ? p.ptr[i + 2] : '\0',
                       back = i + 3 < p.len ? p.ptr[i + 3] : '\0';
            if (!kind || !strchr(":!=><", kind)) return false;
            if (kind == '<' && back != '!' && back != '=') return false;
        }
    }
    return true;
}

guard_digits pattern_digits_of(span pattern) {
    if (!is_plain(pattern)) return (guard_digits){0, 0};
    const digits_head head = digits_of(pattern);
    return (guard_digits){head.least, head.run};
}

/* ---- what is refused ---- */

/* What a group may not begin with. */
static const char *group_refused(span p, size_t at) {
    span rest = span_slice(p, at, p.len);
    static const struct {
        span begin;
        const char *why;
    } rows[] = {
        {SPAN("(*"), "has a verb, \"(*…)\", which rules may not have"},
        {SPAN("(?R"), "calls itself, which rules may not"},
        {SPAN("(?C"), "has a callout, which rules may not have"},
        {SPAN("(?&"), "calls a group, which rules may not"},
        {SPAN("(?P>"), "calls a group, which rules may not"},
        {SPAN("(?("), "has a condition, which rules may not have"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (span_starts(rest, rows[i].begin)) return rows[i].why;
    char sign = rest.len > 2 && rest.ptr[1] == '?' ? rest.ptr[2] : 0;
    bool calls = (sign >= '0' && sign <= '9') || sign == '+' ||
                 (sign == '-' && rest.len > 3 && rest.ptr[3] >= '0' && rest.ptr[3] <= '9');
    return calls ? "calls a group, which rules may not" : NULL;
}

static const char *escape_refused(span p, size_t at) {
    char c = at + 1 < p.len ? p.ptr[at + 1] : 0;
    if (c >= '1' && c <= '9') return "refers back to a group, which rules may not";
    if (c == 'g' || c == 'k') return "refers back to a group, which rules may not";
    if (c == 'K') return "has \\K, which rules may not have";
    if (c == 'C' || c == 'X' || c == 'R') return "has \\C, \\X or \\R, which rules may not have";
    if (c == 'Q') return "has \\Q, which rules may not have: write a backslash before each sign";
    return NULL;
}

/* A repeat without a bound of something that has one too is tried in ways that double with each
 * byte: "(a+)+". */
const char *pattern_refused(span p) {
    bool unbound[GROUPS_MAX] = {false}, atomic[GROUPS_MAX] = {false};
    size_t depth = 0;
    for (size_t i = 0; i < p.len;) {
        const char *why = NULL;
        bool inner = false;
        size_t end = atom_end(p, i);
        if (p.ptr[i] == '(') {
            why = group_refused(p, i);
            if (!why && depth + 1 == GROUPS_MAX) why = "has too many groups within groups";
            if (why) return why;
            unbound[++depth] = false;
            atomic[depth] = span_starts(span_slice(p, i, p.len), SPAN_OF("(?>"));
            if (end < p.len && p.ptr[end] == '?') end++; /* no repeat */
            i = end;
            continue;
        }
        if (p.ptr[i] == ')' && depth) {
            inner = unbound[depth] && !atomic[depth];
            depth--;
        }
        if (p.ptr[i] == '\\' && (why = escape_refused(p, i))) return why;
        repeat r = repeat_at(p, end);
        if (r.unbound && inner)
            return "repeats without a bound what repeats without a bound itself, which can be "
                   "tried "
                   "in ways without number; write {0,100} for one of the two";
        if (inner || (r.unbound && !r.possessive)) unbound[depth] = true;
        i = r.end;
    }
    return NULL;
}
