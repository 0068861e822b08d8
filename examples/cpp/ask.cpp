// One question, streamed, in C++11: no free() in sight, and exceptions instead of checks.
//
//     c++ -std=c++11 ask.cpp $(pkg-config --cflags --libs weir) -o ask
#include "weir.hpp"

#include <iostream>

int main(int argc, char **argv) try {
    auto client = weir::make_client();
    auto request = weir::make_request(argc > 1 ? argv[1] : "What is a weir?");
    std::size_t pieces = 0;
    auto result = weir::stream(client.get(), request.get(), [&](const std::string &text) {
        std::cout << text << std::flush;
        pieces += !text.empty();
        return true;
    });
    std::cout << "\n";
    if (result->code != WEIR_OK) throw std::runtime_error(result->error_message);
    std::cerr << pieces << " pieces from " << result->model << "\n";
    return 0;
} catch (const std::exception &e) {
    std::cerr << "ask: " << e.what() << "\n";
    return 1;
}
