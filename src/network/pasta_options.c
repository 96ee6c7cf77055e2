#include "network/pasta_options.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/text.h"

enum { PORT_MAX = 65535 };

/*
 * What --net=pasta:OPTIONS may hold. The others would change what we rely on: where the namespace is, that pasta
 * stays in the foreground and says when it is ready, which files it writes.
 */
static const struct allowed_option {
	const char *name;
	const char *letter;
	bool takes_value;
} allowed_options[] = {
	{"--address", "-a", true}, {"--gateway", "-g", true}, {"--interface", "-i", true},
	{"--ipv4-only", "-4", false}, {"--ipv6-only", "-6", false}, {"--mac-addr", "-M", true}, {"--map-gw", NULL, false},
	{"--mtu", "-m", true}, {"--netmask", "-n", true}, {"--no-dhcp", NULL, false}, {"--no-dhcpv6", NULL, false},
	{"--no-icmp", NULL, false}, {"--no-ndp", NULL, false}, {"--no-ra", NULL, false}, {"--no-tcp", NULL, false},
	{"--no-udp", NULL, false}, {"--ns-ifname", "-I", true}, {"--ns-mac-addr", NULL, true}, {"--outbound", "-o", true},
	{"--outbound-if4", NULL, true}, {"--outbound-if6", NULL, true}, {"--tcp-ns", "-T", true},
	{"--tcp-ports", "-t", true}, {"--udp-ns", "-U", true}, {"--udp-ports", "-u", true},
};

/* What pasta does unless it is told, and a sandbox does not want unless it is asked for. */
static const struct {
	const char *unless; /* this option was given */
	const char *option, *value;
} restrictions[] = {
	/* Else the gateway's address stands for the host, with all that listens on its loopback interface. */
	{"--map-gw", "--no-map-gw", NULL},
	/* Else every port that somebody listens on is forwarded, in both directions. */
	{"--tcp-ports", "--tcp-ports", "none"},
	{"--udp-ports", "--udp-ports", "none"},
	{"--tcp-ns", "--tcp-ns", "none"},
	{"--udp-ns", "--udp-ns", "none"},
};

/* ---- --net=pasta:OPTIONS ---- */

static const struct allowed_option *find_option(const char *word, size_t length)
{
	for (size_t i = 0; i < array_count(allowed_options); i++) {
		const struct allowed_option *option = &allowed_options[i];

		if ((strlen(option->name) == length && strncmp(option->name, word, length) == 0) ||
		    (option->letter && strlen(option->letter) == length && strncmp(option->letter, word, length) == 0))
			return option;
	}
	return NULL;
}

static int bad_option(const char *word, const char *cause, struct sandbox_error *error)
{
	error_set(error, 0, "--net=pasta: \"%s\"", word);
	error_cause(error, SANDBOX_E_USAGE, "%s", cause);
	return error_fix(error, "sandbox-run(1) lists the options of pasta that can be given, such as "
		"--net=pasta:--mtu,1500");
}

/* `given` collects the names of the options, `out` what pasta is to read. */
static int take_option(char *word, char **rest, struct sandbox_strings *given, struct sandbox_strings *out,
	struct sandbox_error *error)
{
	size_t length = strcspn(word, "=");
	const struct allowed_option *option = find_option(word, length);
	const char *value = word[length] ? word + length + 1 : NULL;

	if (!option)
		return bad_option(word, "it is not an option of pasta, or not one that a sandbox can do with", error);
	if (value && !option->takes_value)
		return bad_option(word, "the option takes no value", error);
	if (option->takes_value && !value)
		value = strsep(rest, ",");
	if (option->takes_value && (!value || !*value))
		return bad_option(word, "the option needs a value", error);
	sandbox_strings_add(given, option->name);
	/* Not one of pasta's: it says that one of our restrictions is not wanted. */
	if (strcmp(option->name, "--map-gw") == 0)
		return 0;
	sandbox_strings_add(out, option->name);
	if (value)
		sandbox_strings_add(out, value);
	return 0;
}

static int take_options(const char *net, struct sandbox_strings *given, struct sandbox_strings *out,
	struct sandbox_error *error)
{
	auto_free char *copy = memory_text(net && text_starts_with(net, "pasta:") ? net + strlen("pasta:") : "");
	char *rest = copy, *word;
	int result = 0;

	while (result == 0 && (word = strsep(&rest, ",")))
		if (*word)
			result = take_option(word, &rest, given, out, error);
	return result;
}

/* ---- --publish ---- */

/* PORT or FIRST-LAST. 0 when it is neither, else how many they are. */
static unsigned int count_ports(const char *text)
{
	auto_free char *first = memory_text_n(text, strcspn(text, "-"));
	const char *dash = strchr(text, '-');
	uint64_t from, to;

	if (!text_parse_unsigned(first, PORT_MAX, &from) || from == 0)
		return 0;
	to = from;
	if (dash && (!text_parse_unsigned(dash + 1, PORT_MAX, &to) || to < from))
		return 0;
	return (unsigned int)(to - from) + 1;
}

static bool is_bindable(char *address)
{
	size_t length = strlen(address);
	struct in6_addr parsed;

	if (*address != '[')
		return inet_pton(AF_INET, address, &parsed) == 1;
	if (address[length - 1] != ']')
		return false;
	address[length - 1] = '\0';
	memmove(address, address + 1, length - 1);
	return inet_pton(AF_INET6, address, &parsed) == 1;
}

static int bad_port(const char *text, const char *cause, struct sandbox_error *error)
{
	error_set(error, 0, "--publish \"%s\"", text);
	error_cause(error, SANDBOX_E_USAGE, "%s", cause);
	return error_fix(error, "write [ADDRESS:]PORT:PORT[/udp], the host's port first, such as 127.0.0.1:8080:80");
}

/* Cuts `text` at its last colon; what follows it is returned. */
static char *cut_last(char *text)
{
	char *colon = strrchr(text, ':');

	if (colon)
		*colon++ = '\0';
	return colon;
}

static int publish_port(const char *text, struct sandbox_strings *given, struct sandbox_strings *out,
	struct sandbox_error *error)
{
	auto_free char *copy = memory_text(text);
	char *rest = copy, *ports = strsep(&rest, "/");
	bool udp = rest && strcmp(rest, "udp") == 0;
	const char *option = udp ? "--udp-ports" : "--tcp-ports";
	char *inside, *outside, *address;

	if (rest && !udp && strcmp(rest, "tcp") != 0)
		return bad_port(text, "what follows the slash is neither tcp nor udp", error);
	inside = cut_last(ports);
	if (!inside)
		return bad_port(text, "it names no port of the host", error);
	outside = cut_last(ports);
	address = outside ? ports : NULL;
	outside = outside ? outside : ports;
	if (address && !is_bindable(address))
		return bad_port(text, "the address is neither an IPv4 one nor an IPv6 one in brackets", error);
	if (!count_ports(inside) || count_ports(inside) != count_ports(outside))
		return bad_port(text, "ports are 1 to 65535, and ranges of them must be equally long", error);
	sandbox_strings_add(given, option);
	sandbox_strings_add(out, option);
	strings_take(out, memory_format("%s%s%s:%s", address ? address : "", address ? "/" : "", outside, inside));
	return 0;
}

int pasta_options_decide(const struct network_request *request, const char *forwarder, struct sandbox_strings *out,
	struct sandbox_error *error)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings given = {0};
	int result;

	sandbox_strings_add(out, "--config-net");
	sandbox_strings_add(out, "--quiet");
	result = take_options(request->net, &given, out, error);
	for (size_t i = 0; i < request->publish->count && result == 0; i++)
		result = publish_port(request->publish->items[i], &given, out, error);
	for (size_t i = 0; i < array_count(restrictions) && result == 0; i++) {
		if (strings_contain(&given, restrictions[i].unless))
			continue;
		sandbox_strings_add(out, restrictions[i].option);
		if (restrictions[i].value)
			sandbox_strings_add(out, restrictions[i].value);
	}
	/* Our /etc/resolv.conf says which servers there are; pasta need not look, unless it is to stand for them. */
	sandbox_strings_add(out, forwarder ? "--dns-forward" : "--dns");
	sandbox_strings_add(out, forwarder ? forwarder : "none");
	return result;
}
