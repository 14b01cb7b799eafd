/* semihost.c: semihosting by BKPT 0xAB, operation in r0, parameter in r1, result in r0. */
#include "semihost.h"

enum { SYS_WRITE0 = 0x04, SYS_GET_CMDLINE = 0x15, SYS_EXIT_EXTENDED = 0x20 };
enum { ADP_STOPPED_APPLICATION_EXIT = 0x20026 };

uint32_t semihost_call(uint32_t operation, const void *parameter)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = parameter;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void semihost_write(const char *text)
{
    semihost_call(SYS_WRITE0, text);
}

void semihost_write_number(uint32_t number)
{
    char text[11];
    char *digit = text + sizeof text - 1;
    *digit = '\0';
    do {
        *--digit = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    semihost_write(digit);
}

void semihost_command_line(char *text, uint32_t size)
{
    struct {
        char *text;
        uint32_t size;
    } block = {text, size};
    if (size == 0)
        return;
    text[0] = '\0';
    if (semihost_call(SYS_GET_CMDLINE, &block) != 0)
        text[0] = '\0';
    text[size - 1] = '\0';
}

/* What follows name in text when text begins with it, else a null pointer. */
static const char *after(const char *text, const char *name)
{
    while (*name != '\0' && *text == *name) {
        text++;
        name++;
    }
    return *name == '\0' ? text : 0;
}

/* The rest of the first word of line that begins with name and goes on with the character next (a
 * zero stands for the word's end), else a null pointer. */
static const char *find_word(const char *line, const char *name, char next)
{
    while (*line != '\0') {
        const char *rest = after(line, name);
        if (rest && (*rest == next || (next == '\0' && *rest == ' ')))
            return rest;
        while (*line != '\0' && *line != ' ')
            line++;
        while (*line == ' ')
            line++;
    }
    return 0;
}

uint32_t semihost_argument(const char *name, uint32_t fallback)
{
    char line[256];
    semihost_command_line(line, sizeof line);
    const char *digit = find_word(line, name, '=');
    if (!digit || digit[1] < '0' || digit[1] > '9')
        return fallback;
    uint32_t number = 0;
    for (digit++; *digit >= '0' && *digit <= '9'; digit++)
        number = number * 10 + (uint32_t)(*digit - '0');
    return number;
}

int semihost_flag(const char *word)
{
    char line[256];
    semihost_command_line(line, sizeof line);
    return find_word(line, word, '\0') != 0;
}

void semihost_exit(uint32_t code)
{
    const uint32_t block[2] = {ADP_STOPPED_APPLICATION_EXIT, code};
    for (;;)
        semihost_call(SYS_EXIT_EXTENDED, block);
}
