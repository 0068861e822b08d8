#include "schema/uri.h"

#include "base/buf.h"
#include "base/hash.h"

/* Each without its delimiters; ptr NULL: not there. */
typedef struct uri {
    span scheme, authority, path, query, fragment;
} uri;

static bool is_scheme(span s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool inner = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!letter && (!i || !inner)) return false;
    }
    return s.len > 0;
}

/* Cuts off what stands behind the first c. */
static span cut_behind(span *s, char c) {
    size_t at = span_find(*s, 0, c);
    if (at == s->len) return SPAN_EMPTY;
    span behind = span_from(s->ptr + at + 1, s->len - at - 1);
    *s = span_slice(*s, 0, at);
    return behind;
}

static uri split(span text) {
    uri u = {0};
    u.fragment = cut_behind(&text, '#');
    u.query = cut_behind(&text, '?');
    size_t colon = span_find(text, 0, ':');
    if (colon < text.len && is_scheme(span_slice(text, 0, colon))) {
        u.scheme = span_slice(text, 0, colon);
        text = span_slice(text, colon + 1, text.len);
    }
    if (span_starts(text, SPAN_OF("//"))) {
        size_t slash = span_find(text, 2, '/');
        u.authority = span_slice(text, 2, slash);
        text = span_slice(text, slash, text.len);
    }
    u.path = text;
    return u;
}

/* Section 5.2.4, for paths that begin with a slash or not. */
static span without_dots(span path, arena *a) {
    char *out = arena_alloc(a, path.len + 1);
    size_t len = 0;
    span rest = path, part;
    bool rooted = span_starts(path, SPAN_OF("/"));
    if (rooted) {
        out[len++] = '/';
        rest = span_slice(path, 1, path.len);
    }
    while (rest.ptr && span_cut(&rest, '/', &part)) {
        bool up = span_eq(part, SPAN_OF("..")), last = rest.ptr == NULL;
        if (up || span_eq(part, SPAN_OF("."))) {
            if (up && len > rooted) len--; /* the slash behind the part that goes */
            while (up && len > rooted && out[len - 1] != '/')
                len--;
            continue;
        }
        if (part.len) memcpy(out + len, part.ptr, part.len);
        len += part.len;
        if (!last) out[len++] = '/';
    }
    return span_from(out, len);
}

static span merge(const uri *base, span path, arena *a) {
    if (span_starts(path, SPAN_OF("/"))) return without_dots(path, a);
    size_t end = base->path.len;
    while (end && base->path.ptr[end - 1] != '/')
        end--;
    bool bare = base->authority.ptr && !base->path.len;
    const span parts[] = {bare ? SPAN_OF("/") : span_slice(base->path, 0, end), path};
    return without_dots(arena_join(a, parts, 2), a);
}

static span unescaped(span text, arena *a) {
    char *out = arena_alloc(a, text.len + 1);
    size_t n = 0;
    for (size_t at = 0; at < text.len; n++) {
        unsigned char c = (unsigned char)text.ptr[at];
        at += c == '%' && hex_decode(span_slice(text, at + 1, at + 3), &c, 1) ? 3 : 1;
        out[n] = (char)c;
    }
    return span_from(out, n);
}

static span joined(const uri *u, arena *a) {
    const span parts[] = {
        u->scheme,
        u->scheme.ptr ? SPAN_OF(":") : SPAN_EMPTY,
        u->authority.ptr ? SPAN_OF("//") : SPAN_EMPTY,
        u->authority,
        u->path,
        u->query.ptr ? SPAN_OF("?") : SPAN_EMPTY,
        u->query,
    };
    return arena_join(a, parts, ARRAY_LEN(parts));
}

span schema_uri_resolve(span base, span reference, arena *a, span *ret_fragment) {
    uri b = split(base), r = split(reference), to = r;
    if (!r.scheme.ptr) {
        to.scheme = b.scheme;
        if (!r.authority.ptr) {
            to.authority = b.authority;
            if (!r.path.len) {
                to.path = b.path;
                if (!r.query.ptr) to.query = b.query;
            } else {
                to.path = merge(&b, r.path, a);
            }
        }
    }
    *ret_fragment = unescaped(r.fragment, a);
    return joined(&to, a);
}
