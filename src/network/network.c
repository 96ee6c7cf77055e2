#include "network/network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/packages.h"
#include "base/scope.h"
#include "base/text.h"
#include "network/names.h"
#include "network/pasta_options.h"

static const char tun_device[] = "/dev/net/tun";

enum { CONFIGURATION_MAX = 256 * 1024 };

static const struct {
	const char *word;
	bool own_namespace;
	const char *summary;
	const char *warning;
} kinds[] = {
	[NETWORK_NONE] = {"none", true, "none (loopback only)", NULL},
	[NETWORK_HOST] = {"host", false, "the host's: its loopback services, abstract sockets (X11, D-Bus) and interfaces",
		"--net=host: the command can reach this machine's loopback services and abstract sockets (X11, D-Bus)"},
	[NETWORK_PASTA] = {"pasta", true, "outbound through pasta; not the host's loopback", NULL},
};

bool network_is_own(enum network_kind kind)
{
	return kinds[kind].own_namespace;
}

const char *network_summary(enum network_kind kind)
{
	return kinds[kind].summary;
}

const char *network_warning(enum network_kind kind)
{
	return kinds[kind].warning;
}

/* ---- understanding ---- */

static int refuse_mode(const char *net, struct sandbox_error *error)
{
	bool named = text_starts_with(net, "sandbox:");

	error_set(error, 0, "--net \"%s\"", net);
	error_cause(error, SANDBOX_E_USAGE, "%s", named ? "a sandbox cannot yet join the network of another one"
		: "there is no such network");
	return error_fix(error, "use none, host, or pasta[:OPTIONS] (which is what --net alone means)");
}

int network_parse(const struct network_request *request, enum network_kind *out, struct sandbox_error *error)
{
	const char *net = request->net;

	/* A port that is published needs somebody who carries it. */
	if (!net) {
		*out = request->publish->count ? NETWORK_PASTA : NETWORK_NONE;
		return 0;
	}
	if (text_starts_with(net, "pasta:")) {
		*out = NETWORK_PASTA;
		return 0;
	}
	for (size_t i = 0; i < array_count(kinds); i++)
		if (strcmp(net, kinds[i].word) == 0) {
			*out = (enum network_kind)i;
			return 0;
		}
	return refuse_mode(net, error);
}

/* ---- looking ---- */

/* Absolute: the caller's PATH is not trusted with this. */
static const char *find_pasta(void)
{
	static const char *const paths[] = {"/usr/bin/pasta", "/usr/local/bin/pasta", "/bin/pasta",
		"/run/current-system/sw/bin/pasta"};

	for (size_t i = 0; i < array_count(paths); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

/* Opening it makes nothing; and to ask with access(2) would not load the module. */
static int probe_tun(void)
{
	auto_close int fd = open(tun_device, O_RDWR | O_CLOEXEC);

	return fd < 0 ? errno : 0;
}

static char *read_configuration(const char *path)
{
	char *text = NULL;

	return file_read(AT_FDCWD, path, CONFIGURATION_MAX, &text, NULL, NULL) < 0 ? NULL : text;
}

void network_probe(enum network_kind kind, struct network_facts *out)
{
	*out = (struct network_facts){0};
	if (kind == NETWORK_NONE)
		return;
	out->resolver = read_configuration("/etc/resolv.conf");
	if (kind == NETWORK_HOST) {
		out->hosts = read_configuration("/etc/hosts");
		return;
	}
	out->upstream_resolver = read_configuration("/run/systemd/resolve/resolv.conf");
	out->pasta = find_pasta();
	out->tun_error = probe_tun();
}

void network_facts_finish(struct network_facts *facts)
{
	free(facts->resolver);
	free(facts->upstream_resolver);
	free(facts->hosts);
	*facts = (struct network_facts){0};
}

/* ---- deciding ---- */

static int refuse_option(const char *option, const char *cause, const char *fix, struct sandbox_error *error)
{
	error_set(error, 0, "%s", option);
	error_cause(error, SANDBOX_E_USAGE, "%s", cause);
	return error_fix(error, "%s", fix);
}

static int check_options(const struct network_request *request, enum network_kind kind, struct sandbox_error *error)
{
	if (kind != NETWORK_PASTA && request->publish->count)
		return refuse_option("--publish", kind == NETWORK_HOST ? "on the host's network every port is the host's already"
			: "--net=none leaves nobody who could reach the port", "use --net=pasta, or leave --publish out", error);
	if (kind == NETWORK_NONE && (request->dns->count || request->dns_search->count))
		return refuse_option(request->dns->count ? "--dns" : "--dns-search",
			"the sandbox has no network to ask a server on", "add --net, or leave it out", error);
	if (request->no_hosts && request->add_host->count)
		return refuse_option("--add-host", "--no-hosts was given, too, and leaves the image's /etc/hosts as it is",
			"use one of them", error);
	return 0;
}

int network_explain_tun(int code, struct sandbox_error *error)
{
	error_set(error, code, "connect the sandbox to the network: open %s", tun_device);
	if (code == EACCES || code == EPERM) {
		error_cause(error, SANDBOX_E_TUN_UNAVAILABLE, "only root may open the device, on this machine");
		return error_fix(error, "sudo chmod 0666 %s", tun_device);
	}
	/* The driver's entry in sysfs: then only the node is missing, as in containers. */
	if (code == ENOENT && access("/sys/class/misc/tun", F_OK) == 0) {
		error_cause(error, SANDBOX_E_TUN_UNAVAILABLE, "the device has no node here, although its driver is there");
		return error_fix(error, "sudo mkdir -p /dev/net && sudo mknod -m 0666 %s c 10 200", tun_device);
	}
	error_cause(error, SANDBOX_E_TUN_UNAVAILABLE, "the kernel's tun driver is not there");
	return error_fix(error, "sudo modprobe tun");
}

static int check_pasta(const struct network_facts *facts, struct sandbox_error *error)
{
	static const struct package_names package = {"passt", "passt", "passt", "passt", "passt"};
	char command[128];

	if (facts->pasta)
		return facts->tun_error ? network_explain_tun(facts->tun_error, error) : 0;
	error_set(error, ENOENT, "connect the sandbox to the network: pasta");
	error_cause(error, SANDBOX_E_PASTA_MISSING, "the program that carries a sandbox's network is not installed");
	return error_fix(error, "%s", packages_install_command(&package, command, sizeof(command)));
}

int network_decide(const struct network_request *request, const struct network_facts *facts, struct network_plan *out,
	struct sandbox_error *error)
{
	const char *forwarder;
	int result;

	*out = (struct network_plan){0};
	result = network_parse(request, &out->kind, error);
	if (result == 0)
		result = check_options(request, out->kind, error);
	if (result == 0)
		result = names_decide_resolver(request, facts, out->kind, &out->resolver, &forwarder, error);
	if (result == 0)
		result = names_decide_hosts(request, facts, out->kind, &out->hosts, error);
	if (result < 0 || out->kind != NETWORK_PASTA)
		return result;
	sandbox_strings_add(&out->arguments, facts->pasta ? facts->pasta : "pasta");
	result = pasta_options_decide(request, forwarder, &out->arguments, error);
	return result < 0 ? result : check_pasta(facts, error);
}

void network_plan_finish(struct network_plan *plan)
{
	sandbox_strings_finish(&plan->arguments);
	free(plan->resolver);
	free(plan->hosts);
	*plan = (struct network_plan){0};
}
