#include "heap.h"

#include "certs.h"
#include "http/tls_bundle.h"

#include <openssl/err.h>
#include <pthread.h>

#define SYSTEM_BUNDLE "/etc/ssl/certs/ca-certificates.crt"

/* A bundle in the making, and a context that trusts it. */
typedef struct fixture {
    char path[32];
    FILE *file;
    SSL_CTX *ctx;
} fixture;

static void begin(fixture *f) {
    strcpy(f->path, "/tmp/weir-bundle-XXXXXX");
    int fd = mkstemp(f->path);
    assert_true(fd >= 0);
    f->file = fdopen(fd, "w");
    f->ctx = SSL_CTX_new(TLS_client_method());
    assert_true(tls_bundle_use(f->ctx, f->path));
}

static void end(fixture *f) {
    SSL_CTX_free(f->ctx);
    unlink(f->path);
    ERR_clear_error();
}

/* Verifies leaf, whatever the time is. Returns OpenSSL's verdict. */
static int verdict(SSL_CTX *ctx, X509 *leaf) {
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(ctx), leaf, NULL), 1);
    X509_STORE_CTX_set_flags(check, X509_V_FLAG_NO_CHECK_TIME);
    X509_verify_cert(check);
    int why = X509_STORE_CTX_get_error(check);
    X509_STORE_CTX_free(check);
    return why;
}

/* Names its key, or its issuer's, by which authorities of one name are told apart. */
static void name_key(certs_pair *p, const certs_pair *issuer, int nid, const char *how) {
    certs_extend(p->cert, issuer->cert, nid, how);
    assert_true(X509_sign(p->cert, issuer->key, EVP_sha256()) > 0);
}

static void one_of_many(void **state) {
    (void)state;
    fixture f;
    certs_pair ca = certs_make("the authority", NULL, NULL);
    certs_pair twin = certs_make("the authority", NULL, NULL);
    certs_pair other = certs_make("another", NULL, NULL);
    name_key(&ca, &ca, NID_subject_key_identifier, "hash");
    name_key(&twin, &twin, NID_subject_key_identifier, "hash");
    certs_pair leaf = certs_make("leaf", "DNS:weir.test", &ca);
    name_key(&leaf, &ca, NID_authority_key_identifier, "keyid");
    certs_pair stray = certs_make("stray", "DNS:weir.test", &leaf);
    begin(&f);
    fputs("What stands between them is no matter.\n", f.file);
    PEM_write_X509(f.file, other.cert);
    PEM_write_PrivateKey(f.file, other.key, NULL, NULL, 0, NULL, NULL);
    fputs("-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n", f.file);
    PEM_write_X509(f.file, twin.cert); /* the same name, another key */
    PEM_write_X509(f.file, ca.cert);
    fclose(f.file);
    for (int i = 0; i < 2; i++) { /* from the file, then from the store */
        assert_int_equal(verdict(f.ctx, leaf.cert), X509_V_OK);
        assert_int_equal(verdict(f.ctx, twin.cert), X509_V_OK);
        assert_int_equal(verdict(f.ctx, stray.cert), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    }
    end(&f);
    certs_pair *all[] = {&ca, &twin, &other, &leaf, &stray};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        certs_pair_done(all[i]);
}

/* An old authority: a certificate of version 1 says no version, so all stands one place before. */
static void of_version_1(void **state) {
    (void)state;
    fixture f;
    certs_pair ca = certs_make("an old authority", NULL, NULL);
    while (X509_get_ext_count(ca.cert))
        X509_EXTENSION_free(X509_delete_ext(ca.cert, 0));
    X509_set_version(ca.cert, X509_VERSION_1);
    assert_true(X509_sign(ca.cert, ca.key, EVP_sha256()) > 0);
    begin(&f);
    PEM_write_X509(f.file, ca.cert);
    fclose(f.file);
    assert_int_equal(verdict(f.ctx, ca.cert), X509_V_OK);
    end(&f);
    certs_pair_done(&ca);
}

/* Where nothing can be read nothing is trusted. */
static void no_bundle(void **state) {
    (void)state;
    certs_pair ca = certs_make("the authority", NULL, NULL);
    unsigned char *der = NULL;
    int len = i2d_X509(ca.cert, &der);
    for (int cut = -1; cut < len; cut += cut < 40 ? 1 : 97) { /* -1: there is no file */
        fixture f;
        begin(&f);
        if (cut >= 0) PEM_write(f.file, "CERTIFICATE", "", der, cut);
        fclose(f.file);
        if (cut < 0) unlink(f.path);
        assert_int_equal(verdict(f.ctx, ca.cert), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
        end(&f);
    }
    OPENSSL_free(der);
    certs_pair_done(&ca);
}

/* Every authority of the system is found, as OpenSSL itself finds it. */
static void the_systems_bundle(void **state) {
    (void)state;
    SSL_CTX *ours = SSL_CTX_new(TLS_client_method()), *its = SSL_CTX_new(TLS_client_method());
    assert_true(tls_bundle_use(ours, SYSTEM_BUNDLE));
    if (SSL_CTX_load_verify_file(its, SYSTEM_BUNDLE) != 1) fail_msg("no " SYSTEM_BUNDLE);
    FILE *file = fopen(SYSTEM_BUNDLE, "r");
    unsigned count = 0;
    for (X509 *cert; (cert = PEM_read_X509(file, NULL, NULL, NULL)); count++) {
        assert_int_equal(verdict(ours, cert), verdict(its, cert));
        X509_free(cert);
    }
    assert_true(count > 50);
    fclose(file);
    SSL_CTX_free(ours);
    SSL_CTX_free(its);
    ERR_clear_error();
}

typedef struct asker {
    pthread_t thread;
    SSL_CTX *ctx;
    X509 *leaf;
    int verdict;
} asker;

static void *ask(void *user) {
    asker *a = user;
    a->verdict = verdict(a->ctx, a->leaf);
    return NULL;
}

static void of_several_threads(void **state) {
    (void)state;
    fixture f;
    certs_pair ca = certs_make("the authority", NULL, NULL);
    certs_pair leaf = certs_make("leaf", "DNS:weir.test", &ca);
    asker askers[4];
    begin(&f);
    PEM_write_X509(f.file, ca.cert);
    fclose(f.file);
    for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
        askers[i] = (asker){.ctx = f.ctx, .leaf = X509_dup(leaf.cert)};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
        pthread_join(askers[i].thread, NULL);
        assert_int_equal(askers[i].verdict, X509_V_OK);
        X509_free(askers[i].leaf);
    }
    end(&f);
    certs_pair_done(&ca);
    certs_pair_done(&leaf);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_many),        cmocka_unit_test(of_version_1),
        cmocka_unit_test(no_bundle),          cmocka_unit_test(the_systems_bundle),
        cmocka_unit_test(of_several_threads),
    };
    return run_watched(tests);
}
