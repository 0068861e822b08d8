#include "gateway/acts.h"

#include "json/json.h"

enum { SUBJECT_MAX = 256 };

static void put(buf *out, const char *name, span text) {
    if (out->len) buf_add_char(out, ',');
    buf_addf(out, "\"%s\":", name);
    json_write_string(out, text);
}

void act_note(ledger_writer *w, const act *a) {
    buf members = BUF_EMPTY;
    if (!w) return;
    put(&members, "act", span_cstr(a->what));
    put(&members, "who", a->who);
    if (a->subject.len) put(&members, "subject", span_clip(a->subject, SUBJECT_MAX));
    put(&members, "outcome", span_cstr(a->outcome));
    ledger_act(w, buf_span(&members));
    buf_done(&members);
}
