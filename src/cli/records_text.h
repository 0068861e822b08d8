/* cli/records_text.h: the API's records for people and for tables. Pure; texts of others cannot
 * steer a terminal.
 */
#ifndef WEIR_CLI_RECORDS_TEXT_H
#define WEIR_CLI_RECORDS_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "json/json.h"

/* ---- pieces of both ---- */

/* A member; -1, or nothing, where it is null or of another kind. A text is a copy in the arena,
 * disarmed and on one line. */
int64_t record_number(json_value object, const char *name);
double record_decimal(json_value object, const char *name);
span record_text(json_value object, const char *name, arena *a);
/* "1,234,567" */
void record_add_count(int64_t count, buf *out);
/* A nano unit's amount: "0.0123"; "-" where it is -1. */
void record_add_money(int64_t nano, buf *out);
/* "1.234 s", "12.3 ms"; "-" where it is negative. */
void record_add_seconds(double seconds, buf *out);
/* In so many columns; at_right: its end stands at the right. */
void record_add_cell(span text, unsigned columns, bool at_right, buf *out);

/* ---- commas (RFC 4180) ---- */

/* The names of members, and a line of their values: texts decoded, null empty, objects and lists as
 * JSON. A text that a spreadsheet would run is guarded, as in weir batch's tables. */
void record_csv_names(const char *const *names, size_t count, buf *out);
void record_csv_line(json_value object, const char *const *names, size_t count, buf *out);

/* ---- `weir usage` (usage_text.c) ---- */

/* The summary; group: its word, empty: none. hours: the same by the hour, for the sparkline of each
 * day; empty: none is shown. */
void usage_write(json_value summary, span group, json_value hours, bool colour, buf *out);
void usage_write_csv(json_value summary, buf *out);

/* ---- `weir calls` (calls_text.c) ---- */

void calls_write_head(bool colour, buf *out);
void calls_write_row(json_value call, bool colour, buf *out);
void calls_write_csv_head(buf *out);
void calls_write_csv_row(json_value call, buf *out);
/* One call's whole story. */
void calls_write_story(json_value call, bool colour, buf *out);

#endif
