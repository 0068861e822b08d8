#include "gateway/acts.h"

#include "base/clock.h"
#include "json/json.h"

enum { SUBJECT_MAX = 256 };

static void put(buf *out, const char *name, span text) {
    if (!text.len) return;
    buf_add_char(out, ',');
    buf_addf(out, "\"%s\":", name);
    json_write_string(out, text);
}

void act_write(const act *a, buf *out) {
    char when[CLOCK_RFC3339_LEN + 1] = "";
    if (a->when_us) clock_rfc3339(a->when_us, when);
    buf_add_cstr(out, "\"act\":");
    json_write_string(out, a->what);
    put(out, "who", a->who);
    put(out, "from", a->from);
    put(out, "subject", span_clip(a->subject, SUBJECT_MAX));
    put(out, "outcome", span_cstr(a->outcome));
    put(out, "when", span_cstr(when));
}

void act_note(ledger_writer *w, const act *a) {
    buf members = BUF_EMPTY;
    if (!w) return;
    act_write(a, &members);
    ledger_act(w, buf_span(&members), a->anybodys);
    buf_done(&members);
}
