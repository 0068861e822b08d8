#include "observe/record.h"

span call_outcome_word(call_outcome o) {
    static const span words[CALL_OUTCOMES] = {
        [CALL_OK] = SPAN("ok"),
        [CALL_FAILED] = SPAN("failed"),
        [CALL_CUT] = SPAN("cut"),
        [CALL_CANCELLED] = SPAN("cancelled"),
    };
    return words[o];
}
