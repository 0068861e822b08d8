#include "observe/record.h"

const token_usage token_usage_unknown = {-1, -1, -1, -1, -1, -1, -1, -1, -1, false};

span call_outcome_word(call_outcome o) {
    static const span words[CALL_OUTCOMES] = {
        [CALL_OK] = SPAN("ok"),
        [CALL_FAILED] = SPAN("failed"),
        [CALL_CUT] = SPAN("cut"),
        [CALL_CANCELLED] = SPAN("cancelled"),
    };
    return words[o];
}
