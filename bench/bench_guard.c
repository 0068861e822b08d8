/* What a guard with all of weir's rules costs on clean text, and how much of it is held: prints for
 * each FILE the microseconds a KiB of a whole text, of an event of about a token, and the share of
 * events of which nothing was held; with all rules, and without those of addresses. And the start:
 * what the rules take to be made.
 *
 *   ninja -C build bench/bench-guard && build/bench/bench-guard README.md docs/operations.md
 */
#include "guard/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 5, PIECE = 16 << 10 };

static double now_us(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void pass(void *ctx, span bytes) {
    *(size_t *)ctx += bytes.len;
}
static void find(void *ctx, const guard_find *f) {
    (void)ctx, (void)f;
}

/* About what tokens are: a word with the blank before it, long ones in two; each sign by itself. */
static size_t token_at(span text, size_t at) {
    size_t i = at + 1;
    while (i < text.len && i - at < 9 && (text.ptr[i] | 0x20) >= 'a' && (text.ptr[i] | 0x20) <= 'z')
        i++;
    while (i < text.len && ((unsigned char)text.ptr[i] & 0xC0) == 0x80) /* no half a character */
        i++;
    return i - at;
}

typedef struct figures {
    double whole_kib, event;
    size_t events, held, bytes;
} figures;

static void run_events(guard_lane *lane, span text, const guard_sink *sink, figures *f) {
    for (size_t at = 0; at < text.len;) {
        size_t len = token_at(text, at);
        guard_lane_feed(lane, span_slice(text, at, at + len), false, sink);
        f->events++;
        f->held += guard_lane_held(lane) > 0;
        at += len;
    }
    guard_lane_feed(lane, SPAN_EMPTY, true, sink);
}

static figures measure(const guard_policy *p, guard_scratch *scratch, span text) {
    figures best = {.whole_kib = 1e9, .event = 1e9};
    guard_sink sink = {&best.bytes, pass, find};
    guard_lane lane;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_us();
        for (size_t at = 0; at < text.len; at += PIECE) {
            guard_lane_init(&lane, p, scratch, (guard_form){0});
            guard_lane_feed(&lane, span_slice(text, at, at + PIECE), true, &sink);
        }
        double whole = (now_us() - start) / ((double)text.len / 1024);
        best.events = best.held = 0;
        start = now_us();
        guard_lane_init(&lane, p, scratch, (guard_form){0});
        run_events(&lane, text, &sink, &best);
        double event = (now_us() - start) / (double)best.events;
        if (whole < best.whole_kib) best.whole_kib = whole;
        if (event < best.event) best.event = event;
    }
    return best;
}

static span read_file(const char *path) {
    buf text = BUF_EMPTY;
    FILE *f = fopen(path, "rb");
    if (!f) exit(1);
    for (size_t n; (n = fread(buf_reserve(&text, PIECE), 1, PIECE, f)) > 0;)
        buf_grow(&text, n);
    fclose(f);
    return buf_span(&text);
}

static void print(const char *what, const figures *f) {
    printf("  %-20s %.2f us/KiB whole, %.3f us an event, %.2f %% of %zu events not held\n", what,
           f->whole_kib, f->event, 100.0 - 100.0 * (double)f->held / (double)f->events, f->events);
}

int main(int argc, char **argv) {
    double start = now_us();
    guard_set *s = guard_set_new(true, NULL, 0, NULL, NULL);
    double made = now_us() - start;
    guard_override no_mail[] = {{SPAN("email"), GUARD_OFF}};
    guard_policy *all = guard_policy_new(s, GUARD_OUT, GUARD_REDACT, NULL, 0);
    guard_policy *others = guard_policy_new(s, GUARD_OUT, GUARD_REDACT, no_mail, 1);
    guard_scratch *scratch = guard_scratch_new();
    printf("%zu rules made in %.2f ms; %zu states of %d classes, %zu KiB; a lane is %zu bytes\n",
           guard_set_count(s), made / 1e3, s->leads.states, 1 << s->leads.shift,
           (s->leads.states << s->leads.shift) * sizeof(uint16_t) / 1024, sizeof(guard_lane));
    for (int i = 1; i < argc; i++) {
        span text = read_file(argv[i]);
        figures with = measure(all, scratch, text), without = measure(others, scratch, text);
        printf("%s, %zu KiB\n", argv[i], text.len / 1024);
        print("all rules", &with);
        print("without addresses", &without);
        free((char *)text.ptr);
    }
    guard_scratch_free(scratch);
    guard_policy_free(all);
    guard_policy_free(others);
    guard_set_unref(s);
    return 0;
}
