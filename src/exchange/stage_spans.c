/* spans: what OpenTelemetry hears of a call: its spans, and the metrics of the GenAI conventions.
 */
#include "exchange/trace.h"

#include "base/clock.h"
#include "base/hash.h"
#include "telemetry/genai.h"
#include "telemetry/telemetry.h"

static void put(void *user, const otlp_span *s) {
    exchange *x = user;
    telemetry_put(x->env->telemetry, &exchange_config(x)->telemetry, s);
}

static void write_spans(exchange *x) {
    exchange_trace *t = exchange_trace_of(x);
    hex_encode(t->notes.context.trace_id, TRACE_ID_LEN, x->record.trace_id);
    if (!trace_is_sampled(&t->notes.context)) return;
    if (x->call) t->notes.answered = call_get_report(x->call).answered;
    if (t->answer) trace_answer_write(x, t->answer, &t->notes);
    spans_write(exchange_config(x), &x->record, &t->notes,
                clock_wall_us() - loop_exact_us(x->env->loop), put, x);
}

stage_result stage_spans(exchange *x) {
    const config_telemetry *t = &exchange_config(x)->telemetry;
    endpoint e = x->form == &form_chat ? EP_CHAT_COMPLETIONS : x->endpoint;
    if (t->metrics) genai_count(x->env->metrics, exchange_config(x), e, x->parent, &x->record);
    if (t->traces) write_spans(x);
    return STAGE_NEXT;
}
