/* alert/webhook.h: one webhook: the alerts that wait for it, and their way there, one at a time.
 *
 *   IDLE ──webhook_put()──▶ ASKING ──answered, or not──▶ ENDED ──off the stack──▶ IDLE, or the next
 *                             ▲                            │ may be sent again
 *                             └──────── RESTING ◀──────────┘   (also while it has had its minute's)
 *
 * What waits is bounded (alerts.queue): the oldest makes room. Belongs to its loop.
 */
#ifndef WEIR_ALERT_WEBHOOK_H
#define WEIR_ALERT_WEBHOOK_H

#include "alert/alert.h"
#include "call/resend.h"
#include "call/snapshot.h"
#include "http/client.h"

/* A part of a snapshot: the TLS contexts of the webhooks. Making it reads their CA files. */
extern const snapshot_part alert_tls_part;

extern const resend_policy webhook_resend;

typedef struct webhook webhook;

typedef enum webhook_news {
    WEBHOOK_DELIVERED,
    WEBHOOK_FAILED,   /* a try; another follows */
    WEBHOOK_GIVEN_UP, /* the alert: it was refused, or for too long not taken */
    WEBHOOK_DROPPED,  /* it waited, and made room, or its webhook is gone */
} webhook_news;

/* place: of the webhook in the configuration. status: 0: there was no answer. detail: why, without
 * secrets; may be empty. */
typedef void webhook_told_fn(void *user, webhook_news news, size_t place, int status, span detail);

/* Borrows client; told is called from timers, and from webhook_put() and webhook_free() for what is
 * dropped. */
MUST_USE webhook *webhook_new(loop *l, http_client *client, webhook_told_fn *told, void *user);
/* That webhook of s is what it is from now on: what is under way goes on, the rest goes there. */
void webhook_apply(webhook *w, snapshot *s, size_t place);
bool webhook_is(const webhook *w, span url);
/* Takes a reference. */
void webhook_put(webhook *w, alert *a);
/* The end is near: what waits, and what is under way and fails, is sent at once; what then fails is
 * given up. */
void webhook_hurry(webhook *w);
bool webhook_is_idle(const webhook *w);
size_t webhook_waiting(const webhook *w);
/* NULL is allowed. Not from inside told. */
void webhook_free(webhook *w);

#endif
