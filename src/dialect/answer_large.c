#include "dialect/answer_large.h"

#include "base/mem.h"
#include "dialect/words.h"
#include "http/sse.h"
#include "loop/aside.h"

#include <stdlib.h>

static void free_all(void *what) {
    answer_large *l = what;
    arena_done(&l->arena);
    free(l);
}

static void free_large(byte_keeper *k) {
    answer_large *l = CONTAINER_OF(k, answer_large, keeper);
    if (l->loop) memory_drop(&l->loop->memory, &l->hold);
    if (l->loop && l->arena.used > AWAY_BYTES)
        aside_free(l->loop, free_all, l);
    else
        free_all(l);
}

/* What weir's own question has brought is in nobody's answer. */
static void keep(answer_large *l, const answer_event *event) {
    arena between;
    answer_event without;
    arena_init(&between, 0);
    if (event->null_usage.len) {
        answer_cut_usage(event, &between, &without);
        event = &without;
    }
    l->event = *answer_dup(event, &l->arena);
    l->event.large = l;
    arena_done(&between);
}

static void guess(answer_large *l, token_family family) {
    l->guess = guess_begin(family, false);
    if (usage_is_told(l->event.usage)) return;
    answer_event small = l->event;
    small.large = NULL;
    guess_add(&l->guess, &small);
    l->text_bytes = guess_bytes(&small);
}

/* A name is small where people write it. */
static bool is_framed_easily(const answer_event *e) {
    enum { NAME_BYTES = 1024 };
    return e->name.len <= NAME_BYTES && sse_is_line(e->data);
}

static void frame(answer_large *l) {
    const sse_event event = {.name = l->event.name, .data = l->event.data};
    if (is_framed_easily(&l->event)) return;
    buf out = BUF_EMPTY;
    sse_write(&out, &event);
    l->framed = arena_dup(&l->arena, buf_span(&out));
    buf_done(&out);
}

answer_large *answer_large_new(const answer_event *event, const answer_large_spec *spec) {
    answer_large *l = mem_zalloc(sizeof *l);
    l->keeper = keeper_with(free_large);
    arena_init(&l->arena, 0);
    keep(l, event);
    guess(l, spec->family);
    if (spec->want & WANT_WORDS) l->words = answer_words_json(&l->event, false, &l->arena);
    if (spec->want & WANT_ITEMS && event->kind == ANSWER_PLAIN)
        answer_items_read(&l->items, &l->event);
    if (spec->as_events) frame(l);
    return l;
}

bool answer_large_arrives(answer_large *l, loop *at, uint64_t holder) {
    l->loop = at;
    l->hold.holder = holder;
    return memory_grow(&at->memory, &l->hold, l->arena.used) == SHARE_TAKEN;
}
