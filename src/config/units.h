/* config/units.h: values with units, as a person writes them, both ways.
 *
 * Any thread. Allocates nothing. A parser leaves *ret untouched on failure.
 */
#ifndef WEIR_CONFIG_UNITS_H
#define WEIR_CONFIG_UNITS_H

#include "base/buf.h"

/* "250ms", "5s", "1.5m", "2h", "7d" in milliseconds. The unit is part of the value. */
MUST_USE bool unit_duration(span text, int64_t *ret_ms);
/* "512B", "64KB", "20MB", "1GB" (or KiB …) in bytes, 1KB being 1024 bytes; letters in either case.
 */
MUST_USE bool unit_size(span text, int64_t *ret_bytes);
/* "20%", "0.5%" as 0.2, 0.005. */
MUST_USE bool unit_ratio(span text, double *ret);
/* Digits alone. */
MUST_USE bool unit_count(span text, int64_t *ret);
/* "0.7", "2", "-1": a decimal number without exponent. */
MUST_USE bool unit_number(span text, double *ret);

/* A decimal number with up to 9 decimals and 9 digits before them, as so many billionths. */
MUST_USE bool unit_money(span text, int64_t *ret_nano);

void unit_write_money(int64_t nano, buf *out); /* not below 0 */
/* The shortest exact form: 60000 is "60s", 600000 "10m". */
void unit_write_duration(int64_t ms, buf *out);
void unit_write_size(int64_t bytes, buf *out);
void unit_write_ratio(double ratio, buf *out);
void unit_write_number(double number, buf *out);

#endif
