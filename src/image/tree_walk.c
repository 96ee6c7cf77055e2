#include "image/tree_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/scope.h"

enum { PATH_LENGTH_MAX = 1 << 20, MQUEUE_MAGIC = 0x19800202 };

/* ---- the names in a directory ---- */

struct names {
	char *text; /* NUL after each */
	size_t used, room;
	char **items; /* sorted */
	size_t count, next;
};

static void names_finish(struct names *names)
{
	free(names->text);
	free(names->items);
	*names = (struct names){0};
}

static bool add_name(struct names *names, const char *name)
{
	size_t size = strlen(name) + 1;

	if (names->used + size > names->room) {
		size_t room = names->room ? 2 * names->room : 4096;
		char *larger = realloc(names->text, room);

		if (!larger)
			return false;
		names->text = larger;
		names->room = room;
	}
	memcpy(names->text + names->used, name, size);
	names->used += size;
	names->count++;
	return true;
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static bool sort_names(struct names *names)
{
	char *name = names->text;

	names->items = calloc(names->count + 1, sizeof(*names->items));
	if (!names->items)
		return false;
	for (size_t i = 0; i < names->count; i++) {
		names->items[i] = name;
		name += strlen(name) + 1;
	}
	qsort(names->items, names->count, sizeof(*names->items), compare_names);
	return true;
}

static int read_failed(int code, const char *path, struct sandbox_error *error)
{
	return error_set(error, code, "read the directory \"/%.200s\"", path);
}

static int read_names(int directory, const char *path, struct names *out, struct sandbox_error *error)
{
	auto_closedir DIR *stream = directory_read(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const char *name;

	if (!stream)
		return read_failed(errno, path, error);
	while ((name = directory_next(stream)))
		if (!add_name(out, name))
			return read_failed(ENOMEM, path, error);
	if (errno)
		return read_failed(errno, path, error);
	return sort_names(out) ? 0 : read_failed(ENOMEM, path, error);
}

static const char *next_name(const struct names *names)
{
	return names->items && names->next < names->count ? names->items[names->next] : NULL;
}

/* ---- where the walk is ---- */

/* A directory that was entered. */
struct level {
	struct names here, before; /* its names, and those in the base */
	struct tree_node node;     /* of the directory, but for its path */
	struct stat base;          /* of the base's, where has_base */
	bool has_base;
	int held_base;             /* of the level above, while this one has none; or -1 */
	size_t path_length;
};

struct position {
	struct tree_walk *walk;
	struct level *levels;
	size_t depth, room;
	int directory, base; /* of the uppermost level; base is -1 where that has none */
	char *path;
	size_t path_room;
};

static void position_finish(struct position *position)
{
	while (position->depth) {
		struct level *level = &position->levels[--position->depth];

		names_finish(&level->here);
		names_finish(&level->before);
		scope_close(&level->held_base);
	}
	free(position->levels);
	free(position->path);
	scope_close(&position->directory);
	scope_close(&position->base);
}

static struct level *top(struct position *position)
{
	return &position->levels[position->depth - 1];
}

/* The path of `name` in the present directory. 0 or -errno. */
static int set_path(struct position *position, const char *name, struct sandbox_error *error)
{
	size_t length = position->depth ? top(position)->path_length : 0, size = length + strlen(name) + 2;

	if (size > PATH_LENGTH_MAX)
		return error_set(error, ENAMETOOLONG, "walk below \"/%.200s\"", position->path);
	if (size > position->path_room) {
		char *larger = realloc(position->path, 2 * size);

		if (!larger)
			return error_set(error, ENOMEM, "walk below a directory");
		position->path = larger;
		position->path_room = 2 * size;
	}
	if (length)
		position->path[length++] = '/';
	memcpy(position->path + length, name, strlen(name) + 1);
	return 0;
}

static int node_failed(const struct position *position, int code, const char *doing, struct sandbox_error *error)
{
	return error_set(error, code, "%s \"/%.200s\"", doing, position->path);
}

/* ---- looking at an object ---- */

bool tree_is_whiteout(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && status->st_rdev == makedev(0, 0);
}

bool tree_is_kernels(int fd)
{
	struct statfs system;

	return fstatfs(fd, &system) == 0 && (system.f_type == PROC_SUPER_MAGIC || system.f_type == SYSFS_MAGIC ||
		system.f_type == CGROUP2_SUPER_MAGIC || system.f_type == CGROUP_SUPER_MAGIC ||
		system.f_type == DEVPTS_SUPER_MAGIC || system.f_type == MQUEUE_MAGIC);
}

static bool is_same_time(const struct timespec *left, const struct timespec *right)
{
	return left->tv_sec == right->tv_sec && left->tv_nsec == right->tv_nsec;
}

static bool is_unchanged(const struct stat *left, const struct stat *right)
{
	return is_same_time(&left->st_ctim, &right->st_ctim) && is_same_time(&left->st_mtim, &right->st_mtim) &&
		left->st_mode == right->st_mode && left->st_uid == right->st_uid && left->st_gid == right->st_gid &&
		(S_ISDIR(left->st_mode) || left->st_size == right->st_size) && left->st_rdev == right->st_rdev;
}

/* O_NONBLOCK: a FIFO that has taken its place would keep us waiting. Overlay's own ids need not be ours: no O_NOATIME. */
static int open_object(int directory, const char *name, mode_t type)
{
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOATIME |
		(S_ISDIR(type) ? O_DIRECTORY : 0));

	if (fd < 0 && errno == EPERM)
		fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC |
			(S_ISDIR(type) ? O_DIRECTORY : 0));
	return fd;
}

static bool is_gone(int code)
{
	return code == ENOENT || code == ELOOP || code == ENOTDIR || code == ENXIO || code == ESTALE;
}

/*
 * Opens what node->status told of, and looks again: from here on it cannot be exchanged. 1; 0 when it was before that; or
 * -errno. The caller closes node->fd.
 */
static int open_node(struct position *position, struct tree_node *node, struct sandbox_error *error)
{
	mode_t type = node->status.st_mode & S_IFMT;

	if (type != S_IFREG && type != S_IFDIR)
		return 1;
	node->fd = open_object(node->directory, node->name, type);
	if (node->fd < 0 && is_gone(errno))
		return 0;
	if (node->fd < 0 || fstat(node->fd, &node->status) < 0)
		return node_failed(position, errno, "open", error);
	return (node->status.st_mode & S_IFMT) == type;
}

/* ---- down and up ---- */

static int enter(struct position *position, const struct tree_node *node, const struct stat *base, struct sandbox_error *error)
{
	struct level *level;
	auto_close int below = -1;
	int result;

	if (base) {
		below = open_object(position->base, node->name, S_IFDIR);
		if (below < 0)
			return node_failed(position, errno, "open the earlier", error);
	}
	if (position->depth == position->room) {
		size_t room = position->room ? 2 * position->room : 32;
		struct level *larger = reallocarray(position->levels, room, sizeof(*larger));

		if (!larger)
			return error_set(error, ENOMEM, "walk below a directory");
		position->levels = larger;
		position->room = room;
	}
	level = &position->levels[position->depth++];
	*level = (struct level){
		.node = *node, .has_base = base != NULL, .held_base = -1, .path_length = strlen(position->path)};
	if (base) {
		level->base = *base;
		scope_close(&position->base);
		position->base = take_fd(&below);
	} else {
		level->held_base = take_fd(&position->base);
	}
	scope_close(&position->directory);
	position->directory = fcntl(node->fd, F_DUPFD_CLOEXEC, 3);
	if (position->directory < 0)
		return node_failed(position, errno, "open", error);
	result = read_names(position->directory, position->path, &level->here, error);
	if (result == 0 && base)
		result = read_names(position->base, position->path, &level->before, error);
	return result;
}

int tree_step_up(int *directory, const struct stat *expected, struct sandbox_error *error)
{
	auto_close int above = openat(*directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;

	if (above < 0 || fstat(above, &status) < 0)
		return error_set(error, errno, "return from a directory");
	if (status.st_dev != expected->st_dev || status.st_ino != expected->st_ino)
		return error_set(error, EAGAIN, "return from a directory, which was moved meanwhile");
	scope_close(directory);
	*directory = take_fd(&above);
	return 0;
}

static int leave(struct position *position, struct sandbox_error *error)
{
	struct tree_walk *walk = position->walk;
	struct level *level = top(position);
	const char *slash;
	int result = 0;

	position->path[level->path_length] = '\0';
	slash = strrchr(position->path, '/');
	level->node.path = position->path;
	level->node.name = slash ? slash + 1 : position->path;
	level->node.fd = position->directory;
	level->node.directory = -1;
	if (walk->leave)
		result = walk->leave(walk->context, &level->node, error);
	names_finish(&level->here);
	names_finish(&level->before);
	if (!level->has_base)
		position->base = take_fd(&level->held_base);
	if (--position->depth == 0 || result < 0)
		return result;
	result = tree_step_up(&position->directory, &top(position)->node.status, error);
	return result == 0 && level->has_base ? tree_step_up(&position->base, &top(position)->base, error) : result;
}

/* ---- one object after the other ---- */

static void node_close(struct tree_node *node)
{
	scope_close(&node->fd);
}

static int visit_deleted(struct position *position, const char *name, struct sandbox_error *error)
{
	struct tree_node node = {.name = name, .directory = position->directory, .fd = -1, .change = TREE_DELETED};
	int result = set_path(position, name, error);

	if (result < 0)
		return result;
	node.path = position->path;
	if (fstatat(position->base, name, &node.status, AT_SYMLINK_NOFOLLOW) < 0)
		return node_failed(position, errno, "look at the earlier", error);
	/* The lowest layer may delete, too, though there is nothing. */
	if (tree_is_whiteout(&node.status))
		return 0;
	result = position->walk->visit(position->walk->context, &node, error);
	return result < 0 ? result : 0;
}

static int visit_present(struct position *position, const char *name, bool in_base, struct sandbox_error *error)
{
	auto_finish(node_close) struct tree_node node = {.name = name, .directory = position->directory, .fd = -1};
	struct stat base;
	bool same_kind;
	int result = set_path(position, name, error);

	if (result < 0)
		return result;
	node.path = position->path;
	if (fstatat(position->directory, name, &node.status, AT_SYMLINK_NOFOLLOW) < 0) {
		position->walk->lost++;
		return errno == ENOENT ? 0 : node_failed(position, errno, "look at", error);
	}
	if (in_base && fstatat(position->base, name, &base, AT_SYMLINK_NOFOLLOW) < 0)
		return node_failed(position, errno, "look at the earlier", error);
	if (in_base && is_unchanged(&node.status, &base))
		return 0;
	node.change = in_base && !tree_is_whiteout(&base) ? TREE_CHANGED : TREE_ADDED;
	result = open_node(position, &node, error);
	if (result == 0)
		position->walk->lost++;
	if (result <= 0)
		return result;
	result = position->walk->visit(position->walk->context, &node, error);
	same_kind = in_base && S_ISDIR(base.st_mode);
	if (result == 0 && S_ISDIR(node.status.st_mode))
		result = enter(position, &node, same_kind ? &base : NULL, error);
	return result < 0 ? result : 0;
}

/* The next name of the present directory, of the base's, or of both. */
static int advance(struct position *position, struct sandbox_error *error)
{
	struct level *level = top(position);
	const char *here = next_name(&level->here), *before = next_name(&level->before);
	int order = !here ? 1 : !before ? -1 : strcmp(here, before);

	if (!here && !before)
		return leave(position, error);
	if (order <= 0)
		level->here.next++;
	if (order >= 0)
		level->before.next++;
	return order > 0 ? visit_deleted(position, before, error) : visit_present(position, here, order == 0, error);
}

static int walk_root(struct position *position, struct sandbox_error *error)
{
	struct tree_walk *walk = position->walk;
	struct tree_node node = {.name = "", .directory = -1, .fd = walk->root,
		.change = walk->base < 0 ? TREE_ADDED : TREE_CHANGED};
	struct stat base;
	int result = set_path(position, "", error);

	if (result < 0)
		return result;
	node.path = position->path;
	if (fstat(walk->root, &node.status) < 0 || (walk->base >= 0 && fstat(walk->base, &base) < 0))
		return node_failed(position, errno, "look at", error);
	result = walk->visit(walk->context, &node, error);
	if (result != 0)
		return result < 0 ? result : 0;
	position->base = walk->base < 0 ? -1 : openat(walk->base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	node.name = ".";
	return enter(position, &node, walk->base < 0 ? NULL : &base, error);
}

int tree_walk(struct tree_walk *walk, struct sandbox_error *error)
{
	auto_finish(position_finish) struct position position = {.walk = walk, .directory = -1, .base = -1};
	int result = walk_root(&position, error);

	while (result == 0 && position.depth)
		result = advance(&position, error);
	return result;
}
