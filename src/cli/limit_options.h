/* The options that set limits, for every command that has them. OFFSET(field) is where a field of struct sandbox_limits is. */
#ifndef CLI_LIMIT_OPTIONS_H
#define CLI_LIMIT_OPTIONS_H

#define LIMIT_OPTIONS(OFFSET) \
	{OPTION_TEXT, "memory", 'm', "SIZE", "memory, page cache and tmpfs included", OFFSET(memory)}, \
	{OPTION_TEXT, "memory-high", 0, "SIZE", "memory above which processes are slowed down", OFFSET(memory_high)}, \
	{OPTION_TEXT, "memory-swap", 0, "SIZE", "memory and swap together, -1 for all swap (default: twice --memory)", \
		OFFSET(memory_swap)}, \
	{OPTION_TEXT, "cpus", 0, "NUMBER", "processors' time, such as 0.5 or 2", OFFSET(cpus)}, \
	{OPTION_TEXT, "cpu-weight", 0, "1-10000", "share of busy processors (100 is everybody's)", OFFSET(cpu_weight)}, \
	{OPTION_TEXT, "cpu-shares", 'c', "2-262144", "the same on Docker's scale", OFFSET(cpu_shares)}, \
	{OPTION_TEXT, "cpuset-cpus", 0, "LIST", "only these processors, such as 0-3,8", OFFSET(cpuset_cpus)}, \
	{OPTION_TEXT, "cpuset-mems", 0, "LIST", "only these memory nodes", OFFSET(cpuset_mems)}, \
	{OPTION_TEXT, "pids-limit", 0, "NUMBER", "processes and threads", OFFSET(pids_limit)}, \
	{OPTION_TEXT, "io-weight", 0, "1-10000", "share of busy disks (100 is everybody's)", OFFSET(io_weight)}, \
	{OPTION_LIST, "device-read-bps", 0, "PATH:RATE", "bytes a second from the disk behind PATH", \
		OFFSET(device_read_bps)}, \
	{OPTION_LIST, "device-write-bps", 0, "PATH:RATE", "bytes a second to it", OFFSET(device_write_bps)}, \
	{OPTION_LIST, "device-read-iops", 0, "PATH:RATE", "reads a second", OFFSET(device_read_iops)}, \
	{OPTION_LIST, "device-write-iops", 0, "PATH:RATE", "writes a second", OFFSET(device_write_iops)}

#endif
