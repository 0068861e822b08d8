#include "http/tls_stream.h"

#include "base/mem.h"
#include "http/tls_internal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* As many as Go's TLS bears before it gives a peer up (maxUselessRecords), and what each of
     * them takes to be earned again: far more than it is long itself. */
    BARREN_MAX = 16,
    BARREN_PRICE_BYTES = 1024,
};

struct tls_stream {
    SSL *ssl;
    tls_context *context;
    span in;  /* records not yet read by OpenSSL */
    buf *out; /* where its records go; NULL between operations */
    char *name;
    char *key; /* "name:port"; NULL on the server's side */
    buf why;
    uint64_t records; /* that have come */
    uint32_t debt;    /* bytes of data that are to make good for records without any */
    bool ready;       /* the handshake is over */
    bool bare;        /* the newest record has brought no data so far */
    bool barren;      /* too many of them have not */
    bool nameless;    /* the peer's certificate has no subject alternative name */
    bool shut;
};

/* ---- the BIO: from the span, to the buffer ---- */

static int bio_read(BIO *bio, char *out, int cap) {
    tls_stream *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (cap <= 0) return 0;
    if (s->barren) return -1;
    if (!s->in.len) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = s->in.len < (size_t)cap ? s->in.len : (size_t)cap;
    memcpy(out, s->in.ptr, n);
    s->in = span_from(s->in.ptr + n, s->in.len - n);
    return (int)n;
}

static int bio_write(BIO *bio, const char *bytes, int len) {
    tls_stream *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    assert(s->out);
    if (len > 0) buf_add(s->out, span_from(bytes, (size_t)len));
    return len;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr) {
    (void)bio;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

static pthread_once_t bio_once = PTHREAD_ONCE_INIT;
static BIO_METHOD *bio_method;

static void bio_method_make(void) {
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir");
    BIO_meth_set_read(bio_method, bio_read);
    BIO_meth_set_write(bio_method, bio_write);
    BIO_meth_set_ctrl(bio_method, bio_ctrl);
    BIO_meth_set_create(bio_method, bio_create);
}

/* ---- records without data ---- */

/* SSL_set_msg_callback()'s function: the header of a record has been read, and not yet the rest. */
static void on_record(int sent, int version, int type, const void *bytes, size_t len, SSL *ssl,
                      void *arg) {
    tls_stream *s = arg;
    (void)version;
    (void)bytes;
    (void)len;
    (void)ssl;
    if (sent || type != SSL3_RT_HEADER) return;
    s->records++;
    if (!s->ready) return; /* a handshake is bounded by the size of its messages */
    if (s->bare) s->debt += BARREN_PRICE_BYTES;
    s->bare = true;
    if (s->debt > BARREN_MAX * BARREN_PRICE_BYTES) s->barren = true;
}

static void note_data(tls_stream *s, size_t len) {
    s->bare = false;
    s->debt -= len < s->debt ? (uint32_t)len : s->debt;
}

/* ---- life ---- */

int tls_on_new_session(SSL *ssl, SSL_SESSION *session) {
    tls_stream *s = SSL_get_app_data(ssl);
    tls_sessions_put(&s->context->sessions, s->key, session);
    return 0; /* the caller's reference stays the caller's */
}

int tls_on_verify(int good, X509_STORE_CTX *store) {
    int error = X509_STORE_CTX_get_error(store);
    if (!good &&
        (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)) {
        SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
        tls_stream *s = SSL_get_app_data(ssl);
        const X509 *own = X509_STORE_CTX_get_current_cert(store);
        s->nameless = X509_get_ext_by_NID(own, NID_subject_alt_name, -1) < 0;
    }
    return good;
}

/* The certificate must bear the name, as a subject alternative name: a common name is free text
 * (RFC 9110 section 4.3.4). SNI carries host names only (RFC 6066 section 3). */
static void expect_name(tls_stream *s, uint16_t port) {
    buf key = BUF_EMPTY;
    buf_addf(&key, "%s:%u", s->name, port);
    s->key = mem_strndup(key.ptr, key.len);
    buf_done(&key);
    X509_VERIFY_PARAM *param = SSL_get0_param(s->ssl);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (!X509_VERIFY_PARAM_set1_ip_asc(param, s->name)) {
        X509_VERIFY_PARAM_set1_host(param, s->name, 0);
        SSL_set_tlsext_host_name(s->ssl, s->name);
    }
    SSL_SESSION *session = tls_sessions_get(&s->context->sessions, s->key);
    if (!session) return;
    SSL_set_session(s->ssl, session);
    SSL_SESSION_free(session);
}

tls_stream *tls_stream_new(tls_context *context, span name, uint16_t port) {
    pthread_once(&bio_once, bio_method_make);
    tls_stream *s = mem_zalloc(sizeof *s);
    s->context = tls_context_ref(context);
    if (context->server) name = SPAN_OF("the client");
    if (span_ends(name, SPAN_OF("."))) name.len--; /* a rooted name; certificates bear no dot */
    s->name = mem_strndup(name.ptr, name.len);
    s->ssl = SSL_new(context->ctx);
    BIO *bio = BIO_new(bio_method);
    if (!s->ssl || !bio) abort(); /* out of memory, as in base/mem.h */
    BIO_set_data(bio, s);
    SSL_set_bio(s->ssl, bio, bio);
    SSL_set_app_data(s->ssl, s);
    SSL_set_msg_callback(s->ssl, on_record);
    SSL_set_msg_callback_arg(s->ssl, s);
    if (context->server) {
        SSL_set_accept_state(s->ssl);
    } else {
        SSL_set_connect_state(s->ssl);
        expect_name(s, port);
    }
    return s;
}

void tls_stream_free(tls_stream *s) {
    if (!s) return;
    SSL_free(s->ssl);
    tls_context_unref(s->context);
    buf_done(&s->why);
    free(s->name);
    free(s->key);
    free(s);
}

/* ---- work ---- */

static tls_result failed(tls_stream *s, const char *doing) {
    buf_clear(&s->why);
    long verified = SSL_get_verify_result(s->ssl);
    if (s->nameless)
        buf_addf(&s->why,
                 "the certificate of %s is not accepted: it has no subject alternative name; a "
                 "common name alone does not count",
                 s->name);
    else if (verified != X509_V_OK)
        buf_addf(&s->why, "the certificate of %s is not accepted: %s", s->name,
                 X509_verify_cert_error_string(verified));
    else
        buf_addf(&s->why, "%s %s failed: %s", doing, s->name,
                 s->barren ? "too many records without data" : tls_last_error("protocol error"));
    return TLS_FAILED;
}

/* To clear a queue that is empty costs as much as to clear a full one. */
static void clear_errors(void) {
    if (ERR_peek_error()) ERR_clear_error();
}

/* Every operation stands between these two. SSL_get_error() takes what anybody has left in the
 * thread's queue of errors for the operation's own: a signature that did not verify, a key that
 * could not be read. */
static SSL *begin(tls_stream *s, buf *out) {
    clear_errors();
    s->out = out;
    return s->ssl;
}

static tls_result result_of(tls_stream *s, int ret, const char *doing) {
    if (ret > 0) return TLS_OK;
    switch (SSL_get_error(s->ssl, ret)) {
    case SSL_ERROR_WANT_READ: return TLS_MORE;
    case SSL_ERROR_ZERO_RETURN: return TLS_END;
    default: return failed(s, doing);
    }
}

static tls_result end(tls_stream *s, int ret, const char *doing) {
    tls_result result = result_of(s, ret, doing);
    clear_errors();
    s->out = NULL;
    return result;
}

void tls_stream_feed(tls_stream *s, span cipher) {
    s->in = cipher;
}

tls_result tls_stream_handshake(tls_stream *s, buf *out) {
    tls_result result = end(s, SSL_do_handshake(begin(s, out)), "the TLS handshake with");
    if (result == TLS_OK) s->ready = true;
    return result;
}

tls_result tls_stream_read(tls_stream *s, char *plain, size_t cap, size_t *ret_len, buf *out) {
    size_t len = 0;
    int ret = SSL_read_ex(begin(s, out), plain, cap, &len);
    tls_result result = end(s, ret, "TLS reading from");
    if (result != TLS_OK) return result;
    note_data(s, len);
    *ret_len = len;
    return result;
}

/* OpenSSL gives the memory of a record back by itself when it is asked for more in vain. */
bool tls_stream_has_input(tls_stream *s) {
    return s->in.len || !SSL_free_buffers(s->ssl);
}

tls_result tls_stream_write(tls_stream *s, span plain, buf *out) {
    size_t len;
    return end(s, SSL_write_ex(begin(s, out), plain.ptr, plain.len, &len), "TLS writing to");
}

void tls_stream_shutdown(tls_stream *s, buf *out) {
    if (s->shut) return;
    s->shut = true;
    SSL_shutdown(begin(s, out)); /* what comes of it is nobody's concern any more */
    (void)end(s, 1, "");
    /* The alert's memory stays otherwise, while its peer lingers. Not amid a record: OpenSSL before
     * 3.0.14, 3.1.6, 3.2.2 and 3.3.1 must not be asked for it there. */
    if (s->ready && !s->bare) (void)SSL_free_buffers(s->ssl);
}

uint64_t tls_stream_records(const tls_stream *s) {
    return s->records;
}

const char *tls_stream_why(const tls_stream *s) {
    return s->why.ptr;
}

const char *tls_stream_name(const tls_stream *s) {
    return s->name;
}

bool tls_stream_resumed(const tls_stream *s) {
    return SSL_session_reused(s->ssl);
}
