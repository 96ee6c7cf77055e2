#include "cli/completion.h"

#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sandbox/image.h>
#include <sandbox/life.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/global.h"
#include "cli/option.h"
#include "security/capability.h"

/* A list under construction, and the beginning that its words must have. */
struct search {
	const struct cli *cli;
	const char *beginning;
	struct completion *out;
};

static void propose(const struct search *search, const char *word, const char *meaning)
{
	auto_free char *line = memory_format("%s%s%s", word, meaning ? "\t" : "", meaning ? meaning : "");

	if (!text_starts_with(word, search->beginning))
		return;
	/* The meaning is for one line of a terminal. */
	for (char *byte = line; *byte; byte++)
		if (*byte == '\n')
			*byte = ' ';
	sandbox_strings_add(&search->out->words, line);
}

/* ---- kinds of words ---- */

static void propose_files(const struct search *search)
{
	/* What follows the colon is inside. */
	search->out->files = !strchr(search->beginning, ':');
}

static void propose_directories(const struct search *search)
{
	search->out->directories = true;
}

static void propose_images(const struct search *search)
{
	const struct cli *cli = search->cli;
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(sandbox_images_finish) struct sandbox_images images = {0};

	search->out->files = true;
	if (sandbox_image_list(&locations, &images, NULL) < 0)
		return;
	for (size_t i = 0; i < images.count; i++)
		for (size_t j = 0; j < images.items[i].names.count; j++)
			propose(search, images.items[i].names.items[j], images.items[i].source);
}

/* The digests as well: what has no name is meant by it. */
static void propose_stored_images(const struct search *search)
{
	const struct cli *cli = search->cli;
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(sandbox_images_finish) struct sandbox_images images = {0};

	propose_images(search);
	search->out->files = false;
	if (sandbox_image_list(&locations, &images, NULL) < 0)
		return;
	for (size_t i = 0; i < images.count; i++) {
		auto_free char *digest = memory_text_n(images.items[i].digest, 12);

		propose(search, digest, images.items[i].source);
	}
}

/* `end` is put behind each. */
static void propose_sandboxes_with(const struct search *search, const char *end)
{
	const struct cli *cli = search->cli;
	const struct sandbox_locations locations = {cli->store, cli->state, cli->runtime};
	auto_finish(sandbox_entries_finish) struct sandbox_entries entries = {0};

	if (sandbox_list(&locations, true, &entries, NULL) < 0)
		return;
	for (size_t i = 0; i < entries.count; i++) {
		const struct sandbox_entry *entry = &entries.items[i];
		auto_free char *word = memory_format("%s%s", entry->name ? entry->name : entry->id, end);

		propose(search, word, entry->image);
	}
}

static void propose_sandboxes(const struct search *search)
{
	propose_sandboxes_with(search, "");
}

static void propose_sandbox_paths(const struct search *search)
{
	propose_sandboxes_with(search, ":");
}

static void propose_profiles(const struct search *search)
{
	auto_closedir DIR *stream = search->cli->profile_directory ? opendir(search->cli->profile_directory) : NULL;
	struct dirent *entry;

	search->out->files = strchr(search->beginning, '/') != NULL;
	while (stream && (entry = readdir(stream)))
		if (entry->d_name[0] != '.')
			propose(search, entry->d_name, NULL);
}

static void propose_capabilities(const struct search *search)
{
	uint64_t all = capability_all();

	propose(search, "ALL", NULL);
	for (int i = 0; i < 64; i++) {
		auto_free char *name = all & CAPABILITY_BIT(i) ? capability_format(CAPABILITY_BIT(i)) : NULL;

		if (name)
			propose(search, name, NULL);
	}
}

static void propose_commands(const struct search *search)
{
	for (size_t i = 0; commands[i]; i++)
		propose(search, commands[i]->name, commands[i]->summary);
}

static void propose_error_codes(const struct search *search)
{
	for (int id = SANDBOX_E_NONE + 1; id < SANDBOX_E_COUNT; id++)
		propose(search, sandbox_error_name((enum sandbox_error_id)id), NULL);
}

/* What the words of --help stand for. Others have nothing that could be proposed. */
static const struct {
	const char *word;
	void (*propose)(const struct search *search);
} placeholders[] = {
	{"FILE", propose_files},
	{"DIR", propose_directories},
	{"SOURCE", propose_files},
	{"IMAGE", propose_images},
	{"SANDBOX", propose_sandboxes},
	{"SANDBOX:PATH", propose_sandbox_paths},
	{"CAPABILITY", propose_capabilities},
	{"COMMAND", propose_commands},
	{"E_CODE", propose_error_codes},
};

static bool propose_kind(const struct search *search, const char *word)
{
	for (size_t i = 0; i < array_count(placeholders); i++)
		if (strcmp(placeholders[i].word, word) == 0) {
			placeholders[i].propose(search);
			return true;
		}
	return false;
}

/* "FILE|-", "[COMMAND|E_CODE]", "SOURCE:TARGET[:OPTIONS]", "bash|zsh|fish": placeholders, or words as they stand. */
static void propose_placeholder(const struct search *search, const char *text)
{
	auto_free char *copy = memory_text(text);
	char *rest = copy, *word;

	while ((word = strsep(&rest, "|[].="))) {
		if (propose_kind(search, word))
			continue;
		/* What follows a colon is the inside's. */
		word[strcspn(word, ":")] = '\0';
		if (!propose_kind(search, word) && *word >= 'a' && *word <= 'z')
			propose(search, word, NULL);
	}
}

/* ---- places in a command line ---- */

static void propose_options(const struct search *search, const struct option_entry *table, const char *const *refused)
{
	propose(search, "--help", "what there is");
	for (; table->kind != OPTION_END; table++) {
		auto_free char *word = option_is_listed(table, refused) ? memory_format("--%s", table->name) : NULL;

		if (word)
			propose(search, word, table->help);
	}
}

static void propose_value(const struct search *search, const struct option_entry *option)
{
	static const char *const truth[] = {"true", "false", NULL};
	const char *const *words = option->kind == OPTION_FLAG ? truth : option->choices;

	/* It knows other tools' words as well. */
	if (option->kind == OPTION_OPTIONAL)
		words = NULL;
	for (; words && *words; words++)
		propose(search, *words, NULL);
	if (strcmp(option->name, "profile") == 0)
		propose_profiles(search);
	else if (option->argument)
		propose_placeholder(search, option->argument);
}

/* The value of --NAME=VALUE, whose beginning is the last word. */
static void propose_attached_value(const struct search *search, const struct option_entry *table)
{
	const char *equals = strchr(search->beginning, '=');
	auto_free char *name = memory_text_n(search->beginning + 2, (size_t)(equals - search->beginning - 2));
	const struct option_entry *option = option_find(table, name, NULL);
	const struct search value = {search->cli, equals + 1, search->out};

	free(search->out->prefix);
	search->out->prefix = memory_text_n(search->beginning, (size_t)(equals + 1 - search->beginning));
	if (option)
		propose_value(&value, option);
}

/*
 * What usage shows for the operand of this number; the last one may be for all others, too. NULL where there is none, and
 * for what belongs to the command inside. In "--all | SANDBOX..." an option can stand in their place. The caller frees.
 */
static char *operand_shown(const struct command *command, int number)
{
	const char *either = strstr(command->operands, " | ");
	auto_free char *copy = memory_text(either ? either + 3 : command->operands);
	char *rest = copy, *word, *last = NULL;

	while ((word = strsep(&rest, " ")) && number >= 0 && strcmp(word, "[--]") != 0) {
		last = word;
		number--;
	}
	return last && (number < 0 || (!word && strstr(last, "..."))) ? memory_text(last) : NULL;
}

static void propose_operand(const struct search *search, const struct command *command, int number)
{
	auto_free char *shown = operand_shown(command, number);

	if (!shown)
		return;
	if (strstr(shown, "IMAGE") && (command == &command_rmi || command == &command_tag || command == &command_history ||
	    command == &command_image_inspect || command == &command_image_verify))
		propose_stored_images(search);
	else
		propose_placeholder(search, shown);
}

/*
 * Walks over the options. Returns how many words they take, all but the last, which is the one to be completed;
 * *out_option is the option whose value that is, if so.
 */
static int skip_options(const struct option_entry *table, int count, char **words, const struct option_entry **out_option,
	bool *out_ended)
{
	int i = 0;

	*out_option = NULL;
	*out_ended = false;
	while (i < count - 1 && words[i][0] == '-' && words[i][1]) {
		const struct option_entry *option = option_of_word(table, words[i], words[i + 1]);

		*out_ended = strcmp(words[i], "--") == 0;
		i++;
		if (*out_ended)
			break;
		if (option && i == count - 1)
			*out_option = option;
		else if (option)
			i++;
	}
	return i;
}

static void find_in_command(const struct search *search, const struct command *command, int count, char **words);

/* The first word is one of the command's own commands; the others are that one's. */
static void find_in_subcommands(const struct search *search, const struct subcommand *item, int count, char **words)
{
	for (; item->word; item++) {
		if (count < 2)
			propose(search, item->word, item->command->summary);
		else if (strcmp(item->word, words[0]) == 0)
			find_in_command(search, item->command, count - 1, words + 1);
	}
}

static void find_in_command(const struct search *search, const struct command *command, int count, char **words)
{
	static const struct option_entry none[] = {{OPTION_END}};
	const struct option_entry *table = command->options ? command->options : none, *option;
	bool ended;
	int used = skip_options(table, count, words, &option, &ended);

	if (command->subcommands)
		find_in_subcommands(search, command->subcommands, count, words);
	else if (option)
		propose_value(search, option);
	else if (used < count - 1 || ended || *search->beginning != '-')
		propose_operand(search, command, count - 1 - used);
	else if (text_starts_with(search->beginning, "--") && strchr(search->beginning, '='))
		propose_attached_value(search, table);
	else
		propose_options(search, table, command->refused);
}

void completion_find(const struct cli *cli, int count, char **words, struct completion *out)
{
	const struct search search = {cli, words[count - 1], out};
	const struct option_entry *option;
	const struct command *command;
	bool ended;
	int used = skip_options(global_table, count, words, &option, &ended);

	*out = (struct completion){.prefix = memory_text("")};
	command = used < count - 1 ? command_find(words[used]) : NULL;
	if (command)
		find_in_command(&search, command, count - used - 1, words + used + 1);
	else if (option)
		propose_value(&search, option);
	else if (used < count - 1)
		return;
	else if (text_starts_with(search.beginning, "--") && strchr(search.beginning, '='))
		propose_attached_value(&search, global_table);
	else if (*search.beginning == '-')
		propose_options(&search, global_table, NULL);
	else
		propose_commands(&search);
}

void completion_finish(struct completion *completion)
{
	free(completion->prefix);
	sandbox_strings_finish(&completion->words);
}
