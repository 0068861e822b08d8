/* What a guard finds and hides, guard_lane_feed().
 *
 * The first byte says how the text is written and what is done with what is found, the next eight
 * are the seed of the cuts. Holds: cut anywhere, the same is found and the same bytes are let go as
 * of the whole; no byte is made up, and no character is cut; what patterns could see is bounded by
 * the text's length; a lane holds no more than it may.
 */
#include "fuzz.h"

#include "guard/lane.h"
#include "guard/lanes.h"

enum { HELD_MAX = 16 * GUARD_SPAN_MAX, WORK_PER_BYTE = 64 * GUARD_SPAN_MAX };

/* Some that take many steps, and one that shows less than its lead. */
static const guard_rule_text own[] = {
    {.name = SPAN("steps"), .pattern = SPAN("ab[a-c]*c[a-c]*b[a-c]*!"), .show = -1},
    {.name = SPAN("all"), .pattern = SPAN("Project Bluebird"), .show = -1},
    {.name = SPAN("any"), .pattern = SPAN("[xy]{2}z+"), .show = -1},
    {.name = SPAN("long"), .pattern = SPAN("qq[a-z]*(k)"), .show = -1},
    {.name = SPAN("letters"), .pattern = SPAN("ID:.{1,6}[é]?"), .show = 4},
};

static guard_policy *policy_of(unsigned action) {
    static guard_policy *policies[4];
    if (policies[action]) return policies[action];
    guard_set *s = guard_set_new(true, own, ARRAY_LEN(own), NULL, NULL);
    HOLDS(s);
    /* what is only flagged otherwise, too */
    guard_override all[] = {{SPAN("unicode"), (guard_action)action}};
    return policies[action] = guard_policy_new(s, GUARD_OUT, (guard_action)action, all, 1);
}

static void check(unsigned action, guard_form form, span text, uint64_t seed) {
    guard_policy *p = policy_of(action);
    guard_scratch *scratch = guard_scratch_new();
    lane_result whole = lane_run(p, scratch, form, text, NULL, NULL);
    HOLDS(scratch->bytes <= (text.len + GUARD_SPAN_MAX) * WORK_PER_BYTE);
    uint64_t draws = seed | 1;
    lane_result cut = lane_run(p, scratch, form, text, lane_cut_randomly, &draws);
    if (!lane_results_same(&whole, &cut))
        fprintf(stderr, "whole: %s\n%scut: %s\n%s", buf_cstr(&whole.text), buf_cstr(&whole.finds),
                buf_cstr(&cut.text), buf_cstr(&cut.finds));
    HOLDS(lane_results_same(&whole, &cut));
    if (span_is_utf8(text)) HOLDS(!whole.halves && !cut.halves);
    if (guard_text_is_clean(p, scratch, text, form.json, 1))
        HOLDS(!whole.finds.len && span_eq(buf_span(&whole.text), text));
    if (action == GUARD_FLAG) HOLDS(span_eq(buf_span(&whole.text), text));
    if (action == GUARD_BLOCK) HOLDS(span_starts(text, buf_span(&whole.text)));
    lane_result_done(&whole);
    lane_result_done(&cut);
    guard_scratch_free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 9) return 0;
    uint64_t seed;
    memcpy(&seed, data + 1, sizeof seed);
    guard_form form = {.json = data[0] / 4 % 3};
    check(1 + data[0] % 3, form, span_from((const char *)data + 9, size - 9), seed);
    return 0;
}
