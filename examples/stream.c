/* A streamed answer, shown as it comes and stopped when there is enough of it.
 *
 *     cc stream.c $(pkg-config --cflags --libs weir) -o stream
 *     ./stream "Tell me a story" 80        # 80 bytes of it, or a little more
 *
 * A stream that is cut never looks complete: its code is then WEIR_INTERRUPTED. */
#include <weir.h>

#include <stdio.h>
#include <stdlib.h>

typedef struct screen {
    size_t shown;
    size_t enough; /* 0: all of it */
} screen;

/* Comes for each event, on the client's thread, while weir_stream() below waits. */
static int show(void *user, const weir_event *event) {
    screen *s = (screen *)user;
    fwrite(event->text, 1, event->text_len, stdout); /* "" where an event brings no text */
    fflush(stdout);
    s->shown += event->text_len;
    return s->enough && s->shown >= s->enough; /* non-zero stops it, at the provider too */
}

int main(int argc, char **argv) {
    screen s = {0, argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 0};
    char *why = NULL;
    weir_client *client = weir_client_new(NULL, &why);
    if (!client) {
        fprintf(stderr, "stream: %s\n", why);
        weir_string_free(why);
        return 2;
    }

    weir_request *request = weir_request_new();
    weir_request_add_message(request, "user", argc > 1 ? argv[1] : "Tell me a story");
    weir_result *result = weir_stream(client, request, show, &s);
    printf("\n");

    int failed = 0;
    if (result->code == WEIR_OK) {
        fprintf(stderr, "complete (%s), first token after %.3f s\n",
                result->finish_reason ? result->finish_reason : "no reason given",
                result->first_token_seconds);
    } else if (result->code == WEIR_CANCELLED) {
        fprintf(stderr, "stopped after %lu bytes\n", (unsigned long)s.shown);
    } else {
        /* result->text is what came of it. */
        fprintf(stderr, "stream: %s: %s\n", weir_code_name(result->code), result->error_message);
        failed = 1;
    }

    weir_result_free(result);
    weir_request_free(request);
    weir_client_free(client);
    return failed;
}
