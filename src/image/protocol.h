/*
 * What `sandbox` and `sandbox-import` say to each other, over a SOCK_SEQPACKET socket: one request, any
 * number of progress messages, one final result or error. All are of fixed size and hold no pointers.
 *
 * The importer is the only program of ours that parses archives. It is started inside the user namespace
 * of the layer, as its root, with four inherited descriptors, whose numbers are its arguments:
 *
 *	sandbox-import ARCHIVE ROOT REPORT LOCK
 *
 * ARCHIVE is read from its offset to its end; ROOT is an empty directory, which becomes the root of the
 * file system tree; REPORT is the socket; LOCK is kept open and never used: while anybody has it, somebody may
 * still be writing. What the importer says is trusted as little as the archive is.
 */
#ifndef IMAGE_PROTOCOL_H
#define IMAGE_PROTOCOL_H

#include <sandbox/image.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/digest.h"
#include "base/error.h"

/* The ratio is not looked at before that many uncompressed bytes. */
enum { IMPORT_RATIO_FREE = 64 << 20 };

struct import_request {
	/*
	 * Only one id is mapped: every file belongs to 0:0, and what the archive says of its owner and its
	 * set-id bits is recorded in the extended attribute user.containers.override_stat.
	 */
	bool single;
	bool progress; /* IMPORT_PROGRESS messages are wanted */
	struct sandbox_import_limits limits;
};

struct import_counts {
	uint64_t archive_bytes; /* of the file, as stored */
	uint64_t stream_bytes;  /* uncompressed */
	uint64_t apparent_bytes;
	uint64_t entries;
	uint64_t files;
	uint64_t directories;
	uint64_t symlinks;
	uint64_t hard_links;
	uint64_t fifos;
	uint64_t devices_skipped;
	uint64_t devices_missed; /* of them, those that a sandbox's own /dev does not cover; not kept in records */
	uint64_t attributes_dropped; /* extended attributes, ACLs and file flags that a layer does not keep */
	uint64_t owners_dropped;     /* single: of symbolic links and FIFOs, which take no attribute */
};

struct import_result {
	struct digest archive; /* of the file */
	struct digest diff;    /* of the uncompressed tar stream: the "diff id" of the OCI image spec */
	char compression[8];   /* "none", "gzip", … */
	struct import_counts counts;
};

enum import_message_kind {
	IMPORT_PROGRESS = 1,
	IMPORT_DONE,
	IMPORT_FAILED,
};

struct import_message {
	enum import_message_kind kind;
	union {
		struct import_counts progress;
		struct import_result result;
		struct sandbox_error failure;
	};
};

/*
 * Receives the next message. 1, 0 when the other side is gone, or -errno. A message of another size or
 * kind, or with a digest that is none, is -EPROTO.
 */
int import_message_receive(int socket, struct import_message *out, struct sandbox_error *error);

/* 0 or -errno; -EPIPE when nobody listens any more. */
int import_message_send(int socket, const struct import_message *message);

/* The request, in the other direction. 0 or -errno. */
int import_request_send(int socket, const struct import_request *request);
int import_request_receive(int socket, struct import_request *out);

#endif
