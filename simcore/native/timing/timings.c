/* timings.c: see timings.h. */
#define _POSIX_C_SOURCE 200809L
#include "timing/timings.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"

struct helpers {
    pthread_t thread[HELPERS_MAX];
    uint32_t threads;
    struct timing *const *timing;
    uint32_t count;
    pthread_mutex_t lock;        /* of all below */
    pthread_cond_t work, done;
    int stopping;
    const uint32_t *words;       /* the piece that is shared */
    size_t length;
    uint32_t next, finished;     /* configurations taken, and done with it */
    int status[];                /* of the piece, one per configuration */
};

/* --- helpers ------------------------------------------------------------------------------------------ */

/* Takes configurations through the shared piece until none is left. Called and left with the lock held. */
static void take_part(struct helpers *h)
{
    while (h->next < h->count) {
        uint32_t i = h->next++;
        pthread_mutex_unlock(&h->lock);
        int status = timing_consume(h->timing[i], h->words, h->length);
        pthread_mutex_lock(&h->lock);
        h->status[i] = status;
        if (++h->finished == h->count)
            pthread_cond_signal(&h->done);
    }
}

static void *help(void *helpers)
{
    struct helpers *h = helpers;
    pthread_mutex_lock(&h->lock);
    while (!h->stopping) {
        take_part(h);
        pthread_cond_wait(&h->work, &h->lock);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

/* One thread for each core but the caller's. A host that grants fewer is only slower. */
static struct helpers *start_helpers(const struct timings *t)
{
    struct helpers *h = calloc(1, sizeof *h + t->count * sizeof *h->status);
    if (!h)
        return NULL;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->work, NULL);
    pthread_cond_init(&h->done, NULL);
    h->timing = t->timing;
    h->count = h->next = t->count;       /* nothing to take yet */
    while ((long)h->threads + 1 < cores && h->threads + 1 < h->count && h->threads < HELPERS_MAX &&
           pthread_create(&h->thread[h->threads], NULL, help, h) == 0)
        h->threads++;
    return h;
}

static void stop_helpers(struct helpers *h)
{
    pthread_mutex_lock(&h->lock);
    h->stopping = 1;
    pthread_cond_broadcast(&h->work);
    pthread_mutex_unlock(&h->lock);
    for (uint32_t i = 0; i < h->threads; i++)
        pthread_join(h->thread[i], NULL);
    pthread_cond_destroy(&h->work);
    pthread_cond_destroy(&h->done);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

/* --- life --------------------------------------------------------------------------------------------- */

void timings_init(struct timings *t) { memset(t, 0, sizeof *t); }

void timings_free(struct timings *t)
{
    if (t->helpers)
        stop_helpers(t->helpers);
    for (uint32_t i = 0; i < t->count; i++) {
        timing_free(t->timing[i]);
        free(t->timing[i]);
    }
    free(t->timing);
}

int timings_add(struct timings *t, const struct timing_setup *setup, const struct stream *stream)
{
    struct timing *added = malloc(sizeof *added);
    if (!added || array_reserve(&t->timing, &t->room, t->count + 1u, 4, sizeof *t->timing) != CORE_OK) {
        free(added);
        return CORE_ERR_MEMORY;
    }
    int status = timing_init(added, setup, stream);
    if (status != CORE_OK) {
        timing_free(added);
        free(added);
        return status;
    }
    added->memory.by_all_rules = t->by_all_rules;
    t->timing[t->count] = added;
    return (int)t->count++;
}

/* --- the stream ---------------------------------------------------------------------------------------- */

/* What a piece comes to when a configuration says `status` of it: an error first, then a fault of the program,
 * which all of them come upon. */
static int worse(int result, int status) { return result < 0 || status == CORE_OK ? result : status; }

int timings_consume(void *timings, const uint32_t *words, size_t count)
{
    struct timings *t = timings;
    int result = CORE_OK;
    if (t->count > 1 && !t->helpers && count >= SHARED_WORDS_MIN)
        t->helpers = start_helpers(t);
    struct helpers *h = t->helpers;
    if (!h || count < SHARED_WORDS_MIN) {
        for (uint32_t i = 0; i < t->count; i++)
            result = worse(result, timing_consume(t->timing[i], words, count));
        return result;
    }
    pthread_mutex_lock(&h->lock);
    h->words = words;
    h->length = count;
    h->next = h->finished = 0;
    pthread_cond_broadcast(&h->work);
    take_part(h);
    while (h->finished < h->count)
        pthread_cond_wait(&h->done, &h->lock);
    pthread_mutex_unlock(&h->lock);
    for (uint32_t i = 0; i < h->count; i++)
        result = worse(result, h->status[i]);
    return result;
}

uint64_t timings_now(void *timings)
{
    const struct timings *t = timings;
    return t->count ? t->timing[0]->now : 0;
}
