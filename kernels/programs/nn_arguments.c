/* nn_arguments.c: words of the form key=value; who asks for a key makes it known. */
#include "nn_arguments.h"

#include <stdarg.h>

#include "semihost.h"

enum { MOST_ARGUMENTS = 32 };

static struct {
    const char *key, *value;
    int used;
} arguments[MOST_ARGUMENTS];
static int32_t count;
static const char *operation;
static uint32_t list_line;

void fail_in_line(uint32_t number)
{
    list_line = number;
}

void fail(const char *first, ...)
{
    va_list texts;
    va_start(texts, first);
    semihost_write("nn: ");
    if (list_line > 0) {
        semihost_write("line ");
        semihost_write_number(list_line);
        semihost_write(": ");
    }
    for (const char *text = first; text; text = va_arg(texts, const char *))
        semihost_write(text);
    semihost_write("\n");
    va_end(texts);
    semihost_exit(2);
}

int text_equal(const char *a, const char *b)
{
    for (; *a != '\0' && *a == *b; a++)
        b++;
    return *a == *b;
}

/* Ends the word at text and returns the next one. */
static char *next_word(char *text)
{
    while (*text != ' ' && *text != '\0')
        text++;
    while (*text == ' ')
        *text++ = '\0';
    return text;
}

void arguments_parse(char *command)
{
    count = 0;
    while (*command == ' ')
        command++;
    operation = command;
    for (char *word = next_word(command); *word != '\0';) {
        char *next = next_word(word), *equals = word;
        while (*equals != '=' && *equals != '\0')
            equals++;
        if (*equals == '\0')
            fail("'", word, "' is not of the form key=value", (char *)0);
        *equals = '\0';
        for (int32_t i = 0; i < count; i++)
            if (text_equal(arguments[i].key, word))
                fail("'", word, "' stands twice", (char *)0);
        if (count == MOST_ARGUMENTS)
            fail("more than 32 arguments", (char *)0);
        arguments[count].key = word;
        arguments[count].value = equals + 1;
        arguments[count].used = 0;
        count++;
        word = next;
    }
}

const char *arguments_operation(void)
{
    return operation;
}

const char *argument_text(const char *key, const char *fallback)
{
    for (int32_t i = 0; i < count; i++)
        if (text_equal(arguments[i].key, key)) {
            arguments[i].used = 1;
            return arguments[i].value;
        }
    return fallback;
}

int32_t argument_number(const char *key, int32_t fallback, int32_t low, int32_t high)
{
    const char *text = argument_text(key, 0);
    if (!text)
        return fallback;
    const char *digit = text + (*text == '-');
    int64_t number = 0;
    int32_t digits = 0;
    for (; *digit >= '0' && *digit <= '9' && digits < 11; digit++, digits++)
        number = number * 10 + (*digit - '0');
    if (*digit != '\0' || digits == 0)
        fail(operation, ": ", key, "=", text, " is not a number", (char *)0);
    number = *text == '-' ? -number : number;
    if (number < low || number > high)
        fail(operation, ": ", key, "=", text, number < low ? " is too small" : " is too large", (char *)0);
    return (int32_t)number;
}

int32_t argument_choice(const char *key, const char *const *choices)
{
    const char *text = argument_text(key, choices[0]);
    for (int32_t i = 0; choices[i]; i++)
        if (text_equal(text, choices[i]))
            return i;
    fail(operation, ": ", key, "=", text, " is not one of: ", choices[0], ", ", choices[1],
         choices[2] ? ", " : (char *)0, choices[2], (char *)0);
}

void arguments_end(void)
{
    for (int32_t i = 0; i < count; i++)
        if (!arguments[i].used)
            fail(operation, ": it has no argument '", arguments[i].key, "'", (char *)0);
}
