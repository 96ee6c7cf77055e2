/* sandbox completion bash|zsh|fish */
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "cli/command.h"
#include "cli/completion.h"
#include "cli/output.h"

/* The files of contrib/completion, which `make install` also puts where shells look for them. */
#define EMBED(name, path) \
	extern const char name[]; \
	__asm__(".pushsection .rodata\n" #name ":\n\t.incbin \"" path "\"\n\t.byte 0\n.popsection")

EMBED(bash_script, "contrib/completion/sandbox.bash");
EMBED(zsh_script, "contrib/completion/sandbox.zsh");
EMBED(fish_script, "contrib/completion/sandbox.fish");

static const struct {
	const char *shell;
	const char *script;
} scripts[] = {
	{"bash", bash_script},
	{"zsh", zsh_script},
	{"fish", fish_script},
};

/* For the scripts: a line "KIND PREFIX", then a line for each word. */
static int answer(const struct cli *cli, int count, char **words)
{
	auto_finish(completion_finish) struct completion found = {.files = false};
	char nothing[] = "", *none[] = {nothing};

	completion_find(cli, count ? count : 1, count ? words : none, &found);
	printf("%s %s\n", found.files ? "files" : found.directories ? "directories" : "words", found.prefix);
	for (size_t i = 0; i < found.words.count; i++)
		printf("%s\n", found.words.items[i]);
	return 0;
}

static int run_completion(const struct cli *cli, int argc, char **argv)
{
	struct sandbox_error error = {0};
	int operands;
	bool done;

	if (command_parse(&command_completion, NULL, argc, argv, 1, -1, &operands, &done, &error) < 0)
		return output_error(&error);
	if (done)
		return 0;
	if (strcmp(argv[operands], "answer") == 0)
		return answer(cli, argc - operands - 1, argv + operands + 1);
	for (size_t i = 0; i < array_count(scripts) && operands == argc - 1; i++)
		if (strcmp(scripts[i].shell, argv[operands]) == 0) {
			fputs(scripts[i].script, stdout);
			return 0;
		}
	error_set(&error, 0, "no completion for %s", argv[operands]);
	error_cause(&error, SANDBOX_E_USAGE, "%s", "");
	(void)error_fix(&error, "name one shell: bash, zsh or fish");
	return output_error(&error);
}

const struct command command_completion = {
	.name = "completion",
	.operands = "bash|zsh|fish",
	.summary = "print what completes command lines in a shell",
	.example = "source <(sandbox completion bash)",
	.run = run_completion,
};
