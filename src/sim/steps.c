/* Tells a plan's answer step by step. */
#include "sim/plan.h"

static sim_step last(sim_plan *p, sim_step_kind kind, int64_t pause_ms) {
    p->at = SIM_AT_NOTHING;
    return (sim_step){.kind = kind, .pause_ms = pause_ms};
}

static sim_step say(sim_plan *p, int64_t pause_ms) {
    span bytes = buf_span(&p->out);
    if (p->wish.split && p->streams && bytes.len > 1) {
        p->half = bytes.len / 2;
        bytes.len = p->half;
    }
    return (sim_step){.kind = SIM_STEP_PIECE, .pause_ms = pause_ms, .bytes = bytes};
}

static sim_events events_of(sim_plan *p) {
    buf_clear(&p->out);
    return (sim_events){.out = &p->out,
                        .crlf = p->wish.crlf,
                        .comments = p->wish.comments,
                        .no_done = p->wish.no_done,
                        .no_usage = p->wish.no_usage};
}

/* What comes first waits for the first token's time, the rest for the pace. */
static int64_t pause_of(const sim_plan *p) {
    return p->opened ? p->pace_ms : p->ttft_ms + p->wish.token_delay_ms;
}

/* ---- A plain answer: at once, unless it is to break off or to come late ---- */

static sim_step start_plain(sim_plan *p) {
    sim_ending ending = p->wish.ending;
    bool breaks_off = ending == SIM_ENDS_STALLED || ending == SIM_ENDS_CUT;
    if (!breaks_off && !p->wish.token_delay_ms) {
        p->at = SIM_AT_NOTHING;
        return (sim_step){.kind = SIM_STEP_ANSWER,
                          .pause_ms = p->wish.head_delay_ms + p->ttft_ms,
                          .bytes = p->body};
    }
    p->at = breaks_off && p->wish.after == SIM_BEFORE ? SIM_AT_ENDING : SIM_AT_BODY;
    return (sim_step){.kind = SIM_STEP_HEAD, .pause_ms = p->wish.head_delay_ms};
}

static sim_step tell_body(sim_plan *p) {
    bool breaks_off = p->wish.ending == SIM_ENDS_STALLED || p->wish.ending == SIM_ENDS_CUT;
    p->at = breaks_off ? SIM_AT_ENDING : SIM_AT_LAST;
    return (sim_step){.kind = SIM_STEP_PIECE,
                      .pause_ms = p->ttft_ms + p->wish.token_delay_ms,
                      .bytes = span_slice(p->body, 0, breaks_off ? p->body.len / 2 : p->body.len)};
}

/* ---- A stream ---- */

static sim_step start_stream(sim_plan *p) {
    size_t tokens = p->answer.tokens;
    p->stop_at = p->wish.after < 0 ? tokens / 2 : (size_t)p->wish.after;
    if (p->stop_at > tokens) p->stop_at = tokens;
    bool never = p->wish.ending != SIM_WHOLE && p->wish.after == SIM_BEFORE;
    p->at = never ? SIM_AT_ENDING : SIM_AT_PARTS;
    return (sim_step){.kind = SIM_STEP_HEAD, .pause_ms = p->wish.head_delay_ms};
}

static sim_step tell_spoilt(sim_plan *p) {
    int64_t pause_ms = pause_of(p);
    sim_events e = events_of(p);
    if (p->wish.blemish == SIM_IS_EMPTY)
        sim_event_done(&e);
    else
        buf_add_cstr(&p->out, "\x89\x07\xff\xfe neither JSON nor events\n\n<stream/>\n\n");
    p->at = SIM_AT_LAST;
    return say(p, pause_ms);
}

static void open_once(sim_plan *p, sim_events *e) {
    if (!p->opened) p->answer.dialect->open(&p->answer, e);
    p->opened = true;
}

static sim_step tell_parts(sim_plan *p) {
    if (p->wish.blemish == SIM_IS_GARBAGE || p->wish.blemish == SIM_IS_EMPTY) return tell_spoilt(p);
    int64_t pause_ms = pause_of(p);
    sim_answer *a = &p->answer;
    sim_events e = events_of(p);
    sim_part part;
    if (p->wish.ending != SIM_WHOLE && p->told >= p->stop_at) {
        open_once(p, &e);
        p->at = SIM_AT_ENDING;
        return p->out.len ? say(p, pause_ms) : sim_plan_next(p);
    }
    open_once(p, &e);
    if (p->wish.blemish == SIM_HAS_BAD_JSON && p->told == a->tokens / 2) {
        sim_event_begin(&e, NULL);
        buf_add_cstr(e.out, "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"brok");
        sim_event_end(&e);
    }
    if (sim_walk_next(a, &p->walk, &part)) {
        p->told++;
        for (unsigned i = 0; i < a->choices; i++)
            a->dialect->part(a, i, &part, &e);
    } else {
        a->dialect->close(a, &e);
        p->at = SIM_AT_LAST;
    }
    return say(p, pause_ms);
}

/* The pause before a cut lets what was said before go out. */
static sim_step tell_ending(sim_plan *p) {
    int64_t pause_ms = p->pace_ms > 0 ? p->pace_ms : 1;
    switch (p->wish.ending) {
    case SIM_ENDS_STALLED: return last(p, SIM_STEP_SILENCE, 0);
    case SIM_ENDS_CUT: return last(p, SIM_STEP_CUT, pause_ms);
    case SIM_ENDS_IN_ERROR: {
        sim_events e = events_of(p);
        p->answer.dialect->fail(&p->answer, "The simulator was asked for an error in the stream.",
                                &e);
        p->at = SIM_AT_LAST;
        return say(p, pause_ms);
    }
    case SIM_WHOLE:
    case SIM_ENDS_SILENT:
    case SIM_ENDS_RESET:
    case SIM_ENDS_UNFINISHED: break;
    }
    return last(p, SIM_STEP_END, 0);
}

static sim_step start(sim_plan *p) {
    if (p->wish.ending == SIM_ENDS_SILENT) return last(p, SIM_STEP_SILENCE, 0);
    if (p->wish.ending == SIM_ENDS_RESET) return last(p, SIM_STEP_CUT, p->wish.head_delay_ms);
    return p->streams ? start_stream(p) : start_plain(p);
}

sim_step sim_plan_next(sim_plan *p) {
    if (p->half) {
        span rest = span_slice(buf_span(&p->out), p->half, p->out.len);
        p->half = 0;
        return (sim_step){.kind = SIM_STEP_PIECE, .pause_ms = 1, .bytes = rest};
    }
    switch (p->at) {
    case SIM_AT_START: return start(p);
    case SIM_AT_BODY: return tell_body(p);
    case SIM_AT_PARTS: return tell_parts(p);
    case SIM_AT_ENDING: return tell_ending(p);
    case SIM_AT_LAST:
    case SIM_AT_NOTHING: break;
    }
    return last(p, SIM_STEP_END, 0);
}
