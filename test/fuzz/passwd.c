/* passwd(5) and group(5) as an image brings them. The first byte chooses the file. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "process/user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every field must be a text that ends within the file. */
static void check_field(const char *field, const char *start, const char *end)
{
	if (field < start || field > end || field + strlen(field) > end)
		abort();
}

static void read_entries(char *start, char *end)
{
	struct user_entry entry;

	for (char *cursor = start, *before = start; user_next_entry(&cursor, end, &entry); before = cursor) {
		if (cursor <= before || cursor > end || entry.uid == UINT32_MAX || entry.gid == UINT32_MAX ||
			!*entry.name)
			abort();
		check_field(entry.name, start, end);
		check_field(entry.home, start, end);
		check_field(entry.shell, start, end);
	}
}

static void read_groups(char *start, char *end)
{
	struct user_group group;

	for (char *cursor = start, *before = start; user_next_group(&cursor, end, &group); before = cursor) {
		if (cursor <= before || cursor > end || group.gid == UINT32_MAX || !*group.name)
			abort();
		check_field(group.name, start, end);
		check_field(group.members, start, end);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy;

	if (size == 0)
		return 0;
	/* Exactly as large as the file and its final NUL, so that a sanitizer sees a step beyond. */
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	copy[size - 1] = '\0';
	if (data[0] & 1)
		read_entries(copy, copy + size - 1);
	else
		read_groups(copy, copy + size - 1);
	free(copy);
	return 0;
}
