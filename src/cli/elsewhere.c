#include "cli/elsewhere.h"

#include <stddef.h>
#include <string.h>

#include "base/scope.h"

static const char fetch[] = "registries are for skopeo: skopeo copy docker://IMAGE oci-archive:FILE, then sandbox run FILE";
static const char upload[] = "registries are for skopeo: sandbox save -o FILE IMAGE, then "
	"skopeo copy docker-archive:FILE docker://IMAGE";
static const char build[] = "work in a sandbox and make an image of it: sandbox create, exec, cp, commit; or buildah(1)";
static const char grouped[] = "commands have one word here: ps, images, df, inspect and so on, see `sandbox --help`";
static const char network[] = "every sandbox has a network of its own: see --net and -p in `sandbox run --help`";
static const char volume[] = "a volume is a folder of yours: see -v in `sandbox run --help`";

static const char listed[] = "sandbox ps -a for sandboxes, sandbox images for images";
static const char shell[] = "sandbox run IMAGE sh for a new one, sandbox exec SANDBOX sh for one that runs";
static const char removed[] = "sandbox rm for sandboxes, sandbox rmi for images";

static const struct {
	const char *word, *instead;
} table[] = {
	{"pull", fetch}, {"search", fetch}, {"login", fetch}, {"logout", fetch}, {"push", upload},
	{"build", build}, {"buildx", build}, {"container", grouped}, {"system", grouped},
	{"version", "sandbox --version"}, {"info", "sandbox doctor"},
	{"network", network}, {"port", network}, {"volume", volume}, {"mount", volume},
	{"ls", listed}, {"list", listed}, {"shell", shell}, {"enter", shell}, {"delete", removed}, {"remove", removed},
	{"compose", "one sandbox a command: sandbox run -d --name NAME"},
	{"pod", "one sandbox a command: sandbox run -d --name NAME"},
};

const char *elsewhere_find(const char *word)
{
	for (size_t i = 0; i < array_count(table); i++)
		if (strcmp(table[i].word, word) == 0)
			return table[i].instead;
	return NULL;
}
