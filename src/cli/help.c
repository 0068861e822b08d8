#include "cli/cli.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>

enum {
    SCREEN_COLUMNS = 80, /* the terminal of the test; wider lines are harder to read anyway */
    LEFT_MAX = 30        /* a longer option has its sentence on the next line */
};

void cli_write_heading(const char *text, bool colour, buf *out) {
    buf_addf(out, "%s%s:%s", terminal_style_of(colour, STYLE_BOLD), text,
             terminal_style_of(colour, STYLE_PLAIN));
}

/* Words of text, broken where the screen ends and then indented. The line has at columns already.
 */
static void write_words(const char *text, size_t at, size_t indent, buf *out) {
    span rest = span_cstr(text), word;
    for (bool first = true; span_cut(&rest, ' ', &word); first = false) {
        size_t width = terminal_width(word.ptr, word.len);
        if (!first && at + 1 + width > SCREEN_COLUMNS) {
            buf_addf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            buf_add_char(out, ' ');
            at++;
        }
        buf_add(out, word);
        at += width;
    }
    buf_add_char(out, '\n');
}

void cli_write_row(const char *left, size_t left_width, const char *sentence, buf *out) {
    size_t indent = left_width + 4, at = 2 + terminal_width(left, strlen(left));
    buf_addf(out, "  %s", left);
    if (at + 2 > indent) {
        buf_add_char(out, '\n');
        at = 0;
    }
    buf_addf(out, "%*s", (int)(indent - at), "");
    write_words(sentence, indent, indent, out);
}

/* "-c, --config FILE", as it stands on the left. */
static const char *name_option(const cli_option *o, buf *ret) {
    const char letter[] = {'-', o->letter, ',', ' ', '\0'};
    buf_clear(ret);
    buf_addf(ret, "%s--%s%s%s", o->letter ? letter : "    ", o->name, o->argument ? " " : "",
             o->argument ? o->argument : "");
    return buf_cstr(ret);
}

static size_t measure_left(const cli_command *command, buf *scratch) {
    size_t widest = strlen("-h, --help");
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].rare) continue;
        const char *left = name_option(&command->options[i], scratch);
        size_t width = terminal_width(left, strlen(left));
        if (width > widest && width <= LEFT_MAX) widest = width;
    }
    return widest;
}

static void write_options(const cli_command *command, bool colour, buf *out) {
    buf left = BUF_EMPTY;
    size_t width = measure_left(command, &left);
    buf_add_char(out, '\n');
    bool more = false;
    cli_write_heading("Options", colour, out);
    buf_add_char(out, '\n');
    for (size_t i = 0; i < command->option_count; i++) {
        const cli_option *o = &command->options[i];
        more |= o->rare;
        if (!o->rare) cli_write_row(name_option(o, &left), width, o->sentence, out);
    }
    cli_write_row("-h, --help", width,
                  more ? "Show this; weir(1) has some more options" : "Show this", out);
    buf_done(&left);
}

/* Lines are few on a screen: a single example stands beside its heading. */
/* One line stands behind the heading, several below it. */
static void write_example(const char *example, bool colour, buf *out) {
    const bool alone = !strchr(example, '\n');
    span rest = span_cstr(example), line;
    buf_add_char(out, '\n');
    cli_write_heading("Example", colour, out);
    if (!alone) buf_add_char(out, '\n');
    while (span_cut(&rest, '\n', &line))
        buf_addf(out, "%s%.*s\n", alone ? " " : "  ", SPAN_ARG(span_trim(line)));
}

void cli_write_help(const cli_command *command, bool colour, buf *out) {
    const char *operands = command->operands.usage;
    buf_addf(out, "weir %s: %s\n", command->name, command->summary);
    cli_write_heading("Usage", colour, out);
    buf_addf(out, " weir %s%s%s%s", command->name, command->option_count ? " [options]" : "",
             operands ? " " : "", operands ? operands : "");
    if (command->parts && !command->parts[1])
        buf_addf(out, "; or weir %s --help", command->parts[0]->name);
    else if (command->parts)
        buf_addf(out, "; or weir %s PART --help", command->name);
    buf_add_char(out, '\n');
    if (command->about) buf_addf(out, "\n%s\n", command->about);
    write_options(command, colour, out);
    write_example(command->example, colour, out);
}
