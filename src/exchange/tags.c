#include "exchange/tags.h"

typedef struct tag {
    span name, value;
    bool own; /* whoever asks has it anyway */
} tag;

typedef struct tag_list {
    tag tags[TAGS_MAX];
    size_t count;
    arena *arena;
    span *why;
} tag_list;

static bool bad(tag_list *l, const char *sentence, span text) {
    *l->why = arena_printf(l->arena, sentence, SPAN_ARG(span_clip(text, TAG_VALUE_MAX)));
    return false;
}

static bool is_name(span s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i], letter = (char)(c | 32);
        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '.' &&
            c != '-')
            return false;
    }
    return s.len > 0 && s.len <= TAG_NAME_MAX;
}

static bool is_value(span s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < ' ' || s.ptr[i] > '~') return false;
    return s.len > 0 && s.len <= TAG_VALUE_MAX;
}

static int compare(span a, span b) {
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Where its name belongs among the others. */
static bool insert(tag_list *l, tag t) {
    size_t at = l->count;
    for (; at > 0; at--) {
        int order = compare(l->tags[at - 1].name, t.name);
        if (order == 0 && l->tags[at - 1].own) return true;
        if (order == 0) return bad(l, "'" TAG_HEADER "' has the tag '%.*s' twice.", t.name);
        if (order < 0) break;
    }
    if (l->count == TAGS_MAX)
        return bad(l, "'" TAG_HEADER "' has too many tags at '%.*s'; at most 8 are allowed.",
                   t.name);
    memmove(&l->tags[at + 1], &l->tags[at], (l->count - at) * sizeof *l->tags);
    l->tags[at] = t;
    l->count++;
    return true;
}

static bool read_tag(tag_list *l, span text) {
    span value = text, name;
    if (span_find(text, 0, '=') == text.len)
        return bad(l, "'" TAG_HEADER "' has '%.*s'; expected name=value.", text);
    (void)span_cut(&value, '=', &name);
    tag t = {span_trim(name), span_trim(value), false};
    if (!is_name(t.name))
        return bad(l,
                   "'" TAG_HEADER "' has a tag named '%.*s'; expected 1 to 32 letters, digits, "
                   "'_', '.' or '-'.",
                   t.name);
    if (!is_value(t.value))
        return bad(l,
                   "'" TAG_HEADER "' has no acceptable value for '%.*s'; expected 1 to 64 "
                   "printable ASCII characters without a comma.",
                   t.name);
    return insert(l, t);
}

/* RFC 9110 section 5.6.1: empty elements of a list count for nothing. */
static bool read_line(tag_list *l, span line) {
    for (span part; line.len && span_cut(&line, ',', &part);) {
        part = span_trim(part);
        if (part.len && !read_tag(l, part)) return false;
    }
    return true;
}

static span join(const tag_list *l) {
    span parts[TAGS_MAX * 4];
    size_t n = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (i) parts[n++] = SPAN_OF(",");
        parts[n++] = l->tags[i].name;
        parts[n++] = SPAN_OF("=");
        parts[n++] = l->tags[i].value;
    }
    return n ? arena_join(l->arena, parts, n) : SPAN_EMPTY;
}

bool tags_read(http_headers headers, arena *a, span *ret, span *ret_why) {
    return tags_read_with(NULL, 0, headers, a, ret, ret_why);
}

bool tags_read_with(const config_header *own, size_t count, http_headers headers, arena *a,
                    span *ret, span *ret_why) {
    tag_list l;
    l.count = 0;
    l.arena = a;
    l.why = ret_why;
    *ret = SPAN_EMPTY;
    for (size_t i = 0; i < count && i < TAGS_MAX; i++)
        (void)insert(&l, (tag){own[i].name, own[i].value, true});
    for (size_t i = 0; i < headers.count; i++)
        if (span_ieq(headers.items[i].name, SPAN_OF(TAG_HEADER)) &&
            !read_line(&l, headers.items[i].value))
            return false;
    *ret = join(&l);
    return true;
}
