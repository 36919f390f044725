"""Bytes sixteen at a time: SSE2 where the compiler has it, plain words elsewhere.

Every function reads or writes exactly the bytes it names: none touches memory beyond them, so the
text may end where its mapping ends. ``CAXTON_PORTABLE`` builds the plain versions on any machine.
"""

from libc.stdint cimport uint32_t, uint64_t

cdef extern from * nogil:
    """
    #include <stddef.h>
    #include <stdint.h>
    #include <string.h>

    #define cx_first_bit(mask) ((uint32_t)__builtin_ctz(mask))

    #if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    #define cx_little(word) (word)
    #define cx_big(word) __builtin_bswap64(word)
    #else
    #define cx_little(word) __builtin_bswap64(word)
    #define cx_big(word) (word)
    #endif

    static inline uint64_t cx_load8(const char *in) {
        uint64_t word;
        memcpy(&word, in, 8);
        return cx_little(word);
    }
    static inline void cx_store8(char *out, uint64_t word) {
        word = cx_little(word);
        memcpy(out, &word, 8);
    }

    /* The value of eight decimal digits; 0 returned when one of the bytes is none. Neighbours are joined
       to pairs, pairs to fours, fours to eight. */
    static inline int cx_digits8(const char *in, uint64_t *value) {
        uint64_t text = cx_load8(in);
        uint64_t above = (text + 0x0606060606060606u) & 0xf0f0f0f0f0f0f0f0u;
        if (((text & 0xf0f0f0f0f0f0f0f0u) | above >> 4) != 0x3333333333333333u) return 0;
        text = ((text & 0x0f0f0f0f0f0f0f0fu) * 2561) >> 8;
        text = ((text & 0x00ff00ff00ff00ffu) * 6553601) >> 16;
        *value = ((text & 0x0000ffff0000ffffu) * 42949672960001u) >> 32;
        return 1;
    }

    /* The eight digits of a number below 10**8, first digit in the lowest byte, as values 0 to 9. Both fours
       are split at once, then four pairs, then eight digits; each product with its shift is an exact
       quotient. */
    static inline uint64_t cx_split8(uint32_t value) {
        uint64_t fours = value / 10000 | (uint64_t)(value % 10000) << 32;
        uint64_t hundreds = ((fours * 10486) >> 20) & 0x0000007f0000007fu;
        uint64_t pairs = hundreds | (fours - hundreds * 100) << 16;
        uint64_t tens = ((pairs * 103) >> 10) & 0x000f000f000f000fu;
        return tens | (pairs - tens * 10) << 8;
    }
    #define CX_ZEROS 0x3030303030303030u
    /* 1 to 20 digits; the eight bytes of its first store may reach past the last digit, not past 20. */
    static inline char *cx_decimal(char *out, uint64_t value) {
        uint64_t rest = 0, middle = 0;
        int parts = 0;
        if (value >= 100000000u) {
            rest = value % 100000000u;
            value /= 100000000u;
            parts = 1;
            if (value >= 100000000u) {
                middle = value % 100000000u;
                value /= 100000000u;
                parts = 2;
            }
        }
        uint64_t head = cx_split8((uint32_t)value);
        uint32_t skip = head ? (uint32_t)__builtin_ctzll(head) & 56u : 56u;
        cx_store8(out, (head | CX_ZEROS) >> skip);
        out += 8 - skip / 8;
        if (parts == 2) {
            cx_store8(out, cx_split8((uint32_t)middle) | CX_ZEROS);
            out += 8;
        }
        if (parts) {
            cx_store8(out, cx_split8((uint32_t)rest) | CX_ZEROS);
            out += 8;
        }
        return out;
    }

    #if defined(__SSE2__) && !defined(CAXTON_PORTABLE)
    #include <emmintrin.h>

    /* Adding one turns DEL into the smallest signed byte, so one signed compare finds controls, DEL
       and every byte above ASCII. */
    static inline uint32_t cx_stops16(const char *in) {
        __m128i text = _mm_loadu_si128((const __m128i *)in);
        __m128i odd = _mm_cmplt_epi8(_mm_add_epi8(text, _mm_set1_epi8(1)), _mm_set1_epi8(0x21));
        __m128i quote = _mm_cmpeq_epi8(text, _mm_set1_epi8('"'));
        __m128i slash = _mm_cmpeq_epi8(text, _mm_set1_epi8('\\\\'));
        return (uint32_t)_mm_movemask_epi8(_mm_or_si128(odd, _mm_or_si128(quote, slash)));
    }

    /* Split each byte into two nibbles, in order, and lift them to '0'..'9' and 'a'..'f'. */
    static inline void cx_hex32(char *out, uint64_t high, uint64_t low) {
        __m128i bytes = _mm_set_epi64x((int64_t)cx_big(low), (int64_t)cx_big(high));
        __m128i mask = _mm_set1_epi8(15);
        __m128i upper = _mm_and_si128(_mm_srli_epi64(bytes, 4), mask);
        __m128i lower = _mm_and_si128(bytes, mask);
        __m128i pair[2] = {_mm_unpacklo_epi8(upper, lower), _mm_unpackhi_epi8(upper, lower)};
        for (int half = 0; half < 2; half++) {
            __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(pair[half], _mm_set1_epi8(9)), _mm_set1_epi8(39));
            __m128i text = _mm_add_epi8(_mm_add_epi8(pair[half], _mm_set1_epi8('0')), letter);
            _mm_storeu_si128((__m128i *)(out + 16 * half), text);
        }
    }
    #else
    #define CX_EACH(byte) (0x0101010101010101u * (uint64_t)(byte))
    #define CX_TOP CX_EACH(0x80)

    /* Top bit set exactly in the bytes of ``word`` that are zero. */
    static inline uint64_t cx_zero_bytes(uint64_t word) {
        return ~(((word & ~CX_TOP) + ~CX_TOP) | word | ~CX_TOP);
    }
    static inline uint32_t cx_stops8(const char *in) {
        uint64_t text = cx_load8(in);
        uint64_t low = text & ~CX_TOP;
        uint64_t plain = (low + CX_EACH(0x60)) & ~(low + CX_EACH(1)) & ~text;
        uint64_t quote = cx_zero_bytes(text ^ CX_EACH('"'));
        uint64_t slash = cx_zero_bytes(text ^ CX_EACH('\\\\'));
        uint64_t stops = (~plain & CX_TOP) | quote | slash;
        return (uint32_t)(((stops >> 7) * 0x0102040810204080u) >> 56);
    }
    static inline uint32_t cx_stops16(const char *in) { return cx_stops8(in) | cx_stops8(in + 8) << 8; }

    static inline void cx_hex8(char *out, uint32_t value) {
        uint64_t wide = __builtin_bswap32(value);
        wide = (wide | wide << 16) & 0x0000ffff0000ffffu;
        wide = (wide | wide << 8) & 0x00ff00ff00ff00ffu;
        wide = ((wide >> 4) & 0x000f000f000f000fu) | ((wide & 0x000f000f000f000fu) << 8);
        uint64_t letter = ((wide + CX_EACH(6)) >> 4) & CX_EACH(1);
        cx_store8(out, wide + CX_EACH('0') + letter * 39);
    }
    static inline void cx_hex32(char *out, uint64_t high, uint64_t low) {
        cx_hex8(out, (uint32_t)(high >> 32));
        cx_hex8(out + 8, (uint32_t)high);
        cx_hex8(out + 16, (uint32_t)(low >> 32));
        cx_hex8(out + 24, (uint32_t)low);
    }
    #endif

    /* Short texts are copied as overlapping halves: no call, no loop, no byte too many. */
    static inline void cx_copy(char *out, const char *in, size_t bytes) {
        if (bytes > 64) {
            memcpy(out, in, bytes);
        } else if (bytes > 32) {
            char head[32], tail[32];
            memcpy(head, in, 32);
            memcpy(tail, in + bytes - 32, 32);
            memcpy(out, head, 32);
            memcpy(out + bytes - 32, tail, 32);
        } else if (bytes > 16) {
            char head[16], tail[16];
            memcpy(head, in, 16);
            memcpy(tail, in + bytes - 16, 16);
            memcpy(out, head, 16);
            memcpy(out + bytes - 16, tail, 16);
        } else if (bytes >= 8) {
            uint64_t head, tail;
            memcpy(&head, in, 8);
            memcpy(&tail, in + bytes - 8, 8);
            memcpy(out, &head, 8);
            memcpy(out + bytes - 8, &tail, 8);
        } else if (bytes >= 4) {
            uint32_t head, tail;
            memcpy(&head, in, 4);
            memcpy(&tail, in + bytes - 4, 4);
            memcpy(out, &head, 4);
            memcpy(out + bytes - 4, &tail, 4);
        } else if (bytes) {
            char first = in[0], middle = in[bytes >> 1], last = in[bytes - 1];
            out[0] = first;
            out[bytes >> 1] = middle;
            out[bytes - 1] = last;
        }
    }

    /* Likewise compared: two overlapping halves for up to 16 bytes. */
    static inline int cx_same(const char *one, const char *other, size_t bytes) {
        if (bytes > 16) return memcmp(one, other, bytes) == 0;
        if (bytes >= 8)
            return ((cx_load8(one) ^ cx_load8(other))
                    | (cx_load8(one + bytes - 8) ^ cx_load8(other + bytes - 8))) == 0;
        if (bytes >= 4) {
            uint32_t head[2], tail[2];
            memcpy(&head[0], one, 4);
            memcpy(&head[1], other, 4);
            memcpy(&tail[0], one + bytes - 4, 4);
            memcpy(&tail[1], other + bytes - 4, 4);
            return ((head[0] ^ head[1]) | (tail[0] ^ tail[1])) == 0;
        }
        for (size_t i = 0; i < bytes; i++)
            if (one[i] != other[i]) return 0;
        return 1;
    }
    """
    # Bit i is set when byte i ends a run of plain string text: a quote, a backslash, a control
    # character, DEL, or any byte above ASCII. Reads 16 bytes.
    uint32_t stops16 "cx_stops16"(const char* text) noexcept
    # Index of the lowest set bit; ``mask`` must not be 0.
    uint32_t first_bit "cx_first_bit"(uint32_t mask) noexcept
    # Eight bytes, the first one lowest, on any machine.
    uint64_t load8 "cx_load8"(const char* text) noexcept
    void store8 "cx_store8"(char* out, uint64_t word) noexcept
    # 32 lower-case hexadecimal digits, most significant first.
    void hex32_write "cx_hex32"(char* out, uint64_t high, uint64_t low) noexcept
    # Decimal text of a number in room of 20 bytes; returns the position after the last digit.
    char* decimal_write "cx_decimal"(char* out, uint64_t value) noexcept
    bint digits8 "cx_digits8"(const char* text, uint64_t* value) noexcept
    bint same_bytes "cx_same"(const char* one, const char* other, size_t count) noexcept
    void copy_bytes "cx_copy"(char* out, const char* text, size_t count) noexcept
