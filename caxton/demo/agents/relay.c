/* relay.c - one link of a ring under load: each `inform` that it handles makes it send one to the next agent.
 *
 * Configuration: next, the name of the agent that comes after it. Answers `query-ref` with {"passed": N}.
 */
#include "caxton.h"

static char ball[1024];
static int32_t ball_length;
static int64_t passed;

static int32_t on_start(void) {
    char next[256];
    if (caxton_config("next", next, sizeof next) < 1) {
        caxton_log(CAXTON_ERROR, "the configuration needs next=name");
        return CAXTON_FAILURE;
    }
    /* The message is the same each time: it is built once. */
    caxton_writer message = caxton_message_in(ball, sizeof ball, "inform");
    caxton_put_text(&message, "receiver", next);
    caxton_put_object(&message, "content");
    caxton_put_text(&message, "ball", "one of many that go round and round");
    if (!caxton_finish(&message)) return CAXTON_FAILURE;
    ball_length = message.length;
    return 0;
}

static int32_t on_message(caxton_json message) {
    caxton_json performative = caxton_field(message, "performative");
    if (caxton_is(performative, "inform")) {
        passed++;
        return caxton_host_send(ball, ball_length) < 0 ? CAXTON_FAILURE : 0;
    }
    if (caxton_is(performative, "query-ref")) {
        caxton_writer answer = caxton_message("inform");
        caxton_put_object(&answer, "content");
        caxton_put_integer(&answer, "passed", passed);
        return caxton_reply(&answer);
    }
    return caxton_is(performative, "request") ? CAXTON_NOT_UNDERSTOOD : 0;
}

CAXTON_AGENT(16384, on_message)
CAXTON_INIT(on_start)
