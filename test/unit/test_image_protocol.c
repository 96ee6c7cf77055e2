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
	assert_int_equal(got.kind, IMPORT_DONE);
	assert_memory_equal(&got.result, &sent.result, sizeof(got.result));
}

static void layers_texts_and_wishes_arrive_as_they_were_sent(void **state)
{
	struct ends *ends = *state;
	struct import_message layer = {.kind = IMPORT_LAYER_FOUND, .layer = {.offset = 512, .size = INT64_MAX - 512}}, got;
	struct import_message text = {.kind = IMPORT_TEXT_FOUND, .text = {.kind = IMPORT_TEXT_ENV}};
	struct import_message wanted = {.kind = IMPORT_WANTED};

	digest_of("a", 1, &layer.layer.diff);
	assert_int_equal(import_message_send(ends->theirs, &layer), 0);
	assert_int_equal(import_message_receive(ends->ours, &got, NULL), 1);
	assert_memory_equal(&got.layer, &layer.layer, sizeof(got.layer));
	memset(text.text.text, 'x', IMPORT_TEXT_MAX);
	assert_int_equal(import_message_send(ends->theirs, &text), 0);
	assert_int_equal(import_message_receive(ends->ours, &got, NULL), 1);
	assert_string_equal(got.text.text, text.text.text);
	text.text.text[0] = '\0';
	assert_int_equal(import_message_send(ends->theirs, &text), 0);
	assert_int_equal(import_message_receive(ends->ours, &got, NULL), 1);
	assert_string_equal(got.text.text, "");
	digest_of("b", 1, &wanted.wanted);
	assert_int_equal(import_message_send(ends->theirs, &wanted), 0);
	assert_int_equal(import_message_receive(ends->ours, &got, NULL), 1);
	assert_string_equal(got.wanted.hex, wanted.wanted.hex);
}

static void a_descriptor_or_the_reason_for_none_is_handed_over(void **state)
{
	struct ends *ends = *state;
	int blob;

	assert_int_equal(import_blob_send(ends->ours, STDIN_FILENO), 0);
	blob = import_blob_receive(ends->theirs);
	assert_true(blob > STDERR_FILENO);
	(void)close(blob);
	assert_int_equal(import_blob_send(ends->ours, -ENOENT), 0);
	assert_int_equal(import_blob_receive(ends->theirs), -ENOENT);
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
	message = (struct import_message){.kind = IMPORT_WANTED, .wanted = {"../../../etc/passwd"}};
	refuse(ends, &message);
	message = (struct import_message){.kind = IMPORT_LAYER_FOUND, .layer = {.offset = 1, .size = INT64_MAX}};
	digest_of("a", 1, &message.layer.diff);
	refuse(ends, &message);
	message.layer.size = 1;
	memcpy(message.layer.blob.hex, "../x", 5);
	refuse(ends, &message);
	message = (struct import_message){.kind = IMPORT_TEXT_FOUND, .text = {.kind = IMPORT_TEXT_KINDS}};
	refuse(ends, &message);
	message = done();
	message.kind = (enum import_message_kind)77;
	assert_int_equal(send(ends->theirs, &message, sizeof(message), 0), (ssize_t)sizeof(message));
	assert_int_equal(import_message_receive(ends->ours, &message, NULL), -EPROTO);
}

/* A text ends where its packet does: a NUL within would make two texts of one. */
static void texts_that_do_not_end_are_refused(void **state)
{
	struct ends *ends = *state;
	struct import_message message = {.kind = IMPORT_TEXT_FOUND, .text = {.kind = IMPORT_TEXT_ENV, .text = "abcd"}};
	size_t start = offsetof(struct import_message, text.text);

	assert_int_equal(send(ends->theirs, &message, start + 4, 0), (ssize_t)(start + 4));
	assert_int_equal(import_message_receive(ends->ours, &message, NULL), -EPROTO);
	message.text.text[1] = '\0';
	assert_int_equal(send(ends->theirs, &message, start + 5, 0), (ssize_t)(start + 5));
	assert_int_equal(import_message_receive(ends->ours, &message, NULL), -EPROTO);
	assert_int_equal(send(ends->theirs, &message, start, 0), (ssize_t)start);
	assert_int_equal(import_message_receive(ends->ours, &message, NULL), -EPROTO);
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
		cmocka_unit_test_setup_teardown(layers_texts_and_wishes_arrive_as_they_were_sent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_descriptor_or_the_reason_for_none_is_handed_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(texts_that_do_not_end_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(results_without_digests_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(strings_are_always_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(requests_arrive_as_they_were_sent, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
