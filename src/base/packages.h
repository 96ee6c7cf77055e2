/* The command that installs a package on the distribution that this is: for fixes that a user can paste. */
#ifndef BASE_PACKAGES_H
#define BASE_PACKAGES_H

#include <stddef.h>

struct package_names {
	const char *debian; /* also of Ubuntu, and the name where nothing else is known */
	const char *fedora;
	const char *suse;
	const char *arch;
	const char *alpine;
};

/* "sudo apt-get install uidmap". Without a package manager that is known: a sentence. `buffer` is returned. */
const char *packages_install_command(const struct package_names *names, char *buffer, size_t size);

#endif
