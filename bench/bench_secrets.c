/* What it costs to look for secrets in what providers send: nanoseconds a text, the best of many
 * short rounds, beside memchr(), which no search can beat.
 *
 *   ninja -C build bench/bench-secrets && build/bench/bench-secrets
 */
#include "base/secret_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static unsigned draw(unsigned below) {
    static uint64_t seed = 7;
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

/* "sk-proj-…", as long as asked. */
static secret *make_key(size_t len) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    char bytes[256] = "sk-proj-";
    for (size_t i = len < 16 ? 3 : 8; i < len; i++)
        bytes[i] = letters[draw(64)];
    return secret_new(span_from(bytes, len));
}

static secret_set *make_set(size_t count, size_t len) {
    secret **keys = calloc(count, sizeof *keys);
    if (!keys) abort();
    for (size_t i = 0; i < count; i++)
        keys[i] = make_key(len);
    secret_set *s = secret_set_new(keys, count);
    for (size_t i = 0; i < count; i++)
        secret_unref(keys[i]);
    free(keys);
    return s;
}

static double look_ns(const secret_set *s, span text) {
    enum { ROUNDS = 40, BYTES = 1 << 20 };
    size_t times = BYTES / text.len + 1;
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (size_t i = 0; i < times; i++) {
            bool found = s ? secret_set_found(s, text) : span_find(text, 0, '\x01') < text.len;
            if (found) abort();
            __asm__ volatile("" ::"r"(text.ptr) : "memory");
        }
        double each = (now_ns() - start) / (double)times;
        if (each < best) best = each;
    }
    return best;
}

static const char event[] =
    "{\"id\":\"chatcmpl-9rV3kQzXh2LmT7bYcWfA\",\"object\":\"chat.completion.chunk\",\"created\":"
    "1726000000,\"model\":\"gpt-4o-mini-2024-07-18\",\"system_fingerprint\":\"fp_48196bc67a\","
    "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" quick\"},\"logprobs\":null,"
    "\"finish_reason\":null}]}";

static void fill(buf *out, size_t size, const char *text) {
    while (out->len < size)
        buf_add_cstr(out, text);
}

int main(void) {
    buf texts[3] = {0};
    static const char *const names[] = {"an event", "an event with quotes", "a document"};
    buf_add_cstr(&texts[0], event);
    fill(&texts[1], sizeof event, "{\"arguments\":\"{\\\"city\\\":\\\"Oslo\\\",\\n\"},");
    fill(&texts[2], 64 * 1024,
         "The quick brown fox jumps over 13 lazy dogs; \\\"why\\\" asks JSON. {\"K\":\"QZX\"}\\n");
    static const struct {
        size_t count, len;
    } sets[] = {{0, 0},  {1, 28},   {1, 51},    {1, 164}, {2, 51},
                {8, 51}, {300, 51}, {300, 164}, {8, 10}};
    for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
        for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
            secret_set *s = sets[i].count ? make_set(sets[i].count, sets[i].len) : NULL;
            double ns = look_ns(s, buf_span(&texts[t]));
            printf("%-21s %6zu bytes  %3zu secrets of %3zu bytes %10.0f ns %7.2f GB/s\n", names[t],
                   texts[t].len, sets[i].count, sets[i].len, ns, (double)texts[t].len / ns);
            secret_set_unref(s);
        }
        buf_done(&texts[t]);
    }
    return 0;
}
