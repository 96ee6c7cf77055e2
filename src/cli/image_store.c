#include "cli/image_store.h"

#include "base/scope.h"
#include "runtime/host.h"
#include "runtime/plan.h"

int image_store_map(const char *userns, struct idmap *out, struct sandbox_error *error)
{
	auto_finish(host_finish) struct host host = {0};
	struct userns_request request;
	int result = userns_request_read(userns, NULL, NULL, &request, error);

	if (result == 0)
		result = host_probe(request.mode != USERNS_SINGLE, &host, error);
	return result < 0 ? result : plan_decide_idmap(&request, &host, out, error);
}

int image_store_removal_map(struct idmap *out, struct sandbox_error *error)
{
	if (image_store_map("map", out, NULL) == 0)
		return 0;
	return image_store_map("single", out, error);
}
