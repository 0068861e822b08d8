/* Certificates for tests, made in a temporary directory: two authorities that do not know each
 * other, and a server's certificate of the first. */
#ifndef WEIR_TEST_CERTS_H
#define WEIR_TEST_CERTS_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

typedef struct certs {
    char dir[32];
    char ca[64], other_ca[64], cert[64], key[64], other_key[64], locked_key[64];
    char bare_cert[64], bare_key[64], odd_cert[64];
} certs;

typedef struct certs_pair {
    X509 *cert;
    EVP_PKEY *key;
} certs_pair;

static inline void certs_extend(X509 *cert, X509 *issuer, int nid, const char *value) {
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(ext);
    X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
}

/* san NULL: an authority; empty: a server whose common name is all it has. issuer NULL: signed by
 * itself. */
static inline certs_pair certs_make(const char *name, const char *san, const certs_pair *issuer) {
    certs_pair p = {.cert = X509_new(), .key = EVP_EC_gen("P-256")};
    static long serial = 1;
    X509_set_version(p.cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(p.cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(p.cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(p.cert), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(p.cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_pubkey(p.cert, p.key);
    if (!issuer) issuer = &p;
    X509_set_issuer_name(p.cert, X509_get_subject_name(issuer->cert));
    certs_extend(p.cert, issuer->cert, NID_basic_constraints,
                 san ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (san && *san) certs_extend(p.cert, issuer->cert, NID_subject_alt_name, san);
    assert_true(X509_sign(p.cert, issuer->key, EVP_sha256()) > 0);
    return p;
}

static inline void certs_pair_done(certs_pair *p) {
    X509_free(p->cert);
    EVP_PKEY_free(p->key);
}

static inline void certs_write(const char *path, X509 *cert, EVP_PKEY *key,
                               const char *passphrase) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    if (cert) assert_int_equal(PEM_write_X509(f, cert), 1);
    if (key)
        assert_int_equal(PEM_write_PrivateKey(f, key, passphrase ? EVP_aes_128_cbc() : NULL, NULL,
                                              0, NULL, (void *)passphrase),
                         1);
    fclose(f);
}

/* The server's certificate bears weir.test, *.wild.test and 127.0.0.1; the bare one has the common
 * name weir.test and no alternative name, the odd one an alternative name of another kind. */
static inline void certs_begin(certs *c) {
    snprintf(c->dir, sizeof c->dir, "/tmp/weir-certs-XXXXXX");
    assert_non_null(mkdtemp(c->dir));
    snprintf(c->ca, sizeof c->ca, "%s/ca.pem", c->dir);
    snprintf(c->other_ca, sizeof c->other_ca, "%s/other-ca.pem", c->dir);
    snprintf(c->cert, sizeof c->cert, "%s/cert.pem", c->dir);
    snprintf(c->key, sizeof c->key, "%s/key.pem", c->dir);
    snprintf(c->other_key, sizeof c->other_key, "%s/other-key.pem", c->dir);
    snprintf(c->locked_key, sizeof c->locked_key, "%s/locked-key.pem", c->dir);
    snprintf(c->bare_cert, sizeof c->bare_cert, "%s/bare-cert.pem", c->dir);
    snprintf(c->bare_key, sizeof c->bare_key, "%s/bare-key.pem", c->dir);
    snprintf(c->odd_cert, sizeof c->odd_cert, "%s/odd-cert.pem", c->dir);
    certs_pair ca = certs_make("weir test authority", NULL, NULL);
    certs_pair other = certs_make("another authority", NULL, NULL);
    certs_pair leaf = certs_make("weir test", "DNS:weir.test,DNS:*.wild.test,IP:127.0.0.1", &ca);
    certs_pair bare = certs_make("weir.test", "", &ca);
    certs_pair odd = certs_make("weir.test", "email:someone@weir.test", &ca);
    certs_write(c->ca, ca.cert, NULL, NULL);
    certs_write(c->other_ca, other.cert, NULL, NULL);
    certs_write(c->cert, leaf.cert, NULL, NULL);
    certs_write(c->key, NULL, leaf.key, NULL);
    certs_write(c->other_key, NULL, other.key, NULL);
    certs_write(c->locked_key, NULL, leaf.key, "secret");
    certs_write(c->bare_cert, bare.cert, NULL, NULL);
    certs_write(c->bare_key, NULL, bare.key, NULL);
    certs_write(c->odd_cert, odd.cert, odd.key, NULL);
    certs_pair_done(&ca);
    certs_pair_done(&other);
    certs_pair_done(&leaf);
    certs_pair_done(&bare);
    certs_pair_done(&odd);
}

static inline void certs_end(certs *c) {
    unlink(c->ca);
    unlink(c->other_ca);
    unlink(c->cert);
    unlink(c->key);
    unlink(c->other_key);
    unlink(c->locked_key);
    unlink(c->bare_cert);
    unlink(c->bare_key);
    unlink(c->odd_cert);
    rmdir(c->dir);
}

#endif
