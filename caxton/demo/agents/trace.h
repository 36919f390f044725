/* trace.h - makes an agent log every message that it gets, whole, before it handles it.
 *
 * The demonstration puts it in front of an agent's source (-include): the agent itself stays as it is, and what
 * the terminal shows of a conversation is what the receivers saw.
 */
#ifndef CAXTON_TRACE_H
#define CAXTON_TRACE_H

/* This comes before the agent's own word on it: the manager's, who sends the longest messages. */
#define CAXTON_MESSAGE_BYTES 8192
#include "caxton.h"

static inline caxton_json caxton_traced_read(const char *text, int32_t length) {
    caxton_host_log(CAXTON_DEBUG, text, length);
    return caxton_read(text, length);
}

/* CAXTON_AGENT reads each incoming message once, through this name. */
#define caxton_read caxton_traced_read

#endif
