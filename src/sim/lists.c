/* The simulator's plain endpoints: embeddings, moderations, models.
 *
 * Source   OpenAI's reference: the embedding, moderation and model objects.
 */
#include "sim/refuse.h"

#include "base/random.h"

#include <math.h>
#include <string.h>

/* ---- Embeddings: unit vectors drawn from a generator that the text seeds. Fewer dimensions are
 * the beginning of more, made to length 1 again, as OpenAI's are. ---- */

enum { INPUTS_MAX = 2048, DIMENSIONS = 1536, DIMENSIONS_MAX = 4096, VALUES_MAX = 1 << 22 };

static void draw_vector(uint64_t seed, size_t dimensions, float *out) {
    rng r;
    double sum = 0;
    rng_seed(&r, seed);
    for (size_t i = 0; i < dimensions; i++) {
        double value = 2 * rng_unit(&r) - 1;
        out[i] = (float)value;
        sum += value * value;
    }
    double length = sum > 0 ? sqrt(sum) : 1;
    for (size_t i = 0; i < dimensions; i++)
        out[i] = (float)(out[i] / length);
}

static void add_base64(const float *values, size_t count, buf *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char bytes[DIMENSIONS_MAX * 4];
    size_t len = count * 4;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], 4);
        for (size_t j = 0; j < 4; j++)
            bytes[4 * i + j] = (unsigned char)(bits >> (8 * j));
    }
    char *to = buf_reserve(out, (len + 2) / 3 * 4);
    size_t n = 0;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;
        if (i + 1 < len) group |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < len) group |= bytes[i + 2];
        to[n++] = digits[group >> 18];
        to[n++] = digits[group >> 12 & 63];
        to[n++] = i + 1 < len ? digits[group >> 6 & 63] : '=';
        to[n++] = i + 2 < len ? digits[group & 63] : '=';
    }
    buf_grow(out, n);
}

typedef struct embedding_job {
    size_t dimensions;
    bool base64;
    size_t count, tokens;
    float *vector;
    buf out;
} embedding_job;

static void embed(embedding_job *job, span bytes, size_t tokens) {
    draw_vector(sim_hash(bytes, 0), job->dimensions, job->vector);
    buf_addf(&job->out,
             "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", job->count ? "," : "",
             job->count);
    if (job->base64) {
        buf_add_char(&job->out, '"');
        add_base64(job->vector, job->dimensions, &job->out);
        buf_add_cstr(&job->out, "\"}");
    } else {
        json_writer w = json_writer_of(&job->out);
        json_open_array(&w);
        for (size_t i = 0; i < job->dimensions; i++)
            json_put_fixed(&w, (double)job->vector[i], 9);
        json_close_array(&w);
        buf_add_char(&job->out, '}');
    }
    job->count++;
    job->tokens += tokens;
}

/* One text, one list of token numbers, or a list of either. */
static void embed_input(embedding_job *job, json_value input, const sim_body *b) {
    json_value one = {0};
    if (input.type == JSON_STRING) {
        span text = json_string(input, b->scratch);
        embed(job, text, sim_token_count(text));
        return;
    }
    json_iter it = json_iter_of(input);
    if (json_next_element(&it, &one) && one.type == JSON_NUMBER) {
        embed(job, input.raw, json_count(input));
        return;
    }
    it = json_iter_of(input);
    while (json_next_element(&it, &one)) {
        if (one.type == JSON_STRING) {
            span text = json_string(one, b->scratch);
            embed(job, text, sim_token_count(text));
        } else {
            embed(job, one.raw, json_count(one));
        }
    }
}

static void complain(sim_plan *p, const char *param, const char *message) {
    sim_plan_error(p, 400, "invalid_request_error", NULL, param, span_cstr(message));
}

void sim_embeddings(sim_plan *p, const sim_body *b, size_t *ret_tokens) {
    json_value input = sim_member(b, "input"), format = sim_member(b, "encoding_format");
    sim_fault fault;
    int64_t dimensions;
    if (!sim_read_count(b, "dimensions", 1, DIMENSIONS_MAX, DIMENSIONS, &dimensions, &fault)) {
        complain(p, fault.param, fault.message);
        return;
    }
    size_t inputs = input.type == JSON_ARRAY ? json_count(input) : input.type == JSON_STRING;
    if (inputs == 0) {
        complain(p, "input", "Missing required parameter: 'input'.");
        return;
    }
    json_iter it = json_iter_of(input);
    json_value first = {0};
    bool of_numbers =
        input.type == JSON_ARRAY && json_next_element(&it, &first) && first.type == JSON_NUMBER;
    if (!of_numbers && (inputs > INPUTS_MAX || inputs * (size_t)dimensions > VALUES_MAX)) {
        complain(p, "input",
                 "Invalid 'input': too many inputs; at most 2048, and 4194304 values in all.");
        return;
    }
    if (format.type != JSON_NONE && !json_is(format, SPAN_OF("float")) &&
        !json_is(format, SPAN_OF("base64"))) {
        complain(p, "encoding_format", "Invalid 'encoding_format': expected 'float' or 'base64'.");
        return;
    }
    float vector[DIMENSIONS_MAX];
    embedding_job job = {.dimensions = (size_t)dimensions,
                         .base64 = json_is(format, SPAN_OF("base64")),
                         .vector = vector};
    buf_add_cstr(&job.out, "{\"object\":\"list\",\"data\":[");
    embed_input(&job, input, b);
    buf_addf(&job.out, "],\"model\":%.*s,\"usage\":{\"prompt_tokens\":%zu,\"total_tokens\":%zu}}",
             SPAN_ARG(p->answer.model), job.tokens, job.tokens);
    buf_done(&p->out);
    p->out = job.out;
    p->body = buf_span(&p->out);
    *ret_tokens = job.tokens;
}

/* ---- Moderations: whoever says "violence" is flagged. ---- */

static bool says_violence(span text) {
    static const span word = SPAN("violence");
    for (size_t i = 0; i + word.len <= text.len; i++)
        if ((text.ptr[i] | 0x20) == 'v' && span_ieq(span_slice(text, i, i + word.len), word))
            return true;
    return false;
}

static void add_verdict(span text, bool first, buf *out) {
    static const char *const categories[] = {"harassment",
                                             "harassment/threatening",
                                             "hate",
                                             "hate/threatening",
                                             "illicit",
                                             "illicit/violent",
                                             "self-harm",
                                             "self-harm/instructions",
                                             "self-harm/intent",
                                             "sexual",
                                             "sexual/minors",
                                             "violence",
                                             "violence/graphic"};
    enum { VIOLENCE = 11 };
    bool flagged = says_violence(text);
    buf_addf(out, "%s{\"flagged\":%s,\"categories\":{", first ? "" : ",",
             flagged ? "true" : "false");
    for (size_t i = 0; i < ARRAY_LEN(categories); i++)
        buf_addf(out, "%s\"%s\":%s", i ? "," : "", categories[i],
                 flagged && i == VIOLENCE ? "true" : "false");
    buf_add_cstr(out, "},\"category_scores\":{");
    for (size_t i = 0; i < ARRAY_LEN(categories); i++)
        buf_addf(out, "%s\"%s\":%s", i ? "," : "", categories[i],
                 flagged && i == VIOLENCE ? "0.97" : "0.0001");
    buf_add_cstr(out, "},\"category_applied_input_types\":{");
    for (size_t i = 0; i < ARRAY_LEN(categories); i++)
        buf_addf(out, "%s\"%s\":[\"text\"]", i ? "," : "", categories[i]);
    buf_add_cstr(out, "}}");
}

void sim_moderations(sim_plan *p, const sim_body *b) {
    json_value input = sim_member(b, "input"), one;
    bool any = false;
    buf out = BUF_EMPTY;
    buf_addf(&out, "{\"id\":\"modr-%016llx\",\"model\":%.*s,\"results\":[",
             (unsigned long long)p->answer.hash, SPAN_ARG(p->answer.model));
    if (input.type == JSON_STRING) {
        add_verdict(json_string(input, b->scratch), true, &out);
        any = true;
    } else if (input.type == JSON_ARRAY) {
        unsigned images = 0;
        json_iter it = json_iter_of(input);
        while (json_next_element(&it, &one) && one.type == JSON_STRING) {
            add_verdict(json_string(one, b->scratch), !any, &out);
            any = true;
        }
        if (!any && json_count(input)) { /* parts of one input */
            add_verdict(sim_content_text(input, b->scratch, &images), true, &out);
            any = true;
        }
    }
    buf_add_cstr(&out, "]}");
    if (any)
        p->body = arena_dup(&p->arena, buf_span(&out));
    else
        complain(p, "input", "Missing required parameter: 'input'.");
    buf_done(&out);
}

/* ---- Models: a short list; but every name is one. ---- */

static void add_model(span id, buf *out) {
    buf_add_cstr(out, "{\"id\":");
    json_write_string(out, id);
    buf_add_cstr(out, ",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"weir-sim\"}");
}

void sim_models(sim_plan *p, span id) {
    static const span listed[] = {
        SPAN("gpt-4o"),    SPAN("gpt-4o-mini"),   SPAN("text-embedding-3-small"),
        SPAN("sim/echo"),  SPAN("sim/words-200"), SPAN("sim/429-2s"),
        SPAN("sim/503"),   SPAN("sim/flaky-2"),   SPAN("sim/slow"),
        SPAN("sim/stall"), SPAN("sim/cut"),       SPAN("sim/error-event")};
    buf out = BUF_EMPTY;
    if (id.len) {
        add_model(id, &out);
    } else {
        buf_add_cstr(&out, "{\"object\":\"list\",\"data\":[");
        for (size_t i = 0; i < ARRAY_LEN(listed); i++) {
            if (i) buf_add_char(&out, ',');
            add_model(listed[i], &out);
        }
        buf_add_cstr(&out, "]}");
    }
    p->body = arena_dup(&p->arena, buf_span(&out));
    buf_done(&out);
}
