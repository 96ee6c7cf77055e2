/* runtime/plan_ids: whose ids a sandbox gets on which host. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/scope.h"
#include "runtime/plan.h"

static struct id_range own_range = {100000, 65536};

static struct host ordinary_host(void)
{
	return (struct host){
		.user = {.uid = 1000, .gid = 1000, .name = (char *)"alice"},
		.subuids = {&own_range, 1},
		.subgids = {&own_range, 1},
		.newidmap_installed = true,
	};
}

static void default_is_the_range(void **state)
{
	struct host host = ordinary_host();
	struct idmap map;
	char text[100];

	(void)state;
	assert_int_equal(plan_decide_idmap(&(struct userns_request){.mode = USERNS_DEFAULT}, &host, &map, NULL), 0);
	assert_string_equal(id_extents_format(&map.users, text, sizeof(text)), "0 1000 1, 1 100000 65536");
	assert_int_equal(plan_decide_idmap(&(struct userns_request){.mode = USERNS_SINGLE}, &host, &map, NULL), 0);
	assert_true(map.single);
}

/* What keeps a range from being used: an error for those who asked for it, a single id for the others. */
static void check_obstacle(const struct host *host, enum sandbox_error_id id)
{
	struct sandbox_error error = {0};
	struct idmap map = {0};

	assert_true(plan_decide_idmap(&(struct userns_request){.mode = USERNS_MAP}, host, &map, &error) < 0);
	assert_int_equal(error.id, id);
	assert_true(strlen(error.cause) > 0 && strlen(error.fix) > 0);
	assert_int_equal(plan_decide_idmap(&(struct userns_request){.mode = USERNS_DEFAULT}, host, &map, NULL), 0);
	assert_true(map.single);
	assert_int_equal(map.users.items[0].outside, 1000);
}

static void obstacles(void **state)
{
	struct host host = ordinary_host();

	(void)state;
	log_set_level(LOG_LEVEL_QUIET);
	host.subuids.count = 0;
	check_obstacle(&host, SANDBOX_E_SUBID_MISSING);
	host = ordinary_host();
	host.subgids.count = 0;
	check_obstacle(&host, SANDBOX_E_SUBID_MISSING);
	host = ordinary_host();
	host.newidmap_installed = false;
	check_obstacle(&host, SANDBOX_E_NEWIDMAP_MISSING);
	host = ordinary_host();
	host.no_new_privs = true;
	check_obstacle(&host, SANDBOX_E_NNP);
}

static void hosts_root_never_maps_itself(void **state)
{
	struct id_range taken[] = {{524288, 65536}, {600000, 10}};
	struct host host = {.user = {.uid = 0, .gid = 0, .name = (char *)"root"}, .taken = {taken, 2}};
	struct idmap map;
	char text[100];

	(void)state;
	assert_int_equal(plan_decide_idmap(&(struct userns_request){.mode = USERNS_DEFAULT}, &host, &map, NULL), 0);
	assert_string_equal(id_extents_format(&map.users, text, sizeof(text)), "0 655360 1, 1 655361 65535");
	assert_string_equal(id_extents_format(&map.groups, text, sizeof(text)), "0 655360 1, 1 655361 65535");
	host.taken.count = 0;
	assert_int_equal(plan_decide_idmap(&(struct userns_request){.mode = USERNS_SINGLE}, &host, &map, NULL), 0);
	assert_string_equal(id_extents_format(&map.users, text, sizeof(text)), "0 524288 1");
}

static void root_of_a_user_namespace_uses_what_it_has(void **state)
{
	struct host host = {.user = {.uid = 0, .gid = 0, .name = (char *)"root"}, .nested_root = true};
	struct id_range all = {1, 65536};
	struct idmap map;
	char text[100];

	(void)state;
	log_set_level(LOG_LEVEL_QUIET);
	assert_int_equal(plan_decide_idmap(&(struct userns_request){.mode = USERNS_DEFAULT}, &host, &map, NULL), 0);
	assert_true(map.single);
	assert_string_equal(id_extents_format(&map.users, text, sizeof(text)), "0 0 1");
	host.subuids = host.subgids = (struct id_ranges){&all, 1};
	assert_int_equal(plan_decide_idmap(&(struct userns_request){.mode = USERNS_MAP}, &host, &map, NULL), 0);
	assert_string_equal(id_extents_format(&map.users, text, sizeof(text)), "0 0 1, 1 1 65536");
}

static void no_block_left_for_root(void **state)
{
	struct id_range all = {1, UINT32_MAX - 2};
	struct host host = {.user = {.uid = 0, .gid = 0, .name = (char *)"root"}, .taken = {&all, 1}};
	struct sandbox_error error = {0};
	struct idmap map;

	(void)state;
	assert_int_equal(plan_decide_idmap(&(struct userns_request){.mode = USERNS_DEFAULT}, &host, &map, &error), -ENOSPC);
	assert_int_equal(error.id, SANDBOX_E_SUBID_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_is_the_range),
		cmocka_unit_test(obstacles),
		cmocka_unit_test(hosts_root_never_maps_itself),
		cmocka_unit_test(root_of_a_user_namespace_uses_what_it_has),
		cmocka_unit_test(no_block_left_for_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
