#include "call/held.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void held_init(held *h) {
    list_init(&h->events);
    h->bytes = 0;
}

void held_done(held *h) {
    for (held_event *e; (e = held_take(h));)
        held_event_free(e);
}

static char *copy(char *at, span s, span *ret) {
    if (s.len) memcpy(at, s.ptr, s.len);
    *ret = span_from(at, s.len);
    return at + s.len;
}

void held_add(held *h, const sse_event *event, const answer_facts *facts) {
    held_event *e = mem_alloc(sizeof *e + event->name.len + event->data.len + 1);
    char *at = (char *)(e + 1);
    at = copy(at, event->name, &e->event.name);
    (void)copy(at, event->data, &e->event.data);
    e->facts = *facts;
    /* An event that ends an answer or is an error is never held, so these are not needed. */
    e->facts.finish_reason = SPAN_EMPTY;
    e->facts.error = (json_value){JSON_NONE, SPAN_EMPTY};
    h->bytes += sizeof *e + event->name.len + event->data.len;
    list_push_back(&h->events, &e->link);
}

held_event *held_take(held *h) {
    list *node = list_pop_front(&h->events);
    if (!node) return NULL;
    held_event *e = LIST_ENTRY(node, held_event, link);
    h->bytes -= sizeof *e + e->event.name.len + e->event.data.len;
    return e;
}

void held_event_free(held_event *e) {
    free(e);
}
