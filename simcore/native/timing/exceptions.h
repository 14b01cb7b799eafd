/* exceptions.h: handlers that begin and end, and threads that they switch between. */
#ifndef MCUSIM_TIMING_EXCEPTIONS_H
#define MCUSIM_TIMING_EXCEPTIONS_H

#include "timing/timing.h"

/* A RECORD_EXCEPTION. Returns 0 or a core_status. */
int exceptions_run(struct timing *t, uint32_t event, uint32_t address, uint32_t frame);

/* A RECORD_STACK. */
void exceptions_stack(struct timing *t, uint32_t sp, int is_process);

void exceptions_free(struct timing *t);

#endif
