/* Exports the JSON reader to the tests. Text is put at the very end of the memory, so that a read beyond it traps.
 * Answers are written to `answer`. */
#include "../../../caxton/sdk/c/caxton_json.h"

#define EXPORT(name) __attribute__((export_name(name), used))

static char answer[4096];
static char key[256];

EXPORT("answer") char *answer_at(void) { return answer; }
EXPORT("key") char *key_at(void) { return key; }

/* The extent of the member named `key`: start << 32 | length, 0 for none. */
EXPORT("field") int64_t field(const char *text, int32_t length) {
    caxton_json value = caxton_field(caxton_read(text, length), key);
    if (!value.at) return 0;
    return (int64_t)(uint32_t)value.at << 32 | (int64_t)(value.end - value.at);
}

/* The decoded string of that member into `answer`: its length, -1 if it is none. */
EXPORT("text") int32_t text_of(const char *text, int32_t length) {
    return caxton_text(caxton_field(caxton_read(text, length), key), answer, sizeof answer);
}

EXPORT("is") int32_t is(const char *text, int32_t length) { return caxton_is(caxton_read(text, length), key); }

/* The whole number into `answer` as 8 bytes; returns whether it is one. */
EXPORT("integer") int32_t integer(const char *text, int32_t length) {
    int64_t number = 0;
    int32_t found = caxton_integer(caxton_read(text, length), &number);
    for (int i = 0; i < 8; i++) answer[i] = (char)(number >> (8 * i));
    return found;
}

/* The number of items of an array or members of an object; every string among them is decoded on the way. */
EXPORT("count") int32_t count(const char *text, int32_t length) {
    caxton_json container = caxton_read(text, length), name, value;
    caxton_cursor cursor = caxton_walk(container);
    int32_t found = 0;
    while (caxton_next(&cursor, caxton_kind(container) == '{' ? &name : 0, &value)) {
        caxton_text(value, answer, sizeof answer);
        found++;
    }
    return found;
}

/* Writes {"t": text, "n": number, "l": [number, {}], "at": time} with `room` bytes; the length, -1 if it failed. */
EXPORT("write") int32_t write(const char *text, int64_t number, int32_t room) {
    caxton_writer writer = caxton_writer_on(answer, room < (int32_t)sizeof answer ? room : (int32_t)sizeof answer);
    caxton_put_object(&writer, 0);
    caxton_put_text(&writer, "t", text);
    caxton_put_integer(&writer, "n", number);
    caxton_put_array(&writer, "l");
    caxton_put_integer(&writer, 0, number);
    caxton_put_object(&writer, 0);
    caxton_close(&writer);
    caxton_close(&writer);
    caxton_put_time(&writer, "at", number < 0 ? 0 : number);
    return caxton_finish(&writer) ? writer.length : -1;
}

/* Opens more brackets than the writer keeps track of; 0 if it says so. */
EXPORT("write_deep") int32_t write_deep(void) {
    caxton_writer writer = caxton_writer_on(answer, sizeof answer);
    for (int i = 0; i < CAXTON_DEPTH_MAX + 1; i++) caxton_put_array(&writer, 0);
    return caxton_finish(&writer);
}
