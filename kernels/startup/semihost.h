/* semihost.h: the semihosting calls that a kernel needs, without a C library (Arm IHI 0100). */
#ifndef SEMIHOST_H
#define SEMIHOST_H

#include <stdint.h>

/* One semihosting call: operation number, parameter (most often a block's address); the result. */
uint32_t semihost_call(uint32_t operation, const void *parameter);

/* Writes zero-terminated text to the debug console. */
void semihost_write(const char *text);

/* Writes a number in decimal. */
void semihost_write_number(uint32_t number);

/* Copies the command line into text; an empty one when the host gives none. */
void semihost_command_line(char *text, uint32_t size);

/* The number behind "name=" on the command line, or fallback when name does not stand there. */
uint32_t semihost_argument(const char *name, uint32_t fallback);

/* Whether word stands on the command line. */
int semihost_flag(const char *word);

/* Ends the run with an exit code. */
_Noreturn void semihost_exit(uint32_t code);

#endif
