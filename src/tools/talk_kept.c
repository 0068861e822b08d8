#include "tools/talk_kept.h"

#include "base/mem.h"

/* ---- writing ---- */

static void put_place(json_writer *w, talk_place p) {
    json_put_u64(w, p.from);
    json_put_u64(w, p.to);
}

/* [name, name, arguments, arguments, result, result, ms, odd, failed] */
static void put_step(json_writer *w, const talk_step *s) {
    json_open_array(w);
    put_place(w, s->name);
    put_place(w, s->arguments);
    put_place(w, s->result);
    json_put_i64(w, s->ms);
    json_put_u64(w, s->is_odd);
    json_put_u64(w, s->failed);
    json_close_array(w);
}

static void put_calls(json_writer *w, const model_said *said) {
    json_open_array(w);
    for (size_t i = 0; i < said->call_count; i++) {
        const said_call *c = &said->calls[i];
        json_open_array(w);
        json_put_string(w, c->id);
        json_put_string(w, c->name);
        json_put_string(w, c->arguments);
        json_put_bool(w, c->is_object);
        json_close_array(w);
    }
    json_close_array(w);
}

void talk_keep(const talk *t, const model_said *said, json_writer *w) {
    json_key(w, "talk");
    json_open_object(w);
    json_key(w, "body");
    json_put_string(w, span_from(t->body.ptr, t->open));
    json_key(w, "odd");
    json_put_string(w, buf_span(&t->odd));
    json_key(w, "numbers");
    json_open_array(w);
    json_put_u64(w, t->first);
    json_put_u64(w, t->answered);
    json_put_u64(w, t->made);
    json_close_array(w);
    json_key(w, "steps");
    json_open_array(w);
    for (size_t i = 0; i < t->step_count; i++)
        put_step(w, &t->steps[i]);
    json_close_array(w);
    json_close_object(w);
    json_key(w, "calls");
    put_calls(w, said);
}

/* ---- reading ---- */

/* All the numbers of an array, which has exactly so many. */
static bool read_numbers(json_value array, int64_t *ret, size_t count) {
    json_iter it = json_iter_of(array);
    json_value v;
    if (array.type != JSON_ARRAY || json_count(array) != count) return false;
    for (size_t i = 0; i < count; i++)
        if (!json_next_element(&it, &v) || !json_i64(v, &ret[i]) || ret[i] < 0) return false;
    return true;
}

static bool read_place(const int64_t *n, size_t most, talk_place *ret) {
    *ret = (talk_place){(size_t)n[0], (size_t)n[1]};
    return ret->from <= ret->to && ret->to <= most;
}

static bool read_step(json_value v, const talk *t, talk_step *ret) {
    enum { NUMBERS = 9 };
    int64_t n[NUMBERS];
    if (!read_numbers(v, n, NUMBERS)) return false;
    *ret = (talk_step){.ms = n[6], .is_odd = n[7] != 0, .failed = n[8] != 0};
    return read_place(n, t->open, &ret->name) &&
           read_place(n + 2, ret->is_odd ? t->odd.len : t->open, &ret->arguments) &&
           read_place(n + 4, t->open, &ret->result);
}

static bool read_steps(json_value steps, talk *t) {
    json_value v;
    if (steps.type != JSON_ARRAY) return false;
    const size_t count = json_count(steps);
    t->steps = mem_zalloc_array(count + 1, sizeof *t->steps);
    t->step_cap = count + 1;
    json_iter it = json_iter_of(steps);
    while (json_next_element(&it, &v))
        if (!read_step(v, t, &t->steps[t->step_count++])) return false;
    return true;
}

static bool read_text(json_value object, span key, buf *ret, arena *a) {
    const json_value v = json_get(object, key);
    if (v.type != JSON_STRING) return false;
    buf_add(ret, json_string(v, a));
    return true;
}

static bool read_call(json_value v, arena *a, said_call *ret) {
    json_value parts[4];
    json_iter it = json_iter_of(v);
    if (v.type != JSON_ARRAY || json_count(v) != ARRAY_LEN(parts)) return false;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (!json_next_element(&it, &parts[i]) || (i < 3 && parts[i].type != JSON_STRING))
            return false;
    *ret = (said_call){.id = json_string(parts[0], a),
                       .name = json_string(parts[1], a),
                       .arguments = json_string(parts[2], a),
                       .is_object = parts[3].type == JSON_TRUE};
    return true;
}

static bool read_calls(json_value calls, arena *a, model_said *ret) {
    json_value v;
    if (calls.type != JSON_ARRAY || json_count(calls) > SAID_CALLS_MAX) return false;
    *ret = (model_said){.calls = arena_zalloc(a, (json_count(calls) + 1) * sizeof *ret->calls)};
    json_iter it = json_iter_of(calls);
    while (json_next_element(&it, &v))
        if (!read_call(v, a, &ret->calls[ret->call_count++])) return false;
    return ret->call_count > 0;
}

bool talk_take(json_value object, arena *a, talk *ret, model_said *ret_said) {
    int64_t n[3];
    const json_value t = json_get(object, SPAN_OF("talk"));
    if (!read_text(t, SPAN_OF("body"), &ret->body, a) ||
        !read_text(t, SPAN_OF("odd"), &ret->odd, a))
        return false;
    ret->open = ret->body.len;
    if (!read_numbers(json_get(t, SPAN_OF("numbers")), n, 3) ||
        !read_steps(json_get(t, SPAN_OF("steps")), ret) ||
        !read_calls(json_get(object, SPAN_OF("calls")), a, ret_said))
        return false;
    ret->first = (size_t)n[0];
    ret->answered = (size_t)n[1];
    ret->made = (unsigned)n[2];
    return ret->first <= ret->open && ret->answered + ret_said->call_count == ret->step_count;
}
