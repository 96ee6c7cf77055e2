#include "image/layer_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "base/text.h"
#include "base/tree.h"
#include "image/layer_source.h"
#include "image/tree_copy.h"
#include "userns/userns.h"

enum { PROGRESS_INTERVAL_MS = 100 };

/* ---- in the helper ---- */

struct helper {
	struct tree_copy copy;
	int report;
	uint64_t reported_at; /* milliseconds */
};

/* Fewer than PIPE_BUF bytes: they arrive in one piece. */
static void report(const struct helper *helper, const struct tree_copy_counts *counts)
{
	(void)fd_write_all(helper->report, counts, sizeof(*counts));
}

static void report_progress(void *context, const struct tree_copy_counts *counts)
{
	struct helper *helper = context;
	struct timespec now;
	uint64_t milliseconds;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	milliseconds = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (milliseconds - helper->reported_at < PROGRESS_INTERVAL_MS)
		return;
	helper->reported_at = milliseconds;
	report(helper, counts);
}

static int copy_inside(void *argument, struct sandbox_error *error)
{
	struct helper *helper = argument;
	struct tree_copy_counts counts;
	int result;

	helper->copy.progress = report_progress;
	helper->copy.context = helper;
	result = tree_copy(&helper->copy, &counts, error);
	test_point("copy-written");
	report(helper, &counts);
	return result;
}

/* ---- the copy ---- */

static int open_below(int wrapper, const char *name, struct sandbox_error *error)
{
	int fd = openat(wrapper, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? error_set(error, errno, "open a directory of a layer") : fd;
}

/* The host's root makes it for another user; others are root over what is theirs. A descriptor or -errno. */
static int make_below(int wrapper, const char *name, const struct idmap *here, struct sandbox_error *error)
{
	auto_close int fd = -1;

	if (mkdirat(wrapper, name, 0700) < 0 || fchmodat(wrapper, name, 0700, 0) < 0)
		return error_set(error, errno, "make a staging directory");
	fd = open_below(wrapper, name, error);
	if (fd >= 0 && geteuid() == 0 && fchown(fd, here->users.items[0].outside, here->groups.items[0].outside) < 0)
		return error_set(error, errno, "give away a staging directory");
	return fd < 0 ? fd : take_fd(&fd);
}

/* Until the helper closes its end. *out is the last that it said. 0 or -errno. */
static int listen_to(const struct layer_copy *copy, int reports, struct tree_copy_counts *out, struct sandbox_error *error)
{
	for (;;) {
		struct tree_copy_counts counts;
		int result = interrupt_wait(copy->interrupt, reports, error);

		if (result < 0)
			return result;
		if (fd_read_full(reports, &counts, sizeof(counts)) != sizeof(counts))
			return 0;
		*out = counts;
		progress_show(copy->progress, counts.entries, counts.bytes, copy->size);
	}
}

static int run_helper(const struct layer_copy *copy, struct helper *helper, struct tree_copy_counts *out,
	struct sandbox_error *error)
{
	auto_finish(userns_child_finish) struct userns_child child = USERNS_CHILD_INIT;
	auto_close int ours = -1, theirs = -1;
	int result = fd_pipe(&ours, &theirs, error);

	if (result < 0)
		return result;
	helper->report = theirs;
	result = userns_start(helper->copy.here, copy_inside, helper, &child, error);
	if (result < 0)
		return result;
	fd_close(&theirs);
	test_point("copy-started");
	progress_begin(copy->progress, "copying the files for other ids");
	result = listen_to(copy, ours, out, error);
	progress_done(copy->progress);
	return result < 0 ? result : userns_wait(&child, error);
}

/* Ids that were given to somebody else since, that need a helper which is gone, or that an outer namespace lacks. */
static int explain_lost_ids(int result, const struct layer_source *source, struct sandbox_error *error)
{
	char text[ID_MAP_EXTENTS_MAX * 36];

	if (!error || (error->id != SANDBOX_E_NEWIDMAP_REFUSED && error->id != SANDBOX_E_NEWIDMAP_MISSING &&
			      error->id != SANDBOX_E_NNP && error->id != SANDBOX_E_SUBID_MISSING &&
			      error->id != SANDBOX_E_USERNS_FILTERED))
		return result;
	log_debug("%s: %s", error->text, error->cause);
	(void)error_set(error, ENOENT, "make the files for these ids from those in the store");
	(void)error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, "they belong to ids that you cannot map any more: %.150s",
		id_extents_format(&source->ids.map.users, text, sizeof(text)));
	return -ENOENT;
}

/* From `source` into root/ of the staging directory. */
static int fill_staging(const struct layer_copy *copy, const struct layer_source *source, struct staging *staging,
	uint64_t *out_lost, struct sandbox_error *error)
{
	auto_close int from = open_below(source->lease.wrapper, "root", error);
	auto_close int root = -1, links = -1;
	struct tree_copy_counts counts = {0};
	struct idmap here;
	struct helper helper = {{.from = &source->ids.map, .to = copy->map, .here = &here}, -1, 0};
	int result = from < 0 ? from : idmap_cover(&here, copy->map, &source->ids.map, error);

	if (result < 0)
		return result;
	root = make_below(staging->wrapper, "root", &here, error);
	links = root < 0 ? root : make_below(staging->wrapper, "links", &here, error);
	if (links < 0)
		return links;
	helper.copy.source = from;
	helper.copy.target = root;
	helper.copy.links = links;
	result = run_helper(copy, &helper, &counts, error);
	if (result < 0)
		return explain_lost_ids(result, source, error);
	test_point("copy-done");
	log_debug("copied %llu entries, %llu bytes", (unsigned long long)counts.entries, (unsigned long long)counts.bytes);
	*out_lost = counts.lost;
	return tree_remove(staging->wrapper, "links", error);
}

static int copy_from(struct image_store *store, const struct layer_copy *copy, const struct layer_source *source,
	struct layer_lease *out, uint64_t *out_lost, struct sandbox_error *error)
{
	auto_finish(staging_finish) struct staging staging = STAGING_INIT;
	int result = staging_create(store, &staging, error);

	if (result < 0)
		return result;
	result = fill_staging(copy, source, &staging, out_lost, error);
	if (result == 0) {
		staging.lost = *out_lost;
		result = layer_publish(store, copy->tree, copy->map, &staging, out, error);
	}
	if (result < 0 && staging.wrapper >= 0) {
		struct idmap here;

		/* A file that was not given away yet belongs to an id of the other map, perhaps. */
		if (idmap_cover(&here, copy->map, &source->ids.map, NULL) == 0)
			(void)staging_remove(store, &staging, &here, NULL);
	}
	return result;
}

int layer_copy(struct image_store *store, const struct layer_copy *copy, struct layer_lease *out, uint64_t *out_lost,
	struct sandbox_error *error)
{
	auto_finish(layer_source_finish) struct layer_source source = LAYER_SOURCE_INIT;
	char name[LAYER_NAME_SIZE];
	struct stat status;
	int result = layer_source_find(store, copy->tree, false, &source, error), lock;

	if (result < 0)
		return result;
	if (fstat(source.lease.wrapper, &status) < 0)
		return error_set(error, errno, "look at a layer");
	lock = store_lock_archive(store, &status, copy->progress, error);
	if (lock < 0)
		return lock;
	*out_lost = 0;
	layer_name(copy->tree, copy->map, name);
	/* Whoever had the lock before us may have made it. */
	result = layer_lease(store, name, false, out, NULL);
	if (result < 0)
		result = copy_from(store, copy, &source, out, out_lost, error);
	store_unlock_archive(store, &status, &lock);
	return result;
}
