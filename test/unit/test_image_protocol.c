#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/scope.h"
#include "image/protocol.h"

struct ends {
	int ours, theirs;
};

static int set_up(void **state)
{
	static struct ends ends;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	ends = (struct ends){pair[0], pair[1]};
	*state = &ends;
	return 0;
}

static int tear_down(void **state)
{
	struct ends *ends = *state;

	(void)close(ends->ours);
	if (ends->theirs >= 0)
		(void)close(ends->theirs);
	return 0;
}

static struct import_message done(void)
{
	struct import_message message = {.kind = IMPORT_DONE, .result = {.compression = "gzip"}};

	digest_of("a", 1, &message.result.archive);
	digest_of("b", 1, &message.result.diff);
	return message;
}

static void messages_arrive_as_they_were_sent(void **state)
{
	struct ends *ends = *state;
	struct import_message sent = done(), got;

	sent.result.counts.entries = 7;
	assert_int_equal(import_message_send(ends->theirs, &sent), 0);
	assert_int_equal(import_message_receive(ends->ours, &got, NULL), 1);
	assert_memory_equal(&got, &sent, sizeof(got));
}

static void the_end_of_the_other_side_is_told_apart_from_an_error(void **state)
{
	struct ends *ends = *state;
	struct import_message message = done();

	(void)close(ends->theirs);
	ends->theirs = -1;
	assert_int_equal(import_message_receive(ends->ours, &message, NULL), 0);
	assert_int_equal(import_message_send(ends->ours, &message), -EPIPE);
}

static void packets_of_another_size_are_refused(void **state)
{
	struct ends *ends = *state;
	char packet[sizeof(struct import_message) + 8] = {IMPORT_DONE};
	struct import_message message;
	const size_t sizes[] = {1, sizeof(message) - 1, sizeof(message) + 1, sizeof(packet)};

	for (size_t i = 0; i < array_count(sizes); i++) {
		assert_int_equal(send(ends->theirs, packet, sizes[i], 0), (ssize_t)sizes[i]);
		assert_int_equal(import_message_receive(ends->ours, &message, NULL), -EPROTO);
	}
}

static void refuse(struct ends *ends, const struct import_message *sent)
{
	struct import_message got;

	assert_int_equal(import_message_send(ends->theirs, sent), 0);
	assert_int_equal(import_message_receive(ends->ours, &got, NULL), -EPROTO);
}

/* The importer has read an adversary's archive: it is not believed when it names files. */
static void results_without_digests_are_refused(void **state)
{
	struct ends *ends = *state;
	struct import_message message = done();

	memcpy(message.result.diff.hex, "../../../../etc", 16);
	refuse(ends, &message);
	message = done();
	memset(message.result.archive.hex, 'a', sizeof(message.result.archive.hex)); /* no end */
	refuse(ends, &message);
	message = done();
	message.kind = (enum import_message_kind)77;
	refuse(ends, &message);
}

static void strings_are_always_ended(void **state)
{
	struct ends *ends = *state;
	struct import_message message = done(), got;

	memset(message.result.compression, 'x', sizeof(message.result.compression));
	assert_int_equal(import_message_send(ends->theirs, &message), 0);
	assert_int_equal(import_message_receive(ends->ours, &got, NULL), 1);
	assert_int_equal(strlen(got.result.compression), sizeof(got.result.compression) - 1);

	message = (struct import_message){.kind = IMPORT_FAILED};
	memset(&message.failure, 'x', sizeof(message.failure));
	assert_int_equal(import_message_send(ends->theirs, &message), 0);
	assert_int_equal(import_message_receive(ends->ours, &got, NULL), 1);
	assert_int_equal(strlen(got.failure.text), sizeof(got.failure.text) - 1);
	assert_int_equal(got.failure.id, SANDBOX_E_NONE);
}

static void requests_arrive_as_they_were_sent(void **state)
{
	struct ends *ends = *state;
	struct import_request sent = {.single = true, .limits = SANDBOX_IMPORT_LIMITS_DEFAULT}, got;

	assert_int_equal(import_request_send(ends->ours, &sent), 0);
	assert_int_equal(import_request_receive(ends->theirs, &got), 0);
	assert_memory_equal(&got, &sent, sizeof(got));
	assert_int_equal(send(ends->ours, "x", 1, 0), 1);
	assert_int_equal(import_request_receive(ends->theirs, &got), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(messages_arrive_as_they_were_sent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_end_of_the_other_side_is_told_apart_from_an_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(packets_of_another_size_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(results_without_digests_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(strings_are_always_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(requests_arrive_as_they_were_sent, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
