// weir.hpp: <weir.h> with owners. Copy it; it is no part of the library.
//
// Each type is freed by its own function when its owner goes: weir::ptr<weir_result> and so on. Callbacks take any callable.
// Exceptions may not pass through C: what a callback throws is kept, stops the stream, and is thrown again by the caller.
#ifndef WEIR_HPP
#define WEIR_HPP

#include <weir.h>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

namespace weir {

struct freer {
    void operator()(char *p) const { weir_string_free(p); }
    void operator()(weir_options *p) const { weir_options_free(p); }
    void operator()(weir_client *p) const { weir_client_free(p); }
    void operator()(weir_request *p) const { weir_request_free(p); }
    void operator()(weir_result *p) const { weir_result_free(p); }
    void operator()(weir_summary *p) const { weir_summary_free(p); }
};
template <typename T> using ptr = std::unique_ptr<T, freer>;

// std::invalid_argument says everything that is wrong with the options.
inline ptr<weir_client> make_client(const weir_options *options = nullptr) {
    char *why = nullptr;
    ptr<weir_client> client(weir_client_new(options, &why));
    ptr<char> owned(why);
    if (!client) throw std::invalid_argument(why);
    return client;
}

inline ptr<weir_request> make_request(const std::string &question) {
    ptr<weir_request> request(weir_request_new());
    weir_request_add_message(request.get(), "user", question.c_str());
    return request;
}

inline ptr<weir_result> chat(weir_client *client, const weir_request *request) {
    return ptr<weir_result>(weir_chat(client, request));
}

// on_text: bool(const std::string &); false stops the stream.
template <typename F>
ptr<weir_result> stream(weir_client *client, const weir_request *request, F on_text) {
    struct state {
        F on_text;
        std::exception_ptr thrown;
    } s = {on_text, nullptr};
    ptr<weir_result> result(weir_stream(
        client, request,
        [](void *user, const weir_event *event) -> int {
            state &s = *static_cast<state *>(user);
            try {
                return !s.on_text(std::string(event->text, event->text_len));
            } catch (...) {
                s.thrown = std::current_exception();
                return 1;
            }
        },
        &s));
    if (s.thrown) std::rethrow_exception(s.thrown);
    return result;
}

} // namespace weir

#endif
