/* nn_host.h: the runner's files on the host, opened in the folder of mcusim's --semihost-dir. */
#ifndef NN_HOST_H
#define NN_HOST_H

#include <stdint.h>

/* Open a file; fail when the host does not. */
uint32_t host_open_to_read(const char *name);
uint32_t host_open_to_write(const char *name);
void host_close(uint32_t handle);

enum { LIST_BYTES = 8192 }; /* the longest list, with its final zero */

/* Reads a whole file and ends it with a zero; fails when it does not fit. */
void host_read_all(uint32_t handle, char text[LIST_BYTES]);

void host_write(uint32_t handle, const void *data, uint32_t bytes);
void host_write_text(uint32_t handle, const char *text);

#endif
