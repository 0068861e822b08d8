/* The workers' side of the log: lines are made here and handed to the writer (log_writer.c). */
#include "observe/log_writer.h"

#include "base/clock.h"
#include "base/mem.h"
#include "observe/line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct log_shard {
    logger *logger;
    log_shard *next; /* constant once published */
    line_clock clock;
    buf lines;            /* its own thread's: of this turn of the loop */
    pthread_mutex_t lock; /* of handed; held for a copy or a swap */
    buf handed;           /* to the writer */
};

/* A turn of the loop that makes many lines hands them over in between. */
enum { HAND_OVER_BYTES = 16 * 1024 };

/* ---- the logger ---- */

static bool wants_colour(int fd) {
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}

void logger_configure(logger *l, const config_logs *logs) {
    bool json = logs->format == LOG_JSON || (logs->format == LOG_AUTO && !isatty(l->fd));
    atomic_store_explicit(&l->json, json, memory_order_relaxed);
    atomic_store_explicit(&l->level, logs->level, memory_order_relaxed);
    atomic_store_explicit(&l->limit, logs->buffer_bytes, memory_order_relaxed);
}

logger *logger_new(const config_logs *logs, int fd) {
    logger *l = mem_zalloc(sizeof *l);
    l->fd = fd;
    l->colour = wants_colour(fd);
    logger_configure(l, logs);
    (void)pthread_mutex_init(&l->lock, NULL);
    l->own = logger_add_shard(l);
    log_writer_start(l);
    return l;
}

static void shard_free(log_shard *s) {
    buf_done(&s->lines);
    buf_done(&s->handed);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

void logger_free(logger *l, int64_t wait_ms) {
    if (!l) return;
    log_shard *first = atomic_load_explicit(&l->shards, memory_order_acquire);
    for (log_shard *s = first; s; s = s->next)
        if (s != l->own) log_flush(s); /* that one is the writer's until it has ended */
    log_writer_end(l, wait_ms);
    while (first) {
        log_shard *next = first->next;
        shard_free(first);
        first = next;
    }
    (void)pthread_mutex_destroy(&l->lock);
    free(l);
}

void logger_wait(const logger *l, int64_t wait_ms) {
    static const struct timespec pause = {0, 2 * 1000000};
    const int64_t until_ms = clock_mono_ms() + wait_ms;
    while (atomic_load_explicit(&l->waiting, memory_order_relaxed) && clock_mono_ms() < until_ms)
        (void)nanosleep(&pause, NULL);
}

log_shard *logger_add_shard(logger *l) {
    log_shard *s = mem_zalloc(sizeof *s);
    s->logger = l;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_mutex_lock(&l->lock);
    s->next = atomic_load_explicit(&l->shards, memory_order_relaxed);
    atomic_store_explicit(&l->shards, s, memory_order_release);
    (void)pthread_mutex_unlock(&l->lock);
    return s;
}

uint64_t logger_dropped(const logger *l) {
    return atomic_load_explicit(&l->dropped, memory_order_relaxed);
}

/* ---- handing over ---- */

bool log_waits(const log_shard *s) {
    return s && s->lines.len > 0;
}

void log_flush(log_shard *s) {
    if (!log_waits(s)) return;
    (void)pthread_mutex_lock(&s->lock);
    if (s->handed.len == 0) { /* nothing to keep: the buffers change places */
        buf empty = s->handed;
        s->handed = s->lines;
        s->lines = empty;
    } else {
        buf_add(&s->handed, buf_span(&s->lines));
    }
    (void)pthread_mutex_unlock(&s->lock);
    buf_clear(&s->lines);
    log_writer_wake(s->logger);
}

log_shard *log_shard_take(logger *l, log_shard *after, buf *lines) {
    log_shard *s = after ? after->next : atomic_load_explicit(&l->shards, memory_order_acquire);
    if (!s) return NULL;
    (void)pthread_mutex_lock(&s->lock);
    buf taken = s->handed;
    s->handed = *lines;
    (void)pthread_mutex_unlock(&s->lock);
    *lines = taken;
    return s;
}

/* ---- lines ---- */

bool log_wants(const log_shard *s, config_log_level level) {
    return s && (int)level >= atomic_load_explicit(&s->logger->level, memory_order_relaxed);
}

static bool as_json(const log_shard *s) {
    return atomic_load_explicit(&s->logger->json, memory_order_relaxed);
}

/* Keeps the line that begins at from if there is room for it. */
static void keep(log_shard *s, size_t from) {
    logger *l = s->logger;
    size_t len = s->lines.len - from;
    size_t limit = atomic_load_explicit(&l->limit, memory_order_relaxed);
    size_t before = atomic_fetch_add_explicit(&l->waiting, len, memory_order_relaxed);
    if (before + len > limit) {
        atomic_fetch_sub_explicit(&l->waiting, len, memory_order_relaxed);
        atomic_fetch_add_explicit(&l->dropped, 1, memory_order_relaxed);
        s->lines.len = from;
    } else if (s->lines.len >= HAND_OVER_BYTES) {
        log_flush(s);
    }
}

void log_call(log_shard *s, const call_record *r) {
    if (!log_wants(s, line_call_level(r))) return;
    size_t from = s->lines.len;
    if (as_json(s))
        line_json_call(&s->lines, &s->clock, r);
    else
        line_text_call(&s->lines, &s->clock, r, s->logger->colour);
    keep(s, from);
}

static void add_event(log_shard *s, const line_event *e) {
    if (as_json(s))
        line_json_event(&s->lines, &s->clock, e);
    else
        line_text_event(&s->lines, &s->clock, e, s->logger->colour);
}

void log_event(log_shard *s, config_log_level level, const char *event, span sentence,
               const log_field *fields, size_t count) {
    if (!log_wants(s, level)) return;
    size_t from = s->lines.len;
    add_event(s, &(line_event){clock_wall_us(), level, event, sentence, fields, count});
    keep(s, from);
}

log_field log_number(const char *key, uint64_t value, char text[LOG_NUMBER_MAX]) {
    int len = snprintf(text, LOG_NUMBER_MAX, "%llu", (unsigned long long)value);
    return (log_field){.key = key, .value = span_from(text, (size_t)len), .number = true};
}

void log_write_json(config_log_level level, const char *event, span sentence,
                    const log_field *fields, size_t count, buf *out) {
    line_clock clock = {0};
    line_json_event(out, &clock,
                    &(line_event){clock_wall_us(), level, event, sentence, fields, count});
}

void log_note_dropped(logger *l, uint64_t lines) {
    log_shard *s = l->own;
    if (!log_wants(s, LEVEL_WARN)) return;
    char text[24];
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)lines);
    log_field field = {"lines", span_from(text, (size_t)len)};
    add_event(
        s, &(line_event){clock_wall_us(), LEVEL_WARN, "log_lines_dropped",
                         SPAN_OF("Log lines were dropped: their reader was too slow, or their disk "
                                 "was full."),
                         &field, 1});
    atomic_fetch_add_explicit(&l->waiting, s->lines.len, memory_order_relaxed);
    log_flush(s);
}
