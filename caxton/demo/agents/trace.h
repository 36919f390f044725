/* trace.h - makes an agent log every message that it gets, whole, before it handles it.
 *
 * The demonstration puts it in front of an agent's source (-include): the agent itself stays as it is, and what
 * the terminal shows of a conversation is what the receivers saw. A line is the host's monotonic clock in
 * nanoseconds, a space, and the message; one clock for all agents puts their lines in order.
 */
#ifndef CAXTON_TRACE_H
#define CAXTON_TRACE_H

/* This comes before the agent's own word on it: the manager's, who sends the longest messages. */
#define CAXTON_MESSAGE_BYTES 8192
#include "caxton.h"

#define CAXTON_TRACE_BYTES 4096 /* What the host keeps of a line; a longer message is shown cut off. */

static inline caxton_json caxton_traced_read(const char *text, int32_t length) {
    static char room[CAXTON_TRACE_BYTES];
    caxton_writer line = caxton_writer_on(room, sizeof room);
    caxton_digits(&line, (uint64_t)caxton_monotonic_ns(), 1);
    caxton_byte(&line, ' ');
    caxton_bytes(&line, text, length);
    caxton_host_log(CAXTON_DEBUG, line.text, line.length);
    return caxton_read(text, length);
}

/* CAXTON_AGENT reads each incoming message once, through this name. */
#define caxton_read caxton_traced_read

#endif
