/*
 * What `sandbox` and `sandbox-import` say to each other, over a SOCK_SEQPACKET socket: one request, any
 * number of messages, the last of which is a result or an error. They hold no pointers.
 *
 * The importer is the only program of ours that parses archives. It is started inside the user namespace
 * of the layer, as its root, with five inherited descriptors, whose numbers are its arguments:
 *
 *	sandbox-import ARCHIVE ROOT REPORT LOCK SPOOL
 *
 * ARCHIVE is what is read; ROOT is an empty directory, which becomes the root of the file system tree; REPORT is
 * the socket; LOCK is kept open and never used: while anybody has it, somebody may still be writing; SPOOL is an
 * empty file without a name, for what the importer has to leave behind. What the importer says is trusted as little as
 * the archive is.
 *
 * An archive of one root file system is unpacked in one go. One of an image with layers (from docker save, podman
 * save, skopeo, or an OCI layout) is only looked through, and described by messages: then an importer of its own
 * unpacks each layer that is not in the store yet. So a layer can do harm to nothing but itself, its process is
 * confined to its own directory, and a root file system, the common case, pays for none of it.
 *
 * Layers are addressed by their place in the archive, which is read again there. Of an archive that is compressed as
 * a whole, or cannot be read twice, the importer leaves the uncompressed stream in SPOOL, and those places are in
 * there: that costs the disk the size of the archive for a moment, and spares a format in which the table of
 * contents stands at the end from being unpacked before it is known.
 */
#ifndef IMAGE_PROTOCOL_H
#define IMAGE_PROTOCOL_H

#include <sandbox/image.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/digest.h"
#include "base/error.h"

/*
 * Where a tree keeps the owner and the mode of a file that cannot have them, for want of ids: "UID:GID:MODE" (decimal,
 * decimal, octal), as fuse-overlayfs and containers/storage write and read it.
 */
#define OVERRIDE_STAT_ATTRIBUTE "user.containers.override_stat"

/* The same for the capability of a file (security.capability, version 2), in fuse-overlayfs's spelling. */
#define OVERRIDE_CAPABILITY_ATTRIBUTE "user.containers.override_security.capability"

/* By which overlay knows, with its option userxattr, a directory that hides those below it: its value is "y". */
#define OVERLAY_OPAQUE_ATTRIBUTE "user.overlay.opaque"

/* The word of the OCI image spec (that of Go) for the machine that this program is made for. */
extern const char image_own_architecture[];

/* The ratio is not looked at before that many uncompressed bytes. */
enum { IMPORT_RATIO_FREE = 64 << 20 };

/* What is to be done with ARCHIVE. */
enum import_mode {
	IMPORT_ARCHIVE = 1, /* it is of either kind */
	IMPORT_LAYER,       /* it is a layer of an image: ".wh." names delete */
	IMPORT_LAYOUT,      /* it is the index.json of an OCI layout; IMPORT_WANTED asks for the other files */
};

enum {
	IMPORT_IMAGES_MAX = 256,     /* in one archive */
	IMPORT_LAYERS_MAX = 256,     /* twice what other tools make; overlay itself takes 500 */
	IMPORT_TEXT_MAX = 32 << 10,  /* bytes of a text; and of all together: */
	IMPORT_TEXTS_MAX = 256 << 10,
	IMPORT_TEXT_COUNT_MAX = 4096,
};

/* Which of several images is meant; empty strings leave it open. */
struct import_choice {
	char os[32], architecture[32], variant[32];
	char reference[256]; /* a name that the archive gives to it */
	uint32_t number;     /* of those that fit, from 1 on; 0: only one may fit */
};

struct import_request {
	enum import_mode mode;
	/*
	 * Only one id is mapped: every file belongs to 0:0, and what the archive says of its owner and its
	 * set-id bits is recorded in the extended attribute user.containers.override_stat.
	 */
	bool single;
	bool progress; /* IMPORT_PROGRESS messages are wanted */
	uint64_t offset, size; /* what is to be read of ARCHIVE; size 0: from where it stands to its end */
	struct import_choice choice;
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
	uint64_t devices_skipped; /* noted or not: there is no node */
	uint64_t devices_missed; /* of them, those that a sandbox's own /dev does not cover; not kept in records */
	uint64_t attributes_dropped; /* extended attributes, ACLs and file flags that a layer does not keep */
	uint64_t owners_dropped;     /* single: of symbolic links and FIFOs, for which their directory had no room */
};

/* Adds what another layer is made of; how long the archive is, is no sum. */
void import_counts_add(struct import_counts *sum, const struct import_counts *more);

struct import_result {
	struct digest archive; /* of the file */
	struct digest diff;    /* of the uncompressed tar stream: the "diff id" of the OCI image spec */
	char compression[8];   /* "none", "gzip", … */
	struct import_counts counts;
	bool layered; /* it was looked through and not unpacked: messages described it */
	uint32_t images; /* layered: how many of the archive's fit the choice, whose number left aside */
	bool spooled; /* the places of its layers are in SPOOL */
	bool opaque;  /* a layer: nothing below it is to be seen */
	uint64_t implied; /* a layer: directories that it fills and does not list; SPOOL has their paths, NUL after each */
};

/* A layer of the image, the lowest first. */
struct import_layer {
	struct digest diff; /* what its uncompressed stream must have */
	struct digest blob; /* what its bytes in the archive must have; empty where the archive does not say */
	uint64_t offset, size; /* its place; none in an OCI layout, where it is the file of its digest */
};

/* What the image says of itself, a text at a time and in the order of the lists. Texts are UTF-8. */
enum import_text_kind {
	IMPORT_TEXT_ENV = 1,
	IMPORT_TEXT_ENTRYPOINT,
	IMPORT_TEXT_COMMAND,
	IMPORT_TEXT_USER,
	IMPORT_TEXT_WORKDIR,
	IMPORT_TEXT_STOP_SIGNAL,
	IMPORT_TEXT_PORT,
	IMPORT_TEXT_LABEL, /* KEY=VALUE */
	IMPORT_TEXT_NAME,  /* that the archive gives to it */
	IMPORT_TEXT_PLATFORM, /* OS/ARCHITECTURE[/VARIANT] */
	IMPORT_TEXT_HISTORY,  /* a step: "1" if it made a layer, else "0"; when; a comment; a command: with tabs between */
	IMPORT_TEXT_KINDS,
};

struct import_text {
	enum import_text_kind kind;
	char text[IMPORT_TEXT_MAX + 1];
};

enum import_message_kind {
	IMPORT_PROGRESS = 1,
	IMPORT_DONE,
	IMPORT_FAILED,
	IMPORT_LAYER_FOUND,
	IMPORT_TEXT_FOUND,
	IMPORT_WANTED, /* a file of the OCI layout, by its digest: answered by import_blob_send */
};

struct import_message {
	enum import_message_kind kind;
	union {
		struct import_counts progress;
		struct import_result result;
		struct sandbox_error failure;
		struct import_layer layer;
		struct import_text text;
		struct digest wanted;
	};
};

/*
 * Receives the next message. 1, 0 when the other side is gone, or -errno. A message of another size than its kind
 * has, of another kind, or with a digest that is none or a text that does not end is -EPROTO.
 */
int import_message_receive(int socket, struct import_message *out, struct sandbox_error *error);

/* 0 or -errno; -EPIPE when nobody listens any more. */
int import_message_send(int socket, const struct import_message *message);

/* The request, in the other direction. 0 or -errno. */
int import_request_send(int socket, const struct import_request *request);
int import_request_receive(int socket, struct import_request *out);

/* The answer to IMPORT_WANTED: a descriptor, or (below 0) the errno why there is none. 0 or -errno. */
int import_blob_send(int socket, int blob);
/* A descriptor or -errno. */
int import_blob_receive(int socket);

#endif
