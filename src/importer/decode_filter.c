/* bzip2, zstd and lz4 by the filters of libarchive, around its "raw" format: libarchive-formats(5). */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#include "base/scope.h"
#include "importer/decoder.h"

struct filter {
	struct decoder *decoder;
	const uint8_t *data; /* the last bytes that were handed to libarchive: they outlive the end of the file */
	size_t size;
	bool at_end;
};

static void archive_release(struct archive **archive)
{
	(void)archive_read_free(*archive);
}

static la_ssize_t filter_read(struct archive *archive, void *context, const void **out_data)
{
	struct filter *filter = context;
	const uint8_t *data;
	ssize_t got = source_next(&filter->decoder->source, &data, &filter->decoder->error);

	if (got < 0) {
		archive_set_error(archive, (int)-got, "read error");
		return ARCHIVE_FATAL;
	}
	filter->at_end = got == 0;
	if (got > 0) {
		filter->data = data;
		filter->size = (size_t)got;
	}
	*out_data = data;
	return got;
}

static int filter_failed(struct filter *filter, struct archive *archive)
{
	struct sandbox_error *error = &filter->decoder->error;
	const char *name = filter->decoder->compression;

	if (error->text[0])
		return error->code ? -error->code : -EINVAL;
	/* libarchive's own sentence is often the one about a file that is no archive. */
	if (archive_errno(archive) == ENOMEM) {
		(void)error_set(error, ENOMEM, "decompress the %s stream", name);
		return error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "its dictionary is larger than the limit on memory");
	}
	if (filter->at_end)
		return decoder_truncated(filter->decoder);
	return decoder_damaged(filter->decoder);
}

static int filter_copy(struct filter *filter, struct archive *archive)
{
	for (;;) {
		uint8_t *block = decoder_reserve(filter->decoder);
		la_ssize_t got;
		int result;

		if (!block)
			return -ECANCELED;
		got = archive_read_data(archive, block, RING_BLOCK_SIZE);
		if (got < 0)
			return filter_failed(filter, archive);
		if (got == 0)
			return 0;
		result = decoder_push(filter->decoder, block, (size_t)got);
		if (result < 0)
			return result;
	}
}

/* Some filters take what they do not know for the end of the stream. */
static int filter_check_end(struct filter *filter, struct archive *archive)
{
	uint64_t consumed = (uint64_t)archive_filter_bytes(archive, -1);
	uint64_t left = filter->decoder->source.bytes - consumed;

	if (left > filter->size)
		return decoder_damaged(filter->decoder);
	return decoder_expect_padding(filter->decoder, filter->data + filter->size - left, left);
}

static int decode_filter(struct decoder *decoder, int code)
{
	struct filter filter = {.decoder = decoder};
	auto_finish(archive_release) struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	int result;

	if (!archive)
		return error_set(&decoder->error, ENOMEM, "decompress the archive");
	/* Naming the filter keeps libarchive from finding more of them inside: a bomb multiplies so. */
	if (archive_read_support_format_raw(archive) != ARCHIVE_OK ||
	    archive_read_append_filter(archive, code) != ARCHIVE_OK)
		return error_set(&decoder->error, ENOTSUP, "decompress the archive: libarchive cannot read %s",
			decoder->compression);
	if (archive_read_open(archive, &filter, NULL, filter_read, NULL) != ARCHIVE_OK ||
	    archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		return filter_failed(&filter, archive);
	result = filter_copy(&filter, archive);
	return result < 0 ? result : filter_check_end(&filter, archive);
}

int decode_bzip2(struct decoder *decoder)
{
	return decode_filter(decoder, ARCHIVE_FILTER_BZIP2);
}

int decode_zstd(struct decoder *decoder)
{
	return decode_filter(decoder, ARCHIVE_FILTER_ZSTD);
}

int decode_lz4(struct decoder *decoder)
{
	return decode_filter(decoder, ARCHIVE_FILTER_LZ4);
}
