/* json/number.h: numbers as text. Inside json/ alone; others write them through a json_writer. */
#ifndef WEIR_JSON_NUMBER_H
#define WEIR_JSON_NUMBER_H

#include "json/json.h"

/* The shortest form that reads back as value; NaN and infinities as null. */
void json_write_double(buf *out, double value);
/* With this many decimals, 0 to 17. */
void json_write_fixed(buf *out, double value, int decimals);

#endif
