#include "base/packages.h"

#include <stdio.h>
#include <unistd.h>

#include "base/scope.h"

static const struct manager {
	const char *program;
	const char *command;
	size_t name; /* the field of struct package_names */
} managers[] = {
	{"/usr/bin/apt-get", "sudo apt-get install", offsetof(struct package_names, debian)},
	{"/usr/bin/dnf", "sudo dnf install", offsetof(struct package_names, fedora)},
	{"/usr/bin/zypper", "sudo zypper install", offsetof(struct package_names, suse)},
	{"/usr/bin/pacman", "sudo pacman -S", offsetof(struct package_names, arch)},
	{"/sbin/apk", "sudo apk add", offsetof(struct package_names, alpine)},
};

const char *packages_install_command(const struct package_names *names, char *buffer, size_t size)
{
	for (size_t i = 0; i < array_count(managers); i++) {
		const char *name = *(const char *const *)((const char *)names + managers[i].name);

		if (access(managers[i].program, X_OK) == 0) {
			(void)snprintf(buffer, size, "%s %s", managers[i].command, name);
			return buffer;
		}
	}
	(void)snprintf(buffer, size, "install the package %s", names->debian);
	return buffer;
}
