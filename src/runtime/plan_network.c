/* Deciding what network the sandbox has. */
#include "runtime/plan.h"

#include "base/text.h"

static struct network_request read_request(const struct sandbox_spec *spec, const char *hostname)
{
	return (struct network_request){
		.net = spec->net,
		.publish = &spec->publish,
		.dns = &spec->dns,
		.dns_search = &spec->dns_search,
		.add_host = &spec->add_host,
		.no_hosts = spec->no_hosts,
		.hostname = hostname,
	};
}

int plan_probe_network(const struct sandbox_spec *spec, struct host *host, struct sandbox_error *error)
{
	struct network_request request = read_request(spec, NULL);
	enum network_kind kind;
	int result = network_parse(&request, &kind, error);

	if (result == 0)
		network_probe(kind, &host->network);
	return result;
}

/* Without a network namespace of its own the sandbox has none of these settings. */
static int check_sysctls(const struct sandbox_spec *spec, const struct plan *plan, struct sandbox_error *error)
{
	for (size_t i = 0; i < spec->sysctl.count && !network_is_own(plan->network.kind); i++) {
		if (!text_starts_with(spec->sysctl.items[i], "net."))
			continue;
		error_set(error, 0, "--sysctl \"%s\"", spec->sysctl.items[i]);
		error_cause(error, SANDBOX_E_USAGE, "with --net=host these are the settings of this machine");
		return error_fix(error, "use another network, or leave the key out");
	}
	return 0;
}

int plan_decide_network(const struct sandbox_spec *spec, const struct host *host, struct plan *plan,
	struct sandbox_error *error)
{
	struct network_request request = read_request(spec, plan->hostname);
	int result = network_decide(&request, &host->network, &plan->network, error);

	return result < 0 ? result : check_sysctls(spec, plan, error);
}
