#include "gateway/parts.h"

#include "alert/webhook.h"
#include "call/price_part.h"
#include "call/provider_tls.h"
#include "exchange/guard_part.h"
#include "gateway/listener_tls.h"
#include "gateway/token_keeper.h"
#include "telemetry/receiver.h"
#include "tools/approval.h"
#include "tools/registry.h"

static const snapshot_part *const parts[] = {
    &listener_tls_part, &provider_tls_part, &price_part,     &telemetry_tls_part,
    &tools_part,        &guard_part,        &alert_tls_part, &approval_part,
};

snapshot *gateway_snapshot(config *c, buf *ret_why) {
    const void *at;
    if (!token_keys_fit(c, &at, ret_why)) return NULL;
    return snapshot_new(c, parts, ARRAY_LEN(parts), ret_why);
}
