/* nn_host.h: the runner's files on the host, opened in the folder of mcusim's --semihost-dir. */
#ifndef NN_HOST_H
#define NN_HOST_H

#include <stdint.h>

/* Open a file; fail when the host does not. */
uint32_t host_open_to_read(const char *name);
uint32_t host_open_to_write(const char *name);
void host_close(uint32_t handle);

/* Reads a whole file into text and ends it with a zero; fails when it does not fit. */
void host_read_all(uint32_t handle, char *text, uint32_t size);

void host_write(uint32_t handle, const void *data, uint32_t bytes);
void host_write_text(uint32_t handle, const char *text);

#endif
