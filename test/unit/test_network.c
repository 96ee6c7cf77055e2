/* network: what the options mean, on machines that are made up. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/scope.h"
#include "network/network.h"

static const struct network_facts machine = {
	.pasta = "/usr/bin/pasta",
	.resolver = (char *)"# by hand\nnameserver 192.0.2.53\nsearch a.example b.example\noptions edns0\n",
	.upstream_resolver = (char *)"nameserver 203.0.113.53\n",
	.hosts = (char *)"127.0.0.1 localhost\n203.0.113.9 printer\n",
};

/* Options as words: "net=pasta publish=80:80 dns=192.0.2.1". */
struct options {
	char *net;
	bool no_hosts;
	struct sandbox_strings publish, dns, dns_search, add_host;
};

static void options_finish(struct options *options)
{
	free(options->net);
	sandbox_strings_finish(&options->publish);
	sandbox_strings_finish(&options->dns);
	sandbox_strings_finish(&options->dns_search);
	sandbox_strings_finish(&options->add_host);
}

static void read_options(const char *words, struct options *out)
{
	auto_free char *copy = memory_text(words);
	char *rest = copy, *word;

	while ((word = strsep(&rest, " "))) {
		const char *value = strchr(word, '=') ? strchr(word, '=') + 1 : "";

		if (strncmp(word, "net=", 4) == 0)
			out->net = memory_text(value);
		else if (strncmp(word, "publish=", 8) == 0)
			sandbox_strings_add(&out->publish, value);
		else if (strncmp(word, "dns=", 4) == 0)
			sandbox_strings_add(&out->dns, value);
		else if (strncmp(word, "dns-search=", 11) == 0)
			sandbox_strings_add(&out->dns_search, value);
		else if (strncmp(word, "add-host=", 9) == 0)
			sandbox_strings_add(&out->add_host, value);
		else if (*word)
			out->no_hosts = true;
	}
}

static int decide(const char *words, const struct network_facts *facts, struct network_plan *out,
	struct sandbox_error *error)
{
	auto_finish(options_finish) struct options options = {0};
	struct network_request request = {.publish = &options.publish, .dns = &options.dns,
		.dns_search = &options.dns_search, .add_host = &options.add_host, .hostname = "box"};

	read_options(words, &options);
	request.net = options.net;
	request.no_hosts = options.no_hosts;
	return network_decide(&request, facts, out, error);
}

static void assert_arguments(const char *words, const char *expected)
{
	auto_finish(network_plan_finish) struct network_plan plan = {0};
	auto_free char *joined = memory_text("");
	struct sandbox_error error = {0};

	assert_int_equal(decide(words, &machine, &plan, &error), 0);
	assert_int_equal(plan.kind, NETWORK_PASTA);
	for (size_t i = 0; i < plan.arguments.count; i++)
		memory_append(&joined, "%s%s", i ? " " : "", plan.arguments.items[i]);
	assert_string_equal(joined, expected);
}

#define OURS       "/usr/bin/pasta --config-net --quiet "
#define NO_GATEWAY "--no-map-gw "
#define NO_TCP_IN  "--tcp-ports none "
#define NO_UDP_IN  "--udp-ports none "
#define NO_OUT     "--tcp-ns none --udp-ns none "
#define NO_DNS     "--dns none"

static void pasta_is_told_to_forward_nothing(void **state)
{
	(void)state;
	assert_arguments("net=pasta", OURS NO_GATEWAY NO_TCP_IN NO_UDP_IN NO_OUT NO_DNS);
	assert_arguments("net=pasta:", OURS NO_GATEWAY NO_TCP_IN NO_UDP_IN NO_OUT NO_DNS);
	assert_arguments("net=pasta:--map-gw", OURS NO_TCP_IN NO_UDP_IN NO_OUT NO_DNS);
	assert_arguments("net=pasta:-m,1500,--ipv4-only", OURS "--mtu 1500 --ipv4-only "
		NO_GATEWAY NO_TCP_IN NO_UDP_IN NO_OUT NO_DNS);
	assert_arguments("net=pasta:-T=5432", OURS "--tcp-ns 5432 " NO_GATEWAY NO_TCP_IN NO_UDP_IN "--udp-ns none " NO_DNS);
}

static void ports_are_published(void **state)
{
	(void)state;
	assert_arguments("publish=8080:80", OURS "--tcp-ports 8080:80 " NO_GATEWAY NO_UDP_IN NO_OUT NO_DNS);
	assert_arguments("publish=127.0.0.1:53:5353/udp publish=[::1]:80-81:90-91/tcp",
		OURS "--udp-ports 127.0.0.1/53:5353 --tcp-ports ::1/80-81:90-91 " NO_GATEWAY NO_OUT NO_DNS);
}

static void assert_resolver(const char *words, const struct network_facts *facts, const char *expected)
{
	auto_finish(network_plan_finish) struct network_plan plan = {0};
	struct sandbox_error error = {0};

	assert_int_equal(decide(words, facts, &plan, &error), 0);
	assert_string_equal(plan.resolver, expected);
}

static void name_servers_are_those_that_can_be_reached(void **state)
{
	struct network_facts resolved = machine, local = machine, nothing = {.pasta = "/usr/bin/pasta"};

	(void)state;
	resolved.resolver = (char *)"nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n";
	local.resolver = (char *)"nameserver ::1\nnameserver\t127.0.0.1 \nnameserver fe80::1%eth0\n";
	local.upstream_resolver = NULL;

	assert_resolver("", &machine, "# this sandbox has no network\n");
	assert_resolver("net=pasta", &machine, "search a.example b.example\noptions edns0\nnameserver 192.0.2.53\n");
	assert_resolver("net=pasta", &resolved, "options edns0 trust-ad\nsearch .\nnameserver 203.0.113.53\n");
	assert_resolver("net=pasta", &local, "nameserver 169.254.1.1\n");
	assert_resolver("net=pasta dns=192.0.2.1 dns-search=c.example", &local, "search c.example\nnameserver 192.0.2.1\n");
	assert_resolver("net=pasta dns-search=.", &machine, "nameserver 192.0.2.53\n");
	assert_resolver("net=pasta", &nothing, "");
	assert_resolver("net=host", &resolved, resolved.resolver);
	assert_resolver("net=host dns-search=c.example", &resolved, "search c.example\nnameserver 127.0.0.53\n");
	assert_resolver("net=host", &nothing, "");
}

static void pasta_answers_for_a_local_server_only_where_there_is_no_other(void **state)
{
	struct network_facts local = machine;
	auto_finish(network_plan_finish) struct network_plan plan = {0};
	struct sandbox_error error = {0};

	(void)state;
	local.resolver = (char *)"nameserver 127.0.0.1\n";
	local.upstream_resolver = NULL;
	assert_int_equal(decide("net=pasta", &local, &plan, &error), 0);
	assert_string_equal(plan.arguments.items[plan.arguments.count - 2], "--dns-forward");
	assert_string_equal(plan.arguments.items[plan.arguments.count - 1], "169.254.1.1");
}

static void assert_hosts(const char *words, const char *expected)
{
	auto_finish(network_plan_finish) struct network_plan plan = {0};
	struct sandbox_error error = {0};

	assert_int_equal(decide(words, &machine, &plan, &error), 0);
	if (expected)
		assert_string_equal(plan.hosts, expected);
	else
		assert_null(plan.hosts);
}

#define OWN_HOSTS "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\tbox\n"

static void hosts_are_those_asked_for_and_oneself(void **state)
{
	(void)state;
	assert_hosts("", OWN_HOSTS);
	assert_hosts("add-host=a:192.0.2.1 add-host=b=[2001:db8::1]", "192.0.2.1\ta\n2001:db8::1\tb\n" OWN_HOSTS);
	assert_hosts("net=host", OWN_HOSTS "127.0.0.1 localhost\n203.0.113.9 printer\n");
	assert_hosts("no-hosts", NULL);
}

static void mistakes_are_refused(void **state)
{
	static const char *const words[] = {
		"net=bridge", "net=", "net=pastaX", "net=hostage", "net=sandbox:web", "net=none publish=80:80",
		"net=host publish=80:80", "dns=192.0.2.1", "net=none dns-search=a.example", "net=pasta dns=127.0.0.1",
		"net=pasta dns=::", "net=pasta dns=name.example", "net=pasta dns-search=a/b", "net=pasta dns-search=",
		"add-host=a", "add-host=a:", "add-host=:192.0.2.1", "add-host=a/b:192.0.2.1", "add-host=a:192.0.2.1/24",
		"add-host=a:host-gateway", "no-hosts add-host=a:192.0.2.1", "net=pasta:--netns,/x", "net=pasta:--mtu",
		"net=pasta:--mtu,", "net=pasta:-4=1", "net=pasta:-f", "net=pasta:--mt,1", "publish=80", "publish=",
		"publish=:80", "publish=80:", "publish=0:80", "publish=80:65536", "publish=80-70:80-70", "publish=80-81:80",
		"publish=80:80/sctp", "publish=80:80/", "publish=1.2.3.400:80:80", "publish=::1:80:80", "publish=[::1:80:80",
		"publish=[1.2.3.4]:80:80", "publish=a:80:80", "publish=+80:80", "publish=80:80:80:80",
	};

	(void)state;
	for (size_t i = 0; i < array_count(words); i++) {
		auto_finish(network_plan_finish) struct network_plan plan = {0};
		struct sandbox_error error = {0};

		if (decide(words[i], &machine, &plan, &error) != -EINVAL || error.id != SANDBOX_E_USAGE || !*error.fix)
			fail_msg("not refused as it should be: %s", words[i]);
	}
}

static void assert_lacking(const struct network_facts *facts, enum sandbox_error_id id, const char *fix)
{
	auto_finish(network_plan_finish) struct network_plan plan = {0}, without = {0};
	struct sandbox_error error = {0};

	assert_true(decide("net=pasta", facts, &plan, &error) < 0);
	assert_int_equal(error.id, id);
	assert_non_null(strstr(error.fix, fix));
	/* It is of no concern to others. */
	assert_int_equal(decide("net=none", facts, &without, &error), 0);
}

static void what_the_machine_lacks_is_found(void **state)
{
	struct network_facts facts = machine;

	(void)state;
	facts.tun_error = EACCES;
	assert_lacking(&facts, SANDBOX_E_TUN_UNAVAILABLE, "chmod 0666 /dev/net/tun");
	facts.tun_error = ENODEV;
	assert_lacking(&facts, SANDBOX_E_TUN_UNAVAILABLE, "modprobe tun");
	facts.tun_error = 0;
	facts.pasta = NULL;
	assert_lacking(&facts, SANDBOX_E_PASTA_MISSING, "pass");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pasta_is_told_to_forward_nothing),
		cmocka_unit_test(ports_are_published),
		cmocka_unit_test(name_servers_are_those_that_can_be_reached),
		cmocka_unit_test(pasta_answers_for_a_local_server_only_where_there_is_no_other),
		cmocka_unit_test(hosts_are_those_asked_for_and_oneself),
		cmocka_unit_test(mistakes_are_refused),
		cmocka_unit_test(what_the_machine_lacks_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
