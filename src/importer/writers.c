#include "importer/writers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "importer/decoder.h"
#include "importer/entry_path.h"

enum {
	WRITERS_BATCH = 8,      /* jobs that are worth waking a thread, which costs as much as writing a small file */
	OTHER_DESCRIPTORS = 11, /* highest number of those that the importer needs besides, but one */
};

int write_piece(int fd, const char *name, const void *data, size_t size, off_t offset, struct sandbox_error *error)
{
	const char *cursor = data;

	while (size) {
		ssize_t written = pwrite(fd, cursor, size, offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return entry_failed(error, errno, name, "write its data");
		cursor += written;
		size -= (size_t)written;
		offset += written;
	}
	return 0;
}

int finish_file(int fd, const char *name, const struct attributes *attributes, bool single, struct sandbox_error *error)
{
	struct timespec times[2] = {attributes->modified, attributes->modified};
	mode_t mode = attributes_mode(attributes, single);

	if ((mode & 07000) && fchmod(fd, mode) < 0)
		return entry_failed(error, errno, name, "set its mode");
	if (futimens(fd, times) < 0)
		return entry_failed(error, errno, name, "set its time");
	return 0;
}

static int do_job(const struct writers *writers, const struct file_job *job, struct sandbox_error *error)
{
	int result = 0;

	for (unsigned int i = 0; i < job->piece_count && result == 0; i++) {
		const struct file_piece *piece = &job->pieces[i];

		result = write_piece(job->fd, job->name, piece->data, piece->size, piece->offset, error);
	}
	if (result == 0)
		result = attributes_own(job->fd, job->name, &job->attributes, writers->single, error);
	return result < 0 ? result : finish_file(job->fd, job->name, &job->attributes, writers->single, error);
}

static void release_job(struct writers *writers, struct file_job *job)
{
	for (unsigned int i = 0; i < job->piece_count; i++)
		ring_release(writers->ring, job->pieces[i].block);
	(void)close(job->fd);
}

/* Under the lock. */
static void note_failure(struct writers *writers, unsigned int number, const struct sandbox_error *error)
{
	if (writers->error.text[0] && writers->failed_job < number)
		return;
	writers->failed_job = number;
	writers->error = *error;
}

static void *writer_thread(void *argument)
{
	struct writers *writers = argument;

	(void)pthread_mutex_lock(&writers->lock);
	for (;;) {
		struct sandbox_error error = {0};
		struct file_job *job;
		unsigned int number;
		int result;

		while (writers->taken == writers->submitted && !writers->stopping)
			(void)pthread_cond_wait(&writers->more_jobs, &writers->lock);
		if (writers->taken == writers->submitted)
			break;
		number = writers->taken++;
		job = &writers->jobs[number % writers->job_count];
		(void)pthread_mutex_unlock(&writers->lock);
		result = do_job(writers, job, &error);
		release_job(writers, job);
		(void)pthread_mutex_lock(&writers->lock);
		job->fd = -1;
		if (result < 0)
			note_failure(writers, number, &error);
		(void)pthread_cond_signal(&writers->fewer_jobs);
	}
	(void)pthread_mutex_unlock(&writers->lock);
	return NULL;
}

static unsigned int wanted_threads(void)
{
	unsigned int half = decoder_processors() / 2;

	return half < 1 ? 1 : half < WRITERS_MAX ? half : WRITERS_MAX;
}

/* fcntl(2) knows the limit on descriptors; getrlimit(2) is not to be had any more (confine.h). */
static unsigned int affordable_jobs(int fd)
{
	unsigned int count = WRITERS_JOBS;
	int probe = -1;

	while (count > 1 && (probe = fcntl(fd, F_DUPFD_CLOEXEC, (int)count + OTHER_DESCRIPTORS)) < 0)
		count /= 2;
	if (probe >= 0)
		(void)close(probe);
	return count;
}

int writers_start(struct writers *writers, struct ring *ring, int fd, bool single, struct sandbox_error *error)
{
	unsigned int wanted = wanted_threads();

	writers->job_count = affordable_jobs(fd);
	writers->ring = ring;
	writers->single = single;
	for (size_t i = 0; i < writers->job_count; i++)
		writers->jobs[i].fd = -1;
	(void)pthread_mutex_init(&writers->lock, NULL);
	(void)pthread_cond_init(&writers->more_jobs, NULL);
	(void)pthread_cond_init(&writers->fewer_jobs, NULL);
	while (writers->thread_count < wanted) {
		int code = pthread_create(&writers->threads[writers->thread_count], NULL, writer_thread, writers);

		if (code && writers->thread_count == 0)
			return error_set(error, code, "start a thread");
		if (code)
			break;
		writers->thread_count++;
	}
	return 0;
}

/* Under the lock. */
static void wake(struct writers *writers)
{
	writers->announced = writers->submitted;
	(void)pthread_cond_broadcast(&writers->more_jobs);
}

struct file_job *writers_reserve(struct writers *writers)
{
	struct file_job *job = &writers->jobs[writers->submitted % writers->job_count];
	bool failed;

	(void)pthread_mutex_lock(&writers->lock);
	/* Jobs end in any order: it is free when its own last one has. */
	while (job->fd >= 0) {
		wake(writers);
		(void)pthread_cond_wait(&writers->fewer_jobs, &writers->lock);
	}
	failed = writers->error.text[0];
	(void)pthread_mutex_unlock(&writers->lock);
	job->piece_count = 0;
	return failed ? NULL : job;
}

void writers_submit(struct writers *writers)
{
	(void)pthread_mutex_lock(&writers->lock);
	writers->submitted++;
	if (writers->submitted - writers->announced >= WRITERS_BATCH)
		wake(writers);
	(void)pthread_mutex_unlock(&writers->lock);
}

void writers_wake(struct writers *writers)
{
	/* Nobody else changes these. */
	if (writers->announced == writers->submitted)
		return;
	(void)pthread_mutex_lock(&writers->lock);
	wake(writers);
	(void)pthread_mutex_unlock(&writers->lock);
}

int writers_finish(struct writers *writers, struct sandbox_error *error)
{
	if (writers->thread_count == 0)
		return 0;
	(void)pthread_mutex_lock(&writers->lock);
	writers->stopping = true;
	(void)pthread_cond_broadcast(&writers->more_jobs);
	(void)pthread_mutex_unlock(&writers->lock);
	while (writers->thread_count)
		(void)pthread_join(writers->threads[--writers->thread_count], NULL);
	if (!writers->error.text[0])
		return 0;
	if (error)
		*error = writers->error;
	return writers->error.code ? -writers->error.code : -EINVAL;
}
