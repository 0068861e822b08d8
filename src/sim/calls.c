/* Calls of tools by a script in the user's message, and what may be wrong with calls. */
#include "sim/answer.h"

void sim_name_call(const sim_body *b, sim_answer *a, sim_call *call) {
    const sim_calling *how = &b->wish->calling;
    if (how->no_ids)
        call->id = SPAN_EMPTY;
    else if (how->same_ids)
        call->id = SPAN_OF("call_of_all");
    else
        call->id = arena_printf(b->arena, "call_%016llx%08zx",
                                (unsigned long long)sim_hash(call->name, a->hash), a->call_count);
}

/* ---- a script ---- */

/* "NAME ARGUMENTS"; without arguments there are none to be read. */
static void add_line(const sim_body *b, span line, sim_answer *a) {
    if (a->call_count == SIM_CALLS_MAX) return;
    size_t end = span_find(line, 0, ' ');
    sim_call *call = &a->calls[a->call_count];
    *call = (sim_call){.name = arena_dup(b->arena, span_slice(line, 0, end))};
    call->arguments = arena_dup(b->arena, span_trim(span_slice(line, end, line.len)));
    if (!call->arguments.len) call->arguments = SPAN_OF("{}");
    sim_name_call(b, a, call);
    a->call_count++;
}

void sim_script_calls(const sim_body *b, span script, sim_answer *a) {
    span line;
    unsigned paragraph = 0;
    bool any = false; /* lines of this paragraph */
    while (span_cut(&script, '\n', &line)) {
        line = span_trim(line);
        if (!line.len && any) paragraph++;
        any = line.len > 0;
        if (any && paragraph == a->rounds) add_line(b, line, a);
    }
}

/* ---- what is wrong ---- */

/* Of a type that no property has, and a member more. */
void sim_write_wrong(json_value schema, buf *out) {
    json_value properties = json_get(schema, SPAN_OF("properties"));
    json_iter it = json_iter_of(properties);
    buf_add_char(out, '{');
    if (properties.type == JSON_OBJECT)
        for (json_member m; json_next_member(&it, &m);)
            buf_addf(out, "\"%.*s\":[{}],", SPAN_ARG(m.key));
    buf_add_cstr(out, "\"no_such_member\":true}");
}

void sim_spoil_calls(const sim_body *b, sim_answer *a) {
    const sim_calling *how = &b->wish->calling;
    for (size_t i = 0; i < a->call_count && !a->rounds; i++) {
        if (how->unknown) a->calls[i].name = SPAN_OF("no_such_tool");
        if (how->no_json) a->calls[i].arguments = SPAN_OF("{\"value\": ");
    }
}
