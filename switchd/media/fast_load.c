/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program for the kernel: compiled with switchd, kept within it, loaded through libbpf. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "switchd/media/fast_private.h"

#ifdef VOS_FAST_OBJECT

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

__asm__(".section .rodata\n"
	".balign 8\n"
	"fast_object:\n"
	".incbin \"" VOS_FAST_OBJECT "\"\n"
	"fast_object_end:\n"
	".byte 0\n"
	".previous\n");
extern const char fast_object[];
extern const char fast_object_end[];

struct fast_program {
	struct bpf_object *object;
	uint32_t entry_count;
};

static int say_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static enum vos_err refused(struct vos_fault *fault, const char *what, int error)
{
	fault_set(fault, FAULT_STATE, 0, "%s: %s", what, strerror(error));
	return error == EPERM || error == EACCES ? VOS_EPERM : VOS_EIO;
}

enum vos_err fast_load(uint32_t entry_count, struct fast_program **out, struct vos_fault *fault)
{
	struct fast_program *program = calloc(1, sizeof(*program));
	enum vos_err err = VOS_OK;
	int failed;

	if (!program)
		return VOS_ENOMEM;
	program->entry_count = entry_count;
	libbpf_set_print(say_nothing);
	program->object =
		bpf_object__open_mem(fast_object, (size_t)(fast_object_end - fast_object), NULL);
	if (!program->object) {
		err = refused(fault, "the program for the kernel cannot be read", errno);
		goto out;
	}
	failed = bpf_map__set_max_entries(
		bpf_object__find_map_by_name(program->object, "fast_entries"), entry_count);
	if (!failed)
		failed = bpf_object__load(program->object);
	if (failed)
		err = refused(fault, "the kernel does not take the program", -failed);
out:
	if (err != VOS_OK) {
		fast_unload(program);
		return err;
	}
	*out = program;
	return VOS_OK;
}

int fast_program_fd(const struct fast_program *program)
{
	return bpf_program__fd(bpf_object__find_program_by_name(program->object, "fast_forward"));
}

int fast_xdp_program_fd(const struct fast_program *program)
{
	return bpf_program__fd(
		bpf_object__find_program_by_name(program->object, "fast_forward_xdp"));
}

static void *map_table(const struct fast_program *program, const char *name, size_t bytes)
{
	int fd = bpf_object__find_map_fd_by_name(program->object, name);
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

enum vos_err fast_map_tables(const struct fast_program *program, struct fast *fast,
			     struct vos_fault *fault)
{
	fast->config = map_table(program, "fast_config", sizeof(*fast->config));
	if (fast->config)
		fast->entries = map_table(program, "fast_entries",
					  program->entry_count * sizeof(*fast->entries));
	if (!fast->entries)
		return refused(fault, "the kernel's table cannot be mapped", errno);
	return VOS_OK;
}

void fast_unload(struct fast_program *program)
{
	bpf_object__close(program->object);
	free(program);
}

#else /* VOS_FAST_OBJECT */

enum vos_err fast_load(uint32_t entry_count, struct fast_program **out, struct vos_fault *fault)
{
	(void)entry_count;
	(void)out;
	fault_set(fault, FAULT_STATE, 0,
		  "not built in: clang or libbpf were missing when switchd was built");
	return VOS_ENOENT;
}

int fast_program_fd(const struct fast_program *program)
{
	(void)program;
	return -1;
}

int fast_xdp_program_fd(const struct fast_program *program)
{
	(void)program;
	return -1;
}

enum vos_err fast_map_tables(const struct fast_program *program, struct fast *fast,
			     struct vos_fault *fault)
{
	(void)program;
	(void)fast;
	(void)fault;
	return VOS_ENOENT;
}

void fast_unload(struct fast_program *program)
{
	(void)program;
}

#endif
