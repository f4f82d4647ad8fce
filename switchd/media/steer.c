/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program that steers packets, attached to the network namespace as long as switchd runs. */
#include "switchd/media/steer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switchd/media/steer_map.h"

#ifdef VOS_STEER_OBJECT

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

__asm__(".section .rodata\n"
	".balign 8\n"
	"steer_object:\n"
	".incbin \"" VOS_STEER_OBJECT "\"\n"
	"steer_object_end:\n"
	".byte 0\n"
	".previous\n");
extern const char steer_object[];
extern const char steer_object_end[];

struct steer {
	struct bpf_object *object;
	struct bpf_link *link;
	int streams_fd;
	int inlets_fd;
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

static enum vos_err load(struct steer *steer, struct vos_fault *fault)
{
	int failed;

	libbpf_set_print(say_nothing);
	steer->object =
		bpf_object__open_mem(steer_object, (size_t)(steer_object_end - steer_object), NULL);
	if (!steer->object)
		return refused(fault, "the program for the kernel cannot be read", errno);
	failed = bpf_object__load(steer->object);
	if (failed)
		return refused(fault, "the kernel does not take the program", -failed);
	steer->streams_fd = bpf_object__find_map_fd_by_name(steer->object, "steer_streams");
	steer->inlets_fd = bpf_object__find_map_fd_by_name(steer->object, "steer_inlets");
	return VOS_OK;
}

static enum vos_err attach(struct steer *steer, struct vos_fault *fault)
{
	const struct bpf_program *program =
		bpf_object__find_program_by_name(steer->object, "steer_choose");
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return refused(fault, "the network namespace cannot be opened", errno);
	steer->link = bpf_program__attach_netns(program, fd);
	close(fd);
	return steer->link ? VOS_OK : refused(fault, "the program cannot be attached", errno);
}

enum vos_err steer_create(struct steer **out, struct vos_fault *fault)
{
	struct steer *steer = calloc(1, sizeof(*steer));
	enum vos_err err;

	if (!steer)
		return VOS_ENOMEM;
	err = load(steer, fault);
	if (err == VOS_OK)
		err = attach(steer, fault);
	if (err != VOS_OK) {
		steer_destroy(steer);
		return err;
	}
	*out = steer;
	return VOS_OK;
}

void steer_destroy(struct steer *steer)
{
	if (!steer)
		return;
	bpf_link__destroy(steer->link);
	bpf_object__close(steer->object);
	free(steer);
}

enum vos_err steer_add_inlet(struct steer *steer, uint32_t inlet, int fd, struct vos_fault *fault)
{
	const uint64_t value = (uint64_t)fd;

	if (bpf_map_update_elem(steer->inlets_fd, &inlet, &value, BPF_ANY) == 0)
		return VOS_OK;
	return refused(fault, "the kernel steers to no such socket", errno);
}

static void put_ip(uint32_t ip[4], const struct endpoint *endpoint)
{
	if (endpoint->sa.sa_family == AF_INET)
		memcpy(ip, &endpoint->in4.sin_addr, sizeof(endpoint->in4.sin_addr));
	else
		memcpy(ip, &endpoint->in6.sin6_addr, sizeof(endpoint->in6.sin6_addr));
}

static struct steer_key key_of(const struct endpoint *local, const struct endpoint *remote)
{
	struct steer_key key = {.local_port = ntohs(local->in4.sin_port),
				.remote_port = remote->in4.sin_port};

	put_ip(key.local_ip, local);
	put_ip(key.remote_ip, remote);
	return key;
}

bool steer_enter(struct steer *steer, const struct endpoint *local, const struct endpoint *remote,
		 uint32_t inlet)
{
	const struct steer_key key = key_of(local, remote);

	return bpf_map_update_elem(steer->streams_fd, &key, &inlet, BPF_ANY) == 0;
}

void steer_leave(struct steer *steer, const struct endpoint *local, const struct endpoint *remote)
{
	const struct steer_key key = key_of(local, remote);

	(void)bpf_map_delete_elem(steer->streams_fd, &key);
}

#else /* VOS_STEER_OBJECT */

enum vos_err steer_create(struct steer **out, struct vos_fault *fault)
{
	(void)out;
	fault_set(fault, FAULT_STATE, 0,
		  "not built in: clang or libbpf were missing when switchd was built");
	return VOS_ENOENT;
}

void steer_destroy(struct steer *steer)
{
	(void)steer;
}

enum vos_err steer_add_inlet(struct steer *steer, uint32_t inlet, int fd, struct vos_fault *fault)
{
	(void)steer;
	(void)inlet;
	(void)fd;
	(void)fault;
	return VOS_ENOENT;
}

bool steer_enter(struct steer *steer, const struct endpoint *local, const struct endpoint *remote,
		 uint32_t inlet)
{
	(void)steer;
	(void)local;
	(void)remote;
	(void)inlet;
	return false;
}

void steer_leave(struct steer *steer, const struct endpoint *local, const struct endpoint *remote)
{
	(void)steer;
	(void)local;
	(void)remote;
}

#endif
