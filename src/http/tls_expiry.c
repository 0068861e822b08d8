#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <time.h>

static bool wall_seconds(const ASN1_TIME *t, int64_t *ret) {
    struct tm parts;
    if (ASN1_TIME_to_tm(t, &parts) != 1) return false;
    *ret = timegm(&parts);
    return true;
}

bool tls_file_expires(const char *path, bool last, int64_t *ret_wall_s) {
    BIO *file = BIO_new_file(path, "r");
    bool any = false;
    for (X509 *cert; file && (cert = PEM_read_bio_X509_AUX(file, NULL, NULL, NULL));) {
        int64_t ends;
        if (wall_seconds(X509_get0_notAfter(cert), &ends) &&
            (!any || (last ? ends > *ret_wall_s : ends < *ret_wall_s))) {
            *ret_wall_s = ends;
            any = true;
        }
        X509_free(cert);
    }
    BIO_free(file);
    ERR_clear_error(); /* the end of the file is one */
    return any;
}
