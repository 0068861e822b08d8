#include "dialect/answer.h"

#include "base/mem.h"
#include "dialect/answer_large.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- which choices ---- */

static unsigned counted_as(unsigned choice) {
    return choice < ANSWER_CHOICES ? choice : ANSWER_CHOICES - 1;
}

void choice_set_add(choice_set *s, unsigned choice) {
    unsigned i = counted_as(choice);
    s->bits[i / 64] |= UINT64_C(1) << i % 64;
}

bool choice_set_has(const choice_set *s, unsigned choice) {
    unsigned i = counted_as(choice);
    return s->bits[i / 64] >> i % 64 & 1u;
}

unsigned choice_set_count(const choice_set *s) {
    unsigned n = 0;
    for (size_t i = 0; i < ARRAY_LEN(s->bits); i++)
        n += (unsigned)__builtin_popcountll(s->bits[i]);
    return n;
}

bool choice_set_covers(const choice_set *s, const choice_set *part) {
    uint64_t outside = 0;
    for (size_t i = 0; i < ARRAY_LEN(s->bits); i++)
        outside |= part->bits[i] & ~s->bits[i];
    return !outside;
}

/* ---- a copy: the event, then its parts, envelope and figures, then its bytes ---- */

typedef struct kept {
    list link; /* of the queue it is in, if any */
    size_t bytes;
    answer_event event;
    byte_keeper *keeper; /* of all it points to; NULL: that stands behind it */
} kept;

static bool within(span s, span whole) {
    return s.ptr && whole.ptr && s.ptr >= whole.ptr && s.ptr + s.len <= whole.ptr + whole.len;
}

/* A span of the original's data points to the same place of the copy's. */
static span moved(span s, const answer_event *from, const answer_event *to) {
    return within(s, from->data) ? span_from(to->data.ptr + (s.ptr - from->data.ptr), s.len) : s;
}

static json_value value_moved(json_value v, const answer_event *from, const answer_event *to) {
    return (json_value){v.type, moved(v.raw, from, to)};
}

static span put(char **at, span s) {
    span copy = span_from(*at, s.len);
    if (s.len) memcpy(*at, s.ptr, s.len);
    *at += s.len;
    return copy;
}

/* Of the spans that do not lie in the data, the finish reason alone may be of another place: a
 * word of the reader's. */
static size_t bytes_beside(const answer_event *e) {
    return within(e->finish_reason, e->data) ? 0 : e->finish_reason.len;
}

static void copy_into(kept *k, const answer_event *from) {
    answer_event *to = &k->event;
    answer_part *parts = (answer_part *)(k + 1);
    answer_envelope *envelope = (answer_envelope *)(parts + from->part_count);
    token_usage *usage = (token_usage *)(envelope + (from->envelope != NULL));
    char *at = (char *)(usage + (from->usage != NULL));
    *to = *from;
    to->large = NULL;
    k->keeper = NULL;
    to->name = put(&at, from->name);
    to->data = put(&at, from->data);
    to->finish_reason = within(from->finish_reason, from->data)
                            ? moved(from->finish_reason, from, to)
                            : put(&at, from->finish_reason);
    to->null_usage = moved(from->null_usage, from, to);
    to->usage_text = moved(from->usage_text, from, to);
    to->error = value_moved(from->error, from, to);
    for (size_t i = 0; i < from->part_count; i++) {
        parts[i] = from->parts[i];
        parts[i].value = value_moved(parts[i].value, from, to);
    }
    to->parts = parts;
    if (from->envelope) {
        *envelope = (answer_envelope){.id = value_moved(from->envelope->id, from, to),
                                      .model = value_moved(from->envelope->model, from, to),
                                      .created = value_moved(from->envelope->created, from, to)};
        to->envelope = envelope;
    }
    if (from->usage) {
        *usage = *from->usage;
        to->usage = usage;
    }
}

static size_t bytes_of(const answer_event *event) {
    return sizeof(kept) + event->part_count * sizeof(answer_part) +
           (event->envelope ? sizeof(answer_envelope) : 0) +
           (event->usage ? sizeof(token_usage) : 0) + event->name.len + event->data.len +
           bytes_beside(event);
}

static answer_event *refer(const answer_event *event) {
    kept *k = mem_alloc(sizeof *k);
    *k = (kept){.bytes = bytes_of(event), .event = *event};
    k->keeper = keeper_ref(&event->large->keeper);
    list_init(&k->link);
    return &k->event;
}

answer_event *answer_copy(const answer_event *event) {
    if (event->large) return refer(event);
    size_t bytes = bytes_of(event);
    kept *k = mem_alloc(bytes);
    k->bytes = bytes;
    list_init(&k->link);
    copy_into(k, event);
    return &k->event;
}

const answer_event *answer_dup(const answer_event *event, arena *a) {
    kept *k = arena_alloc(a, bytes_of(event));
    copy_into(k, event);
    return &k->event;
}

void answer_free(answer_event *copy) {
    if (!copy) return;
    kept *k = CONTAINER_OF(copy, kept, event);
    keeper_unref(k->keeper);
    free(k);
}

void answer_queue_init(answer_queue *q) {
    list_init(&q->events);
    q->bytes = 0;
}

void answer_queue_done(answer_queue *q) {
    for (answer_event *e; (e = answer_queue_take(q));)
        answer_free(e);
}

void answer_queue_add(answer_queue *q, const answer_event *event) {
    kept *k = CONTAINER_OF(answer_copy(event), kept, event);
    list_push_back(&q->events, &k->link);
    q->bytes += k->bytes;
}

answer_event *answer_queue_take(answer_queue *q) {
    list *node = list_pop_front(&q->events);
    if (!node) return NULL;
    kept *k = LIST_ENTRY(node, kept, link);
    q->bytes -= k->bytes;
    return &k->event;
}

const answer_event *answer_queue_last(const answer_queue *q) {
    return list_empty(&q->events) ? NULL : &LIST_ENTRY(q->events.prev, kept, link)->event;
}

/* ---- a rewriting ---- */

/* Edits stand in the order of their places and overlap nowhere: so each value finds those before it
 * and in it by halving, however many an answer has of both. */
typedef struct shifts {
    const answer_event *like;
    const answer_edit *edits;
    size_t count;
    const size_t *moved; /* [i]: how far the first i edits have moved what follows; may wrap */
    span data;           /* the new bytes */
} shifts;

static span place_of(const answer_event *like, const answer_edit *e) {
    return e->json.ptr ? e->bytes : like->parts[e->part].value.raw;
}

static const char *end_of(span s) {
    return s.ptr + s.len;
}

/* How many begin before that. */
static size_t edits_before(const shifts *s, const char *place) {
    size_t from = 0, to = s->count;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if (place_of(s->like, &s->edits[middle]).ptr < place)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* How many there are before the first, of those from `from` on, that ends behind that. */
static size_t edits_up_to(const shifts *s, size_t from, const char *end) {
    size_t to = s->count;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if (end_of(place_of(s->like, &s->edits[middle])) <= end)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* By the edits before it; those within it, or in its place, make it longer or shorter. */
static json_value value_shifted(const shifts *s, json_value v) {
    if (!within(v.raw, s->like->data)) return v;
    const size_t first = edits_before(s, v.raw.ptr);
    const size_t behind = edits_up_to(s, first, end_of(v.raw));
    const size_t at = (size_t)(v.raw.ptr - s->like->data.ptr) + s->moved[first];
    return (json_value){
        v.type, span_from(s->data.ptr + at, v.raw.len + s->moved[behind] - s->moved[first])};
}

/* The reason stands between the quotes of a part's value, which may be one that was changed. */
static span reason_shifted(const shifts *s, span reason, const answer_part *parts) {
    for (size_t i = 0; i < s->count; i++) {
        size_t at = s->edits[i].part;
        if (s->edits[i].json.ptr || !within(reason, s->like->parts[at].value.raw)) continue;
        if (!s->edits[i].text.ptr) return SPAN_EMPTY;
        span value = parts[at].value.raw;
        return span_slice(value, 1, value.len - 1);
    }
    return value_shifted(s, (json_value){JSON_STRING, reason}).raw;
}

static void write_edited(const answer_event *like, const answer_edit *edits, size_t count,
                         size_t *ret_moved, buf *out) {
    size_t from = 0;
    ret_moved[0] = 0;
    for (size_t i = 0; i < count; i++) {
        const answer_edit *e = &edits[i];
        span old = place_of(like, e);
        size_t at = (size_t)(old.ptr - like->data.ptr);
        assert(at >= from &&
               (e->json.ptr || !e->text.ptr || like->parts[e->part].value.type == JSON_STRING));
        buf_add(out, span_slice(like->data, from, at));
        size_t before = out->len;
        if (e->json.ptr)
            buf_add(out, e->json);
        else if (e->text.ptr)
            json_write_string(out, e->text);
        else
            buf_add(out, SPAN_OF("null"));
        ret_moved[i + 1] = ret_moved[i] + (out->len - before) - old.len;
        from = at + old.len;
    }
    buf_add(out, span_slice(like->data, from, like->data.len));
}

/* It stood in what is gone, where nothing is left of it. Of edits that touch it at its beginning
 * the first counts. */
static bool is_gone(const shifts *s, json_value v, json_value *ret) {
    bool gone = false;
    for (size_t i = edits_before(s, v.raw.ptr + 1); i-- > 0;) {
        const span old = place_of(s->like, &s->edits[i]);
        if (end_of(old) < v.raw.ptr) break;
        if (!s->edits[i].json.ptr || !within(v.raw, old) || old.len == v.raw.len) continue;
        *ret = value_shifted(s, (json_value){JSON_NULL, span_from(old.ptr, 0)});
        gone = true;
    }
    return gone;
}

void answer_rewrite(const answer_event *like, const answer_edit *edits, size_t count, arena *a,
                    answer_event *ret) {
    size_t *moved = arena_alloc(a, (count + 1) * sizeof *moved);
    answer_part *parts = arena_alloc(a, (like->part_count ? like->part_count : 1) * sizeof *parts);
    buf out = BUF_EMPTY;
    write_edited(like, edits, count, moved, &out);
    const shifts s = {like, edits, count, moved, arena_dup(a, buf_span(&out))};
    buf_done(&out);
    for (size_t i = 0; i < like->part_count; i++) {
        parts[i] = like->parts[i];
        if (!parts[i].value.raw.ptr || !is_gone(&s, parts[i].value, &parts[i].value))
            parts[i].value = value_shifted(&s, parts[i].value);
    }
    for (size_t i = 0; i < count; i++)
        if (!edits[i].text.ptr && !edits[i].json.ptr) parts[edits[i].part].value.type = JSON_NULL;
    answer_event event = *like;
    event.large = NULL;
    event.data = s.data;
    event.parts = parts;
    event.finish_reason = reason_shifted(&s, like->finish_reason, parts);
    event.error = value_shifted(&s, like->error);
    event.usage_text = value_shifted(&s, (json_value){JSON_OBJECT, like->usage_text}).raw;
    event.null_usage = value_shifted(&s, (json_value){JSON_NULL, like->null_usage}).raw;
    if (like->envelope) {
        answer_envelope *envelope = arena_alloc(a, sizeof *envelope);
        *envelope = (answer_envelope){.id = value_shifted(&s, like->envelope->id),
                                      .model = value_shifted(&s, like->envelope->model),
                                      .created = value_shifted(&s, like->envelope->created)};
        event.envelope = envelope;
    }
    *ret = event;
}

static bool stands_before(const answer_event *like, const answer_edit *a, const answer_edit *b) {
    return place_of(like, a).ptr < place_of(like, b).ptr;
}

/* Two rows in order, one behind the other, become one; room for the first is given. */
static void merge_rows(const answer_event *like, answer_edit *edits, size_t first, size_t count,
                       answer_edit *room) {
    size_t a = 0, b = first, to = 0;
    memcpy(room, edits, first * sizeof *edits);
    while (a < first)
        edits[to++] =
            b < count && stands_before(like, &edits[b], &room[a]) ? edits[b++] : room[a++];
}

static void sort_edits(const answer_event *like, answer_edit *edits, size_t count) {
    size_t at = 1;
    while (at < count && !stands_before(like, &edits[at], &edits[at - 1]))
        at++;
    if (at >= count) return;
    answer_edit *room = mem_alloc(count * sizeof *room);
    for (size_t row = 1; row < count; row *= 2)
        for (at = 0; at + row < count; at += 2 * row)
            merge_rows(like, edits + at, row, count - at < 2 * row ? count - at : 2 * row, room);
    free(room);
}

/* Something may be put in at either end of what is changed. */
static bool lies_within(span inner, span outer) {
    if (!inner.len) return inner.ptr > outer.ptr && inner.ptr < end_of(outer);
    return inner.ptr >= outer.ptr && end_of(inner) <= end_of(outer);
}

size_t answer_edits_sort(const answer_event *like, answer_edit *edits, size_t count) {
    size_t left = 0;
    sort_edits(like, edits, count);
    for (size_t i = 0; i < count; i++) {
        const span place = place_of(like, &edits[i]);
        while (left && place_of(like, &edits[left - 1]).len < place.len &&
               lies_within(place_of(like, &edits[left - 1]), place))
            left--;
        if (left && lies_within(place, place_of(like, &edits[left - 1]))) continue;
        edits[left++] = edits[i];
    }
    return left;
}

/* ---- a member taken out ---- */

typedef struct gap {
    const answer_event *like;
    size_t from, to; /* of the old bytes, what is gone */
    span data;       /* the new bytes */
} gap;

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* With the comma behind it and what leads to the next member; of the last one with the comma before
 * it. */
static void widen(gap *g) {
    span data = g->like->data;
    size_t from = g->from, to = g->to;
    while (to < data.len && is_blank(data.ptr[to]))
        to++;
    if (to < data.len && data.ptr[to] == ',') {
        do
            to++;
        while (to < data.len && is_blank(data.ptr[to]));
        g->to = to;
        return;
    }
    while (from > 0 && is_blank(data.ptr[from - 1]))
        from--;
    if (from > 0 && data.ptr[from - 1] == ',') g->from = from - 1;
}

/* A value before or behind the gap: it is in none. */
static json_value value_behind(const gap *g, json_value v) {
    if (!within(v.raw, g->like->data)) return v;
    size_t at = (size_t)(v.raw.ptr - g->like->data.ptr);
    if (at >= g->to) at -= g->to - g->from;
    return (json_value){v.type, span_from(g->data.ptr + at, v.raw.len)};
}

void answer_cut_usage(const answer_event *like, arena *a, answer_event *ret) {
    gap g = {.like = like, .from = (size_t)(like->null_usage.ptr - like->data.ptr)};
    g.to = g.from + like->null_usage.len;
    widen(&g);
    const span rest[] = {span_slice(like->data, 0, g.from),
                         span_slice(like->data, g.to, like->data.len)};
    g.data = arena_join(a, rest, ARRAY_LEN(rest));
    answer_part *parts = arena_alloc(a, (like->part_count ? like->part_count : 1) * sizeof *parts);
    for (size_t i = 0; i < like->part_count; i++) {
        parts[i] = like->parts[i];
        parts[i].value = value_behind(&g, parts[i].value);
    }
    *ret = *like;
    ret->large = NULL;
    ret->data = g.data;
    ret->parts = parts;
    ret->finish_reason = value_behind(&g, (json_value){JSON_STRING, like->finish_reason}).raw;
    ret->error = value_behind(&g, like->error);
    ret->usage_text = value_behind(&g, (json_value){JSON_OBJECT, like->usage_text}).raw;
    ret->null_usage = SPAN_EMPTY;
    if (!like->envelope) return;
    answer_envelope *envelope = arena_alloc(a, sizeof *envelope);
    *envelope = (answer_envelope){.id = value_behind(&g, like->envelope->id),
                                  .model = value_behind(&g, like->envelope->model),
                                  .created = value_behind(&g, like->envelope->created)};
    ret->envelope = envelope;
}

/* ---- a likeness ---- */

/* In the place of a part, nothing, of a kind that clients expect there. */
static answer_edit unsaid(const answer_part *p, size_t i) {
    const bool is_text = p->value.type == JSON_STRING && p->kind != PART_FINISH;
    if (p->value.type == JSON_ARRAY)
        return (answer_edit){.part = i, .bytes = p->value.raw, .json = SPAN_OF("[]")};
    return (answer_edit){.part = i, .text = is_text ? SPAN_OF("") : SPAN_EMPTY};
}

static void say_like(const answer_event *like, size_t part, answer_edit said, arena *a,
                     answer_event *ret) {
    answer_edit *edits = arena_alloc(a, like->part_count * sizeof *edits);
    size_t count = 0;
    for (size_t i = 0; i < like->part_count; i++) {
        const answer_part *p = &like->parts[i];
        edits[count++] = i == part ? said : unsaid(p, i);
    }
    answer_rewrite(like, edits, count, a, ret);
    ret->sorts = EVENT_CONTENT;
    ret->usage = NULL;
    ret->usage_text = SPAN_EMPTY;
    ret->finish_reason = SPAN_EMPTY;
}

void answer_say_like(const answer_event *like, size_t part, span text, arena *a,
                     answer_event *ret) {
    say_like(like, part, (answer_edit){.part = part, .text = text}, a, ret);
}

void answer_say_like_json(const answer_event *like, size_t part, span inner, arena *a,
                          answer_event *ret) {
    span raw = like->parts[part].value.raw;
    answer_edit said = {.part = part, .bytes = span_slice(raw, 1, raw.len - 1), .json = inner};
    say_like(like, part, said, a, ret);
}
