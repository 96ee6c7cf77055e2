#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "importer/members.h"
#include "importer/scan.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void add(struct members *members, const char *path, const char *link, uint64_t offset)
{
	assert_int_equal(members_add(members, memory_text(path), memory_text(link), offset, 1, false, NULL), 0);
}

static void links_lead_to_members_and_nowhere_else(void **state)
{
	static const char *const lost[] = {"c", "up", "etc", "chain0", "loop", "a/", "../a/f", "a", "", "folder", "a/f/.."};
	struct members members = {0};

	(void)state;
	add(&members, "a/f", NULL, 1);
	add(&members, "b/link", "../a/f", 0);
	add(&members, "b/again", "./link", 0);
	add(&members, "b/rooted", "/a//f", 0);
	add(&members, "up", "../a/f", 0);
	add(&members, "etc", "/etc/passwd", 0);
	add(&members, "loop", "loop", 0);
	assert_int_equal(members_add(&members, memory_text("folder"), NULL, 0, 0, true, NULL), 0);
	for (int i = 0; i < 10; i++) {
		auto_free char *name = memory_format("chain%d", i), *next = memory_format("chain%d", i + 1);

		add(&members, name, next, 0);
	}
	add(&members, "chain10", NULL, 9);
	for (size_t i = 0; i < array_count(lost); i++)
		assert_null(members_find(&members, lost[i]));
	assert_int_equal(members_find(&members, "a/f")->offset, 1);
	assert_int_equal(members_find(&members, "b/link")->offset, 1);
	assert_int_equal(members_find(&members, "b/again")->offset, 1);
	assert_int_equal(members_find(&members, "b/rooted")->offset, 1);
	assert_int_equal(members_find(&members, "chain5")->offset, 9);
	/* Of two with one name the last counts, as when an archive is unpacked. */
	add(&members, "a/f", NULL, 2);
	assert_int_equal(members_find(&members, "b/link")->offset, 2);
	members_finish(&members);
}

static void names_of_image_archives_are_known(void **state)
{
	static const char *const known[] = {"manifest.json", "index.json", "oci-layout", "blobs", "blobs/sha256/x",
		"repositories",
		HEX, (HEX "/layer.tar"), (HEX ".json"), (HEX ".tar"), (HEX ".tar.gz"), ("sha256:" HEX), "config.json"};
	static const char *const unknown[] = {"", "bin", "etc/manifest.json", "manifest.jsonx", "blob", "sha256:", (HEX "x"),
		("sha256:" HEX "x"), "0123", "manifest", (HEX ".zip")};

	(void)state;
	for (size_t i = 0; i < array_count(known); i++)
		assert_true(member_name_is_known(known[i]));
	for (size_t i = 0; i < array_count(unknown); i++)
		assert_false(member_name_is_known(unknown[i]));
}

/* A tar header as far as it is looked at. */
static void make_header(char *block, const char *name, char type, const char *size)
{
	memset(block, 0, 512);
	memcpy(block, name, strlen(name));
	memcpy(block + 124, size, strlen(size));
	block[156] = type;
}

static void the_first_name_tells_a_root_file_system(void **state)
{
	static char stream[4 * 512];

	(void)state;
	make_header(stream, "./", '5', "0");
	make_header(stream + 512, "./bin/", '5', "0");
	assert_false(scan_is_needed(stream, sizeof(stream)));
	make_header(stream + 512, "./blobs/", '5', "0");
	assert_true(scan_is_needed(stream, sizeof(stream)));
	make_header(stream, "manifest.json", '0', "10");
	assert_true(scan_is_needed(stream, sizeof(stream)));
	/* An extended header stands before the member that it describes. */
	make_header(stream, "PaxHeaders/x", 'x', "11");
	make_header(stream + 1024, "etc/", '5', "0");
	assert_false(scan_is_needed(stream, sizeof(stream)));
	make_header(stream + 1024, "oci-layout", '0', "0");
	assert_true(scan_is_needed(stream, sizeof(stream)));
	make_header(stream, "PaxHeaders/x", 'x', "77777777777");
	assert_false(scan_is_needed(stream, sizeof(stream)));
	assert_false(scan_is_needed(stream, 511));
	assert_false(scan_is_needed(NULL, 0));
	memset(stream, 0, sizeof(stream));
	assert_false(scan_is_needed(stream, sizeof(stream)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_lead_to_members_and_nowhere_else),
		cmocka_unit_test(names_of_image_archives_are_known),
		cmocka_unit_test(the_first_name_tells_a_root_file_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
