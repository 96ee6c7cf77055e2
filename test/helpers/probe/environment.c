/* What surrounds the payload: variables, names, the files in /etc that the tool provides. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

static void variable_names(struct probe *probe)
{
	static char names[512][64];
	char *words[512];
	size_t count = 0;

	for (; count < 512 && environ[count]; count++) {
		snprintf(names[count], sizeof(names[count]), "%.*s", (int)strcspn(environ[count], "="),
			environ[count]);
		words[count] = names[count];
	}
	answer_sorted(probe, words, count);
}

static void variable(struct probe *probe)
{
	const char *value = getenv(probe->check->argument);

	answer(probe, "%s", value ? value : "unset");
}

static void host_variable(struct probe *probe)
{
	if (!answer_unplanted(probe, probe->planted->variable != NULL))
		answer(probe, "%s", getenv(probe->planted->variable) ? "visible" : "absent");
}

static void hostname(struct probe *probe)
{
	struct utsname names;

	if (answer_unplanted(probe, probe->planted->hostname != NULL))
		return;
	if (uname(&names) < 0)
		answer_errno(probe);
	else
		answer(probe, "%s",
			strcmp(names.nodename, probe->planted->hostname) == 0 ? "the host's" : "own");
}

static void domain_name(struct probe *probe)
{
	struct utsname names;

	if (uname(&names) < 0)
		answer_errno(probe);
	else
		answer(probe, "%s", names.domainname);
}

/* $HOSTNAME, /etc/hostname, /etc/hosts and the kernel's name are one name. */
static void hostname_file(struct probe *probe)
{
	char text[256];
	struct utsname names;

	(void)uname(&names);
	if (read_text("/etc/hostname", text, sizeof(text)) < 0) {
		answer_errno(probe);
		return;
	}
	text[strcspn(text, "\n")] = '\0';
	answer(probe, "%s", strcmp(text, names.nodename) == 0 ? "matches" : "differs");
}

static void hostname_variable(struct probe *probe)
{
	const char *value = getenv("HOSTNAME");
	struct utsname names;

	(void)uname(&names);
	answer(probe, "%s", !value ? "unset" : strcmp(value, names.nodename) == 0 ? "matches"
										  : "differs");
}

static void hosts_file(struct probe *probe)
{
	struct utsname names;
	bool own = false, local = false;

	(void)uname(&names);
	if (access("/etc/hosts", R_OK) < 0) {
		answer_errno(probe);
		return;
	}
	own = file_mentions("/etc/hosts", names.nodename);
	local = file_mentions("/etc/hosts", "localhost");
	answer(probe, "%s, %s", local ? "localhost" : "no localhost", own ? "own name" : "no own name");
}

static void name_servers(struct probe *probe)
{
	if (access("/etc/resolv.conf", R_OK) < 0)
		answer_errno(probe);
	else
		answer(probe, "%s", file_mentions("/etc/resolv.conf", "nameserver") ? "some" : "none");
}

static void home_folder(struct probe *probe)
{
	struct stat status;
	const char *home = getenv("HOME");

	if (!home || stat(home, &status) < 0)
		answer(probe, "absent");
	else
		answer(probe, "%s", status.st_uid == geteuid() ? "own" : "another's");
}

static const struct check items[] = {
	{"environment.names", variable_names},
	{"environment.host_secret", host_variable},
	{"environment.path", variable, "PATH"},
	{"environment.home", variable, "HOME"},
	{"environment.home_folder", home_folder},
	{"environment.hostname", hostname_variable},
	{"names.hostname", hostname},
	{"names.domain", domain_name},
	{"names.etc_hostname", hostname_file},
	{"names.etc_hosts", hosts_file},
	{"names.name_servers", name_servers},
};

const struct checks checks_environment = CHECKS(items);
