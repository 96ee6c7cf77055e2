/* Rows of option tables: the limits on what an archive may cost. `at` is a macro that tells where a field is. */
#ifndef CLI_IMPORT_LIMIT_OPTIONS_H
#define CLI_IMPORT_LIMIT_OPTIONS_H

#define IMPORT_LIMIT_OPTIONS(at) \
	{OPTION_SIZE, "max-size", 0, "SIZE", "uncompressed archive (64g)", at(stream_bytes)}, \
	{OPTION_SIZE, "max-apparent-size", 0, "SIZE", "all files, holes counted (1024g)", at(apparent_bytes)}, \
	{OPTION_UNSIGNED, "max-entries", 0, "N", "entries (4000000)", at(entries)}, \
	{OPTION_UNSIGNED, "max-depth", 0, "N", "directories in each other (512)", at(depth)}, \
	{OPTION_SIZE, "max-header-size", 0, "SIZE", "headers of one entry, long names and attributes (1m)", \
		at(header_bytes)}, \
	{OPTION_UNSIGNED, "max-ratio", 0, "N", "growth by decompression, beyond 64 MiB (2000)", at(ratio)}, \
	{OPTION_SIZE, "max-memory", 0, "SIZE", "memory of the importer (512m)", at(memory)}

#endif
