#include "security/seccomp_program.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/test_switch.h"

/* --- instructions ------------------------------------------------------------------------------------ */

enum { JUMP_MAX = UINT8_MAX };

/* Not the items: most of their pages are never touched. */
void seccomp_builder_start(struct seccomp_builder *builder)
{
	builder->count = 0;
	builder->return_count = 0;
	builder->overflow = false;
}

/* Puts an instruction before all others. Its place. */
static size_t prepend(struct seccomp_builder *builder, struct sock_filter instruction)
{
	if (builder->count == SECCOMP_PROGRAM_MAX) {
		builder->overflow = true;
		builder->count = 0;
		builder->return_count = 0;
	}
	builder->items[builder->count] = instruction;
	return ++builder->count;
}

/* A way to a place that can be jumped to from the next few instructions. */
static size_t place_near(struct seccomp_builder *builder, size_t place)
{
	if (builder->count - place < JUMP_MAX - 2 || builder->overflow)
		return place;
	return prepend(builder, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)(builder->count - place)));
}

size_t seccomp_place_return(struct seccomp_builder *builder, uint32_t verdict)
{
	size_t slot = 0, place;

	while (slot < builder->return_count && builder->returns[slot].verdict != verdict)
		slot++;
	if (slot < builder->return_count && builder->count - builder->returns[slot].place < JUMP_MAX / 2)
		return builder->returns[slot].place;

	place = prepend(builder, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
	if (slot == SECCOMP_VERDICTS_MAX)
		return place;
	if (slot == builder->return_count)
		builder->return_count++;
	builder->returns[slot].verdict = verdict;
	builder->returns[slot].place = place;
	return place;
}

size_t seccomp_place_errno(struct seccomp_builder *builder, uint32_t code)
{
	return seccomp_place_return(builder, SECCOMP_RET_ERRNO | code);
}

size_t seccomp_place_jump(
	struct seccomp_builder *builder, uint16_t comparison, uint32_t value, size_t if_true, size_t if_false)
{
	size_t near_true = place_near(builder, if_true), near_false = place_near(builder, if_false);
	size_t to_true = builder->count - near_true, to_false = builder->count - near_false;
	uint16_t code = (uint16_t)(BPF_JMP | comparison | BPF_K);

	return prepend(
		builder, (struct sock_filter)BPF_JUMP(code, value, (uint8_t)to_true, (uint8_t)to_false));
}

size_t seccomp_place_and(struct seccomp_builder *builder, uint32_t mask)
{
	return prepend(builder, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
}

static size_t place_load(struct seccomp_builder *builder, size_t offset)
{
	return prepend(builder, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static size_t place_load_half(struct seccomp_builder *builder, size_t argument, bool high)
{
	bool is_second = high == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

	return place_load(builder, offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t) +
			(is_second ? sizeof(uint32_t) : 0));
}

size_t seccomp_place_load_low(struct seccomp_builder *builder, size_t argument)
{
	return place_load_half(builder, argument, false);
}

size_t seccomp_place_load_high(struct seccomp_builder *builder, size_t argument)
{
	return place_load_half(builder, argument, true);
}

/* --- ranges ------------------------------------------------------------------------------------------ */

size_t seccomp_slot(int number)
{
	return (size_t)(number < SECCOMP_PRIVATE_FIRST ? number
						       : number - SECCOMP_PRIVATE_FIRST + SECCOMP_SLOTS_ORDINARY);
}

static uint32_t slot_number(size_t slot)
{
	return (uint32_t)(slot < SECCOMP_SLOTS_ORDINARY ? slot
							: slot - SECCOMP_SLOTS_ORDINARY + SECCOMP_PRIVATE_FIRST);
}

/* All numbers from `first` to the next range's. */
struct range {
	uint32_t first;
	uint64_t leaf;
};

/* Fills `out` (room for one more than SLOTS) from number 0 to the last of 32 bits. The number of ranges. */
static size_t ranges_collect(const struct seccomp_leaves *leaves, struct range *out)
{
	size_t count = 1;

	out[0] = (struct range){0, leaves->items[0]};
	for (size_t slot = 1; slot < SECCOMP_SLOTS; slot++)
		if (leaves->items[slot] != leaves->items[slot - 1])
			out[count++] = (struct range){slot_number(slot), leaves->items[slot]};
	if (out[count - 1].leaf != leaves->beyond)
		out[count++] = (struct range){SECCOMP_X32_FIRST, leaves->beyond};
	return count;
}

/* With the call's number loaded. */
static size_t place_tree(struct seccomp_builder *builder, const struct seccomp_leaves *leaves,
	const struct range *ranges, size_t count)
{
	size_t half = count / 2, above, below;

	if (count == 1)
		return leaves->place(builder, ranges->leaf, leaves->context);

	above = place_tree(builder, leaves, ranges + half, count - half);
	below = place_tree(builder, leaves, ranges, half);
	return seccomp_place_jump(builder, BPF_JGE, ranges[half].first, above, below);
}

void seccomp_place_architecture(
	struct seccomp_builder *builder, uint32_t audit, const struct seccomp_leaves *leaves)
{
	struct range ranges[SECCOMP_SLOTS + 1];
	size_t others = builder->count, count = ranges_collect(leaves, ranges), tree, own;

	tree = place_tree(builder, leaves, ranges, count);
	/* A tree without branches may be a return of earlier. */
	if (tree != builder->count)
		prepend(builder, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)(builder->count - tree)));
	own = place_load(builder, offsetof(struct seccomp_data, nr));
	seccomp_place_jump(builder, BPF_JEQ, audit, own, others);
}

int seccomp_builder_end(
	struct seccomp_builder *builder, struct seccomp_program *out, struct sandbox_error *error)
{
	place_load(builder, offsetof(struct seccomp_data, arch));
	if (builder->overflow)
		return error_set(error, E2BIG, "compile the system call filter");

	out->count = builder->count;
	out->items = memory_zeroed(builder->count, sizeof(*out->items));
	for (size_t i = 0; i < builder->count; i++)
		out->items[i] = builder->items[builder->count - 1 - i];
	return 0;
}

/* --- the kernel -------------------------------------------------------------------------------------- */

void seccomp_program_finish(struct seccomp_program *program)
{
	if (!program)
		return;
	free(program->items);
	*program = (struct seccomp_program){0};
}

int seccomp_program_load(const struct seccomp_program *program, struct sandbox_error *error)
{
	const struct sock_fprog list = {.len = (unsigned short)program->count, .filter = program->items};
	int code;

	if (test_defence_removed("seccomp"))
		return 0;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program->flags, &list) == 0)
		return 0;

	code = errno;
	error_set(error, code, "load the system call filter");
	if (code == ENOSYS || code == EINVAL)
		error_cause(error, SANDBOX_E_KERNEL_TOO_OLD,
			"the kernel was built without CONFIG_SECCOMP_FILTER");
	if (code == EPERM) {
		error_cause(error, SANDBOX_E_USERNS_FILTERED, "a filter around this process refuses further ones");
		error_fix(error, "start the outer container with --security-opt seccomp=unconfined");
	}
	return -code;
}
