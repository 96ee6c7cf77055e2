/*
 * Scoped cleanup: what is declared auto_… is released when its scope ends. take_ptr and take_fd move
 * the ownership out of such a variable.
 */
#ifndef BASE_SCOPE_H
#define BASE_SCOPE_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void scope_free(void *slot)
{
	free(*(void **)slot);
}

static inline void scope_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void scope_fclose(FILE **stream)
{
	if (*stream)
		(void)fclose(*stream);
}

static inline void scope_closedir(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory);
}

#define auto_free __attribute__((cleanup(scope_free)))
#define auto_close __attribute__((cleanup(scope_close)))
#define auto_fclose __attribute__((cleanup(scope_fclose)))
#define auto_closedir __attribute__((cleanup(scope_closedir)))

/* For the project's own types: `auto_finish(strings_finish) struct sandbox_strings list = {0};` */
#define auto_finish(function) __attribute__((cleanup(function)))

#define take_ptr(pointer) \
	({ \
		__typeof__(pointer) *take_slot = &(pointer); \
		__typeof__(pointer) take_value = *take_slot; \
		*take_slot = NULL; \
		take_value; \
	})

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define array_count(array) (sizeof(array) / sizeof((array)[0]))

#endif
