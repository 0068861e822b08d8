#include "dialect/event_template.h"

#include "base/mem.h"

#include <string.h>

enum { HOLES = TEMPLATE_PARTS + TEMPLATE_LOOSE };

/* Of the data. */
typedef struct place {
    uint16_t from, len;
} place;

typedef struct told_part {
    part_kind kind;
    unsigned choice, item;
    unsigned hole;
    bool is_input;
} told_part;

/* A value that is told of the event, and is the same in all of them. */
typedef struct told_value {
    json_type type;
    place at;
} told_value;

struct event_template {
    uint16_t name_len, data_len;
    uint8_t hole_count, part_count;
    place holes[HOLES]; /* in order */
    told_part parts[TEMPLATE_PARTS];
    told_value id, model, created;
    place null_usage;
    char bytes[]; /* the name, then the data */
};

static span name_of(const event_template *t) {
    return span_from(t->bytes, t->name_len);
}

static span data_of(const event_template *t) {
    return span_from(t->bytes + t->name_len, t->data_len);
}

/* ---- making one ---- */

static place place_of(span data, span s) {
    if (!s.len) return (place){0, 0};
    return (place){(uint16_t)(s.ptr - data.ptr), (uint16_t)s.len};
}

static told_value told_value_of(span data, json_value v) {
    return (told_value){v.type, place_of(data, v.raw)};
}

static bool is_digits(span s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    return s.len > 0;
}

/* In order of their places, each once. */
static void add_hole(event_template *t, place at) {
    unsigned i = t->hole_count;
    for (; i > 0 && t->holes[i - 1].from > at.from; i--)
        t->holes[i] = t->holes[i - 1];
    t->holes[i] = at;
    t->hole_count++;
}

static unsigned hole_at(const event_template *t, place at) {
    unsigned i = 0;
    while (t->holes[i].from != at.from)
        i++;
    return i;
}

/* Content in strings, and nothing that is told once. */
static bool is_usual(const answer_event *e) {
    if (e->kind != ANSWER_STREAM || e->sorts != EVENT_CONTENT || !e->is_json) return false;
    if (e->usage || e->finish_reason.len || e->error.type != JSON_NONE || e->large) return false;
    if (!e->part_count || e->part_count > TEMPLATE_PARTS) return false;
    for (size_t i = 0; i < e->part_count; i++)
        if (e->parts[i].kind == PART_FINISH || e->parts[i].value.type != JSON_STRING) return false;
    return e->name.len + e->data.len <= TEMPLATE_BYTES;
}

event_template *event_template_make(const answer_event *read, const json_value *loose,
                                    unsigned count) {
    if (!is_usual(read) || count > TEMPLATE_LOOSE) return NULL;
    event_template *t = mem_alloc(sizeof *t + read->name.len + read->data.len);
    *t = (event_template){.name_len = (uint16_t)read->name.len,
                          .data_len = (uint16_t)read->data.len,
                          .part_count = (uint8_t)read->part_count,
                          .null_usage = place_of(read->data, read->null_usage)};
    if (read->name.len) memcpy(t->bytes, read->name.ptr, read->name.len);
    memcpy(t->bytes + read->name.len, read->data.ptr, read->data.len);
    if (read->envelope) {
        t->id = told_value_of(read->data, read->envelope->id);
        t->model = told_value_of(read->data, read->envelope->model);
        t->created = told_value_of(read->data, read->envelope->created);
    }
    for (unsigned i = 0; i < count; i++)
        if (loose[i].type == JSON_STRING || is_digits(loose[i].raw))
            add_hole(t, place_of(read->data, loose[i].raw));
    for (size_t i = 0; i < read->part_count; i++)
        add_hole(t, place_of(read->data, read->parts[i].value.raw));
    for (size_t i = 0; i < read->part_count; i++) {
        const answer_part *p = &read->parts[i];
        t->parts[i] = (told_part){p->kind, p->choice, p->item,
                                  hole_at(t, place_of(read->data, p->value.raw)), p->is_input};
    }
    return t;
}

/* ---- reading by one ---- */

/* The end of a number such as stood there, or NULL. */
static const char *number_end(const char *p, const char *end) {
    const char *from = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    bool sound = p > from && (*from != '0' || p == from + 1);
    return sound ? p : NULL;
}

/* The end of what stands at p in the place of `like`, or NULL. */
static const char *hole_end(const char *p, const char *end, span like) {
    if (like.ptr[0] != '"') return number_end(p, end);
    if (p == end || *p != '"') return NULL;
    const char *quote = json_string_end(p + 1, end);
    if (!quote || (quote == p + 1) != (like.len == 2)) return NULL;
    return quote + 1;
}

/* What stands in each hole. */
static bool find_holes(const event_template *t, span data, span *ret_holes) {
    if (!data.len) return false; /* it may have no address */
    const char *p = data.ptr, *const end = data.ptr + data.len;
    const span like = data_of(t);
    size_t from = 0;
    for (unsigned i = 0; i < t->hole_count; i++) {
        const span before = span_slice(like, from, t->holes[i].from);
        from = (size_t)t->holes[i].from + t->holes[i].len;
        if (!span_starts(span_from(p, (size_t)(end - p)), before)) return false;
        p += before.len;
        const char *behind = hole_end(p, end, span_slice(like, t->holes[i].from, from));
        if (!behind) return false;
        ret_holes[i] = span_from(p, (size_t)(behind - p));
        p = behind;
    }
    return span_eq(span_from(p, (size_t)(end - p)), span_slice(like, from, like.len));
}

/* Where what stood at that place stands now: behind holes that have grown or shrunk. */
static span moved(const event_template *t, span data, const span *holes, place at) {
    size_t from = at.from;
    for (unsigned i = 0; i < t->hole_count && t->holes[i].from < at.from; i++)
        from += holes[i].len - t->holes[i].len;
    return at.len ? span_from(data.ptr + from, at.len) : SPAN_EMPTY;
}

static json_value moved_value(const event_template *t, span data, const span *holes,
                              told_value of) {
    return (json_value){of.type, moved(t, data, holes, of.at)};
}

bool event_template_read(const event_template *t, answer_event *e, answer_part *parts,
                         answer_envelope *envelope) {
    span holes[HOLES];
    if (!span_eq(e->name, name_of(t)) || !find_holes(t, e->data, holes)) return false;
    e->sorts = EVENT_CONTENT;
    e->is_json = true;
    e->null_usage = moved(t, e->data, holes, t->null_usage);
    for (unsigned i = 0; i < t->part_count; i++) {
        const told_part *p = &t->parts[i];
        parts[i] = (answer_part){.kind = p->kind,
                                 .choice = p->choice,
                                 .item = p->item,
                                 .value = {JSON_STRING, holes[p->hole]},
                                 .is_input = p->is_input};
    }
    e->parts = parts;
    e->part_count = t->part_count;
    if (e->envelope)
        *envelope = (answer_envelope){moved_value(t, e->data, holes, t->id),
                                      moved_value(t, e->data, holes, t->model),
                                      moved_value(t, e->data, holes, t->created)};
    return true;
}
