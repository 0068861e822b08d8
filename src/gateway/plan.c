#include "gateway/plan.h"

#include "exchange/plan.h"

static const stage_row rows[] = {
    {"prove", stage_prove, stage_prove_done, STAGE_CHILD | NEEDS_TRAIL},
    {"identify", stage_identify, NULL, 0},
    {"admit", stage_admit, stage_admit_done, 0},
    {"label", stage_label, NULL, STAGE_CHILD},
    {"pause", stage_pause, NULL, STAGE_CHILD},
    {"parse", stage_parse, NULL, STAGE_CHILD},
    {"keep", stage_keep, NULL, STAGE_CHILD | NEEDS_TRAIL},
    {"route", stage_route, NULL, STAGE_CHILD},
    {"permit", stage_permit, NULL, STAGE_CHILD},
    {"mix", stage_mix, NULL, 0},
    {"size", stage_size, NULL, STAGE_CHILD},
    {"rules", stage_rules, NULL, STAGE_CHILD},
    {"guard", stage_guard, stage_guard_done, STAGE_CHILD},
    {"verdict", stage_verdict, stage_verdict_done, STAGE_CHILD},
    {"length", stage_length, NULL, STAGE_CHILD},
    {"look up", stage_look_up, stage_look_up_done, STAGE_CHILD | NEEDS_CACHE},
    {"limit", stage_limit, stage_limit_done, STAGE_CHILD},
    {"reserve", stage_reserve, NULL, STAGE_CHILD | NEEDS_LEDGER},
    {"trace", stage_trace, NULL, STAGE_CHILD | NEEDS_TELEMETRY},
    {"functions", stage_functions, stage_functions_done, 0},
    {"replay", stage_replay, NULL, STAGE_CHILD | NEEDS_CACHE},
    {"call", stage_call, NULL, STAGE_CHILD},
    {"settle", stage_settle, NULL, STAGE_CHILD | STAGE_ALWAYS},
    {"price", stage_price, NULL, STAGE_CHILD | STAGE_ALWAYS},
    {"saved", stage_saved, NULL, STAGE_CHILD | STAGE_ALWAYS | NEEDS_CACHE},
    {"spans", stage_spans, NULL, STAGE_CHILD | STAGE_ALWAYS | NEEDS_TELEMETRY},
    {"alerts", stage_alerts, NULL, STAGE_CHILD | STAGE_ALWAYS | NEEDS_ALERTS},
    {"proof", stage_proof, NULL, STAGE_CHILD | STAGE_ALWAYS | NEEDS_TRAIL},
    {"ledger", stage_ledger, NULL, STAGE_CHILD | STAGE_ALWAYS | NEEDS_LEDGER},
    {"record", stage_record, NULL, STAGE_CHILD | STAGE_ALWAYS},
};

/* A tool that a client calls, and no model. */
static const stage_row tool_rows[] = {
    {"prove", stage_prove, stage_prove_done, NEEDS_TRAIL},
    {"ask", stage_tool_ask, stage_tool_done, 0},
    {"identify", stage_identify, NULL, 0},
    {"admit", stage_admit, stage_admit_done, 0},
    {"label", stage_label, NULL, 0},
    {"pause", stage_pause, NULL, 0},
    {"keep", stage_keep, NULL, NEEDS_TRAIL},
    {"find", stage_tool_find, NULL, 0},
    {"rules", stage_rules, NULL, 0},
    {"guard", stage_tool_guard, stage_tool_guard_done, 0},
    {"verdict", stage_verdict, stage_verdict_done, 0},
    {"limit", stage_limit, stage_limit_done, 0},
    {"reserve", stage_reserve, NULL, NEEDS_LEDGER},
    {"call", stage_tool_call, NULL, 0},
    {"settle", stage_settle, NULL, STAGE_ALWAYS},
    {"alerts", stage_alerts, NULL, STAGE_ALWAYS | NEEDS_ALERTS},
    {"proof", stage_proof, NULL, STAGE_ALWAYS | NEEDS_TRAIL},
    {"ledger", stage_ledger, NULL, STAGE_ALWAYS | NEEDS_LEDGER},
    {"record", stage_record, NULL, STAGE_ALWAYS},
};

const exchange_plan tool_plan = {.rows = tool_rows, .row_count = ARRAY_LEN(tool_rows)};

static filter_add_fn *const filters[] = {filter_meter_add, filter_usage_add};

const exchange_plan gateway_plan = {rows, ARRAY_LEN(rows), filters, ARRAY_LEN(filters),
                                    stage_size_look_large};
