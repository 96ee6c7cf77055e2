#include "image/image.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/text.h"

/* What other tools and uname(1) call them, in the words of images. */
static const struct {
	const char *alias, *architecture;
} aliases[] = {
	{"x86_64", "amd64"}, {"x86-64", "amd64"}, {"aarch64", "arm64"}, {"i386", "386"}, {"i686", "386"}, {"armhf", "arm"},
};

static int platform_unclear(const char *platform, struct sandbox_error *error)
{
	(void)error_set(error, 0, "--platform \"%.64s\"", platform);
	(void)error_cause(error, SANDBOX_E_USAGE, "a platform is OS/ARCHITECTURE, perhaps with /VARIANT");
	return error_fix(error, "for example --platform linux/arm64");
}

/* The next part of OS/ARCHITECTURE/VARIANT, and what follows it. False when it is empty, too long, or no word. */
static bool take_part(const char **text, char *out, size_t size)
{
	size_t length = strspn(*text, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	if (!length || length >= size || ((*text)[length] && (*text)[length] != '/'))
		return false;
	(void)snprintf(out, size, "%.*s", (int)length, *text);
	/* A slash at the end is left, and is no part. */
	*text += length + ((*text)[length] == '/' && (*text)[length + 1]);
	return true;
}

int image_choice_read(const char *platform, const char *name, struct import_choice *out, struct sandbox_error *error)
{
	const char *rest = platform;

	*out = (struct import_choice){.os = ""};
	if (name && (!*name || strlen(name) >= sizeof(out->reference))) {
		(void)error_set(error, 0, "--select \"%.64s\"", name);
		(void)error_cause(error, SANDBOX_E_USAGE, "no archive gives an image such a name");
		return error_fix(error, "for example --select docker.io/library/debian:12");
	}
	(void)snprintf(out->reference, sizeof(out->reference), "%s", name ? name : "");
	if (!platform)
		return 0;
	if (!take_part(&rest, out->os, sizeof(out->os)) ||
	    !take_part(&rest, out->architecture, sizeof(out->architecture)) ||
	    (*rest && (!take_part(&rest, out->variant, sizeof(out->variant)) || *rest)))
		return platform_unclear(platform, error);
	for (size_t i = 0; i < array_count(aliases); i++)
		if (strcmp(out->architecture, aliases[i].alias) == 0)
			(void)snprintf(out->architecture, sizeof(out->architecture), "%s", aliases[i].architecture);
	return 0;
}

bool image_is_chosen(const struct import_choice *choice)
{
	return choice->os[0] || choice->reference[0];
}

static bool platform_fits(const char *platform, const struct import_choice *choice)
{
	auto_free char *wanted = memory_format("%s/%s", choice->os, choice->architecture);

	if (!choice->os[0])
		return true;
	if (choice->variant[0])
		memory_append(&wanted, "/%s", choice->variant);
	return platform && text_starts_with(platform, wanted) &&
		(platform[strlen(wanted)] == '\0' || platform[strlen(wanted)] == '/');
}

int image_choice_check(const struct import_choice *choice, const struct image_config *config, struct sandbox_error *error)
{
	if (platform_fits(config->platform, choice) &&
	    (!choice->reference[0] || strings_contain(&config->names, choice->reference)))
		return 0;
	(void)error_set(error, 0, "it is not the image that was asked for");
	if (config->platform)
		(void)error_cause(error, SANDBOX_E_IMAGE_CHOICE, "it is for %.64s, and is called \"%.128s\"", config->platform,
			config->names.count ? config->names.items[0] : "");
	else
		(void)error_cause(error, SANDBOX_E_IMAGE_CHOICE, "a root file system says neither its platform nor a name");
	return error_fix(error, "leave out --platform and --select, or name the archive of an image that has it");
}
