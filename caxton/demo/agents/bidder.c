/* bidder.c - a participant of Contract Nets.
 *
 * It is asked with `cfp` to count the prime numbers below content.size. Configuration (whole numbers,
 * milliseconds):
 *   price_base, price_per_1000   what it asks for: base + size * per_1000 / 1000           (10, 5)
 *   size_min, size_max           it refuses smaller and larger jobs                        (1, 100000)
 *   work_ms                      how long it takes over a job it won; 0: done at once       (0)
 * It proposes or refuses, does the work when its proposal is accepted, and reports the result with
 * `inform`. An award for a price other than the one it proposed is a failure. It forgets a proposal that
 * was rejected.
 */
#include "caxton.h"

#define JOBS_MAX 32
/* A proposal that nobody answered for that long is void: as long as a conversation lives by default. */
#define PROPOSAL_MS_MAX 300000
#define PRIMES_BELOW_MAX 100000

/* A job is proposed, then awarded (a timer runs), then reported and its place free again. */
enum { FREE, PROPOSED, AWARDED };

typedef struct {
    int32_t state;
    int64_t size, price, proposed_ms;
    char conversation[64], manager[256], award[64];
} job;

static job jobs[JOBS_MAX];
static int64_t price_base, price_per_1000, size_min, size_max, work_ms;
static uint8_t sieve[PRIMES_BELOW_MAX / 8 + 1];

static int32_t on_start(void) {
    price_base = caxton_config_integer("price_base", 10);
    price_per_1000 = caxton_config_integer("price_per_1000", 5);
    size_min = caxton_config_integer("size_min", 1);
    size_max = caxton_config_integer("size_max", PRIMES_BELOW_MAX);
    work_ms = caxton_config_integer("work_ms", 0);
    int prices_ok = price_base >= 0 && price_per_1000 >= 0;
    int sizes_ok = size_max <= PRIMES_BELOW_MAX && size_min <= size_max;
    if (!prices_ok || !sizes_ok || work_ms < 0) {
        caxton_log(CAXTON_ERROR, "the configuration contradicts itself");
        return CAXTON_FAILURE;
    }
    caxton_register_capability("count-primes");
    return 0;
}

static int64_t primes_below(int64_t limit) {
    int64_t count = 0;
    for (uint32_t i = 0; i < sizeof sieve; i++) sieve[i] = 0;
    for (int64_t n = 2; n < limit; n++) {
        if (sieve[n >> 3] >> (n & 7) & 1) continue;
        count++;
        for (int64_t multiple = n * n; multiple < limit; multiple += n)
            sieve[multiple >> 3] |= (uint8_t)(1 << (multiple & 7));
    }
    return count;
}

static job *job_of(caxton_json message, int32_t state) {
    caxton_json conversation = caxton_field(message, "conversation_id");
    for (int32_t i = 0; i < JOBS_MAX; i++)
        if (jobs[i].state == state && caxton_is(conversation, jobs[i].conversation)) return &jobs[i];
    return 0;
}

/* The place of the conversation's proposal, or one that is free or holds a void proposal. */
static job *place_for(caxton_json message, int64_t now_ms) {
    job *place = job_of(message, PROPOSED);
    for (int32_t i = 0; !place && i < JOBS_MAX; i++) {
        int void_proposal = jobs[i].state == PROPOSED && now_ms - jobs[i].proposed_ms > PROPOSAL_MS_MAX;
        if (jobs[i].state == FREE || void_proposal) place = &jobs[i];
    }
    return place;
}

static int32_t answer_reason(const char *performative, const char *reason) {
    caxton_writer answer = caxton_message(performative);
    caxton_put_object(&answer, "content");
    caxton_put_text(&answer, "reason", reason);
    return caxton_reply(&answer);
}

static int32_t on_cfp(caxton_json message) {
    caxton_json content = caxton_field(message, "content");
    int64_t size;
    if (!caxton_integer(caxton_field(content, "size"), &size)) return CAXTON_NOT_UNDERSTOOD;
    if (size < size_min) return answer_reason("refuse", "the job is too small for me");
    if (size > size_max) return answer_reason("refuse", "the job is too large for me");
    int64_t now_ms = caxton_now_ms();
    job *mine = place_for(message, now_ms);
    if (!mine) return answer_reason("refuse", "I have too many open proposals");
    mine->state = FREE;
    caxton_json conversation = caxton_field(message, "conversation_id");
    if (caxton_text(conversation, mine->conversation, sizeof mine->conversation) < 1)
        return CAXTON_NOT_UNDERSTOOD;
    mine->state = PROPOSED;
    mine->proposed_ms = now_ms;
    mine->size = size;
    mine->price = price_base + size * price_per_1000 / 1000;
    caxton_writer answer = caxton_message("propose");
    caxton_put_object(&answer, "content");
    caxton_put_integer(&answer, "price", mine->price);
    caxton_put_integer(&answer, "work_ms", work_ms);
    return caxton_reply(&answer);
}

static void put_result(caxton_writer *report, const job *done) {
    caxton_put_text(report, "content_kind", "result");
    caxton_put_object(report, "content");
    caxton_put_integer(report, "primes", primes_below(done->size));
    caxton_put_integer(report, "below", done->size);
    caxton_put_integer(report, "price", done->price);
    caxton_close(report);
}

static int32_t on_award(caxton_json message) {
    job *mine = job_of(message, PROPOSED);
    int64_t price;
    if (!mine) return answer_reason("failure", "I have no open proposal in this conversation");
    caxton_json agreed = caxton_field(caxton_field(message, "content"), "price");
    if (!caxton_integer(agreed, &price) || price != mine->price) {
        mine->state = FREE;
        return answer_reason("failure", "this is not the price that I proposed");
    }
    if (work_ms == 0) {
        caxton_writer report = caxton_message("inform");
        put_result(&report, mine);
        mine->state = FREE;
        return caxton_reply(&report);
    }
    caxton_json award = caxton_field(message, "reply_with");
    if (!award.at) award = caxton_field(message, "id");
    if (caxton_text(caxton_field(message, "sender"), mine->manager, sizeof mine->manager) < 1 ||
        caxton_text(award, mine->award, sizeof mine->award) < 1 ||
        caxton_set_timer(work_ms, mine - jobs) < 0) {
        mine->state = FREE;
        return answer_reason("failure", "I cannot take the job on");
    }
    mine->state = AWARDED;
    return 0;
}

static int32_t on_timer(int64_t id) {
    if (id < 0 || id >= JOBS_MAX || jobs[id].state != AWARDED) return 0;
    job *done = &jobs[id];
    caxton_writer report = caxton_message("inform");
    caxton_put_text(&report, "receiver", done->manager);
    caxton_put_text(&report, "conversation_id", done->conversation);
    caxton_put_text(&report, "protocol", "fipa-contract-net");
    caxton_put_text(&report, "in_reply_to", done->award);
    put_result(&report, done);
    done->state = FREE;
    return caxton_send(&report) < 0 ? CAXTON_FAILURE : 0;
}

static int32_t on_cancel(caxton_json message) {
    job *mine = job_of(message, AWARDED);
    if (mine) caxton_cancel_timer(mine - jobs);
    if (!mine) mine = job_of(message, PROPOSED);
    if (!mine) return answer_reason("failure", "there is nothing to cancel");
    mine->state = FREE;
    caxton_writer answer = caxton_message("inform");
    caxton_put_text(&answer, "content_kind", "done");
    return caxton_reply(&answer);
}

static int32_t on_message(caxton_json message) {
    caxton_json performative = caxton_field(message, "performative");
    if (caxton_is(performative, "cfp")) return on_cfp(message);
    if (caxton_is(performative, "accept-proposal")) return on_award(message);
    if (caxton_is(performative, "cancel")) return on_cancel(message);
    if (caxton_is(performative, "reject-proposal")) {
        job *mine = job_of(message, PROPOSED);
        if (mine) mine->state = FREE;
        return 0;
    }
    /* Only requests and the like deserve an answer: one to an answer could go back and forth for ever. */
    if (caxton_is(performative, "request") || caxton_is(performative, "query-ref") ||
        caxton_is(performative, "query-if"))
        return CAXTON_NOT_UNDERSTOOD;
    return 0;
}

CAXTON_AGENT(16384, on_message)
CAXTON_INIT(on_start)
CAXTON_TIMER(on_timer)
