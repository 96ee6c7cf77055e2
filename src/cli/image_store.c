#include "cli/image_store.h"

#include <sandbox/spec.h>

#include "base/scope.h"
#include "runtime/host.h"
#include "runtime/plan.h"

int image_store_map(int userns, struct idmap *out, struct sandbox_error *error)
{
	auto_finish(host_finish) struct host host = {0};
	int result = host_probe(userns != SANDBOX_USERNS_SINGLE, &host, error);

	return result < 0 ? result : plan_decide_idmap(userns, &host, out, error);
}

int image_store_removal_map(struct idmap *out, struct sandbox_error *error)
{
	if (image_store_map(SANDBOX_USERNS_MAP, out, NULL) == 0)
		return 0;
	return image_store_map(SANDBOX_USERNS_SINGLE, out, error);
}
