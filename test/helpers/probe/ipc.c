/* System V and POSIX interprocess communication, and keyrings. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

static void host_segment(struct probe *probe)
{
	if (!answer_unplanted(probe, probe->planted->shm >= 0))
		answer_result(probe, (long)shmat((int)probe->planted->shm, NULL, SHM_RDONLY) == -1 ? -1 : 0);
}

static void own_segment(struct probe *probe)
{
	int id = shmget(IPC_PRIVATE, 4096, 0600 | IPC_CREAT);

	answer_result(probe, id);
	(void)shmctl(id, IPC_RMID, NULL);
}

static void own_semaphore(struct probe *probe)
{
	int id = semget(IPC_PRIVATE, 1, 0600 | IPC_CREAT);

	answer_result(probe, id);
	(void)semctl(id, 0, IPC_RMID);
}

static void host_posix_shm(struct probe *probe)
{
	if (!answer_unplanted(probe, probe->planted->posix_shm != NULL))
		answer_result(probe, shm_open(probe->planted->posix_shm, O_RDONLY, 0));
}

static void host_queue(struct probe *probe)
{
	if (!answer_unplanted(probe, probe->planted->queue != NULL))
		answer_result(probe, mq_open(probe->planted->queue, O_RDONLY));
}

static void own_queue(struct probe *probe)
{
	struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};

	answer_result(probe, mq_open("/probe", O_RDWR | O_CREAT, 0600, &attributes));
	(void)mq_unlink("/probe");
}

/* The key was put into the session keyring of the login that started the tool. */
static void search_session(struct probe *probe)
{
	answer_result(probe,
		syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "sandbox-posture", 0));
}

static void read_by_number(struct probe *probe)
{
	char text[64];

	if (!answer_unplanted(probe, probe->planted->key >= 0))
		answer_result(
			probe, syscall(SYS_keyctl, KEYCTL_READ, probe->planted->key, text, sizeof(text)));
}

static void request(struct probe *probe)
{
	answer_result(probe, syscall(SYS_request_key, "user", "sandbox-posture", NULL, 0));
}

static void listed(struct probe *probe)
{
	answer(probe, "%s", file_mentions("/proc/keys", "sandbox-posture") ? "listed" : "not listed");
}

static const struct check items[] = {
	{"ipc.host_segment", host_segment},
	{"ipc.own_segment", own_segment},
	{"ipc.own_semaphore", own_semaphore},
	{"ipc.host_posix_shm", host_posix_shm},
	{"ipc.host_queue", host_queue},
	{"ipc.own_queue", own_queue},
	{"keys.session_search", search_session},
	{"keys.session_request", request},
	{"keys.read_by_number", read_by_number},
	{"keys.listed", listed},
};

const struct checks checks_ipc = CHECKS(items);
