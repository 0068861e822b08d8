#include "gateway/phase.h"

gateway_phase phase_after_stop(gateway_phase phase, int64_t drain_delay_ms) {
    if (phase != GATEWAY_SERVING) return GATEWAY_CLOSING;
    return drain_delay_ms > 0 ? GATEWAY_LEAVING : GATEWAY_DRAINING;
}

gateway_phase phase_after_time(gateway_phase phase) {
    switch (phase) {
    case GATEWAY_LEAVING: return GATEWAY_DRAINING;
    case GATEWAY_DRAINING: return GATEWAY_CUTTING;
    case GATEWAY_CUTTING: return GATEWAY_CLOSING;
    case GATEWAY_STARTING:
    case GATEWAY_SERVING:
    case GATEWAY_CLOSING: break;
    }
    return phase;
}

bool phase_ready(gateway_phase phase) {
    return phase == GATEWAY_SERVING;
}

const char *phase_name(gateway_phase phase) {
    if (phase_ready(phase)) return "ready";
    return phase == GATEWAY_STARTING ? "starting" : "draining";
}
