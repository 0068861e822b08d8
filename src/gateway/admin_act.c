#include "gateway/admin_act.h"

#include "gateway/acts.h"
#include "gateway/worker.h"

span admin_act_who(const request *q, arena *a) {
    if (q->admin && q->admin_number) return arena_printf(a, "admin.keys[%zu]", q->admin_number - 1);
    return q->caller.client ? q->caller.client->name : SPAN_OF("anyone");
}

bool admin_acts_kept(const request *q) {
    return q->w->gateway->acts != NULL;
}

static void note(const request *q, act what) {
    arena a;
    if (!admin_acts_kept(q)) return;
    arena_init(&a, 0);
    what.who = admin_act_who(q, &a);
    what.from = request_peer(q);
    act_note(q->w->env.ledger, &what);
    arena_done(&a);
}

void admin_act_note(const request *q, span what, span subject, const char *outcome) {
    note(q, (act){.what = what, .subject = subject, .outcome = outcome});
}

void admin_act_refused(const request *q, span subject, const char *why) {
    note(q, (act){.what = SPAN_OF("admin"), .subject = subject, .outcome = why, .anybodys = true});
}
