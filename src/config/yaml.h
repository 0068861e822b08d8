/* config/yaml.h: a YAML document as a tree whose nodes know their line and column.
 *
 * The only file that knows libfyaml is yaml.c. The tree is made from parser events, so what a
 * configuration has no use for is refused where it stands: aliases (a few bytes of them can stand
 * for gigabytes), tags, several documents, keys that are no plain words, and keys written twice.
 *
 * Any thread. Nodes live in the arena.  Source: YAML 1.2.2.
 */
#ifndef WEIR_CONFIG_YAML_H
#define WEIR_CONFIG_YAML_H

#include "base/arena.h"
#include "config/config.h"

enum { YAML_BYTES_MAX = 4 << 20, YAML_DEPTH_MAX = 16, YAML_KEY_MAX = 256, YAML_KEYS_MAX = 10000 };

typedef enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP } yaml_kind;

typedef struct yaml_node yaml_node;
struct yaml_node {
    yaml_kind kind;
    bool plain;       /* a scalar without quotes */
    unsigned line;    /* from 1; 0: not from a file */
    unsigned column;  /* from 1, in characters */
    unsigned setting; /* from 1: the setting that laid it over the file; 0: the file itself */
    span text;        /* of a scalar, NUL-terminated */
    yaml_node *first; /* elements of a list; of a map its keys */
    yaml_node *next;
    yaml_node *value; /* of a key; never NULL */
    size_t count;     /* elements or keys */
};

/* Nothing written, `~` or `null`. */
bool yaml_is_null(const yaml_node *node);
/* Whether a text in it has a ${…}. */
bool yaml_has_reference(const yaml_node *node);
/* The value of a key, or NULL; also when map is none. */
const yaml_node *yaml_get(const yaml_node *map, span key);
/* "a list", "a mapping", "nothing" or "a value". */
const char *yaml_kind_name(const yaml_node *node);

/* The document's root, or NULL after reporting into problems. An empty document is an empty map. */
MUST_USE yaml_node *yaml_parse(span source, span file, arena *a, config_problems *problems);
/* The same for a value alone: where nothing is written it is a scalar that is null. */
MUST_USE yaml_node *yaml_parse_value(span source, span name, arena *a, config_problems *problems);

#endif
