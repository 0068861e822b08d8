/* What goes to the door before its last word, and what the door says to that. */
#include "exchange/internal.h"

void exchange_send_head(exchange *x, int status, http_headers crossing, span content_type) {
    if (x->head_sent || x->phase >= PHASE_CLOSING) return;
    x->head_sent = true;
    x->sent_status = status;
    exchange_enter(x->env); /* the headers' memory */
    x->door->head(x->user, status, exchange_headers(x, crossing, content_type));
    exchange_leave(x->env);
}

void exchange_stream_head(exchange *x) {
    if (x->head_sent || x->phase >= PHASE_CLOSING) return;
    x->streams = true;
    x->env->streams++;
    http_headers crossing = x->head_told ? x->head.headers : (http_headers){NULL, 0};
    exchange_send_head(x, x->head_told ? x->head.status : 200, crossing,
                       SPAN_OF("text/event-stream; charset=utf-8"));
}

/* The door may cancel from inside whatever it is told. */
static void heed_door(exchange *x) {
    if (x->phase < PHASE_CLOSING && !(x->pauses & PAUSE_DOOR) && x->door->full(x->user))
        exchange_pause(x, PAUSE_DOOR);
}

void exchange_piece(exchange *x, span piece) {
    if (x->phase >= PHASE_CLOSING) return;
    exchange_count_out(x, piece);
    x->door->piece(x->user, piece);
    heed_door(x);
}

void exchange_piece_kept(exchange *x, const kept_text *piece) {
    if (x->phase >= PHASE_CLOSING) return;
    exchange_count_out_kept(x, piece);
    if (x->door->piece_kept) {
        x->door->piece_kept(x->user, piece);
    } else {
        x->door->piece(x->user, piece->before);
        x->door->piece(x->user, piece->bytes);
        x->door->piece(x->user, piece->after);
    }
    heed_door(x);
}

void exchange_event(exchange *x, const answer_event *event) {
    if (x->phase >= PHASE_CLOSING) return;
    exchange_count_out(x, event->data);
    x->door->event(x->user, event);
    heed_door(x);
}

void exchange_room(exchange *x) {
    if (x->phase < PHASE_CLOSING) exchange_unpause(x, PAUSE_DOOR);
}
