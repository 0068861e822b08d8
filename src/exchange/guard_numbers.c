#include "exchange/guard_numbers.h"

#include <string.h>

/* A byte that a number of JSON may have. */
static bool is_of_number(char c) {
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static bool begins_number(char c) {
    return (c >= '0' && c <= '9') || c == '-';
}

static size_t numbers_run(span bytes) {
    size_t n = 0;
    while (n < bytes.len && is_of_number(bytes.ptr[n]))
        n++;
    return n;
}

static bool is_at_number(const guard_numbers *n) {
    return !n->in_string && !n->outer;
}

/* ---- where the text is ---- */

/* A character of the JSON, as its reader has it. */
static void step(guard_numbers *n, unsigned c) {
    if (!n->in_string)
        n->in_string = c == '"';
    else if (n->behind)
        n->behind = false;
    else if (c == '\\')
        n->behind = true;
    else
        n->in_string = c != '"';
}

enum { OUTER_BEHIND = 1, OUTER_HEX = 2, OUTER_HEX_END = 6 };

static unsigned hex_of(char c) {
    return c <= '9' ? (unsigned)(c - '0') : ((unsigned)c | 0x20) - 'a' + 10;
}

static void step_outer(guard_numbers *n, char c) {
    if (n->outer == OUTER_BEHIND && c == 'u') {
        n->outer = OUTER_HEX;
        n->code = 0;
    } else if (n->outer == OUTER_BEHIND) {
        n->outer = 0;
        step(n, (unsigned char)c); /* of the others none is a quote or a backslash */
    } else {
        n->code = n->code << 4 | (hex_of(c) & 15);
        if (++n->outer < OUTER_HEX_END) return;
        n->outer = 0;
        step(n, n->code);
    }
}

static void follow(guard_numbers *n, char c) {
    if (n->outer)
        step_outer(n, c);
    else if (n->escaped && c == '\\')
        n->outer = OUTER_BEHIND;
    else
        step(n, (unsigned char)c);
}

/* ---- what is let go ---- */

static void let_some(span bytes, guard_numbers_let *let, void *ctx) {
    if (bytes.len) let(ctx, bytes);
}

static void let_quote(const guard_numbers *n, guard_numbers_let *let, void *ctx) {
    let(ctx, n->escaped ? SPAN_OF("\\\"") : SPAN_OF("\""));
}

static void let_held(guard_numbers *n, guard_numbers_let *let, void *ctx) {
    let_some(span_from(n->held, n->held_len), let, ctx);
    n->held_len = 0;
}

static void hold(guard_numbers *n, span bytes, guard_numbers_let *let, void *ctx) {
    if (!n->open && n->held_len + bytes.len <= sizeof n->held) {
        memcpy(n->held + n->held_len, bytes.ptr, bytes.len);
        n->held_len += (unsigned char)bytes.len;
        return;
    }
    let_held(n, let, ctx); /* none is so long before something is hidden of it */
    let_some(bytes, let, ctx);
    n->open = true;
}

static void end_number(guard_numbers *n, guard_numbers_let *let, void *ctx) {
    let_held(n, let, ctx);
    if (n->quoted) let_quote(n, let, ctx);
    n->quoted = n->open = false;
}

void guard_numbers_pass(guard_numbers *n, span bytes, guard_numbers_let *let, void *ctx) {
    size_t from = 0, number = SIZE_MAX; /* where one begins that has not ended yet */
    if (!n->on) {
        let_some(bytes, let, ctx);
        return;
    }
    if (guard_numbers_hold(n) || n->open) { /* it goes on */
        from = numbers_run(bytes);
        const span more = span_slice(bytes, 0, from);
        if (n->quoted)
            let_some(more, let, ctx);
        else if (more.len)
            hold(n, more, let, ctx);
        if (from == bytes.len) return;
        end_number(n, let, ctx);
    }
    for (size_t i = from; i < bytes.len; i++) {
        const char c = bytes.ptr[i];
        if (!is_at_number(n) || !is_of_number(c))
            number = SIZE_MAX;
        else if (number == SIZE_MAX && begins_number(c))
            number = i;
        follow(n, c);
    }
    if (number == SIZE_MAX) {
        let_some(span_slice(bytes, from, bytes.len), let, ctx);
        return;
    }
    let_some(span_slice(bytes, from, number), let, ctx);
    hold(n, span_slice(bytes, number, bytes.len), let, ctx);
}

void guard_numbers_put(guard_numbers *n, span hidden, bool over, span placeholder,
                       guard_numbers_let *let, void *ctx) {
    if (!n->on) {
        let_some(placeholder, let, ctx);
        return;
    }
    const bool number = is_at_number(n) && !n->open && numbers_run(hidden) == hidden.len;
    if (number && !n->quoted) {
        let_quote(n, let, ctx);
        n->quoted = true;
    } else if (!number) {
        end_number(n, let, ctx);
    }
    let_held(n, let, ctx);
    let_some(placeholder, let, ctx);
    for (size_t i = 0; i < hidden.len; i++)
        follow(n, hidden.ptr[i]);
    if (!over) return;
    end_number(n, let, ctx);
    n->on = false;
}

void guard_numbers_end(guard_numbers *n, guard_numbers_let *let, void *ctx) {
    end_number(n, let, ctx);
}
