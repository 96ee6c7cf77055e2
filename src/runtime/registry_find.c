/* Which sandbox is meant. */
#include "runtime/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

int registry_unknown(const char *reference, bool ambiguous, struct sandbox_error *error)
{
	(void)error_set(error, 0, ambiguous ? "which sandbox is \"%s\"?" : "no sandbox \"%s\"", reference);
	(void)error_cause(error, SANDBOX_E_SANDBOX_UNKNOWN, "%s", ambiguous ? "several ids begin like that"
		: "none of yours has that name or id");
	(void)error_fix(error, "`sandbox ps -a` lists them");
	return -ENOENT;
}

enum match { MATCH_NONE, MATCH_PREFIX, MATCH_NAME, MATCH_ID };

struct lookup {
	const char *reference;
	struct registry_entry best;
	enum match match;
	bool ambiguous;
};

static enum match match_entry(const struct registry_entry *entry, const char *reference)
{
	const char *name = registry_entry_name(entry);

	if (strcmp(entry->id, reference) == 0)
		return MATCH_ID;
	if (name && strcmp(name, reference) == 0)
		return MATCH_NAME;
	return *reference && strncmp(entry->id, reference, strlen(reference)) == 0 ? MATCH_PREFIX : MATCH_NONE;
}

static int look_at(void *context, const struct registry_entry *entry, struct sandbox_error *error)
{
	struct lookup *lookup = context;
	enum match match = match_entry(entry, lookup->reference);

	if (match && match == lookup->match)
		lookup->ambiguous = true;
	if (match <= lookup->match)
		return 0;
	registry_entry_finish(&lookup->best);
	lookup->best = *entry;
	/* Opened anew: a copy would share the lock, and keep it when the walk is over. */
	lookup->best.all = openat(entry->all, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lookup->best.directory = openat(entry->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lookup->match = match;
	lookup->ambiguous = false;
	return lookup->best.all < 0 || lookup->best.directory < 0 ? error_set(error, errno, "open a sandbox's directory") : 0;
}

int registry_find(const char *state, const char *reference, struct registry_entry *out, struct sandbox_error *error)
{
	struct lookup lookup = {.reference = reference, .best = REGISTRY_ENTRY_INIT};
	int result = registry_visit(state, look_at, &lookup, error);

	if (result == 0 && (lookup.match == MATCH_NONE || lookup.ambiguous))
		result = registry_unknown(lookup.reference, lookup.ambiguous, error);
	if (result < 0)
		registry_entry_finish(&lookup.best);
	else
		*out = lookup.best;
	return result;
}
