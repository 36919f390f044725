/* manager.c - the initiator of Contract Nets.
 *
 * A `request` with the content {"size": N} starts one (fipa-contract-net, a conversation of its own): `cfp`
 * to all bidders at once, their answers until the deadline, `accept-proposal` to the cheapest,
 * `reject-proposal` to the others, and the winner's result as `inform` to whoever made the request.
 * Whatever goes wrong on the way (nobody proposes, the winner fails or stays silent) is a `failure` to the
 * requester that says so. Configuration:
 *   bidders        the names of the bidders, with commas between them
 *   reply_by_ms    how long to wait for proposals (2000), unless all have answered before
 *   work_ms_max    how long to wait for the result of the award (10000)
 */
#define CAXTON_MESSAGE_BYTES 8192
#include "caxton.h"

#define TASKS_MAX 8
#define BIDDERS_MAX 16
#define NAME_BYTES 256
/* Proposals that are on their way when the deadline passes still count: the server keeps the clock. */
#define GRACE_MS 50

enum { FREE, BIDDING, WORKING };

typedef struct {
    int64_t price;
    char bidder[NAME_BYTES], message[64];
} offer;

typedef struct {
    int32_t state, answers, refusals, offer_count, winner, turn;
    int64_t size;
    char conversation[40];
    char requester[NAME_BYTES], request_conversation[64], request[64], request_protocol[64];
    offer offers[BIDDERS_MAX];
} task;

static task tasks[TASKS_MAX];
static char bidders[BIDDERS_MAX][NAME_BYTES];
static int32_t bidder_count;
static int64_t reply_by_ms, work_ms_max;

static int32_t on_start(void) {
    char list[BIDDERS_MAX * 64];
    int32_t length = caxton_config("bidders", list, sizeof list), used = 0;
    for (int32_t i = 0; i < length; i++) {
        char c = list[i];
        if (c != ',' && c != ' ') {
            if (bidder_count == BIDDERS_MAX || used + 1 >= NAME_BYTES) return CAXTON_FAILURE;
            bidders[bidder_count][used++] = c;
        }
        if (used && (c == ',' || i == length - 1)) bidder_count++, used = 0;
    }
    reply_by_ms = caxton_config_integer("reply_by_ms", 2000);
    work_ms_max = caxton_config_integer("work_ms_max", 10000);
    if (bidder_count > 0 && reply_by_ms > 0 && work_ms_max > 0) return 0;
    caxton_log(CAXTON_ERROR, "the configuration needs bidders=name,name,... and positive times");
    return CAXTON_FAILURE;
}

/* The text by which an answer names this message: its reply_with, else its id. */
static int32_t copy_reference(caxton_json message, char *room, int32_t size) {
    caxton_json reference = caxton_field(message, "reply_with");
    if (!reference.at) reference = caxton_field(message, "id");
    return caxton_text(reference, room, size);
}

static task *task_of(caxton_json message, int32_t state) {
    caxton_json conversation = caxton_field(message, "conversation_id");
    for (int32_t i = 0; i < TASKS_MAX; i++)
        if (tasks[i].state == state && caxton_is(conversation, tasks[i].conversation)) return &tasks[i];
    return 0;
}

/* A timer's id tells the task and its turn: the timer of a task that is over never meets the next one. */
static int64_t timer_of(const task *mine) { return (int64_t)mine->turn * TASKS_MAX + (mine - tasks); }

static int32_t wait_for(task *mine, int64_t milliseconds) {
    mine->turn++;
    return caxton_set_timer(milliseconds, timer_of(mine));
}

static void stop_waiting(const task *mine) { caxton_cancel_timer(timer_of(mine)); }

/* Begin the message that ends the requester's conversation. */
static caxton_writer answer_to(const task *mine, const char *performative) {
    caxton_writer answer = caxton_message(performative);
    caxton_put_text(&answer, "receiver", mine->requester);
    caxton_put_text(&answer, "conversation_id", mine->request_conversation);
    if (mine->request_protocol[0]) caxton_put_text(&answer, "protocol", mine->request_protocol);
    if (mine->request[0]) caxton_put_text(&answer, "in_reply_to", mine->request);
    return answer;
}

static int32_t end_badly(task *mine, const char *reason) {
    caxton_writer answer = answer_to(mine, "failure");
    caxton_put_object(&answer, "content");
    caxton_put_text(&answer, "reason", reason);
    caxton_put_text(&answer, "contract_net", mine->conversation);
    caxton_put_integer(&answer, "asked", bidder_count);
    caxton_put_integer(&answer, "refused", mine->refusals);
    mine->state = FREE;
    return caxton_send(&answer) < 0 ? CAXTON_FAILURE : 0;
}

static caxton_writer to_bidder(const task *mine, const char *performative, const offer *addressed) {
    caxton_writer message = caxton_message(performative);
    caxton_put_text(&message, "receiver", addressed->bidder);
    caxton_put_text(&message, "conversation_id", mine->conversation);
    caxton_put_text(&message, "protocol", "fipa-contract-net");
    caxton_put_text(&message, "in_reply_to", addressed->message);
    return message;
}

static int32_t award(task *mine) {
    if (mine->offer_count == 0) return end_badly(mine, "no bidder made a proposal");
    mine->winner = 0;
    for (int32_t i = 1; i < mine->offer_count; i++)
        if (mine->offers[i].price < mine->offers[mine->winner].price) mine->winner = i;
    if (wait_for(mine, work_ms_max) < 0) return end_badly(mine, "no timer is left to watch over the award");
    const offer *best = &mine->offers[mine->winner];
    caxton_writer message = to_bidder(mine, "accept-proposal", best);
    caxton_put_object(&message, "content");
    caxton_put_integer(&message, "price", best->price);
    if (caxton_send(&message) < 0) {
        stop_waiting(mine);
        return end_badly(mine, "the award could not be sent");
    }
    for (int32_t i = 0; i < mine->offer_count; i++) {
        if (i == mine->winner) continue;
        message = to_bidder(mine, "reject-proposal", &mine->offers[i]);
        caxton_put_object(&message, "content");
        caxton_put_text(&message, "reason", "another bidder is cheaper");
        caxton_put_integer(&message, "best_price", best->price);
        caxton_send(&message); /* The loser may be gone by now: the award stands all the same. */
    }
    mine->state = WORKING;
    return 0;
}

static void name_conversation(char name[40]) {
    uint8_t bytes[16];
    int32_t at = 0;
    caxton_random(bytes, sizeof bytes);
    bytes[6] = (bytes[6] & 0x0F) | 0x40; /* A version 4 UUID. */
    bytes[8] = (bytes[8] & 0x3F) | 0x80;
    for (int32_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) name[at++] = '-';
        name[at++] = "0123456789abcdef"[bytes[i] >> 4];
        name[at++] = "0123456789abcdef"[bytes[i] & 15];
    }
    name[at] = 0;
}

static int32_t refuse(const char *reason) {
    caxton_writer answer = caxton_message("refuse");
    caxton_put_object(&answer, "content");
    caxton_put_text(&answer, "reason", reason);
    return caxton_reply(&answer);
}

static int32_t on_request(caxton_json message) {
    task *mine = 0;
    int64_t size;
    caxton_json content = caxton_field(message, "content");
    if (!caxton_integer(caxton_field(content, "size"), &size)) return CAXTON_NOT_UNDERSTOOD;
    for (int32_t i = 0; !mine && i < TASKS_MAX; i++)
        if (tasks[i].state == FREE) mine = &tasks[i];
    if (!mine) return refuse("too many contract nets are under way");
    caxton_json conversation = caxton_field(message, "conversation_id");
    if (caxton_text(caxton_field(message, "sender"), mine->requester, NAME_BYTES) < 1 ||
        caxton_text(conversation, mine->request_conversation, sizeof mine->request_conversation) < 1)
        return CAXTON_NOT_UNDERSTOOD;
    if (copy_reference(message, mine->request, sizeof mine->request) < 0) mine->request[0] = 0;
    caxton_json protocol = caxton_field(message, "protocol");
    if (caxton_text(protocol, mine->request_protocol, sizeof mine->request_protocol) < 0)
        mine->request_protocol[0] = 0;
    mine->answers = mine->refusals = mine->offer_count = 0;
    mine->size = size;
    name_conversation(mine->conversation);
    caxton_writer cfp = caxton_message("cfp");
    caxton_put_array(&cfp, "receiver");
    for (int32_t i = 0; i < bidder_count; i++) caxton_put_text(&cfp, 0, bidders[i]);
    caxton_close(&cfp);
    caxton_put_text(&cfp, "conversation_id", mine->conversation);
    caxton_put_text(&cfp, "protocol", "fipa-contract-net");
    caxton_put_time(&cfp, "reply_by", caxton_now_ms() + reply_by_ms);
    caxton_put_object(&cfp, "content");
    caxton_put_text(&cfp, "task", "count-primes");
    caxton_put_integer(&cfp, "size", size);
    /* The timer comes first: what was sent can't be taken back. */
    if (wait_for(mine, reply_by_ms + GRACE_MS) < 0) return refuse("no timer is left for the deadline");
    if (caxton_send(&cfp) < 0) {
        stop_waiting(mine);
        return refuse("a bidder cannot be reached");
    }
    mine->state = BIDDING;
    return 0;
}

static int32_t on_proposal(caxton_json message) {
    task *mine = task_of(message, BIDDING);
    caxton_json sender = caxton_field(message, "sender");
    offer late, *made;
    if (!mine) {
        /* Too late: the bidder is told, so that it does not wait for ever. */
        task closed;
        if (caxton_text(caxton_field(message, "conversation_id"), closed.conversation, 40) < 1 ||
            caxton_text(sender, late.bidder, NAME_BYTES) < 1 ||
            copy_reference(message, late.message, sizeof late.message) < 1)
            return 0;
        caxton_writer answer = to_bidder(&closed, "reject-proposal", &late);
        caxton_put_object(&answer, "content");
        caxton_put_text(&answer, "reason", "late");
        return caxton_send(&answer) < 0 ? CAXTON_FAILURE : 0;
    }
    for (int32_t i = 0; i < mine->offer_count; i++)
        if (caxton_is(sender, mine->offers[i].bidder)) return 0; /* The first proposal of a bidder counts. */
    if (mine->offer_count == BIDDERS_MAX) return 0;
    made = &mine->offers[mine->offer_count];
    if (caxton_text(sender, made->bidder, NAME_BYTES) < 1 ||
        copy_reference(message, made->message, sizeof made->message) < 1 ||
        !caxton_integer(caxton_field(caxton_field(message, "content"), "price"), &made->price))
        return CAXTON_NOT_UNDERSTOOD;
    mine->offer_count++;
    if (++mine->answers < bidder_count) return 0;
    stop_waiting(mine);
    return award(mine);
}

/* Before the award a refusal, a failure and a not-understood all mean the same: no offer. */
static int32_t on_refusal(caxton_json message) {
    task *mine = task_of(message, BIDDING);
    if (!mine) return 0;
    mine->refusals++;
    if (++mine->answers < bidder_count) return 0;
    stop_waiting(mine);
    return award(mine);
}

static int is_from_winner(const task *mine, caxton_json message) {
    return caxton_is(caxton_field(message, "sender"), mine->offers[mine->winner].bidder);
}

static int32_t on_result(caxton_json message) {
    task *mine = task_of(message, WORKING);
    if (!mine || !is_from_winner(mine, message)) return 0;
    const offer *best = &mine->offers[mine->winner];
    stop_waiting(mine);
    caxton_writer answer = answer_to(mine, "inform");
    caxton_put_text(&answer, "content_kind", "result");
    caxton_put_object(&answer, "content");
    caxton_put_json(&answer, "result", caxton_field(message, "content"));
    caxton_put_text(&answer, "winner", best->bidder);
    caxton_put_integer(&answer, "price", best->price);
    caxton_put_integer(&answer, "refused", mine->refusals);
    caxton_put_text(&answer, "contract_net", mine->conversation);
    caxton_put_array(&answer, "proposals");
    for (int32_t i = 0; i < mine->offer_count; i++) {
        caxton_put_object(&answer, 0);
        caxton_put_text(&answer, "bidder", mine->offers[i].bidder);
        caxton_put_integer(&answer, "price", mine->offers[i].price);
        caxton_close(&answer);
    }
    mine->state = FREE;
    return caxton_send(&answer) < 0 ? CAXTON_FAILURE : 0;
}

static int32_t on_failure(caxton_json message) {
    task *mine = task_of(message, WORKING);
    if (!mine) return on_refusal(message);
    if (!is_from_winner(mine, message)) return 0;
    stop_waiting(mine);
    return end_badly(mine, "the winner failed");
}

static int32_t on_timer(int64_t id) {
    if (id < 0) return 0;
    task *mine = &tasks[id % TASKS_MAX];
    if (mine->state == FREE || id != timer_of(mine)) return 0;
    if (mine->state == BIDDING) return award(mine);
    caxton_writer message = to_bidder(mine, "cancel", &mine->offers[mine->winner]);
    caxton_send(&message); /* The winner may be gone: that is why the time is over. */
    return end_badly(mine, "the winner did not report in time");
}

static int32_t on_message(caxton_json message) {
    caxton_json performative = caxton_field(message, "performative");
    if (caxton_is(performative, "request")) return on_request(message);
    if (caxton_is(performative, "propose")) return on_proposal(message);
    if (caxton_is(performative, "inform")) return on_result(message);
    if (caxton_is(performative, "failure")) return on_failure(message);
    if (caxton_is(performative, "refuse") || caxton_is(performative, "not-understood"))
        return on_refusal(message);
    /* Only what asks for something deserves an answer: one to an answer could go back and forth for ever. */
    int asks = caxton_is(performative, "cfp") || caxton_is(performative, "query-ref") ||
               caxton_is(performative, "query-if");
    return asks ? CAXTON_NOT_UNDERSTOOD : 0;
}

CAXTON_AGENT(16384, on_message)
CAXTON_INIT(on_start)
CAXTON_TIMER(on_timer)
