/* What `sandbox help E_…` says: one paragraph for each stable error id. */
#ifndef CLI_ERROR_TOPICS_H
#define CLI_ERROR_TOPICS_H

#include <stdbool.h>

/* Prints the paragraph; false when there is no such code. */
bool error_topic_print(const char *name);

/* One line for each code. */
void error_topics_list(void);

#endif
