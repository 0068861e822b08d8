/* dialect/openai.h: OpenAI's wire forms, which weir's own clients speak too. Inside dialect/ and
 * for its tests; others come through dialect/dialect_ops.h.
 *
 * Source   github.com/openai/openai-openapi; reasoning and reasoning_content as DeepSeek, vLLM and
 *          OpenRouter send them; content in parts as Mistral does.
 */
#ifndef WEIR_DIALECT_OPENAI_H
#define WEIR_DIALECT_OPENAI_H

#include "config/config.h"
#include "dialect/reader.h"

/* A second text of one kind in the same choice is counted from here, so that the two do not run
 * into one: an audio's transcript beside the content, `reasoning` beside `reasoning_content`, a
 * response's summaries beside its reasoning, a whole message beside its delta. */
enum { ITEM_BESIDE = 1 << 16 };
/* The call of `function_call`, which is none of tool_calls'. */
enum { ITEM_FUNCTION = ITEM_BESIDE - 1 };
/* A text that has no number: from here on by the names and places that lead to it. */
enum { ITEM_NAMED = 1 << 20 };

/* More than a response object has (30), with room for what is still to come. */
enum { ANSWER_MEMBERS = 48 };

/* ---- reading: dialect_ops.read (openai_answer.c, openai_responses.c) ---- */

void openai_read_completion(reader *r, answer_event *e);
void openai_read_response(reader *r, answer_event *e);
/* What weir does not know, but for what it has in common with all others. */
void openai_read_other(reader *r, answer_event *e);

/* Whether a value shows a user anything: empty strings, null, [] and {} do not. */
bool openai_shows_other(json_value v); /* of any but a string */
static inline bool openai_shows(json_value v) {
    return v.type == JSON_STRING ? v.raw.len > 2 : openai_shows_other(v);
}
/* A member that is another with each event, and tells nothing of it: what pads it to hide its
 * length (stream_options.include_obfuscation), and its number in a response's stream. */
static inline bool openai_is_loose(span key) {
    return span_eq(key, SPAN_OF("obfuscation")) || span_eq(key, SPAN_OF("sequence_number"));
}
/* A number from 0 on, else `otherwise`. */
unsigned openai_index(json_value v, unsigned otherwise);
/* The members of e's document, of which the first ANSWER_MEMBERS are given. false: it is no JSON
 * object. */
MUST_USE bool openai_scan(const answer_event *e, json_member members[ANSWER_MEMBERS],
                          size_t *ret_count);
/* A `usage` object of either family (chat, responses): what it tells, with what was told before and
 * it leaves out, is what the event tells. */
void openai_read_usage(reader *r, answer_event *e, json_value usage);
/* SERVICE_* of a `service_tier`, a request's or an answer's. */
uint8_t openai_service(json_value service_tier);
/* The tier of service, which the price of what is used may depend on. */
void openai_read_service(reader *r, json_value service_tier);

/* The parts, where they are wanted, of a message or delta of a chat completion's choice
 * (openai_parts.c): the object at hand, which is passed over. Returns whether it shows a user
 * anything. */
bool openai_read_message(reader *r, json_cursor *message);
/* Those of an item of a response's output. */
void openai_read_output_item(reader *r, json_value item, unsigned choice);
/* A part of an item's content, or of its summary. */
void openai_read_content_part(reader *r, json_value part, unsigned choice, unsigned item);
/* What stands beside what is known, and may be read by somebody all the same: a string whose name
 * says so is a text, told apart by that name; of all else the strings count, each by itself. */
void openai_read_beside(reader *r, span key, json_value value, unsigned choice);
/* The number of such a text. */
unsigned openai_item_named(span key);
/* All texts within a value, each a text of that kind by itself, which goes on with what stood in
 * its place before. */
void openai_read_texts(reader *r, part_kind kind, unsigned choice, unsigned item, json_value value);
/* Whether a member says what something is or whose, and nothing of its own. */
bool openai_is_label(span key);

/* ---- why a choice ends (openai_finish.c) ---- */

/* Whether every client of the dialect knows this finish_reason. */
bool openai_knows_finish(dialect d, span word);
/* "" and "null": what some servers write where OpenAI writes null, in chunks that end nothing. */
bool openai_is_no_finish(span word);
/* Whether a choice's `error` says that it failed: OpenRouter's does (its API reference). */
bool openai_fails_choice(json_value error);
/* A document with `choices`, which is the value in it, in words that they know: the provider's own
 * stands beside as native_finish_reason. Where that says that the provider broke off, or a choice
 * has an error: an error in the document's place, with what is told of it. Where it is null, or
 * NONE, an empty list. Source: finish_reasons.def. */
void openai_respell(dialect d, span data, json_value choices, buf *out);

/* ---- errors where an answer should be (openai_error.c) ---- */

/* A truthy `error` member is the event's error. */
void openai_read_error(answer_event *e, json_value error);
/* A document without an answer in it may be an error of another form. Its `error` member, if there
 * is one, was read. */
void openai_look_for_error(answer_event *e, const json_member *members, size_t count);
/* A document that is no object may be a list of errors. */
void openai_look_for_listed_error(answer_event *e);

/* ---- refusals (openai_refusal.c, and refusal.h): the rules that also serve look-alikes ---- */

void openai_refuse(int status, span body, const secret_set *secrets, arena *a, refusal *ret);

/* ---- writing: dialect_ops.write_* (openai_write.c) ---- */

span openai_write_chat_finish(const answer_event *like, unsigned choice, span reason, buf *out);
span openai_write_text_finish(const answer_event *like, unsigned choice, span reason, buf *out);
span openai_write_response_finish(const answer_event *like, unsigned choice, span reason, buf *out);
span openai_write_no_finish(const answer_event *like, unsigned choice, span reason, buf *out);
span openai_write_chat_usage(const answer_event *like, const token_usage *usage, buf *out);
span openai_write_text_usage(const answer_event *like, const token_usage *usage, buf *out);
span openai_write_no_usage(const answer_event *like, const token_usage *usage, buf *out);
span openai_write_error(span body, buf *out);
span openai_write_response_error(span body, buf *out);

#endif
