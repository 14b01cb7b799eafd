/* ahead.c: the thread on which the sink takes full buffers, while the next one is filled. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "stream/stream.h"
#include "types.h"

struct ahead {
    pthread_t thread;
    pthread_mutex_t lock;        /* of all below */
    pthread_cond_t work, done;
    struct sink sink;
    const uint32_t *words;       /* NULL: nothing to take */
    size_t count;
    int status;                  /* of what was taken last */
    int stopping;
};

static void *work(void *ahead)
{
    struct ahead *a = ahead;
    pthread_mutex_lock(&a->lock);
    while (!a->stopping) {
        if (!a->words) {
            pthread_cond_wait(&a->work, &a->lock);
            continue;
        }
        pthread_mutex_unlock(&a->lock);
        int status = a->sink.consume(a->sink.self, a->words, a->count);
        pthread_mutex_lock(&a->lock);
        a->status = status;
        a->words = NULL;
        pthread_cond_signal(&a->done);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

static void destroy(struct ahead *a)
{
    pthread_cond_destroy(&a->work);
    pthread_cond_destroy(&a->done);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* On a host of one core there is nothing to gain. One that has more and grants fewer is only slower. */
static struct ahead *start(struct sink sink)
{
    struct ahead *a = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? calloc(1, sizeof *a) : NULL;
    if (!a)
        return NULL;
    a->sink = sink;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->work, NULL);
    pthread_cond_init(&a->done, NULL);
    if (pthread_create(&a->thread, NULL, work, a) == 0)
        return a;
    destroy(a);
    return NULL;
}

int ahead_take(struct stream *s, const uint32_t *words, size_t count)
{
    if (!s->ahead && !s->is_alone) {
        s->ahead = start(s->sink);
        s->is_alone = !s->ahead;
    }
    struct ahead *a = s->ahead;
    if (!a)
        return 0;
    pthread_mutex_lock(&a->lock);
    a->words = words;
    a->count = count;
    pthread_cond_signal(&a->work);
    pthread_mutex_unlock(&a->lock);
    return 1;
}

int stream_wait(struct stream *s)
{
    struct ahead *a = s->ahead;
    if (a) {
        pthread_mutex_lock(&a->lock);
        while (a->words)
            pthread_cond_wait(&a->done, &a->lock);
        s->late = a->status;
        a->status = CORE_OK;
        pthread_mutex_unlock(&a->lock);
    }
    if (s->status == CORE_OK)
        s->status = s->late;
    s->late = CORE_OK;
    return s->status;
}

void ahead_end(struct stream *s)
{
    struct ahead *a = s->ahead;
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->stopping = 1;
    pthread_cond_signal(&a->work);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    destroy(a);
    s->ahead = NULL;
}
