/*
 * Threads that fill files. The thread that reads the archive makes every name, in the order of the archive: so of a name
 * that comes twice, of a hard link's target and of a folder that is replaced there is never a doubt. What remains of a
 * small file (its data, owner, mode and time) needs only its descriptor, and may be done by anybody at any later moment.
 * Large files are written where they are read: their copying takes longer than handing it over would save, and the
 * decoder runs ahead meanwhile.
 *
 * The data is not copied: a job holds the blocks of the ring in which it lies. So the jobs must be woken before
 * anybody waits for the ring (writers_wake).
 */
#ifndef IMPORTER_WRITERS_H
#define IMPORTER_WRITERS_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "importer/attributes.h"
#include "importer/ring.h"

enum {
	WRITERS_MAX = 4,
	WRITERS_JOBS = 64,
	WRITERS_PIECES = 4,
	WRITERS_NAME_SIZE = 208, /* enough for what an error shows of it */
};

struct file_piece {
	const void *data;
	size_t size;
	off_t offset;
	int block; /* of the ring, held */
};

struct file_job {
	int fd; /* the job's own */
	char name[WRITERS_NAME_SIZE];
	struct attributes attributes;
	struct file_piece pieces[WRITERS_PIECES];
	unsigned int piece_count;
};

struct writers {
	struct ring *ring;
	bool single; /* as in struct import_request */
	pthread_t threads[WRITERS_MAX];
	unsigned int thread_count;
	pthread_mutex_t lock;
	pthread_cond_t more_jobs, fewer_jobs;
	struct file_job jobs[WRITERS_JOBS];
	unsigned int job_count; /* of `jobs`, those for which there may be descriptors */
	unsigned int submitted, taken;       /* since the start */
	unsigned int announced;              /* of `submitted`, those that the threads were woken for */
	bool stopping;
	unsigned int failed_job; /* the earliest that failed; its error: */
	struct sandbox_error error;
};

/* Starts half as many threads as there are processors for us, at least one. `fd` is any descriptor. 0 or -errno. */
int writers_start(struct writers *writers, struct ring *ring, int fd, bool single, struct sandbox_error *error);

/* An empty job to be filled and submitted, or never submitted. Waits until one is free. NULL when another has failed. */
struct file_job *writers_reserve(struct writers *writers);
void writers_submit(struct writers *writers);

/* To be called before waiting for the ring. */
void writers_wake(struct writers *writers);

/*
 * Waits for all jobs and ends the threads. 0, or -errno with the error of the earliest job that failed. Nothing happens when
 * they were not started, or have ended.
 */
int writers_finish(struct writers *writers, struct sandbox_error *error);

/* Writes `size` bytes at `offset`. `name` is for the error. 0 or -errno. */
int write_piece(int fd, const char *name, const void *data, size_t size, off_t offset, struct sandbox_error *error);

/*
 * What a file that has its data, its owner and its extended attributes lacks: set-id bits, which writing and a new owner
 * take away, and its time. 0 or -errno.
 */
int finish_file(int fd, const char *name, const struct attributes *attributes, bool single, struct sandbox_error *error);

#endif
