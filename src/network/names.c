#include "network/names.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"

#define BLANKS " \t\r"
#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

/* Link-local, so that it is nobody else's on any network that there is. */
static const char forwarder_address[] = "169.254.1.1";

static bool is_address(const char *text)
{
	struct in_addr v4;
	struct in6_addr v6;

	return inet_pton(AF_INET, text, &v4) == 1 || inet_pton(AF_INET6, text, &v6) == 1;
}

/* Of the host's loopback interface, or of all zeros, which means the same. */
static bool is_loopback(const char *text)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127 || v4.s_addr == INADDR_ANY;
	return inet_pton(AF_INET6, text, &v6) == 1 && (IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6));
}

/* ---- resolv.conf ---- */

struct resolver_lines {
	struct sandbox_strings servers; /* that can be reached from inside */
	char *others;                   /* search and options, as they are */
	bool has_loopback;
	bool reaches_loopback; /* the sandbox is on the host's network */
};

static void resolver_lines_finish(struct resolver_lines *lines)
{
	sandbox_strings_finish(&lines->servers);
	free(lines->others);
}

static void read_line(char *line, struct resolver_lines *out)
{
	char *rest = line, *word = strsep(&rest, BLANKS), *value;

	if (strcmp(word, "search") == 0 || strcmp(word, "domain") == 0 || strcmp(word, "options") == 0)
		memory_append(&out->others, "%s %s\n", word, rest ? rest : "");
	if (strcmp(word, "nameserver") != 0 || !rest)
		return;
	value = rest + strspn(rest, BLANKS);
	value[strcspn(value, BLANKS)] = '\0';
	/* One with a scope (fe80::1%eth0) is on a link that the sandbox is not on, and is not an address here. */
	if (!out->reaches_loopback && is_loopback(value))
		out->has_loopback = true;
	else if (is_address(value))
		sandbox_strings_add(&out->servers, value);
}

static void read_lines(const char *text, struct resolver_lines *out)
{
	auto_free char *copy = memory_text(text ? text : "");
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		read_line(line, out);
}

static int check_servers(const struct network_request *request, enum network_kind kind, struct sandbox_error *error)
{
	for (size_t i = 0; i < request->dns->count; i++) {
		const char *server = request->dns->items[i];
		bool unreachable = kind == NETWORK_PASTA && is_loopback(server);

		if (is_address(server) && !unreachable)
			continue;
		error_set(error, 0, "--dns \"%s\"", server);
		error_cause(error, SANDBOX_E_USAGE, "%s", unreachable
			? "this machine's loopback addresses cannot be reached from inside"
			: "it is not an IPv4 or IPv6 address");
		return error_fix(error, "name a server by its address, such as --dns 192.0.2.53");
	}
	return 0;
}

static int check_domains(const struct network_request *request, struct sandbox_error *error)
{
	for (size_t i = 0; i < request->dns_search->count; i++) {
		const char *domain = request->dns_search->items[i];

		if (*domain && strspn(domain, NAME_LETTERS) == strlen(domain))
			continue;
		error_set(error, 0, "--dns-search \"%s\"", domain);
		error_cause(error, SANDBOX_E_USAGE, "it is not a domain name");
		return error_fix(error, "give one such as example.org, or . for none");
	}
	return 0;
}

/* "." alone means that nothing is searched, also not what the host searches. */
static void write_domains(const struct sandbox_strings *domains, char **out)
{
	if (domains->count == 1 && strcmp(domains->items[0], ".") == 0)
		return;
	for (size_t i = 0; i < domains->count; i++)
		memory_append(out, "%s%s", i ? " " : "search ", domains->items[i]);
	memory_append(out, "\n");
}

static void write_servers(const struct sandbox_strings *servers, char **out)
{
	for (size_t i = 0; i < servers->count; i++)
		memory_append(out, "nameserver %s\n", servers->items[i]);
}

static char *write_resolver(const struct network_request *request, const struct resolver_lines *host,
	const char **out_forwarder)
{
	char *text = memory_text("");

	if (request->dns_search->count)
		write_domains(request->dns_search, &text);
	else if (!request->dns->count && host->others)
		memory_append(&text, "%s", host->others);
	if (!request->dns->count && !host->servers.count && host->has_loopback)
		*out_forwarder = forwarder_address;
	if (*out_forwarder)
		memory_append(&text, "nameserver %s\n", *out_forwarder);
	else
		write_servers(request->dns->count ? request->dns : &host->servers, &text);
	return text;
}

int names_decide_resolver(const struct network_request *request, const struct network_facts *facts,
	enum network_kind kind, char **out, const char **out_forwarder, struct sandbox_error *error)
{
	auto_finish(resolver_lines_finish) struct resolver_lines lines = {.reaches_loopback = kind == NETWORK_HOST};
	int result = check_servers(request, kind, error);

	*out_forwarder = NULL;
	if (result == 0)
		result = check_domains(request, error);
	if (result < 0)
		return result;
	if (kind == NETWORK_NONE) {
		*out = memory_text("# this sandbox has no network\n");
		return 0;
	}
	if (kind == NETWORK_HOST && !request->dns->count && !request->dns_search->count) {
		*out = memory_text(facts->resolver ? facts->resolver : "");
		return 0;
	}
	read_lines(facts->resolver, &lines);
	if (kind == NETWORK_PASTA && !lines.servers.count)
		read_lines(facts->upstream_resolver, &lines);
	*out = write_resolver(request, &lines, out_forwarder);
	return 0;
}

/* ---- hosts ---- */

static int bad_host(const char *text, const char *cause, struct sandbox_error *error)
{
	error_set(error, 0, "--add-host \"%s\"", text);
	error_cause(error, SANDBOX_E_USAGE, "%s", cause);
	return error_fix(error, "write NAME:ADDRESS, such as --add-host mirror:192.0.2.10");
}

/* NAME:ADDRESS or NAME=ADDRESS; an IPv6 address may stand in brackets. */
static int add_host(const char *text, char **hosts, struct sandbox_error *error)
{
	size_t length = strcspn(text, ":=");
	auto_free char *name = memory_text_n(text, length);
	auto_free char *address = memory_text(text[length] ? text + length + 1 : "");
	size_t end = strlen(address);

	if (*address == '[' && address[end - 1] == ']') {
		address[end - 1] = '\0';
		memmove(address, address + 1, end - 1);
	}
	if (!*name || strspn(name, NAME_LETTERS) != length)
		return bad_host(text, "it does not begin with a host name", error);
	if (strcmp(address, "host-gateway") == 0)
		return bad_host(text, "this machine has no address of its own for its sandboxes", error);
	if (!is_address(address))
		return bad_host(text, "what follows the name is not an IPv4 or IPv6 address", error);
	memory_append(hosts, "%s\t%s\n", address, name);
	return 0;
}

int names_decide_hosts(const struct network_request *request, const struct network_facts *facts, enum network_kind kind,
	char **out, struct sandbox_error *error)
{
	auto_free char *text = NULL;
	int result = 0;

	if (request->no_hosts)
		return 0;
	/* What is asked for comes first, and so wins over the host's. */
	for (size_t i = 0; i < request->add_host->count && result == 0; i++)
		result = add_host(request->add_host->items[i], &text, error);
	if (result < 0)
		return result;
	memory_append(&text, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t%s\n",
		request->hostname);
	if (kind == NETWORK_HOST && facts->hosts)
		memory_append(&text, "%s", facts->hosts);
	*out = take_ptr(text);
	return 0;
}
