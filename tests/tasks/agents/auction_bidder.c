/* auction_bidder.c - goes with every call of an auction up to its limit (configuration: limit). */
#include "caxton.h"

static int64_t limit;

static int32_t on_start(void) {
    limit = caxton_config_integer("limit", 0);
    return 0;
}

static int32_t on_message(caxton_json message) {
    caxton_json performative = caxton_field(message, "performative");
    if (caxton_is(performative, "cfp")) {
        int64_t price;
        if (!caxton_integer(caxton_field(caxton_field(message, "content"), "price"), &price))
            return CAXTON_NOT_UNDERSTOOD;
        if (price > limit) return 0;
        caxton_writer answer = caxton_message("propose");
        caxton_put_object(&answer, "content");
        caxton_put_integer(&answer, "price", price);
        return caxton_reply(&answer);
    }
    if (caxton_is(performative, "cancel")) {
        caxton_writer answer = caxton_message("inform");
        caxton_put_text(&answer, "content_kind", "done");
        return caxton_reply(&answer);
    }
    return 0;
}

CAXTON_AGENT(16384, on_message)
CAXTON_INIT(on_start)
