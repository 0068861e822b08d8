/* For builds under ThreadSanitizer alone. libuv closes descriptors by a bare system call, which it
 * does not see: for it the descriptor stays what it was, and the next of that number, whatever it
 * is and whichever thread opens it, races with the last. Here its closes are close() again, and
 * everything of descriptors is checked.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((visibility("default"))) long syscall(long number, ...) {
    static long (*real)(long, ...);
    long given[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++)
        given[i] = va_arg(args, long);
    va_end(args);
    if (number == SYS_close) return close((int)given[0]);
    long (*call)(long, ...) = __atomic_load_n(&real, __ATOMIC_RELAXED);
    if (!call) {
        call = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
        __atomic_store_n(&real, call, __ATOMIC_RELAXED);
    }
    return call(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}
