#include "unit.h"

#include "gateway/phase.h"

static void a_signal_and_the_time(void **state) {
    (void)state;
    static const struct {
        gateway_phase phase, stop, stop_with_delay, time;
    } rows[] = {
        {GATEWAY_STARTING, GATEWAY_CLOSING, GATEWAY_CLOSING, GATEWAY_STARTING},
        {GATEWAY_SERVING, GATEWAY_DRAINING, GATEWAY_LEAVING, GATEWAY_SERVING},
        {GATEWAY_LEAVING, GATEWAY_CLOSING, GATEWAY_CLOSING, GATEWAY_DRAINING},
        {GATEWAY_DRAINING, GATEWAY_CLOSING, GATEWAY_CLOSING, GATEWAY_CUTTING},
        {GATEWAY_CUTTING, GATEWAY_CLOSING, GATEWAY_CLOSING, GATEWAY_CLOSING},
        {GATEWAY_CLOSING, GATEWAY_CLOSING, GATEWAY_CLOSING, GATEWAY_CLOSING},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(phase_after_stop(rows[i].phase, 0), rows[i].stop);
        assert_int_equal(phase_after_stop(rows[i].phase, 1), rows[i].stop_with_delay);
        assert_int_equal(phase_after_time(rows[i].phase), rows[i].time);
    }
}

static void what_clients_are_told(void **state) {
    (void)state;
    static const struct {
        gateway_phase phase;
        bool ready;
        const char *name;
    } rows[] = {
        {GATEWAY_STARTING, false, "starting"}, {GATEWAY_SERVING, true, "ready"},
        {GATEWAY_LEAVING, false, "draining"},  {GATEWAY_DRAINING, false, "draining"},
        {GATEWAY_CUTTING, false, "draining"},  {GATEWAY_CLOSING, false, "draining"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(phase_ready(rows[i].phase), rows[i].ready);
        assert_string_equal(phase_name(rows[i].phase), rows[i].name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_and_the_time),
        cmocka_unit_test(what_clients_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
