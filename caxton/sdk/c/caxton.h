/* caxton.h - write a Caxton agent in C. No C library, any compiler that targets wasm32.
 *
 * An agent is a function that gets one message and may answer it:
 *
 *     #include "caxton.h"
 *
 *     static int32_t on_message(caxton_json message) {
 *         caxton_writer reply = caxton_message("inform");
 *         caxton_put_json(&reply, "content", caxton_field(message, "content"));
 *         return caxton_reply(&reply);
 *     }
 *     CAXTON_AGENT(16384, on_message)
 *
 * The handler returns 0 (no reply), CAXTON_REPLIED (which caxton_reply gives), or an agent code below zero.
 * Optional: CAXTON_INIT(function) runs once at the start, CAXTON_TIMER(function) when a timer goes off.
 *
 * Nothing here allocates. Messages are read and written with caxton_json.h. Build with -mcpu=mvp for the
 * profile 'strict'.
 */
#ifndef CAXTON_H
#define CAXTON_H

#include <stddef.h>

#include "caxton_json.h"

/* What handle_message may return besides 0. Codes from CAXTON_OWN downwards are the author's own. */
enum {
    CAXTON_REPLIED = 1,
    CAXTON_MALFORMED = -1,
    CAXTON_NOT_UNDERSTOOD = -2,
    CAXTON_REFUSE = -3,
    CAXTON_FAILURE = -4,
    CAXTON_TRY_AGAIN = -5,
    CAXTON_OWN = -100
};

/* What host functions return below zero. */
enum {
    CAXTON_INVALID = -1,
    CAXTON_NOT_FOUND = -2,
    CAXTON_DENIED = -3,
    CAXTON_QUOTA = -4,
    CAXTON_TOO_BIG = -5,
    CAXTON_UNAVAILABLE = -6,
    CAXTON_UNSUPPORTED = -7
};

enum { CAXTON_TRACE, CAXTON_DEBUG, CAXTON_INFO, CAXTON_WARN, CAXTON_ERROR };

/* Room for one outgoing message; define it before the include for longer ones. */
#ifndef CAXTON_MESSAGE_BYTES
#define CAXTON_MESSAGE_BYTES 4096
#endif

/* ---- Host functions, as the ABI has them. Only those that are called become imports of the module. ---- */
#define CAXTON_IMPORT(name) __attribute__((import_module("caxton_v1"), import_name(name)))
#define CAXTON_EXPORT(name) __attribute__((export_name(name), used))

CAXTON_IMPORT("reply") int32_t caxton_host_reply(const void *text, int32_t length);
CAXTON_IMPORT("send") int32_t caxton_host_send(const void *text, int32_t length);
CAXTON_IMPORT("log") void caxton_host_log(int32_t level, const void *text, int32_t length);
CAXTON_IMPORT("now_ms") int64_t caxton_now_ms(void);
CAXTON_IMPORT("monotonic_ns") int64_t caxton_monotonic_ns(void);
CAXTON_IMPORT("random") int32_t caxton_random(void *room, int32_t length);
CAXTON_IMPORT("kv_get") int32_t caxton_host_kv_get(const void *key, int32_t key_length);
CAXTON_IMPORT("kv_set")
int32_t caxton_host_kv_set(const void *key, int32_t key_length, const void *value, int32_t length);
CAXTON_IMPORT("kv_delete") int32_t caxton_host_kv_delete(const void *key, int32_t key_length);
CAXTON_IMPORT("kv_list") int32_t caxton_host_kv_list(const void *prefix, int32_t prefix_length);
CAXTON_IMPORT("call_tool")
int64_t caxton_host_call_tool(const void *name, int32_t name_length, const void *arguments, int32_t length);
CAXTON_IMPORT("set_timer") int32_t caxton_set_timer(int64_t milliseconds, int64_t id);
CAXTON_IMPORT("cancel_timer") int32_t caxton_cancel_timer(int64_t id);
CAXTON_IMPORT("config_get") int32_t caxton_host_config_get(const void *key, int32_t key_length);
CAXTON_IMPORT("register_capability")
int32_t caxton_host_register_capability(const void *name, int32_t length);
CAXTON_IMPORT("fetch") int32_t caxton_host_fetch(void *room, int32_t offset, int32_t length);
CAXTON_IMPORT("last_error") int32_t caxton_host_last_error(void);

/* ---- Host functions for zero-ended text ---- */
static inline void caxton_log(int32_t level, const char *text) {
    caxton_host_log(level, text, caxton_length(text));
}

static inline int32_t caxton_register_capability(const char *name) {
    return caxton_host_register_capability(name, caxton_length(name));
}

/* Copy a pulled result of `length` bytes into `room` and end it with a zero byte. */
CAXTON_SHARED int32_t caxton_pull(int32_t length, char *room, int32_t size) {
    if (length < 0) return length;
    if (length >= size) return CAXTON_TOO_BIG;
    if (length > 0) {
        int32_t code = caxton_host_fetch(room, 0, length);
        if (code < 0) return code;
    }
    room[length] = 0;
    return length;
}

/* Read a configuration value; returns its length, or a host code with `room` untouched. */
static inline int32_t caxton_config(const char *key, char *room, int32_t size) {
    return caxton_pull(caxton_host_config_get(key, caxton_length(key)), room, size);
}

/* A whole number from the configuration, or `fallback` where it is missing or none. */
CAXTON_SHARED int64_t caxton_config_integer(const char *key, int64_t fallback) {
    char room[24];
    int64_t number;
    int32_t length = caxton_config(key, room, sizeof room);
    return length > 0 && caxton_integer((caxton_json){room, room + length}, &number) ? number : fallback;
}

/* ---- Messages ---- */
CAXTON_SHARED caxton_writer caxton_message_in(char *room, int32_t size, const char *performative) {
    caxton_writer writer = caxton_writer_on(room, size);
    caxton_open(&writer, 0, '{');
    caxton_put_text(&writer, "performative", performative);
    return writer;
}

/* Begin a message in the room that all messages share: finish one before the next is begun. */
static inline caxton_writer caxton_message(const char *performative) {
    static char room[CAXTON_MESSAGE_BYTES];
    return caxton_message_in(room, sizeof room, performative);
}

/* Hand the reply over. Returns what the handler has to return: CAXTON_REPLIED, or CAXTON_FAILURE if it did
 * not fit or was refused. The host fills in receiver, conversation, protocol and in_reply_to. */
CAXTON_SHARED int32_t caxton_reply(caxton_writer *writer) {
    if (!caxton_finish(writer)) return CAXTON_FAILURE;
    return caxton_host_reply(writer->text, writer->length) < 0 ? CAXTON_FAILURE : CAXTON_REPLIED;
}

/* Send a message; it leaves when the handler returns. Returns a host code; CAXTON_TOO_BIG: it did not fit. */
CAXTON_SHARED int32_t caxton_send(caxton_writer *writer) {
    if (!caxton_finish(writer)) return CAXTON_TOO_BIG;
    return caxton_host_send(writer->text, writer->length);
}

/* ---- What the compiler calls without being asked, for copies of structures and for loops. Weak, so that a C
 * library that is linked after all comes first. ---- */
#define CAXTON_BUILTIN __attribute__((weak, no_builtin("memcpy", "memmove", "memset", "memcmp")))

CAXTON_BUILTIN void *memcpy(void *to, const void *from, size_t length) {
    for (size_t i = 0; i < length; i++) ((char *)to)[i] = ((const char *)from)[i];
    return to;
}

CAXTON_BUILTIN void *memmove(void *to, const void *from, size_t length) {
    if ((uintptr_t)to <= (uintptr_t)from) return memcpy(to, from, length);
    while (length--) ((char *)to)[length] = ((const char *)from)[length];
    return to;
}

CAXTON_BUILTIN void *memset(void *to, int byte, size_t length) {
    for (size_t i = 0; i < length; i++) ((char *)to)[i] = (char)byte;
    return to;
}

CAXTON_BUILTIN int memcmp(const void *one, const void *other, size_t length) {
    for (size_t i = 0; i < length; i++) {
        int difference = ((const uint8_t *)one)[i] - ((const uint8_t *)other)[i];
        if (difference) return difference;
    }
    return 0;
}

/* ---- What makes a module an agent. `capacity` is the longest message it takes, in bytes. ---- */
#define CAXTON_AGENT(capacity, handler)                                                                 \
    static char caxton_incoming[capacity];                                                              \
    CAXTON_EXPORT("caxton_abi_v1") void caxton_abi_marker(void) {}                                      \
    CAXTON_EXPORT("caxton_alloc") void *caxton_alloc(int32_t length) {                                  \
        return length >= 0 && length <= (int32_t)sizeof caxton_incoming ? caxton_incoming : 0;          \
    }                                                                                                   \
    CAXTON_EXPORT("handle_message") int32_t caxton_handle_message(const char *text, int32_t length) {   \
        caxton_json message = caxton_read(text, length);                                                \
        return caxton_kind(message) == '{' ? handler(message) : CAXTON_MALFORMED;                       \
    }
#define CAXTON_INIT(function) \
    CAXTON_EXPORT("caxton_init") int32_t caxton_init_entry(void) { return function(); }
#define CAXTON_TIMER(function) \
    CAXTON_EXPORT("caxton_timer") int32_t caxton_timer_entry(int64_t id) { return function(id); }

#endif
