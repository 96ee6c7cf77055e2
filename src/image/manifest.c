#include "image/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "image/layer_ids.h"
#include "image/tree_list.h"
#include "userns/userns.h"

static const char manifest_name[] = "manifest";

/* ---- in the helper, which is root of the layer's ids ---- */

struct helper {
	int wrapper;
	int out; /* -1: only count, and report in `totals` */
	int totals;
};

static int list_inside(void *argument, struct sandbox_error *error)
{
	const struct helper *helper = argument;
	auto_close int root = openat(helper->wrapper, "root", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_fclose FILE *out = helper->out >= 0 ? fdopen(helper->out, "w") : NULL;
	struct tree_totals totals;
	int result;

	if (root < 0 || (helper->out >= 0 && !out))
		return error_set(error, errno, "open the tree of a layer");
	result = tree_list(root, out, &totals, error);
	if (result == 0 && helper->totals >= 0 && write(helper->totals, &totals, sizeof(totals)) != sizeof(totals))
		result = error_set(error, errno, "report what a layer takes");
	return result;
}

/* ---- making ---- */

/* Several may do so at once, and write the same: the first to finish gives it the name. */
static int publish(int file, int wrapper, struct sandbox_error *error)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (linkat(AT_FDCWD, path, wrapper, manifest_name, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
		return error_set(error, errno, "write the manifest of a layer");
	return 0;
}

int manifest_make(int wrapper, struct sandbox_error *error)
{
	auto_close int out = -1;
	struct helper helper = {wrapper, -1, -1};
	struct layer_ids ids;
	int result;

	if (faccessat(wrapper, manifest_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	result = layer_ids_load(wrapper, &ids, error);
	if (result < 0)
		return result;
	/* Without a name until it is whole: whoever is killed leaves nothing. */
	out = openat(wrapper, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
	if (out < 0 && errno == EOPNOTSUPP) {
		log_debug("a layer has no manifest: its file system has no files without a name");
		return 0;
	}
	if (out < 0)
		return error_set(error, errno, "write the manifest of a layer");
	helper.out = out;
	result = userns_run(&ids.map, list_inside, &helper, error);
	test_point("manifest-written");
	return result < 0 ? result : publish(out, wrapper, error);
}

/* ---- comparing ---- */

void layer_damage_finish(struct layer_damage *damage)
{
	for (size_t i = 0; i < damage->count; i++) {
		free(damage->items[i].path);
		free(damage->items[i].what);
	}
	free(damage->items);
	*damage = (struct layer_damage){.items = NULL};
}

/* Takes `what`. */
static void add_fault(struct layer_damage *damage, const char *path, char *what)
{
	damage->items = memory_resize(damage->items, damage->count + 1, sizeof(*damage->items));
	damage->items[damage->count++] = (struct layer_fault){memory_text(path), what};
}

/* What an entry says besides its path, in the order of tree_list.h. */
static const char *const field_names[] = {"type", "mode", "owner", "group", "size", "time", "links", "content", "attributes"};

/* One side of the comparison. */
struct side {
	FILE *stream;
	char *entry;
	size_t room;
	char *fields[array_count(field_names)];
	char *path; /* NULL at the end */
	bool ended; /* with the totals, as it should */
};

static void side_finish(struct side *side)
{
	if (side->stream)
		(void)fclose(side->stream);
	free(side->entry);
}

static void side_next(struct side *side)
{
	ssize_t size = getdelim(&side->entry, &side->room, '\0', side->stream);
	char *rest = side->entry;

	side->path = NULL;
	side->ended = size > 0 && strncmp(side->entry, "total ", strlen("total ")) == 0;
	if (size <= 0 || side->ended)
		return;
	for (size_t i = 0; i < array_count(field_names) && rest; i++)
		side->fields[i] = strsep(&rest, " ");
	side->path = rest;
}

static void compare_fields(const struct side *wanted, const struct side *found, struct layer_damage *out)
{
	char *what = NULL;

	for (size_t i = 0; i < array_count(field_names); i++)
		if (strcmp(wanted->fields[i], found->fields[i]) != 0)
			memory_append(&what, "%s%s", what ? ", " : "", field_names[i]);
	if (what)
		add_fault(out, wanted->path, what);
}

/* Both sides are in the same order. */
static void compare_next(struct side *wanted, struct side *found, struct layer_damage *out)
{
	int order = !wanted->path ? 1 : !found->path ? -1 : tree_list_compare(wanted->path, found->path);

	if (order < 0)
		add_fault(out, wanted->path, memory_text("missing"));
	else if (order > 0)
		add_fault(out, found->path, memory_text("not of the image"));
	else
		compare_fields(wanted, found, out);
	out->entries += order >= 0;
	if (order <= 0)
		side_next(wanted);
	if (order >= 0)
		side_next(found);
}

static int compare(struct side *wanted, struct side *found, const struct interrupt *interrupt, struct layer_damage *out,
	struct sandbox_error *error)
{
	side_next(wanted);
	side_next(found);
	while (wanted->path || found->path) {
		int result = interrupt_check(interrupt, error);

		if (result < 0)
			return result;
		compare_next(wanted, found, out);
	}
	if (!wanted->ended)
		add_fault(out, "", memory_text("the manifest itself is damaged"));
	return 0;
}

int manifest_verify(int wrapper, const struct interrupt *interrupt, struct layer_damage *out, struct sandbox_error *error)
{
	auto_finish(userns_child_finish) struct userns_child child = USERNS_CHILD_INIT;
	auto_finish(side_finish) struct side wanted = {.stream = NULL}, found = {.stream = NULL};
	auto_finish(layer_damage_finish) struct layer_damage damage = {.items = NULL};
	int manifest = openat(wrapper, manifest_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct helper helper = {wrapper, -1, -1};
	struct layer_ids ids;
	int reader, result;

	if (manifest < 0)
		return error_set(error, errno == ENOENT ? ENODATA : errno, "open the manifest of a layer");
	wanted.stream = fdopen(manifest, "r");
	result = layer_ids_load(wrapper, &ids, error);
	if (result < 0)
		return result;
	result = fd_pipe(&reader, &helper.out, error);
	if (result < 0)
		return result;
	found.stream = fdopen(reader, "r");
	result = userns_start(&ids.map, list_inside, &helper, &child, error);
	fd_close(&helper.out);
	if (result == 0)
		result = compare(&wanted, &found, interrupt, &damage, error);
	if (result == 0)
		result = userns_wait(&child, error);
	if (result < 0)
		return result;
	*out = damage;
	damage = (struct layer_damage){.items = NULL};
	return 0;
}

/* ---- what it takes ---- */

/* The totals are the last entry. */
static bool read_totals(int wrapper, uint64_t *out_disk)
{
	auto_close int fd = openat(wrapper, manifest_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	unsigned long long entries, bytes, disk;
	char tail[128] = "", *last = tail;
	struct stat status;
	ssize_t size;

	if (fd < 0 || fstat(fd, &status) < 0)
		return false;
	size = pread(fd, tail, sizeof(tail) - 1, status.st_size > 127 ? status.st_size - 127 : 0);
	for (char *byte = tail; size > 0 && byte < tail + size - 1; byte++)
		if (!*byte)
			last = byte + 1;
	if (sscanf(last, "total %llu %llu %llu", &entries, &bytes, &disk) != 3)
		return false;
	*out_disk = disk;
	return true;
}

uint64_t layer_usage(int wrapper, const struct idmap *map)
{
	auto_close int ours = -1, theirs = -1;
	struct layer_ids ids = {.map = *map};
	struct tree_totals totals = {0};
	struct helper helper = {wrapper, -1, -1};
	uint64_t disk;

	if (read_totals(wrapper, &disk))
		return disk;
	(void)layer_ids_load(wrapper, &ids, NULL);
	if (fd_pipe(&ours, &theirs, NULL) < 0)
		return 0;
	helper.totals = theirs;
	if (userns_run(&ids.map, list_inside, &helper, NULL) < 0 || read(ours, &totals, sizeof(totals)) != sizeof(totals))
		return 0;
	return totals.disk;
}
