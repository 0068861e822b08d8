#include "http/tls_internal.h"

#include "base/mem.h"
#include "http/tls_bundle.h"
#include "http/tls_stream.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

static const unsigned char http11[] = "\x08http/1.1";
enum { HTTP11_LEN = sizeof http11 - 1 };

const char *tls_last_error(const char *otherwise) {
    unsigned long code = ERR_peek_error();
    const char *text = NULL;
    if (ERR_SYSTEM_ERROR(code))
        text = strerror(ERR_GET_REASON(code));
    else if (code)
        text = ERR_reason_error_string(code);
    ERR_clear_error();
    return text ? text : otherwise;
}

bool tls_context_is_server(const tls_context *t) {
    return t->server;
}

tls_context *tls_context_ref(tls_context *t) {
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void tls_context_unref(tls_context *t) {
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) return;
    SSL_CTX_free(t->ctx);
    if (!t->server) tls_sessions_done(&t->sessions);
    free(t);
}

/* What both sides have in common. */
static tls_context *context_new(const SSL_METHOD *method, bool server) {
    ERR_clear_error();
    tls_context *t = mem_zalloc(sizeof *t);
    atomic_init(&t->refs, 1);
    t->server = server;
    if (!server) tls_sessions_init(&t->sessions);
    t->ctx = SSL_CTX_new(method);
    if (!t->ctx) return t;
    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS);
    return t;
}

static tls_context *fail_with(tls_context *t, buf *ret_why, const char *what, const char *path,
                              const char *why) {
    buf_addf(ret_why, "%s %s: %s", what, path, why);
    ERR_clear_error();
    tls_context_unref(t);
    return NULL;
}

static tls_context *fail(tls_context *t, buf *ret_why, const char *what, const char *path) {
    return fail_with(t, ret_why, what, path, tls_last_error("unknown error"));
}

/* A file in which OpenSSL finds nothing of what it looks for: other PEM, DER, something else. It
 * says "no start line" or "unsupported" of it. */
static bool is_nothing_found(unsigned long code) {
    return (ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE) ||
           ERR_GET_REASON(code) == ERR_R_UNSUPPORTED;
}

/* A key that is not that of the certificate, or not even of its kind. */
static bool is_anothers(unsigned long code) {
    const int why = ERR_GET_REASON(code);
    return ERR_GET_LIB(code) == ERR_LIB_X509 &&
           (why == X509_R_KEY_VALUES_MISMATCH || why == X509_R_KEY_TYPE_MISMATCH);
}

/* nothing: what to say where nothing is found in the file. */
static tls_context *fail_reading(tls_context *t, buf *ret_why, const char *what, const char *path,
                                 const char *nothing) {
    if (is_nothing_found(ERR_peek_error())) return fail_with(t, ret_why, what, path, nothing);
    return fail(t, ret_why, what, path);
}

/* ---- server ---- */

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *arg) {
    (void)ssl;
    (void)arg;
    unsigned char *chosen;
    int found = SSL_select_next_proto(&chosen, out_len, http11, HTTP11_LEN, in, in_len);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int no_passphrase(char *out, int size, int writing, void *arg) {
    (void)out;
    (void)size;
    (void)writing;
    *(bool *)arg = true;
    return -1;
}

tls_context *tls_server_new(const char *cert_path, const char *key_path, buf *ret_why) {
    tls_context *t = context_new(TLS_server_method(), true);
    if (!t->ctx) return fail(t, ret_why, "TLS server for", cert_path);
    bool locked = false;
    SSL_CTX_set_default_passwd_cb(t->ctx, no_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(t->ctx, &locked);
    SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF); /* tickets need no memory */
    SSL_CTX_set_alpn_select_cb(t->ctx, select_alpn, NULL);
    if (SSL_CTX_use_certificate_chain_file(t->ctx, cert_path) != 1)
        return fail_reading(t, ret_why, "TLS certificate", cert_path,
                            "it holds no certificate in PEM");
    if (SSL_CTX_use_PrivateKey_file(t->ctx, key_path, SSL_FILETYPE_PEM) != 1) {
        if (locked)
            return fail_with(t, ret_why, "TLS key", key_path,
                             "it is encrypted, and nobody is there to type its passphrase");
        if (is_anothers(ERR_peek_error()))
            return fail_with(t, ret_why, "TLS key", key_path, "it is not the certificate's");
        return fail_reading(t, ret_why, "TLS key", key_path, "it holds no private key in PEM");
    }
    SSL_CTX_set_default_passwd_cb_userdata(t->ctx, NULL);
    return t;
}

/* ---- client ---- */

/* Whether the directory holds certificates under the names that OpenSSL looks up ("1234abcd.0"). */
static bool is_hashed(const char *path) {
    DIR *dir = opendir(path);
    if (!dir) return false;
    bool found = false;
    for (struct dirent *e; !found && (e = readdir(dir));)
        found = span_ends(span_cstr(e->d_name), SPAN_OF(".0"));
    closedir(dir);
    return found;
}

/* The system's store. Each authority of it is read when a chain first asks for it: in the directory
 * of hashed names by OpenSSL, in a bundle by tls_bundle.c. Decoding the bundle of all of them would
 * take 27 ms of the start. */
static bool use_system_store(SSL_CTX *ctx) {
    const char *dir = getenv(X509_get_default_cert_dir_env());
    if (!dir) dir = X509_get_default_cert_dir();
    const char *file = getenv(X509_get_default_cert_file_env());
    if (!file && !is_hashed(dir)) file = X509_get_default_cert_file();
    return (!file || tls_bundle_use(ctx, file)) && SSL_CTX_set_default_verify_dir(ctx);
}

static tls_context *client_new(const char *ca_path, buf *ret_why) {
    tls_context *t = context_new(TLS_client_method(), false);
    const char *path = ca_path ? ca_path : "of the system";
    if (!t->ctx) return fail(t, ret_why, "TLS client with certificates", path);
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, tls_on_verify);
    SSL_CTX_set_alpn_protos(t->ctx, http11, HTTP11_LEN);
    SSL_CTX_set_session_cache_mode(t->ctx,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(t->ctx, tls_on_new_session);
    bool ok = ca_path ? SSL_CTX_load_verify_file(t->ctx, ca_path) == 1 : use_system_store(t->ctx);
    if (!ok) return fail(t, ret_why, "CA certificates", path);
    return t;
}

tls_context *tls_client_new(span ca_file, buf *ret_why) {
    buf path = BUF_EMPTY;
    buf_add(&path, ca_file);
    tls_context *t = client_new(ca_file.len ? buf_cstr(&path) : NULL, ret_why);
    buf_done(&path);
    return t;
}
