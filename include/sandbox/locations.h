/* Where things live. Absolute paths. */
#ifndef SANDBOX_LOCATIONS_H
#define SANDBOX_LOCATIONS_H

struct sandbox_locations {
	const char *store;   /* images: what can be imported again */
	const char *state;   /* what must survive a cache clean */
	const char *runtime; /* what may go at reboot */
};

#endif
