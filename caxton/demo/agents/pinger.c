/* pinger.c - the agent that starts and stops the load of a ring of relays.
 *
 * Configuration: next, the name of the agent that comes after it. It understands
 *   request   {"action": "serve", "balls": N}   puts N messages (1 to 1000) into the ring
 *   request   {"action": "stop"}                lets no ball pass any more: they end as they come back to it
 *   query-ref                                   is answered with {"passed": N, "in_play": M}
 * and answers a request with the same counts.
 */
#include "caxton.h"

#define BALLS_MAX 1000

static char ball[1024];
static int32_t ball_length, stopped;
static int64_t passed, in_play;

static int32_t on_start(void) {
    char next[256];
    if (caxton_config("next", next, sizeof next) < 1) {
        caxton_log(CAXTON_ERROR, "the configuration needs next=name");
        return CAXTON_FAILURE;
    }
    caxton_writer message = caxton_message_in(ball, sizeof ball, "inform");
    caxton_put_text(&message, "receiver", next);
    caxton_put_object(&message, "content");
    caxton_put_text(&message, "ball", "one of many that go round and round");
    if (!caxton_finish(&message)) return CAXTON_FAILURE;
    ball_length = message.length;
    return 0;
}

static int32_t tell_counts(void) {
    caxton_writer answer = caxton_message("inform");
    caxton_put_object(&answer, "content");
    caxton_put_integer(&answer, "passed", passed);
    caxton_put_integer(&answer, "in_play", in_play);
    return caxton_reply(&answer);
}

static int32_t on_request(caxton_json content) {
    caxton_json action = caxton_field(content, "action");
    if (caxton_is(action, "stop")) {
        stopped = 1;
        return tell_counts();
    }
    int64_t balls;
    if (!caxton_is(action, "serve") || !caxton_integer(caxton_field(content, "balls"), &balls) || balls < 1 ||
        balls > BALLS_MAX)
        return CAXTON_NOT_UNDERSTOOD;
    stopped = 0;
    for (; balls > 0; balls--, in_play++)
        if (caxton_host_send(ball, ball_length) < 0) break;
    return tell_counts();
}

static int32_t on_message(caxton_json message) {
    caxton_json performative = caxton_field(message, "performative");
    if (caxton_is(performative, "inform")) {
        passed++;
        if (stopped) {
            in_play--;
            return 0;
        }
        return caxton_host_send(ball, ball_length) < 0 ? CAXTON_FAILURE : 0;
    }
    if (caxton_is(performative, "request")) return on_request(caxton_field(message, "content"));
    return caxton_is(performative, "query-ref") ? tell_counts() : 0;
}

CAXTON_AGENT(16384, on_message)
CAXTON_INIT(on_start)
