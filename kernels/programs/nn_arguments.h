/* nn_arguments.h: the runner's command, "operation key=value ...", and its errors. */
#ifndef NN_ARGUMENTS_H
#define NN_ARGUMENTS_H

#include <stdint.h>

/* Writes "nn: " and the texts in one line, up to a null pointer, and ends the run with code 2. */
_Noreturn void fail(const char *first, ...);

/* From now on fail() writes in which line of the list it was. */
void fail_in_line(uint32_t number);

/* Takes a command apart, in place. Fails on words without '=' behind the first and on keys that come
 * twice. The first word is the operation; without one it is empty. */
void arguments_parse(char *command);
const char *arguments_operation(void);

/* The number behind key, or fallback where key does not stand; fails outside low .. high. */
int32_t argument_number(const char *key, int32_t fallback, int32_t low, int32_t high);

/* The text behind key, or fallback. */
const char *argument_text(const char *key, const char *fallback);

/* The index of the text behind key in choices, which ends with a null pointer; the first when key
 * does not stand; fails on another text. */
int32_t argument_choice(const char *key, const char *const *choices);

/* Fails when a key stands in the command that nobody asked for. */
void arguments_end(void);

int text_equal(const char *a, const char *b);

#endif
