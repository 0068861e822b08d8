#include "cli/cli.h"
#include "config/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cli_value(const cli_args *args, size_t option, size_t i) {
    for (size_t g = 0; g < args->given_count; g++)
        if (args->given[g].option == option && i-- == 0) return args->given[g].value;
    return NULL;
}

/* Digits alone: no sign, no blanks, no hexadecimal, no "inf". */
static bool read_number(const char *text, cli_kind kind, double *ret) {
    size_t digits = strspn(text, "0123456789");
    size_t len = digits;
    if (kind == CLI_NUMBER && text[len] == '.') {
        size_t more = strspn(text + len + 1, "0123456789");
        len += 1 + more;
        digits += more;
    }
    if (!digits || text[len]) return false;
    *ret = strtod(text, NULL); /* the locale is "C" */
    return true;
}

double cli_number(const cli_args *args, size_t option, double otherwise) {
    double number = otherwise;
    const char *text = args->values[option];
    if (text) (void)read_number(text, CLI_NUMBER, &number);
    return number;
}

int64_t cli_count(const cli_args *args, size_t option, int64_t otherwise) {
    return args->values[option] ? (int64_t)cli_number(args, option, 0) : otherwise;
}

/* ---- checks ---- */

static bool check_path(const char *command, const char *what, const char *value) {
    if (*value) return true;
    cli_complain("%s: %s is empty; a path is needed", command, what);
    return false;
}

static bool check_number(const char *command, const char *what, const cli_option *o,
                         const char *value) {
    double number;
    if (read_number(value, o->kind, &number) && number >= o->min && number <= o->max) return true;
    cli_complain("%s: %s is '%s'; allowed: %s number from %.15g to %.15g%s%s", command, what, value,
                 o->kind == CLI_COUNT ? "a whole" : "a", o->min, o->max, o->unit ? " " : "",
                 o->unit ? o->unit : "");
    return false;
}

static bool check_choice(const char *command, const char *what, const char *const *choices,
                         const char *value) {
    buf allowed = BUF_EMPTY;
    for (size_t i = 0; choices[i]; i++) {
        if (strcmp(choices[i], value) == 0) {
            buf_done(&allowed);
            return true;
        }
        buf_addf(&allowed, "%s%s", i ? ", " : "", choices[i]);
    }
    cli_complain("%s: %s is '%s'; allowed: %s", command, what, value, buf_cstr(&allowed));
    buf_done(&allowed);
    return false;
}

static const char *read_address(span text, arena *a) {
    config_listener at = {0};
    return address_parse(text, a, &at);
}

static const char *read_url(span text, arena *a) {
    config_url url;
    const char *why;
    if (!config_url_parse(text, a, &url, &why)) return why;
    const char *call = config_url_call(&url);
    return call ? arena_printf(a, "it ends in %s, which weir adds itself", call).ptr : NULL;
}

/* A login before the host, or a key behind the path: either refused, and not to be shown. */
static bool may_hold_secret(const char *url) {
    return strpbrk(url, "@?#");
}

static bool check_place(const char *command, const char *what, cli_kind kind, const char *value) {
    bool url = kind == CLI_URL;
    arena a;
    arena_init(&a, 0);
    const char *why = (url ? read_url : read_address)(span_cstr(value), &a);
    if (why)
        cli_complain("%s: %s is '%s': %s; allowed: %s", command, what,
                     url && may_hold_secret(value) ? "(hidden)" : value, why,
                     url ? "a base URL such as https://api.openai.com/v1"
                         : "an address such as 127.0.0.1:8080, [::1]:0 or unix:/run/weir.sock");
    arena_done(&a);
    return !why;
}

static bool check(const char *command, const char *what, const cli_option *o, const char *value) {
    switch (o->kind) {
    case CLI_FILE: return check_path(command, what, value);
    case CLI_COUNT:
    case CLI_NUMBER: return check_number(command, what, o, value);
    case CLI_URL:
    case CLI_ADDRESS: return check_place(command, what, o->kind, value);
    case CLI_CHOICE: return check_choice(command, what, o->choices, value);
    case CLI_TEXT:
    case CLI_COMMAND: break;
    }
    return true;
}

/* Names and texts go into JSON and into stores, which would hold another name in its place. Paths
 * are whatever the system has. */
static bool check_text(const char *command, const char *what, const char *value) {
    if (span_is_utf8(span_cstr(value))) return true;
    cli_complain("%s: %s is no UTF-8", command, what);
    return false;
}

bool cli_check_option(const cli_command *command, const cli_option *o, const char *value) {
    char what[64];
    snprintf(what, sizeof what, "--%s", o->name);
    if (o->kind == CLI_TEXT && !check_text(command->name, what, value)) return false;
    return check(command->name, what, o, value);
}

static bool check_operand_count(const cli_command *command, char *const *values, size_t count) {
    const cli_operands *operands = &command->operands;
    if (!operands->usage && count) {
        cli_complain("%s: takes no arguments, but was given '%s'; see weir %s --help",
                     command->name, values[0], command->name);
        return false;
    }
    if (operands->usage && operands->max && count > operands->max) {
        cli_complain("%s: '%s' is one too many; usage: weir %s %s", command->name,
                     values[operands->max], command->name, operands->usage);
        return false;
    }
    if (count < operands->min) {
        cli_complain("%s: %s is missing; usage: weir %s %s", command->name, operands->usage,
                     command->name, operands->usage);
        return false;
    }
    return true;
}

bool cli_check_operands(const cli_command *command, char *const *values, size_t count) {
    const cli_operands *operands = &command->operands;
    const cli_option as_option = {.kind = operands->kind, .choices = operands->choices};
    if (!check_operand_count(command, values, count)) return false;
    for (size_t i = 0; i < count; i++)
        if (!check(command->name, operands->usage, &as_option, values[i])) return false;
    return true;
}
