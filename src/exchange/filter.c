#include "exchange/filter.h"

#include "exchange/internal.h"

void filter_add(exchange *x, filter *f, const filter_ops *ops) {
    *f = (filter){.ops = ops, .next = NULL, .x = x};
    if (x->last_filter)
        x->last_filter->next = f;
    else
        x->filters = f;
    x->last_filter = f;
}

void filter_form_add(exchange *x) {
    switch (x->request.form) {
    case FORM_OPENAI: filter_form_openai_add(x); break;
    case FORM_CHAT: filter_form_chat_add(x); break;
    case FORM_DIRECT: filter_form_direct_add(x); break;
    }
}

void filter_pass_head(filter *f, const answer_head *head) {
    f->next->ops->head(f->next, head);
}

void filter_pass_event(filter *f, const answer_event *event) {
    f->next->ops->event(f->next, event);
}

void filter_pass_end(filter *f) {
    f->next->ops->end(f->next);
}

void filter_pass_fail(filter *f) {
    f->next->ops->fail(f->next);
}

void filter_pass_done(filter *f) {
    f->next->ops->done(f->next);
}
