"""The 22 FIPA performatives: their words, in the alphabetical order that numbers them."""

from libc.stdint cimport int32_t, uint8_t, uint32_t

cdef enum:
    PERFORMATIVE_BYTES_MAX = 16     # reject-proposal, request-whenever

cdef extern from * nogil:
    """
    #include <stdint.h>
    /* Rows are wider than any word, so 16 bytes of each may be copied, and each ends in a zero. */
    static const char cx_words[22][24] __attribute__((unused)) = {
        "accept-proposal", "agree", "cancel", "cfp", "confirm", "disconfirm", "failure", "inform",
        "inform-if", "inform-ref", "not-understood", "propagate", "propose", "proxy", "query-if",
        "query-ref", "refuse", "reject-proposal", "request", "request-when", "request-whenever",
        "subscribe",
    };
    static const uint8_t cx_word_bytes[22] __attribute__((unused)) = {
        15, 5, 6, 3, 7, 10, 7, 6, 9, 10, 14, 9, 7, 5, 8, 9, 6, 15, 7, 12, 16, 9,
    };
    #define cx_word(performative) (cx_words[performative])
    #define cx_length(performative) ((uint32_t)cx_word_bytes[performative])
    """
    const char* word "cx_word"(uint8_t performative) noexcept
    uint32_t word_bytes "cx_length"(uint8_t performative) noexcept

cdef enum:
    ACCEPT_PROPOSAL = 0
    AGREE = 1
    CANCEL = 2
    CFP = 3
    CONFIRM = 4
    DISCONFIRM = 5
    FAILURE = 6
    INFORM = 7
    INFORM_IF = 8
    INFORM_REF = 9
    NOT_UNDERSTOOD = 10
    PROPAGATE = 11
    PROPOSE = 12
    PROXY = 13
    QUERY_IF = 14
    QUERY_REF = 15
    REFUSE = 16
    REJECT_PROPOSAL = 17
    REQUEST = 18
    REQUEST_WHEN = 19
    REQUEST_WHENEVER = 20
    SUBSCRIBE = 21

# The number of a word: any letter case, with "-", "_" or a space between its parts; -1 = none of the 22.
cdef int32_t performative_find(const char* text, uint32_t length) noexcept nogil
