/* What the scanner costs for a chat request: nanoseconds a body, the best of many short rounds.
 *
 *   ninja -C build bench/bench-json && build/bench/bench-json
 */
#include "base/buf.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* A request of about `size` bytes in messages of at most `message` bytes, which repeat `text`. */
static void make_body(buf *out, size_t size, size_t message, const char *text) {
    static const char *const roles[] = {"system", "user", "assistant"};
    buf_add_cstr(out, "{\"model\":\"gpt-4o-mini\",\"messages\":[");
    for (size_t i = 0; out->len + 110 < size; i++) {
        buf_addf(out, "%s{\"role\":\"%s\",\"content\":\"", i ? "," : "", roles[i % 3]);
        size_t from = out->len;
        while (out->len + 110 < size && out->len - from < message)
            buf_add_cstr(out, text);
        buf_add_cstr(out, "\"}");
    }
    buf_add_cstr(
        out, "],\"temperature\":0.7,\"max_tokens\":1000,\"stream\":true,\"user\":\"u-12345678\"}");
}

static void make_hostile(buf *out, size_t members) {
    buf_add_char(out, '{');
    for (size_t i = 0; i < members; i++)
        buf_addf(out, "%s\"m%zu\":0", i ? "," : "", i);
    buf_add_char(out, '}');
}

static double scan_ns(span doc, int rounds, int times) {
    double best = 1e18;
    for (int round = 0; round < rounds; round++) {
        double start = now_ns();
        for (int i = 0; i < times; i++) {
            json_member members[32];
            size_t count;
            json_fault fault;
            if (!json_scan_object(doc, NULL, members, 32, &count, &fault)) abort();
            __asm__ volatile("" ::"r"(members) : "memory");
        }
        double each = (now_ns() - start) / times;
        if (each < best) best = each;
    }
    return best;
}

static void report(const char *what, buf *doc, int rounds, int times) {
    double ns = scan_ns(buf_span(doc), rounds, times);
    printf("%-46s %8zu bytes %12.0f ns %7.2f GB/s\n", what, doc->len, ns, (double)doc->len / ns);
    buf_clear(doc);
}

int main(void) {
    static const char plain[] = "The weir regulates and measures the flow of a river. ";
    static const char code[] = "    if (x == \\\"a\\\") {\\n\\treturn x;\\n    }\\n";
    static const char mixed[] =
        "Le caf\xC3\xA9 est tr\xC3\xA8s bon \xE2\x80\x93 d\xC3\xA9j\xC3\xA0. ";
    static const char dense[] = "\xE5\xA0\xB0\xE8\xB0\x83\xE8\x8A\x82\xE6\xB5\x81\xE9\x87\x8F";
    buf doc = BUF_EMPTY;
    make_body(&doc, 1024, 400, plain);
    report("1 KB chat request, three messages", &doc, 2000, 100);
    make_body(&doc, 16384, 1500, plain);
    report("16 KB chat request, eleven messages", &doc, 500, 100);
    make_body(&doc, 16384, 1500, code);
    report("16 KB, program text: an escape per 7 bytes", &doc, 200, 20);
    make_body(&doc, 16384, 1500, mixed);
    report("16 KB, French: a letter in eight not ASCII", &doc, 200, 20);
    make_body(&doc, 16384, 1500, dense);
    report("16 KB, Chinese: nothing ASCII", &doc, 200, 20);
    make_hostile(&doc, 100000);
    report("one object of 100,000 members", &doc, 20, 1);
    buf_done(&doc);
    return 0;
}
