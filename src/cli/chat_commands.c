#include "cli/chat_commands.h"

#include "cli/cli.h"

#include <stdio.h>

const chat_verb_row chat_verbs[CHAT_VERBS] = {
    [CHAT_HELP] = {"help", CHAT_NONE, NULL, false, "Show this"},
    [CHAT_MODEL] = {"model", CHAT_MAY, "NAME", false,
                    "Ask this model from now on; which is asked?"},
    [CHAT_SYSTEM] = {"system", CHAT_MAY, "TEXT", false,
                     "Set the system message (off: none); what is it?"},
    [CHAT_FILE] = {"file", CHAT_MUST, "PATH", true, "Send a file along with the next question"},
    [CHAT_IMAGE] = {"image", CHAT_MUST, "PATH", true, "Send a picture along with it"},
    [CHAT_RETRY] = {"retry", CHAT_NONE, NULL, false, "Ask the last question once more"},
    [CHAT_UNDO] = {"undo", CHAT_NONE, NULL, false, "Forget the last question and its answer"},
    [CHAT_RESET] = {"reset", CHAT_NONE, NULL, false, "Forget all but the system message"},
    [CHAT_SAVE] = {"save", CHAT_MUST, "PATH", true,
                   "Write the conversation to a new file; .json: as messages"},
    [CHAT_USAGE] = {"usage", CHAT_NONE, NULL, false, "Show calls and tokens so far"},
    [CHAT_EXIT] = {"exit", CHAT_NONE, NULL, false, "Leave; so does Ctrl-D"},
};

static span first_word(span line) {
    size_t end = 0;
    while (end < line.len && !strchr(" \t\n", line.ptr[end]))
        end++;
    return span_slice(line, 0, end);
}

static bool is_letters(span s) {
    for (size_t i = 0; i < s.len; i++)
        if ((s.ptr[i] < 'a' || s.ptr[i] > 'z') && (s.ptr[i] < 'A' || s.ptr[i] > 'Z')) return false;
    return s.len;
}

static chat_verb find_verb(span name) {
    for (size_t i = 0; i < CHAT_VERBS; i++)
        if (span_ieq(name, span_cstr(chat_verbs[i].name))) return (chat_verb)i;
    return span_ieq(name, SPAN_OF("quit")) ? CHAT_EXIT : CHAT_WRONG;
}

static void say_unknown(span name, buf *why) {
    const char *names[CHAT_VERBS];
    char word[64];
    (void)snprintf(word, sizeof word, "%.*s", SPAN_ARG(name));
    for (size_t i = 0; i < CHAT_VERBS; i++)
        names[i] = chat_verbs[i].name;
    const char *near = cli_nearest(word, names, CHAT_VERBS);
    buf_addf(why, "unknown command /%s; ", word);
    if (near)
        buf_addf(why, "did you mean /%s?", near);
    else
        buf_add_cstr(why, "/help lists them, and a blank before it makes it a question");
}

static bool check_argument(const chat_verb_row *row, span argument, buf *why) {
    if (row->takes == CHAT_NONE && argument.len)
        buf_addf(why, "/%s takes nothing behind it", row->name);
    else if (row->takes == CHAT_MUST && !argument.len)
        buf_addf(why, "/%s needs a value: /%s %s", row->name, row->name, row->argument);
    else
        return true;
    return false;
}

static span trim(span s) {
    while (s.len && strchr(" \t\n", s.ptr[0]))
        s = span_slice(s, 1, s.len);
    while (s.len && strchr(" \t\n", s.ptr[s.len - 1]))
        s.len--;
    return s;
}

chat_command chat_command_read(span line, buf *why) {
    span word = first_word(line);
    span name = span_slice(word, 1, word.len);
    if (word.len < 2 || word.ptr[0] != '/' || !is_letters(name))
        return (chat_command){CHAT_SAY, line};
    chat_command command = {find_verb(name), trim(span_slice(line, word.len, line.len))};
    if (command.verb == CHAT_WRONG)
        say_unknown(name, why);
    else if (!check_argument(&chat_verbs[command.verb], command.argument, why))
        command.verb = CHAT_WRONG;
    return command;
}

void chat_commands_write_help(buf *out) {
    for (size_t i = 0; i < CHAT_VERBS; i++) {
        const chat_verb_row *row = &chat_verbs[i];
        char left[32];
        (void)snprintf(left, sizeof left, row->takes == CHAT_MAY ? "/%s [%s]" : "/%s %s", row->name,
                       row->argument ? row->argument : "");
        buf_addf(out, "  %-16s %s\n", left, row->sentence);
    }
    buf_add_cstr(out,
                 "\nA line that ends in \\ goes on in the next; \"\"\" begins and ends a block.\n"
                 "Ctrl-C stops an answer, or clears the line.\n");
}
