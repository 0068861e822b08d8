/* base/attr.h: the compiler attributes the rest of the code uses. */
#ifndef WEIR_BASE_ATTR_H
#define WEIR_BASE_ATTR_H

/* The result says whether the call worked; dropping it is a defect. */
#define MUST_USE __attribute__((warn_unused_result))

#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

/* Called where something has gone wrong, is told to people, or grows: what leads there is kept
 * apart from what runs with each call, which has more room in the processor's cache then. */
#define COLD __attribute__((cold, noinline))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* From a pointer to a member to the struct that holds it. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
