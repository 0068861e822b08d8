#include "http/sse.h"

#include <string.h>

/* Buffers that one large event has grown are given back; smaller ones serve the next event. */
enum { KEPT_BYTES = 8192 };

static const unsigned char byte_order_mark[] = {0xEF, 0xBB, 0xBF};

/* ---- Fields ---- */

static span field_value(const sse_field *f) {
    return f->is_held ? buf_span(&f->held) : f->lent;
}

/* Copies what the input lends, before the input goes. */
static void field_hold(sse_field *f) {
    if (f->is_held) return;
    buf_clear(&f->held);
    buf_add(&f->held, f->lent);
    f->is_held = true;
}

static void trim(buf *b) {
    if (b->cap > KEPT_BYTES) buf_done(b);
    buf_clear(b);
}

static void field_forget(sse_field *f) {
    trim(&f->held);
    f->lent = SPAN_EMPTY;
    f->is_held = false;
}

/* ---- Lines ---- */

/* Index of the first CR or LF, or s.len. */
static size_t find_line_end(span s) {
    size_t at = span_find_control(s, 0);
    while (at < s.len && s.ptr[at] != '\n' && s.ptr[at] != '\r')
        at = span_find_control(s, at + 1);
    return at;
}

/* n <= input->len, which is not 0. */
static void consume(span *input, size_t n) {
    *input = span_from(input->ptr + n, input->len - n);
}

/* Takes a line end off the front. */
static void consume_line_end(sse_reader *r, span *input) {
    bool cr = input->ptr[0] == '\r';
    consume(input, 1);
    if (cr && input->len && input->ptr[0] == '\n')
        consume(input, 1);
    else
        r->after_cr = cr && input->len == 0;
}

static bool fits(const sse_reader *r, size_t more) {
    size_t used = field_value(&r->data).len + field_value(&r->name).len + r->line.len;
    return used <= r->limit && more <= r->limit - used;
}

typedef enum line_result { LINE_MORE, LINE_WHOLE, LINE_TOO_LONG } line_result;

/* Takes a line off the front of the input. What there is of an incomplete one goes to r->line; a
 * complete one is lent by the input, or is r->line where it began in an earlier piece. */
static line_result take_line(sse_reader *r, span *input, span *ret_line) {
    if (r->after_cr && input->len) {
        if (input->ptr[0] == '\n') consume(input, 1);
        r->after_cr = false;
    }
    size_t len = find_line_end(*input);
    if (!fits(r, len)) return LINE_TOO_LONG;
    span part = span_slice(*input, 0, len);
    bool whole = len < input->len;
    consume(input, len);
    if (!whole || r->line.len) buf_add(&r->line, part);
    if (!whole) return LINE_MORE;
    consume_line_end(r, input);
    *ret_line = r->line.len ? buf_span(&r->line) : part;
    return LINE_WHOLE;
}

/* Passes over a byte order mark. What only began like one belongs to the first line. */
static void pass_byte_order_mark(sse_reader *r, span *input) {
    while (!r->started && input->len) {
        if ((unsigned char)input->ptr[0] == byte_order_mark[r->bom_seen]) {
            consume(input, 1);
            r->bom_seen++;
            r->started = r->bom_seen == sizeof byte_order_mark;
        } else {
            buf_add(&r->line, span_from((const char *)byte_order_mark, r->bom_seen));
            r->started = true;
        }
    }
}

/* ---- Events ---- */

/* Makes value, a part of line, the value of f. A line of r->line changes hands with its buffer
 * instead of being copied: it may be an event of megabytes. */
static void field_set(sse_reader *r, sse_field *f, span line, span value) {
    bool lent = line.ptr != r->line.ptr;
    field_forget(f);
    if (lent) {
        f->lent = value;
        return;
    }
    buf before = f->held;
    f->held = r->line;
    buf_drop_front(&f->held, (size_t)(value.ptr - line.ptr));
    f->is_held = true;
    r->line = before;
    buf_clear(&r->line);
}

static void add_data(sse_reader *r, span line, span value) {
    if (!r->has_data) {
        field_set(r, &r->data, line, value);
        r->has_data = true;
        return;
    }
    field_hold(&r->data);
    buf_add_char(&r->data.held, '\n');
    buf_add(&r->data.held, value);
}

/* What stands behind a field's name and colon. */
static span value_behind(span line, size_t name_len) {
    span value = span_slice(line, name_len + 1, line.len);
    if (value.len && value.ptr[0] == ' ') consume(&value, 1);
    return value;
}

/* Digits alone; anything else is passed over. */
static void take_retry(sse_reader *r, span value) {
    uint64_t ms;
    if (value.len <= SSE_RETRY_DIGITS && span_u64(value, &ms)) *r->retry_ms = (int64_t)ms;
}

/* Whatever else the event has: it says that it is none. */
static void take_error(sse_reader *r, span line, span value) {
    field_forget(&r->name);
    r->name.lent = SPAN_OF("error");
    add_data(r, line, value);
}

/* A line that is not empty. Nearly all of them are data. */
static void take_field(sse_reader *r, span line) {
    static const span data = SPAN("data"), with_colon = SPAN("data:");
    if (span_starts(line, with_colon)) {
        add_data(r, line, value_behind(line, data.len));
        return;
    }
    size_t colon = span_find(line, 0, ':');
    if (colon == 0) return; /* a comment */
    span field = span_slice(line, 0, colon);
    span value = value_behind(line, colon);
    if (span_eq(field, data)) /* without a colon */
        add_data(r, line, value);
    else if (span_eq(field, SPAN_OF("event")))
        field_set(r, &r->name, line, value);
    else if (r->errors && span_eq(field, SPAN_OF("error")))
        take_error(r, line, value);
    else if (r->ids && span_eq(field, SPAN_OF("id")) && value.len <= SSE_ID_MAX) {
        buf_clear(r->ids);
        buf_add(r->ids, value);
    } else if (r->retry_ms && span_eq(field, SPAN_OF("retry"))) {
        take_retry(r, value);
    }
}

static void forget_event(sse_reader *r) {
    field_forget(&r->data);
    field_forget(&r->name);
    r->has_data = false;
    r->told = false;
}

static sse_result tell_event(sse_reader *r, sse_event *ret_event) {
    *ret_event = (sse_event){.name = field_value(&r->name), .data = field_value(&r->data)};
    r->told = true;
    return SSE_EVENT;
}

static sse_result die(sse_reader *r) {
    forget_event(r);
    buf_done(&r->line);
    r->dead = true;
    return SSE_TOO_LARGE;
}

/* ---- The reader ---- */

void sse_reader_init(sse_reader *r, size_t limit) {
    *r = (sse_reader){.limit = limit};
}

void sse_reader_done(sse_reader *r) {
    buf_done(&r->line);
    buf_done(&r->data.held);
    buf_done(&r->name.held);
}

size_t sse_reader_bytes(const sse_reader *r, size_t more) {
    size_t line = r->line.cap;
    if (more > r->line.cap - r->line.len) {
        line *= 2;
        if (line < r->line.len + more) line = r->line.len + more;
    }
    return line + r->data.held.cap + r->name.held.cap;
}

sse_result sse_read(sse_reader *r, span *input, sse_event *ret_event) {
    if (r->dead) return SSE_TOO_LARGE;
    if (r->told) forget_event(r);
    if (!input->len) return SSE_MORE;
    pass_byte_order_mark(r, input);
    line_result taken;
    span line;
    while ((taken = take_line(r, input, &line)) == LINE_WHOLE) {
        if (line.len) {
            take_field(r, line);
            trim(&r->line);
        } else if (r->has_data) {
            return tell_event(r, ret_event);
        } else {
            forget_event(r);
        }
    }
    if (taken == LINE_TOO_LONG) return die(r);
    field_hold(&r->data);
    field_hold(&r->name);
    return SSE_MORE;
}

void sse_reader_forget(sse_reader *r) {
    if (r->told) forget_event(r);
}

void sse_reader_reserve(sse_reader *r, size_t more) {
    (void)buf_reserve(&r->line, more);
}

/* ---- where an event ends ---- */

sse_end sse_end_after(const sse_reader *r) {
    return (sse_end){.in_line = r->line.len > 0, .after_cr = r->after_cr};
}

bool sse_end_find(sse_end *e, span input) {
    while (input.len) {
        if (e->after_cr && input.ptr[0] == '\n') consume(&input, 1);
        e->after_cr = false;
        size_t len = find_line_end(input);
        e->in_line |= len > 0;
        if (len == input.len) return false;
        if (!e->in_line) return true;
        e->in_line = false;
        e->after_cr = input.ptr[len] == '\r';
        consume(&input, len + 1);
    }
    return false;
}

/* A line without an end that has something of an event. */
static bool counts_as_line(const sse_reader *r, span half) {
    static const span data = SPAN("data:"), error = SPAN("error:");
    const span name = r->errors && span_starts(half, error) ? error : data;
    return span_starts(half, name) && span_trim(half).len > name.len;
}

sse_result sse_read_end(sse_reader *r, sse_event *ret_event) {
    if (r->dead) return SSE_TOO_LARGE;
    if (r->told) forget_event(r);
    span half = buf_span(&r->line);
    if (counts_as_line(r, half)) take_field(r, half);
    buf_clear(&r->line);
    if (r->has_data) return tell_event(r, ret_event);
    return SSE_MORE;
}

/* ---- The writer ---- */

/* Writes prefix, a line of text and LF, for each line of text; for an empty text once. */
static void write_lines(buf *out, span prefix, span text) {
    for (;;) {
        size_t len = find_line_end(text);
        buf_add(out, prefix);
        buf_add(out, span_slice(text, 0, len));
        buf_add_char(out, '\n');
        if (len == text.len) return;
        bool crlf = text.ptr[len] == '\r' && len + 1 < text.len && text.ptr[len + 1] == '\n';
        consume(&text, len + (crlf ? 2 : 1));
    }
}

static void write_name(buf *out, const sse_event *event) {
    if (!event->name.len) return;
    span name = span_slice(event->name, 0, find_line_end(event->name));
    if (name.len) write_lines(out, SPAN_OF("event: "), name);
}

bool sse_is_line(span data) {
    return find_line_end(data) == data.len;
}

void sse_write_before(buf *out, const sse_event *event) {
    write_name(out, event);
    buf_add(out, SPAN_OF("data: "));
}

void sse_write(buf *out, const sse_event *event) {
    write_name(out, event);
    write_lines(out, SPAN_OF("data: "), event->data);
    buf_add_char(out, '\n');
}

void sse_write_comment(buf *out, span text) {
    write_lines(out, SPAN_OF(": "), text);
    buf_add_char(out, '\n');
}
