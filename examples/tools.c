/* A model that may call functions of the program.
 *
 *     cc tools.c $(pkg-config --cflags --libs weir) -o tools
 *     ./tools "How warm is it in Berlin?"
 *
 * The library asks the model, holds what it calls against the tool's schema, calls the function and
 * asks the model again, until it answers. */
#include <weir.h>

#include <stdio.h>
#include <string.h>

/* The arguments are JSON that is as the schema below says; a program reads them with whatever it
 * reads JSON with. It may take its time: only this run waits for it. */
static void temperature(void *user, weir_run *run, const weir_tool_call *call) {
    char said[100];
    unsigned *calls = (unsigned *)user;
    if (!strstr(call->arguments, "Berlin")) {
        static const char why[] = "only Berlin has a thermometer";
        weir_run_fail(run, call, why, strlen(why));
        return;
    }
    snprintf(said, sizeof said, "18 degrees (measurement %u)", ++*calls);
    weir_run_answer(run, call, said, strlen(said));
}

int main(int argc, char **argv) {
    static const char schema[] =
        "{\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\"}},"
        " \"required\": [\"city\"], \"additionalProperties\": false}";
    unsigned calls = 0;
    char *why = NULL;
    weir_client *client = weir_client_new(NULL, &why);
    if (!client || !weir_client_add_tool(client, "temperature", "Tells how warm it is in a city.",
                                         schema, temperature, &calls, &why)) {
        fprintf(stderr, "tools: %s\n", why);
        weir_string_free(why);
        weir_client_free(client);
        return 2;
    }

    weir_request *request = weir_request_new();
    weir_request_add_message(request, "user", argc > 1 ? argv[1] : "How warm is it in Berlin?");
    if (argc > 2) weir_request_set_model(request, argv[2]);
    weir_run *run = weir_run_new(client, request);
    weir_run_set_max_steps(run, 5);
    const weir_result *result = weir_run_wait(run);

    printf("%s\n", result->safe_text);
    fprintf(stderr, "%s, %lld tokens, steps: %s\n", weir_code_name(result->code),
            (long long)result->total_tokens, weir_run_steps(run, NULL));
    const int status = result->code == WEIR_OK ? 0 : 1;
    weir_run_free(run); /* and with it the result */
    weir_request_free(request);
    weir_client_free(client);
    return status;
}
