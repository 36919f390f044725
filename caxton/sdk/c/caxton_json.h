/* caxton_json.h - read and write JSON text in place, without allocating anything.
 *
 * Reading never runs past the text it was given, whatever that holds: one that is no JSON gives values that
 * are none, or pieces of it. Writing never runs past its room: a text that grows too long fails as a whole.
 */
#ifndef CAXTON_JSON_H
#define CAXTON_JSON_H

#include <stdint.h>

#define CAXTON_DEPTH_MAX 64

/* Functions that are worth one copy, not one at each call: agents stay small and compile quickly. */
#define CAXTON_SHARED static __attribute__((noinline, unused))

/* The length of a zero-ended text. */
static inline int32_t caxton_length(const char *text) {
    int32_t length = 0;
    while (text[length]) length++;
    return length;
}

/* ---- Reading JSON. A caxton_json is a piece of text that holds one value; `at` is 0 for none. ---- */
typedef struct {
    const char *at, *end;
} caxton_json;

/* Walks over the members of an object or the items of an array. */
typedef struct {
    const char *at, *end;
    char close;
} caxton_cursor;

#define CAXTON_NONE ((caxton_json){0, 0})

static inline int caxton_is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static inline int caxton_ends_word(char c) {
    return caxton_is_space(c) || c == ',' || c == ':' || c == '"' || c == '{' || c == '}' || c == '[' ||
           c == ']';
}

static inline const char *caxton_skip_space(const char *at, const char *end) {
    while (at < end && caxton_is_space(*at)) at++;
    return at;
}

/* Marks those of eight bytes that equal `wanted`, in their highest bits. Only the lowest mark is exact. */
static inline uint64_t caxton_marks(uint64_t bytes, char wanted) {
    uint64_t other = bytes ^ 0x0101010101010101u * (uint8_t)wanted;
    return (other - 0x0101010101010101u) & ~other & 0x8080808080808080u;
}

/* `at` is on the opening quote; returns the place behind the closing one, or 0. Takes eight bytes at a time:
 * most of a message lies in strings. */
CAXTON_SHARED const char *caxton_skip_string(const char *at, const char *end) {
    at++;
    while (end - at >= 8) {
        uint64_t bytes;
        __builtin_memcpy(&bytes, at, 8);
        uint64_t marks = caxton_marks(bytes, '"') | caxton_marks(bytes, '\\');
        if (!marks) {
            at += 8;
            continue;
        }
        at += __builtin_ctzll(marks) >> 3;
        if (*at == '"') return at + 1;
        at += 2;
    }
    for (; at < end; at++) {
        if (*at == '"') return at + 1;
        if (*at == '\\') at++;
    }
    return 0;
}

/* Returns the place behind one value, or 0. A loop: a deep text cannot use up the stack. */
CAXTON_SHARED const char *caxton_skip_value(const char *at, const char *end) {
    int32_t depth = 0;
    do {
        at = caxton_skip_space(at, end);
        if (at >= end) return 0;
        char c = *at;
        if (c == '{' || c == '[') {
            if (++depth > CAXTON_DEPTH_MAX) return 0;
            at++;
        } else if (c == '}' || c == ']') {
            if (--depth < 0) return 0;
            at++;
        } else if (c == '"') {
            at = caxton_skip_string(at, end);
            if (!at) return 0;
        } else if (c == ',' || c == ':') {
            if (depth == 0) return 0;
            at++;
        } else {
            while (at < end && !caxton_ends_word(*at)) at++;
        }
    } while (depth > 0);
    return at;
}

/* A text as one value. It is not gone through: what is asked for later is read then. */
static inline caxton_json caxton_read(const char *text, int32_t length) {
    const char *end = text + length, *at = caxton_skip_space(text, end);
    while (end > at && caxton_is_space(end[-1])) end--;
    return at < end ? (caxton_json){at, end} : CAXTON_NONE;
}

/* The value's kind by its first character: { [ " t f n, a digit or -; 0 for none. */
static inline char caxton_kind(caxton_json value) { return value.at && value.at < value.end ? *value.at : 0; }

static inline caxton_cursor caxton_walk(caxton_json container) {
    char kind = caxton_kind(container);
    if (kind != '{' && kind != '[') return (caxton_cursor){0, 0, 0};
    return (caxton_cursor){container.at + 1, container.end, kind == '{' ? '}' : ']'};
}

/* Step to the next item (`key` 0) or member; returns 1, or 0 at the end and at anything malformed. */
CAXTON_SHARED int caxton_next(caxton_cursor *cursor, caxton_json *key, caxton_json *value) {
    const char *at = caxton_skip_space(cursor->at, cursor->end);
    const char *end = cursor->end;
    cursor->at = end;
    if (!at || at >= end || *at == cursor->close) return 0;
    if (*at == ',') at = caxton_skip_space(at + 1, end);
    if (key) {
        if (at >= end || *at != '"') return 0;
        key->at = at;
        at = caxton_skip_string(at, end);
        if (!at) return 0;
        key->end = at;
        at = caxton_skip_space(at, end);
        if (at >= end || *at != ':') return 0;
        at = caxton_skip_space(at + 1, end);
    }
    value->at = at;
    value->end = caxton_skip_value(at, end);
    if (!value->end) return 0;
    cursor->at = value->end;
    return 1;
}

CAXTON_SHARED int32_t caxton_hex4(const char *at, const char *end) {
    int32_t value = 0;
    if (end - at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        char c = at[i], letter = (char)(c | 32);
        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if (letter >= 'a' && letter <= 'f')
            value = value * 16 + (letter - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* Decode the next character of a string's inside to UTF-8; returns its bytes, 0 at the end, -1 if bad. */
CAXTON_SHARED int32_t caxton_decode(const char **place, const char *end, char bytes[4]) {
    const char *at = *place;
    if (at >= end) return 0;
    if (*at != '\\') {
        bytes[0] = *at;
        *place = at + 1;
        return 1;
    }
    if (++at >= end) return -1;
    char c = *at++;
    uint32_t code = 0;
    if (c == 'u') {
        int32_t first = caxton_hex4(at, end);
        if (first < 0) return -1;
        at += 4;
        code = (uint32_t)first;
        if (code >= 0xD800 && code < 0xDC00) {
            int32_t second = end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? caxton_hex4(at + 2, end) : -1;
            if (second < 0xDC00 || second > 0xDFFF) return -1;
            code = 0x10000 + ((code - 0xD800) << 10) + ((uint32_t)second - 0xDC00);
            at += 6;
        } else if (code >= 0xDC00 && code < 0xE000) {
            return -1;
        }
    } else {
        static const char plain[] = "ntrbf\"\\/", meant[] = "\n\t\r\b\f\"\\/";
        int32_t which = 0;
        while (plain[which] && plain[which] != c) which++;
        if (!plain[which]) return -1;
        code = (uint8_t)meant[which];
    }
    *place = at;
    if (code < 0x80) return bytes[0] = (char)code, 1;
    if (code < 0x800) return bytes[0] = (char)(0xC0 | code >> 6), bytes[1] = (char)(0x80 | (code & 63)), 2;
    int32_t length = code < 0x10000 ? 3 : 4;
    for (int32_t i = length - 1; i > 0; i--, code >>= 6) bytes[i] = (char)(0x80 | (code & 63));
    bytes[0] = (char)((length == 3 ? 0xE0 : 0xF0) | code);
    return length;
}

/* Copy a string value, decoded and ended with a zero byte; its length, -1 if it is none or does not fit. */
CAXTON_SHARED int32_t caxton_text(caxton_json value, char *room, int32_t size) {
    if (caxton_kind(value) != '"' || value.end - value.at < 2) return -1;
    const char *at = value.at + 1, *end = value.end - 1;
    int32_t length = 0, count;
    char bytes[4];
    while ((count = caxton_decode(&at, end, bytes)) > 0) {
        if (length + count >= size) return -1;
        for (int32_t i = 0; i < count; i++) room[length++] = bytes[i];
    }
    if (count < 0 || size < 1) return -1;
    room[length] = 0;
    return length;
}

/* Tell whether a value is the given string. */
CAXTON_SHARED int caxton_is(caxton_json value, const char *text) {
    if (caxton_kind(value) != '"' || value.end - value.at < 2) return 0;
    const char *at = value.at + 1, *end = value.end - 1;
    int32_t count;
    char bytes[4];
    for (; at < end && *at != '\\'; at++, text++)
        if (*text == 0 || *text != *at) return 0;
    while ((count = caxton_decode(&at, end, bytes)) > 0)
        for (int32_t i = 0; i < count; i++)
            if (*text == 0 || *text++ != bytes[i]) return 0;
    return count == 0 && *text == 0;
}

/* The member of an object, or none. */
CAXTON_SHARED caxton_json caxton_field(caxton_json object, const char *name) {
    caxton_json key, value;
    if (caxton_kind(object) != '{') return CAXTON_NONE;
    caxton_cursor cursor = caxton_walk(object);
    while (caxton_next(&cursor, &key, &value))
        if (caxton_is(key, name)) return value;
    return CAXTON_NONE;
}

/* Read a whole number; 0 if the value is none, has a fraction, or does not fit. */
CAXTON_SHARED int caxton_integer(caxton_json value, int64_t *number) {
    int negative = caxton_kind(value) == '-';
    const char *at = value.at + negative;
    uint64_t sum = 0;
    if (!value.at || at >= value.end || value.end - at > 19) return 0;
    for (; at < value.end; at++) {
        if (*at < '0' || *at > '9') return 0;
        sum = sum * 10 + (uint64_t)(*at - '0');
    }
    if (sum > (uint64_t)INT64_MAX) return 0;
    *number = negative ? -(int64_t)sum : (int64_t)sum;
    return 1;
}

/* ---- Writing JSON. A writer that runs out of room fails for good; caxton_finish says so. ---- */
typedef struct {
    char *text;
    int32_t size, length, failed, depth;
    char closers[CAXTON_DEPTH_MAX];
} caxton_writer;

CAXTON_SHARED void caxton_byte(caxton_writer *writer, char c) {
    if (writer->length < writer->size)
        writer->text[writer->length++] = c;
    else
        writer->failed = 1;
}

CAXTON_SHARED void caxton_bytes(caxton_writer *writer, const char *text, int32_t length) {
    for (int32_t i = 0; i < length; i++) caxton_byte(writer, text[i]);
}

CAXTON_SHARED void caxton_quoted(caxton_writer *writer, const char *text, int32_t length) {
    caxton_byte(writer, '"');
    for (int32_t i = 0; i < length; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c == '"' || c == '\\') {
            caxton_byte(writer, '\\');
            caxton_byte(writer, (char)c);
        } else if (c < 0x20) {
            caxton_bytes(writer, "\\u00", 4);
            caxton_byte(writer, "0123456789abcdef"[c >> 4]);
            caxton_byte(writer, "0123456789abcdef"[c & 15]);
        } else {
            caxton_byte(writer, (char)c);
        }
    }
    caxton_byte(writer, '"');
}

/* Write at least `width` digits, with zeros in front. */
CAXTON_SHARED void caxton_digits(caxton_writer *writer, uint64_t number, int32_t width) {
    char digits[20];
    int32_t count = 0;
    do digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) && count < 20);
    for (int32_t i = width; i > count; i--) caxton_byte(writer, '0');
    while (count) caxton_byte(writer, digits[--count]);
}

/* Begin the next item or member: a comma where one is due, and the key unless it is 0 (in an array). */
CAXTON_SHARED void caxton_key(caxton_writer *writer, const char *key) {
    char last = writer->length ? writer->text[writer->length - 1] : '{';
    if (last != '{' && last != '[') caxton_byte(writer, ',');
    if (!key) return;
    caxton_quoted(writer, key, caxton_length(key));
    caxton_byte(writer, ':');
}

CAXTON_SHARED void caxton_open(caxton_writer *writer, const char *key, char bracket) {
    caxton_key(writer, key);
    caxton_byte(writer, bracket);
    if (writer->depth < CAXTON_DEPTH_MAX)
        writer->closers[writer->depth++] = bracket == '{' ? '}' : ']';
    else
        writer->failed = 1;
}

static inline void caxton_put_object(caxton_writer *writer, const char *key) {
    caxton_open(writer, key, '{');
}

static inline void caxton_put_array(caxton_writer *writer, const char *key) {
    caxton_open(writer, key, '[');
}

/* Close the object or array that was opened last. */
CAXTON_SHARED void caxton_close(caxton_writer *writer) {
    if (writer->depth > 0)
        caxton_byte(writer, writer->closers[--writer->depth]);
    else
        writer->failed = 1;
}

CAXTON_SHARED void caxton_put_text(caxton_writer *writer, const char *key, const char *text) {
    caxton_key(writer, key);
    caxton_quoted(writer, text, caxton_length(text));
}

CAXTON_SHARED void caxton_put_integer(caxton_writer *writer, const char *key, int64_t number) {
    caxton_key(writer, key);
    if (number < 0) caxton_byte(writer, '-');
    caxton_digits(writer, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 1);
}

/* Copy a value as it was read; null where there is none. */
CAXTON_SHARED void caxton_put_json(caxton_writer *writer, const char *key, caxton_json value) {
    caxton_key(writer, key);
    if (value.at)
        caxton_bytes(writer, value.at, (int32_t)(value.end - value.at));
    else
        caxton_bytes(writer, "null", 4);
}

/* Write a time as RFC 3339 in UTC, from milliseconds since 1970 (not negative). */
CAXTON_SHARED void caxton_put_time(caxton_writer *writer, const char *key, int64_t milliseconds) {
    uint64_t ms = (uint64_t)milliseconds, second = ms / 1000 % 86400;
    /* Days since 0000-03-01, then years that begin in March: leap days come last. */
    uint64_t days = ms / 86400000 + 719468, era = days / 146097, day_of_era = days % 146097;
    uint64_t year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day = day_of_era - (365 * year + year / 4 - year / 100), month = (5 * day + 2) / 153;
    day = day - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    caxton_key(writer, key);
    caxton_byte(writer, '"');
    caxton_digits(writer, year + era * 400 + (month <= 2), 4);
    caxton_byte(writer, '-');
    caxton_digits(writer, month, 2);
    caxton_byte(writer, '-');
    caxton_digits(writer, day, 2);
    caxton_byte(writer, 'T');
    caxton_digits(writer, second / 3600, 2);
    caxton_byte(writer, ':');
    caxton_digits(writer, second / 60 % 60, 2);
    caxton_byte(writer, ':');
    caxton_digits(writer, second % 60, 2);
    caxton_byte(writer, '.');
    caxton_digits(writer, ms % 1000, 3);
    caxton_bytes(writer, "Z\"", 2);
}

static inline caxton_writer caxton_writer_on(char *room, int32_t size) {
    caxton_writer writer;
    writer.text = room;
    writer.size = size;
    writer.length = writer.failed = writer.depth = 0;
    return writer;
}

/* Close whatever is open; returns 1 if all of the text fitted into the room. */
CAXTON_SHARED int caxton_finish(caxton_writer *writer) {
    while (writer->depth > 0) caxton_close(writer);
    return !writer->failed;
}

#endif
