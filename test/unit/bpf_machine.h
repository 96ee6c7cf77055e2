/* The kernel's classic BPF machine, in small. Included after cmocka.h. */
#ifndef TEST_UNIT_BPF_MACHINE_H
#define TEST_UNIT_BPF_MACHINE_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "security/seccomp_program.h"

/* What classic BPF's instructions mean, of those that the filter uses: linux/filter.h. */
static uint32_t bpf_run(const struct seccomp_program *program, const struct seccomp_data *data)
{
	uint32_t loaded = 0;

	for (size_t at = 0; at < program->count; at++) {
		const struct sock_filter *item = &program->items[at];
		bool taken = false;

		switch (item->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(item->k % 4 == 0 && item->k + 4 <= sizeof(*data));
			memcpy(&loaded, (const char *)data + item->k, sizeof(loaded));
			continue;
		case BPF_RET | BPF_K:
			return item->k;
		case BPF_ALU | BPF_AND | BPF_K:
			loaded &= item->k;
			continue;
		case BPF_JMP | BPF_JA:
			at += item->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			taken = loaded == item->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			taken = loaded >= item->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			taken = loaded > item->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			taken = loaded & item->k;
			break;
		default:
			fail_msg("instruction %zu is %#x", at, item->code);
		}
		at += taken ? item->jt : item->jf;
	}
	fail_msg("the program runs over its end");
	return 0;
}

#endif
