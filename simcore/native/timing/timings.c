/* timings.c: see timings.h. */
#define _POSIX_C_SOURCE 200809L
#include "timing/timings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void timings_init(struct timings *t)
{
    memset(t, 0, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->work, NULL);
    pthread_cond_init(&t->done, NULL);
}

void timings_free(struct timings *t)
{
    pthread_mutex_lock(&t->lock);
    t->stopping = 1;
    pthread_cond_broadcast(&t->work);
    pthread_mutex_unlock(&t->lock);
    for (uint32_t i = 0; i < t->helpers; i++)
        pthread_join(t->helper[i], NULL);
    pthread_cond_destroy(&t->work);
    pthread_cond_destroy(&t->done);
    pthread_mutex_destroy(&t->lock);
    for (uint32_t i = 0; i < t->count; i++) {
        timing_free(t->timing[i]);
        free(t->timing[i]);
    }
    free(t->timing);
    free(t->status);
}

struct timing *timings_add(struct timings *t)
{
    if (t->count == t->room) {
        uint32_t room = t->room ? t->room * 2 : 4;
        struct timing **grown = realloc(t->timing, room * sizeof *grown);
        if (grown)
            t->timing = grown;
        int *status = realloc(t->status, room * sizeof *status);
        if (status)
            t->status = status;
        if (!grown || !status)
            return NULL;
        t->room = room;
    }
    struct timing *added = calloc(1, sizeof *added);
    if (added)
        t->timing[t->count++] = added;
    return added;
}

/* Takes configurations through the shared piece until none is left. Called and left with the lock held. */
static void take_part(struct timings *t)
{
    while (t->next < t->count) {
        uint32_t i = t->next++;
        pthread_mutex_unlock(&t->lock);
        int status = timing_consume(t->timing[i], t->words, t->length);
        pthread_mutex_lock(&t->lock);
        t->status[i] = status;
        if (++t->finished == t->count)
            pthread_cond_signal(&t->done);
    }
}

static void *help(void *timings)
{
    struct timings *t = timings;
    pthread_mutex_lock(&t->lock);
    while (!t->stopping) {
        take_part(t);
        pthread_cond_wait(&t->work, &t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

/* One thread for each core but the caller's. A host that grants fewer is only slower. */
static void start_helpers(struct timings *t)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    t->started = 1;
    t->next = t->count;          /* nothing to take yet */
    while ((long)t->helpers + 1 < cores && t->helpers + 1 < t->count && t->helpers < HELPERS_MAX &&
           pthread_create(&t->helper[t->helpers], NULL, help, t) == 0)
        t->helpers++;
}

int timings_consume(void *timings, const uint32_t *words, size_t count)
{
    struct timings *t = timings;
    if (t->count == 1)
        return timing_consume(t->timing[0], words, count);
    if (!t->started && count >= SHARED_WORDS_MIN)
        start_helpers(t);
    pthread_mutex_lock(&t->lock);
    t->words = words;
    t->length = count;
    t->next = t->finished = 0;
    if (count >= SHARED_WORDS_MIN)
        pthread_cond_broadcast(&t->work);
    take_part(t);
    while (t->finished < t->count)
        pthread_cond_wait(&t->done, &t->lock);
    pthread_mutex_unlock(&t->lock);
    int result = CORE_OK;
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->status[i] < 0)
            return t->status[i];
        if (t->status[i] > 0)    /* a fault of the program: all of them come upon it */
            result = t->status[i];
    }
    return result;
}

uint64_t timings_now(void *timings)
{
    const struct timings *t = timings;
    return t->count ? t->timing[0]->now : 0;
}
