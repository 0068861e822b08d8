/* Results of calls that were never made. */
#include "lib/misuse.h"

#include "base/clock.h"
#include "lib/result.h"

static weir_result *refuse(span message, span say, rng *random) {
    char id[ID_LEN + 1];
    weir_error e = error_of(ERR_BAD_REQUEST);
    buf error = BUF_EMPTY, sentence = BUF_EMPTY;
    e.message = message;
    exchange_error_body(&e, &error);
    sentence_fill(say, message, &sentence);
    id_new(random, clock_wall_us(), id);
    weir_result *r = result_new(&(result_facts){.code = WEIR_MISUSE,
                                                .failure = buf_span(&error),
                                                .sentence = buf_span(&sentence),
                                                .retry_after_ms = -1,
                                                .request_id = id});
    buf_done(&error);
    buf_done(&sentence);
    return r;
}

weir_result *misuse_inside(weir_client *c) {
    return refuse(
        SPAN_OF("A call that waits was made from inside a callback of its own client, which "
                "would wait for itself; weir_start() is for that."),
        client_config(c)->chat.say_failed, &c->loop.rng);
}

weir_result *misuse_no_client(void) {
    rng random;
    rng_init(&random);
    /* No configuration could tell another sentence. */
    return refuse(SPAN_OF("There is no client (NULL): weir_client_new() made none, and says why "
                          "through its second argument; often OPENAI_API_KEY is not set."),
                  SPAN_OF("An unexpected error occurred: {error}"), &random);
}
