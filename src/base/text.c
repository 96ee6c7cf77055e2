#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/scope.h"

/* Length of the UTF-8 character at `bytes`, or 0 when it is not a valid, shortest-form one. */
static size_t utf8_length(const unsigned char *bytes, uint32_t *out_code)
{
	static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = bytes[0] < 0x80 ? 1 : (bytes[0] & 0xe0) == 0xc0 ? 2 : (bytes[0] & 0xf0) == 0xe0 ? 3
		: (bytes[0] & 0xf8) == 0xf0 ? 4 : 0;
	uint32_t code = length == 1 ? bytes[0] : length ? bytes[0] & (0x7fu >> length) : 0;

	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (length > 1 && (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)))
		return 0;
	*out_code = code;
	return length;
}

static bool is_printable(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code == '\\')
		return false;
	return !(code == 0x061c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
		(code >= 0x2066 && code <= 0x2069) || code == 0xfeff);
}

char *text_escape(const char *text)
{
	const unsigned char *in = (const unsigned char *)text;
	char *escaped = memory_zeroed(strlen(text) + 1, 4);
	char *out = escaped;

	while (*in) {
		uint32_t code = 0;
		size_t length = utf8_length(in, &code);

		if (length && is_printable(code)) {
			memcpy(out, in, length);
			out += length;
			in += length;
			continue;
		}
		length = length ? length : 1;
		while (length--) {
			out += *in == '\\' ? sprintf(out, "\\\\") : sprintf(out, "\\x%02x", *in);
			in++;
		}
	}
	return escaped;
}

char *text_escape_json(const char *json)
{
	char *escaped = memory_zeroed(strlen(json) + 1, 6);
	char *out = escaped;

	for (const unsigned char *in = (const unsigned char *)json; *in;) {
		uint32_t code = 0;
		size_t length = utf8_length(in, &code);

		if (length && code >= 0x7f && !is_printable(code)) {
			out += sprintf(out, "\\u%04x", code);
			in += length;
			continue;
		}
		for (length = length ? length : 1; length; length--)
			*out++ = (char)*in++;
	}
	return escaped;
}

bool text_is_utf8(const char *text)
{
	const unsigned char *in = (const unsigned char *)text;
	uint32_t code;

	while (*in) {
		size_t length = utf8_length(in, &code);

		if (!length)
			return false;
		in += length;
	}
	return true;
}

bool text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

size_t text_cut(const char *text, size_t limit)
{
	size_t length = strnlen(text, limit);

	while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

char *text_shorten(char *text, size_t limit)
{
	static const char end[] = "...";

	if (strnlen(text, limit + 1) > limit)
		memcpy(text + text_cut(text, limit - strlen(end)), end, sizeof(end));
	return text;
}

static bool text_parse_base(const char *text, unsigned int base, uint64_t limit, uint64_t *out)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		unsigned int digit = (unsigned int)(*text - '0');

		if (*text < '0' || digit >= base || value > (UINT64_MAX - digit) / base)
			return false;
		value = value * base + digit;
	}
	if (value > limit)
		return false;
	*out = value;
	return true;
}

bool text_parse_unsigned(const char *text, uint64_t limit, uint64_t *out)
{
	return text_parse_base(text, 10, limit, out);
}

bool text_parse_octal(const char *text, uint64_t limit, uint64_t *out)
{
	return text_parse_base(text, 8, limit, out);
}

/* Reads DIGITS[.DIGITS] as thousandths, which is all the precision that sizes and times here need. */
static bool parse_thousandths(const char **cursor, uint64_t *out)
{
	const char *text = *cursor;
	uint64_t value = 0, scale = 1000;
	bool any = false, fraction = false;

	for (; (*text >= '0' && *text <= '9') || (*text == '.' && !fraction); text++) {
		if (*text == '.') {
			fraction = true;
			continue;
		}
		any = true;
		if (fraction && scale == 1)
			continue;
		if (value > (UINT64_MAX >> 14) / 10)
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
		if (fraction)
			scale /= 10;
	}
	*cursor = text;
	*out = value * scale;
	return any;
}

bool text_parse_size(const char *text, uint64_t *out_bytes)
{
	static const char suffixes[] = "bkmgtp";
	uint64_t thousandths = 0;
	unsigned int shift = 0;

	if (!parse_thousandths(&text, &thousandths))
		return false;
	if (*text) {
		const char *suffix = strchr(suffixes, *text | 0x20);

		if (!suffix)
			return false;
		shift = (unsigned int)(suffix - suffixes) * 10;
		text++;
		if (shift && *text && (strcasecmp(text, "b") == 0 || strcasecmp(text, "ib") == 0))
			text = "";
	}
	if (*text || (shift && thousandths > UINT64_MAX >> shift))
		return false;
	*out_bytes = (thousandths << shift) / 1000;
	return true;
}

bool text_parse_duration(const char *text, uint64_t *out_milliseconds)
{
	static const struct {
		const char *suffix;
		uint64_t milliseconds;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	uint64_t total = 0;
	bool is_first = true;

	if (!*text)
		return false;
	for (; *text; is_first = false) {
		uint64_t thousandths, unit = 0;

		if (!parse_thousandths(&text, &thousandths))
			return false;
		for (size_t i = 0; i < array_count(units) && !unit; i++) {
			if (!text_starts_with(text, units[i].suffix))
				continue;
			unit = units[i].milliseconds;
			text += strlen(units[i].suffix);
		}
		/* A bare number stands alone: what 1h30 means is anybody's guess. */
		if (!unit && (*text || !is_first))
			return false;
		unit = unit ? unit : 1000;
		if (thousandths > (UINT64_MAX >> 4) / unit || total > UINT64_MAX >> 4)
			return false;
		total += thousandths * unit / 1000;
	}
	*out_milliseconds = total;
	return true;
}

const char *text_plural(size_t count, const char *one, const char *many)
{
	return count == 1 ? one : many;
}

const char *text_format_size(uint64_t bytes, char *buffer, size_t size)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < array_count(units)) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(buffer, size, unit && value < 100 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return buffer;
}
