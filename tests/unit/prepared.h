/* What is in force on a test's loop: a configuration with its providers' TLS, as libweir has it. */
#ifndef WEIR_TEST_PREPARED_H
#define WEIR_TEST_PREPARED_H

#include "unit.h"

#include "call/loop_snapshot.h"
#include "call/provider_tls.h"

/* Counted; the caller gives it back. */
static inline loop_snapshot *prepared(http_client *client, config *c, target_table *targets) {
    static const snapshot_part *const parts[] = {&provider_tls_part};
    buf why = BUF_EMPTY;
    snapshot *s = snapshot_new(c, parts, ARRAY_LEN(parts), &why);
    assert_non_null(s);
    loop_snapshot *ready = loop_snapshot_new(client, s, targets);
    snapshot_unref(s);
    buf_done(&why);
    return ready;
}

#endif
