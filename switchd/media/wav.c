/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/wav.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "switchd/media/g711.h"

/* Format tags of the "fmt " chunk. */
enum wav_format {
	WAV_PCM = 1,
	WAV_A_LAW = 6,
	WAV_MU_LAW = 7,
	WAV_EXTENSIBLE = 0xfffe, /* the tag is the first two bytes of the subformat's GUID */
};

#define FMT_BYTES            16
#define FMT_EXTENSIBLE_BYTES 40
#define FMT_SUBFORMAT        24

struct chunks {
	struct span fmt;
	struct span data;
};

static unsigned u16_at(struct span from, size_t at)
{
	return (unsigned char)from.ptr[at] | (unsigned)(unsigned char)from.ptr[at + 1] << 8;
}

static uint32_t u32_at(struct span from, size_t at)
{
	return u16_at(from, at) | (uint32_t)u16_at(from, at + 2) << 16;
}

static struct span skip(struct span from, size_t len)
{
	return (struct span){from.ptr + len, from.len - len};
}

/* A data chunk that claims more than there is (as of a recording that was cut off) has what there
 * is; chunks begin at even places. */
static const char *find_chunks(struct span file, struct chunks *out)
{
	if (file.len < 12 || memcmp(file.ptr, "RIFF", 4) != 0 ||
	    memcmp(file.ptr + 8, "WAVE", 4) != 0)
		return "it is no RIFF/WAVE file";
	file = skip(file, 12);
	while (file.len >= 8 && !out->data.ptr) {
		uint32_t len = u32_at(file, 4);
		bool is_data = memcmp(file.ptr, "data", 4) == 0;
		bool is_fmt = memcmp(file.ptr, "fmt ", 4) == 0;

		file = skip(file, 8);
		if (len > file.len && !is_data)
			return "a chunk of it goes beyond its end";
		if (len > file.len)
			len = (uint32_t)file.len;
		if (is_fmt)
			out->fmt = (struct span){file.ptr, len};
		if (is_data)
			out->data = (struct span){file.ptr, len};
		file = skip(file, len + (len & 1) <= file.len ? len + (len & 1) : file.len);
	}
	if (out->fmt.len < FMT_BYTES)
		return "it has no format chunk before its data";
	if (!out->data.ptr)
		return "it has no data chunk";
	return NULL;
}

static const char *check_format(struct span fmt, unsigned *format)
{
	unsigned bits = u16_at(fmt, 14);

	*format = u16_at(fmt, 0);
	if (*format == WAV_EXTENSIBLE && fmt.len >= FMT_EXTENSIBLE_BYTES)
		*format = u16_at(fmt, FMT_SUBFORMAT);
	if (u16_at(fmt, 2) != 1)
		return "it has more than one channel; it must be mono";
	if (u32_at(fmt, 4) != G711_RATE)
		return "its rate is not 8000 samples a second";
	if (*format != WAV_PCM && *format != WAV_A_LAW && *format != WAV_MU_LAW)
		return "its coding is neither PCM nor A-law nor mu-law";
	if (*format == WAV_PCM && bits != 16)
		return "its PCM samples do not have 16 bits";
	if (*format != WAV_PCM && bits != 8)
		return "its A-law or mu-law samples do not have 8 bits";
	return NULL;
}

static int16_t sample_at(struct span data, unsigned format, size_t index)
{
	if (format == WAV_PCM)
		return (int16_t)u16_at(data, 2 * index);
	return g711_decode(format == WAV_A_LAW ? G711_A : G711_MU, (uint8_t)data.ptr[index]);
}

enum vos_err wav_parse(struct span file, struct wav *out, const char **why)
{
	struct chunks chunks = {0};
	unsigned format;
	struct wav wav;

	*why = find_chunks(file, &chunks);
	if (!*why)
		*why = check_format(chunks.fmt, &format);
	if (*why)
		return VOS_EINVAL;
	wav.count = format == WAV_PCM ? chunks.data.len / 2 : chunks.data.len;
	if (wav.count == 0)
		*why = "it has no samples";
	else if (wav.count > (size_t)G711_RATE * WAV_SECONDS_MAX)
		*why = "it is longer than 60 seconds";
	if (*why)
		return VOS_EINVAL;
	wav.samples = malloc(wav.count * sizeof(*wav.samples));
	if (!wav.samples)
		return VOS_ENOMEM;
	for (size_t i = 0; i < wav.count; i++)
		wav.samples[i] = sample_at(chunks.data, format, i);
	*out = wav;
	return VOS_OK;
}

/* What the file holds, malloc'ed; NULL with *why. */
static char *read_file(int fd, size_t *len, const char **why)
{
	char *bytes = malloc(WAV_FILE_MAX + 1);
	ssize_t got = 1;

	*len = 0;
	*why = vos_strerror(VOS_ENOMEM);
	while (bytes && got > 0 && *len <= WAV_FILE_MAX) {
		got = read(fd, bytes + *len, WAV_FILE_MAX + 1 - *len);
		if (got > 0)
			*len += (size_t)got;
	}
	if (bytes && got < 0)
		*why = strerror(errno);
	else if (bytes && *len > WAV_FILE_MAX)
		*why = "it is longer than 1 MiB";
	else
		return bytes;
	free(bytes);
	return NULL;
}

enum vos_err wav_load(const char *path, struct wav *out, struct vos_fault *fault)
{
	/* A FIFO must not hold up who loads. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *why = strerror(errno);
	enum vos_err err = VOS_EINVAL;
	char *bytes = NULL;
	struct stat status;
	size_t len;

	if (fd < 0)
		goto out;
	why = "it is no regular file";
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		bytes = read_file(fd, &len, &why);
	if (bytes)
		err = wav_parse((struct span){bytes, len}, out, &why);
	if (err == VOS_ENOMEM)
		why = vos_strerror(err);
out:
	if (err != VOS_OK)
		fault_set(fault, FAULT_VALUE_FORMAT, 0, "%s: %s", path, why);
	free(bytes);
	if (fd >= 0)
		close(fd);
	return err;
}

void wav_clear(struct wav *wav)
{
	free(wav->samples);
	*wav = (struct wav){0};
}
