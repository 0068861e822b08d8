/* tools/said.h: what a model has answered, as far as a run goes on by it: its words, and the calls
 * of tools that it asks for.
 *
 * Reads a chat completion as providers write it and as models fill it in. What is odd is read all
 * the same: arguments that are an object where a string should be, or nothing; a call in the older
 * form (function_call); a content in parts. What is wrong with a call is told to the model as the
 * tool's error, so nothing is refused here.
 *
 * Pure; any thread. Spans point into the completion or into the arena.
 * Source   OpenAI's API reference (chat completions: the message object), and what servers that
 *          speak it were seen to write.
 */
#ifndef WEIR_TOOLS_SAID_H
#define WEIR_TOOLS_SAID_H

#include "json/json.h"

/* Of one answer; those behind them are not made. */
enum { SAID_CALLS_MAX = 64 };

typedef struct said_call {
    span id;        /* empty: the model gave it none */
    span name;      /* may be empty, or anything else */
    span arguments; /* as the model wrote them; "{}" where it wrote nothing */
    bool is_object; /* they are a JSON object, as weir reads JSON */
    bool handed;    /* another answers it than weir: whoever reads sets it */
    json_value
        source; /* the element of tool_calls, or of output; JSON_NONE: it has the older form */
} said_call;

typedef struct model_said {
    json_value message; /* JSON_NONE: there is none */
    span words;         /* its text, or its refusal; empty: it says nothing */
    said_call *calls;   /* in the model's order */
    size_t call_count;
    size_t more_calls; /* beyond SAID_CALLS_MAX */
    span finish_reason;
    span model; /* as the provider names it */
} model_said;

/* completion must be JSON that was accepted; of several choices the first is read. */
void model_said_read(span completion, arena *a, model_said *ret);
/* The same of a response, whose calls are items of its output; message: all of that. */
void model_said_read_response(span response, arena *a, model_said *ret);

/* Whether text is a JSON object, under the limits of arguments (depth, number of members). */
bool model_said_is_object(span text);

#endif
