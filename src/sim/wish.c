#include "sim/wish.h"

#include <string.h>

typedef enum sim_arg { NONE, COUNT, SECONDS, MS, STATUS } sim_arg;

typedef struct sim_row {
    const char *name;
    sim_arg arg;
    int64_t standard;
    int64_t largest;
    const char *sentence;
} sim_row;

static const sim_row rows[SIM_WORD_COUNT] = {
#define SECTION(title)
#define X(id, name, arg, standard, largest, sentence) {name, arg, standard, largest, sentence},
#include "sim/wishes.def"
#undef X
#undef SECTION
};

typedef struct sim_header_row {
    span name;
    const char *sentence;
} sim_header_row;

enum { H_FAULT, H_STATUS, H_RETRY_AFTER, H_TIMES, H_KEY, H_PACE, H_TTFT, H_COUNT };

static const sim_header_row header_rows[H_COUNT] = {
    [H_FAULT] = {SPAN("x-sim-fault"), "Words as after `sim/`: `x-sim-fault: cut-5,pace-0`."},
    [H_STATUS] = {SPAN("x-sim-status"), "A status from 400 to 599 to answer with."},
    [H_RETRY_AFTER] = {SPAN("x-sim-retry-after"),
                       "What `Retry-After` of a refusal says, word for word: seconds, a date, or "
                       "nonsense."},
    [H_TIMES] = {SPAN("x-sim-times"),
                 "How many tries of one request fail before one works (as `flaky-N`)."},
    [H_KEY] = {SPAN("x-sim-key"), "What tries belong together, instead of equal bodies."},
    [H_PACE] = {SPAN("x-sim-pace-ms"), "As `pace-N`."},
    [H_TTFT] = {SPAN("x-sim-ttft-ms"), "As `ttft-N`."},
};

const sim_wish sim_no_wish = {
    .retry_after_ms = -1, .after = SIM_MIDDLE, .pace_ms = -1, .ttft_ms = -1};

/* "20", "500ms", "2s", "5m", "1h" in milliseconds; a plain number counts unit milliseconds. */
static bool read_time(span text, int64_t unit, int64_t *ret_ms) {
    static const struct {
        span suffix;
        int64_t ms;
    } units[] = {{SPAN("ms"), 1}, {SPAN("s"), 1000}, {SPAN("m"), 60000}, {SPAN("h"), 3600000}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!span_ends(text, units[i].suffix)) continue;
        unit = units[i].ms;
        text.len -= units[i].suffix.len;
        break;
    }
    uint64_t n;
    if (!span_u64(text, &n) || n > (uint64_t)(INT64_MAX / 3600000)) return false;
    *ret_ms = (int64_t)n * unit;
    return true;
}

static bool is_status(span text, uint64_t *ret) {
    return text.len == 3 && span_u64(text, ret) && *ret >= 400 && *ret <= 599;
}

static bool read_arg(const sim_row *row, span text, int64_t *ret) {
    uint64_t n = 0;
    int64_t value = 0;
    switch (row->arg) {
    case NONE: return false;
    case SECONDS:
        if (!read_time(text, 1000, &value)) return false;
        break;
    case MS:
        if (!read_time(text, 1, &value)) return false;
        break;
    case COUNT:
        if (!span_u64(text, &n) || n > INT64_MAX) return false;
        value = (int64_t)n;
        break;
    case STATUS:
        if (!is_status(text, &n)) return false;
        value = (int64_t)n;
        break;
    }
    if (value > row->largest) return false;
    *ret = value;
    return true;
}

static void refuse(sim_wish *w, sim_refusal refusal, int64_t status) {
    w->refusal = refusal;
    w->status = (int)status;
}

static void end(sim_wish *w, sim_ending ending, int64_t after) {
    w->ending = ending;
    w->after = after;
}

static void apply(sim_wish *w, sim_word word, int64_t n) {
    switch (word) {
    case SIM_STATUS: w->retry_after_ms = n; break;
    case SIM_QUOTA: refuse(w, SIM_REFUSES_QUOTA, 429); break;
    case SIM_CONTEXT_LENGTH: refuse(w, SIM_REFUSES_LENGTH, 400); break;
    case SIM_CONTENT_POLICY: refuse(w, SIM_REFUSES_POLICY, 400); break;
    case SIM_CONTENT_FILTER: refuse(w, SIM_REFUSES_FILTER, 400); break;
    case SIM_HTML: refuse(w, SIM_REFUSES_IN_HTML, n); break;
    case SIM_FLAKY: w->times = (unsigned)n; break;
    case SIM_SLOW: w->head_delay_ms = n; break;
    case SIM_LATE: w->token_delay_ms = n; break;
    case SIM_SILENT: end(w, SIM_ENDS_SILENT, SIM_BEFORE); break;
    case SIM_STALL_BEFORE: end(w, SIM_ENDS_STALLED, SIM_BEFORE); break;
    case SIM_STALL: end(w, SIM_ENDS_STALLED, n); break;
    case SIM_RESET: end(w, SIM_ENDS_RESET, SIM_BEFORE); break;
    case SIM_CUT_BEFORE: end(w, SIM_ENDS_CUT, SIM_BEFORE); break;
    case SIM_CUT: end(w, SIM_ENDS_CUT, n); break;
    case SIM_ERROR_EVENT: end(w, SIM_ENDS_IN_ERROR, n); break;
    case SIM_GARBAGE: w->blemish = SIM_IS_GARBAGE; break;
    case SIM_BAD_JSON: w->blemish = SIM_HAS_BAD_JSON; break;
    case SIM_EMPTY: w->blemish = SIM_IS_EMPTY; break;
    case SIM_NO_DONE: w->no_done = true; break;
    case SIM_NO_FINISH: end(w, SIM_ENDS_UNFINISHED, SIM_MIDDLE); break;
    case SIM_NO_USAGE: w->no_usage = true; break;
    case SIM_FILTERED: w->filtered = true; break;
    case SIM_CRLF: w->crlf = true; break;
    case SIM_COMMENTS: w->comments = true; break;
    case SIM_SPLIT: w->split = true; break;
    case SIM_ECHO: w->words = 0; break;
    case SIM_WORDS: w->words = (unsigned)n; break;
    case SIM_CALLS: w->calls = (unsigned)n; break;
    case SIM_TEXT: w->text = true; break;
    case SIM_ROUNDS: w->calling.rounds = (unsigned)n; break;
    case SIM_FOREVER: w->calling.forever = true; break;
    case SIM_SCRIPT: w->calling.script = true; break;
    case SIM_NO_JSON: w->calling.no_json = true; break;
    case SIM_WRONG_ARGUMENTS: w->calling.wrong = true; break;
    case SIM_UNKNOWN_TOOL: w->calling.unknown = true; break;
    case SIM_SAME_IDS: w->calling.same_ids = true; break;
    case SIM_NO_IDS: w->calling.no_ids = true; break;
    case SIM_TALK: w->calling.talk = true; break;
    case SIM_MUTE: w->calling.mute = true; break;
    case SIM_PACE: w->pace_ms = n; break;
    case SIM_TTFT: w->ttft_ms = n; break;
    case SIM_WORD_COUNT: break;
    }
}

static int find_row(span name) {
    for (int i = 0; i < SIM_WORD_COUNT; i++)
        if (i != SIM_STATUS && span_eq(name, span_cstr(rows[i].name))) return i;
    return -1;
}

static const char *nearest_word(span word) {
    const char *best = NULL;
    size_t best_distance = 3;
    for (int i = 0; i < SIM_WORD_COUNT; i++) {
        size_t distance = span_distance(word, span_cstr(rows[i].name));
        if (i == SIM_STATUS || distance >= best_distance) continue;
        best = rows[i].name;
        best_distance = distance;
    }
    return best;
}

static bool add_word(sim_wish *w, span word) {
    int row = find_row(word);
    if (row >= 0) {
        apply(w, (sim_word)row, rows[row].standard);
        return true;
    }
    size_t dash = word.len;
    while (dash > 0 && word.ptr[dash - 1] != '-')
        dash--;
    span name = dash ? span_slice(word, 0, dash - 1) : word;
    uint64_t status;
    int64_t n = -1;
    if (is_status(name, &status)) {
        if (dash && !read_arg(&rows[SIM_STATUS], span_slice(word, dash, word.len), &n))
            return false;
        refuse(w, SIM_REFUSES, (int64_t)status);
        apply(w, SIM_STATUS, n);
        return true;
    }
    row = find_row(name);
    if (!dash || row < 0 || !read_arg(&rows[row], span_slice(word, dash, word.len), &n))
        return false;
    apply(w, (sim_word)row, n);
    return true;
}

static bool add_list(sim_wish *w, span list, sim_misread *ret_misread) {
    span word;
    while (span_cut(&list, ',', &word)) {
        word = span_trim(word);
        if (add_word(w, word)) continue;
        size_t dash = span_find(word, 0, '-');
        const char *nearest = nearest_word(word);
        if (!nearest) nearest = nearest_word(span_slice(word, 0, dash));
        *ret_misread = (sim_misread){.word = word, .nearest = nearest};
        return false;
    }
    return true;
}

static bool add_header(sim_wish *w, int which, span value, sim_misread *ret_misread) {
    uint64_t n = 0;
    int64_t ms = 0;
    switch (which) {
    case H_FAULT: return add_list(w, value, ret_misread);
    case H_STATUS:
        if (!is_status(value, &n)) return false;
        refuse(w, SIM_REFUSES, (int64_t)n);
        return true;
    case H_RETRY_AFTER: w->retry_after = value; return true;
    case H_TIMES:
        if (!span_u64(value, &n) || n < 1 || n > 1000) return false;
        w->times = (unsigned)n;
        return true;
    case H_KEY: w->key = value; return true;
    case H_PACE:
        if (!read_arg(&rows[SIM_PACE], value, &ms)) return false;
        w->pace_ms = ms;
        return true;
    default:
        if (!read_arg(&rows[SIM_TTFT], value, &ms)) return false;
        w->ttft_ms = ms;
        return true;
    }
}

static bool add_headers(sim_wish *w, http_headers headers, sim_misread *ret_misread) {
    for (size_t i = 0; i < headers.count; i++) {
        http_header h = headers.items[i];
        if (!span_istarts(h.name, SPAN_OF("x-sim-"))) continue;
        for (int which = 0; which < H_COUNT; which++) {
            if (!span_ieq(h.name, header_rows[which].name)) continue;
            sim_misread misread = {.word = h.value};
            if (add_header(w, which, h.value, &misread)) break;
            misread.header = header_rows[which].name;
            *ret_misread = misread;
            return false;
        }
    }
    return true;
}

/* A request that is only to fail some times, but not told how, fails with 503. */
static void complete(sim_wish *w) {
    if (w->times && !sim_wish_fails(w)) refuse(w, SIM_REFUSES, 503);
}

bool sim_wish_read(span model, http_headers headers, sim_wish *ret, sim_misread *ret_misread) {
    static const span prefix = SPAN("sim/");
    sim_wish w = sim_no_wish;
    if (span_starts(model, prefix) &&
        !add_list(&w, span_slice(model, prefix.len, model.len), ret_misread))
        return false;
    if (!add_headers(&w, headers, ret_misread)) return false;
    complete(&w);
    *ret = w;
    return true;
}

void sim_wish_relent(sim_wish *w) {
    sim_wish fresh = sim_no_wish;
    fresh.crlf = w->crlf;
    fresh.comments = w->comments;
    fresh.split = w->split;
    fresh.words = w->words;
    fresh.calls = w->calls;
    fresh.text = w->text;
    fresh.calling = w->calling;
    fresh.pace_ms = w->pace_ms;
    fresh.ttft_ms = w->ttft_ms;
    fresh.key = w->key;
    *w = fresh;
}

bool sim_wish_fails(const sim_wish *w) {
    return w->refusal != SIM_SERVES || w->head_delay_ms || w->token_delay_ms ||
           w->ending != SIM_WHOLE || w->blemish != SIM_SOUND || w->no_done || w->no_usage ||
           w->filtered;
}

static const char *arg_form(sim_arg arg) {
    switch (arg) {
    case NONE: return "";
    case SECONDS: return "[-TIME]";
    case MS: return "[-N]";
    case COUNT: return "[-N]";
    case STATUS: return "[-STATUS]";
    }
    return "";
}

static void write_row(const sim_row *row, buf *out) {
    buf_addf(out, "| `%s%s` | ", row->name, arg_form(row->arg));
    if (row->standard >= 0 && row->arg == SECONDS)
        buf_addf(out, "%llds ", (long long)row->standard / 1000);
    else if (row->standard >= 0)
        buf_addf(out, "%lld ", (long long)row->standard);
    buf_addf(out, "| %s |\n", row->sentence);
}

static void write_section(const char *title, bool first, buf *out) {
    buf_addf(out, "%s### %s\n\n| word | without argument | what happens |\n| --- | --- | --- |\n",
             first ? "" : "\n", title);
}

void sim_wish_write_table(buf *out) {
    const sim_row *row = rows;
#define SECTION(title) write_section(title, row == rows, out);
#define X(...)         write_row(row++, out);
#include "sim/wishes.def"
#undef X
#undef SECTION
    buf_add_cstr(out, "\n### Headers\n\n| header | what it says |\n| --- | --- |\n");
    for (int i = 0; i < H_COUNT; i++)
        buf_addf(out, "| `%.*s` | %s |\n", SPAN_ARG(header_rows[i].name), header_rows[i].sentence);
}
