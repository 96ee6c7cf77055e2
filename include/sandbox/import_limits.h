/* What an archive may cost that is unpacked: by import of sandbox(1), or by the first run of it. */
#ifndef SANDBOX_IMPORT_LIMITS_H
#define SANDBOX_IMPORT_LIMITS_H

#include <stdint.h>

/* Each is compared before the next byte, entry or directory is taken. */
struct sandbox_import_limits {
	uint64_t stream_bytes;   /* the uncompressed tar stream */
	uint64_t apparent_bytes; /* sizes of all files together, holes counted */
	uint64_t entries;
	uint64_t depth;          /* components of a path */
	uint64_t header_bytes;   /* headers of one entry, with its long names and attributes */
	uint64_t ratio;          /* uncompressed bytes for each byte of the file, beyond 64 MiB */
	uint64_t memory;         /* bytes that the importer may allocate */
};

#define SANDBOX_IMPORT_LIMITS_DEFAULT \
	{ \
		.stream_bytes = 64ull << 30, .apparent_bytes = 1ull << 40, .entries = 4000000, .depth = 512, \
		.header_bytes = 1 << 20, .ratio = 2000, .memory = 512ull << 20, \
	}

#endif
