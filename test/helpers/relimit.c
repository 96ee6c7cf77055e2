/* Sets a limit of another process, as prlimit(1) does, which small images have not: relimit PID RESOURCE SOFT [HARD] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const struct {
	const char *name;
	int resource;
} resources[] = {{"core", RLIMIT_CORE}, {"nofile", RLIMIT_NOFILE}, {"stack", RLIMIT_STACK}};

static int resource_of(const char *name)
{
	for (size_t i = 0; i < sizeof(resources) / sizeof(*resources); i++)
		if (strcmp(resources[i].name, name) == 0)
			return resources[i].resource;
	return -1;
}

int main(int argc, char *argv[])
{
	int resource = argc == 4 || argc == 5 ? resource_of(argv[2]) : -1;
	pid_t pid = resource < 0 ? -1 : (pid_t)strtol(argv[1], NULL, 10);
	struct rlimit limit;

	if (resource < 0)
		return 2;
	if (prlimit(pid, (__rlimit_resource_t)resource, NULL, &limit) == 0) {
		limit.rlim_cur = strtoul(argv[3], NULL, 10);
		limit.rlim_max = argc == 5 ? strtoul(argv[4], NULL, 10) : limit.rlim_max;
		if (prlimit(pid, (__rlimit_resource_t)resource, &limit, NULL) == 0)
			return 0;
	}
	perror(argv[2]);
	return 1;
}
