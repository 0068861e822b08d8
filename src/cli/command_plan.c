#include "cli/command_plan.h"

#include "call/price_part.h"
#include "call/provider_tls.h"
#include "exchange/guard_part.h"
#include "exchange/plan.h"
#include "lib/program.h"

/* Keys of the store, for whom rules are made when they are first wanted (stage_rules), call the
 * gateway alone. */
static const stage_row rows[] = {
    {"admit", stage_admit, NULL, 0},
    {"parse", stage_parse, NULL, STAGE_CHILD},
    {"route", stage_route, NULL, STAGE_CHILD},
    {"guard", stage_guard, stage_guard_done, STAGE_CHILD},
    {"reserve", stage_reserve, NULL, STAGE_CHILD | NEEDS_LEDGER},
    {"call", stage_call, NULL, STAGE_CHILD},
    {"settle", stage_settle, NULL, STAGE_CHILD | STAGE_ALWAYS},
    {"price", stage_price, NULL, STAGE_CHILD | STAGE_ALWAYS | NEEDS_LEDGER},
    {"ledger", stage_ledger, NULL, STAGE_CHILD | STAGE_ALWAYS | NEEDS_LEDGER},
};

static filter_add_fn *const filters[] = {filter_meter_add, filter_usage_add};

static const exchange_plan plan = {rows, ARRAY_LEN(rows), filters, ARRAY_LEN(filters), NULL};

/* The last is that of records. */
static const snapshot_part *const parts[] = {&provider_tls_part, &guard_part, &price_part};

void command_plan_set(weir_options *o, bool records) {
    program_set_plan(o, &plan, parts, ARRAY_LEN(parts) - !records);
}

bool command_plan_shuts(const config *c) {
    const config_guard_external *e = &c->guard.external;
    const bool is_asked = e->tool.len && (e->in != EXTERNAL_OFF || e->out != EXTERNAL_OFF);
    return is_asked && e->on_failure == EXTERNAL_CLOSED;
}
