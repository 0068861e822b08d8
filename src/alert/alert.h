/* alert/alert.h: one thing that people are told of: what it is, of whom, and a sentence; and how a
 * webhook is told.
 *
 * An alert is counted, by one thread.
 *
 * Sources  standardwebhooks.com (the body, the signature), Slack's incoming webhooks (text, and
 * what is escaped in it: api.slack.com/reference/surfaces/formatting).
 */
#ifndef WEIR_ALERT_ALERT_H
#define WEIR_ALERT_ALERT_H

#include "base/buf.h"
#include "base/random.h"
#include "config/alerts.h"

typedef enum alert_level { ALERT_INFO, ALERT_WARNING, ALERT_CRITICAL } alert_level;
typedef enum alert_again { ALERT_EDGE, ALERT_AGAIN, ALERT_DAY } alert_again;
alert_level alert_kind_level(alert_kind k);
const char *alert_level_name(alert_level l); /* "warning" */
alert_again alert_kind_again(alert_kind k);

typedef struct alert_fact {
    const char *name; /* a member of data */
    span value;
    bool number; /* one of JSON's */
} alert_fact;

/* What was found; all borrowed. */
typedef struct alert_finding {
    alert_kind kind;
    span subject; /* of whom or what: of the same kind and subject is the same again */
    span sentence;
    const alert_fact *facts;
    size_t fact_count;
} alert_finding;

typedef struct alert {
    unsigned refs;
    alert_kind kind;
    int64_t at_us; /* wall time */
    char id[ID_LEN + 1];
    uint64_t passed_over; /* of the same, since the last one that was told */
    buf sentence;
    buf facts; /* ,"client":"app" … */
} alert;

MUST_USE alert *alert_new(const alert_finding *f, rng *r, int64_t wall_us, uint64_t passed_over);
alert *alert_ref(alert *a);
void alert_unref(alert *a); /* NULL is allowed */

/* {"type":"key.rate","timestamp":"…","data":{"id":…,"level":…,"message":…, …}} or {"text":"…"} */
void alert_write(const alert *a, config_webhook_format format, buf *out);

/* "v1,BASE64": HMAC-SHA-256 of "ID.SECONDS.BODY". Of a text whsec_… the key is what its base64
 * says, of any other the text itself. */
void alert_sign(span key_text, span id, int64_t seconds, span body, buf *out);

#endif
