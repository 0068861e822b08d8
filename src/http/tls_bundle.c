#include "http/tls_bundle.h"

#include "base/mem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct authority {
    struct authority *next;
    X509_NAME *name;
    unsigned char *der;
    long len;
} authority;

typedef struct bundle {
    pthread_mutex_t lock; /* of what follows; a context is shared between threads */
    bool read;
    authority *first; /* in the file's order */
    char path[];
} bundle;

/* ---- reading ---- */

/* The next element of *at, which has *left bytes. true: it is of this tag, *at is at what it holds,
 * and *left is the length of that. */
static bool step_into(const unsigned char **at, long *left, int wanted) {
    long len;
    int tag, class;
    if (ASN1_get_object(at, &len, &tag, &class, *left) & 0x80) return false;
    *left = len;
    return tag == wanted;
}

/* The subject's name of a certificate (RFC 5280 section 4.1), of which nothing else is decoded.
 * NULL: it is none. */
static X509_NAME *subject_of(const unsigned char *der, long len) {
    enum { VERSION = V_ASN1_CONTEXT_SPECIFIC | V_ASN1_CONSTRUCTED, BEFORE = 4 };
    const unsigned char *at = der;
    if (!step_into(&at, &len, V_ASN1_SEQUENCE) || !step_into(&at, &len, V_ASN1_SEQUENCE))
        return NULL;
    const unsigned char *end = at + len;
    /* serial number, signature, issuer, validity; before them a version, where it is not the first
     */
    for (int skip = at < end && *at == VERSION ? BEFORE + 1 : BEFORE; skip; skip--) {
        int tag, class;
        if (ASN1_get_object(&at, &len, &tag, &class, end - at) & 0x80) return NULL;
        at += len;
    }
    return d2i_X509_NAME(NULL, &at, end - at);
}

/* Takes der over. false: it was no certificate, and is freed. */
static bool keep(authority ***end, unsigned char *der, long len) {
    X509_NAME *name = subject_of(der, len);
    if (!name) {
        OPENSSL_free(der);
        return false;
    }
    authority *a = mem_zalloc(sizeof *a);
    *a = (authority){.name = name, .der = der, .len = len};
    **end = a;
    *end = &a->next;
    return true;
}

static void read_all(bundle *b) {
    BIO *file = BIO_new_file(b->path, "r");
    authority **end = &b->first;
    char *kind, *head;
    unsigned char *der;
    long len;
    while (file && PEM_read_bio(file, &kind, &head, &der, &len) == 1) {
        if (strstr(kind, "CERTIFICATE"))
            (void)keep(&end, der, len);
        else
            OPENSSL_free(der);
        OPENSSL_free(kind);
        OPENSSL_free(head);
    }
    BIO_free(file);
    ERR_clear_error(); /* the end of the file is one */
}

/* ---- finding ---- */

/* Puts every authority of that name into the store, which looks at the others by itself where the
 * first is not the issuer. What is wrong with one is no error of the handshake that asks. */
static bool add_to(X509_STORE *store, bundle *b, const X509_NAME *name) {
    bool found = false;
    ERR_set_mark();
    for (authority *a = b->first; a; a = a->next) {
        if (X509_NAME_cmp(a->name, name) != 0) continue;
        const unsigned char *at = a->der;
        X509 *cert = d2i_X509_AUX(NULL, &at, a->len);
        found = (cert && X509_STORE_add_cert(store, cert) == 1) || found;
        X509_free(cert);
    }
    ERR_pop_to_mark();
    return found;
}

/* *ret borrows from the store, which keeps what it has: so OpenSSL's own look-ups leave it. */
static int lend_from(X509_STORE *store, const X509_NAME *name, X509_OBJECT *ret) {
    X509_STORE_lock(store);
    X509_OBJECT *kept =
        X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store), X509_LU_X509, name);
    X509 *cert = kept ? X509_OBJECT_get0_X509(kept) : NULL;
    int found = cert && X509_OBJECT_set1_X509(ret, cert);
    if (found) X509_free(cert); /* the count that set1 has added */
    X509_STORE_unlock(store);
    return found;
}

static int by_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name,
                      X509_OBJECT *ret) {
    bundle *b = X509_LOOKUP_get_method_data(lookup);
    if (type != X509_LU_X509 || !b) return 0;
    X509_STORE *store = X509_LOOKUP_get_store(lookup);
    pthread_mutex_lock(&b->lock);
    if (!b->read) read_all(b);
    b->read = true;
    bool found = add_to(store, b, name);
    pthread_mutex_unlock(&b->lock);
    return found && lend_from(store, name, ret);
}

static void free_bundle(X509_LOOKUP *lookup) {
    bundle *b = X509_LOOKUP_get_method_data(lookup);
    if (!b) return;
    for (authority *a = b->first, *next; a; a = next) {
        next = a->next;
        X509_NAME_free(a->name);
        OPENSSL_free(a->der);
        free(a);
    }
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static X509_LOOKUP_METHOD *method; /* the same for all bundles, as long as the process lives */

static void make_method(void) {
    method = X509_LOOKUP_meth_new("a bundle, as it is asked");
    if (!method) return;
    X509_LOOKUP_meth_set_free(method, free_bundle);
    X509_LOOKUP_meth_set_get_by_subject(method, by_subject);
}

bool tls_bundle_use(SSL_CTX *ctx, const char *path) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_method);
    X509_LOOKUP *lookup =
        method ? X509_STORE_add_lookup(SSL_CTX_get_cert_store(ctx), method) : NULL;
    if (!lookup) return false;
    size_t len = strlen(path) + 1;
    bundle *b = mem_zalloc(sizeof *b + len);
    memcpy(b->path, path, len);
    pthread_mutex_init(&b->lock, NULL);
    X509_LOOKUP_set_method_data(lookup, b);
    return true;
}
