/* config/keys.h: secrets by value, by reference, from a file or from a command. */
#ifndef WEIR_CONFIG_KEYS_H
#define WEIR_CONFIG_KEYS_H

#include "config/reader.h"

/* One key, which the caller owns. Its text is wiped from the tree and from every buffer on the way;
 * no message holds any part of it. */
/* From the mapping that was read into from. */
bool keys_from_source(reader *r, span name, const yaml_node *node, const config_key_source *from,
                      secret **ret);
/* From a plain value. */
bool keys_from_text(reader *r, const option *o, span name, const yaml_node *node, secret **ret);

/* Whether a key will do; false after reporting what is wrong with it, in whose message nothing of
 * the file is shown. */
typedef bool key_fits_fn(reader *r, span name, const yaml_node *node, const secret *key);
/* The value of an option that has one key or none, which leaves *field as it is; else a reference
 * to the key, in the place of the one that was there. fits: NULL: any will do. */
bool keys_read_one(reader *r, const option *o, span name, const yaml_node *node, key_fits_fn *fits,
                   secret **field);
void keys_write_one(const option *o, const void *field, buf *out);
/* What such an option expects. */
#define KEYS_ONE_EXPECTED "a reference \"${NAME}\", {file: path} or {command: [program, argument]}"

#endif
