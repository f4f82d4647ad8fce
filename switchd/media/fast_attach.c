/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the program stands: at the way in of each interface that has a local address of the relay.
 * From Linux 6.6 on as a link that ends with the process, whatever ends it; before, as a filter of
 * the clsact discipline, which stays when the process is killed but does nothing without its sign
 * of life, and is taken over by the next. Packets that come in elsewhere are switchd's. */
#include <errno.h>
#include <ifaddrs.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "switchd/media/fast_private.h"

int fast_link(int program_fd, unsigned device, unsigned type, uint32_t flags)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (uint32_t)program_fd;
	attr.link_create.target_ifindex = device;
	attr.link_create.attach_type = type;
	attr.link_create.flags = flags;
	return (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
}

#ifdef VOS_FAST_OBJECT

#include <bpf/libbpf.h>
#include <linux/pkt_sched.h>

/* Of newer headers than those of Debian 12. */
#define ATTACH_TCX_INGRESS 46

/* Names the filter as ours, so that the next process finds it. */
#define FILTER_HANDLE   0x564f
#define FILTER_PRIORITY 0x564f

static int attach_filter(const struct fast *fast, unsigned device)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)device,
			    .attach_point = BPF_TC_INGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = fast_program_fd(fast->program),
			    .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY,
			    .flags = BPF_TC_F_REPLACE);
	int failed = bpf_tc_hook_create(&hook);

	if (failed && failed != -EEXIST)
		return failed;
	return bpf_tc_attach(&hook, &filter);
}

static void detach_filter(unsigned device)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)device,
			    .attach_point = BPF_TC_INGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE,
			    .priority = FILTER_PRIORITY);

	(void)bpf_tc_detach(&hook, &filter);
}

/* 0, else errno. */
static int attach_one(struct fast *fast, struct fast_device *device, unsigned index)
{
	int failed;

	if (!fast->uses_clsact) {
		device->link_fd =
			fast_link(fast_program_fd(fast->program), index, ATTACH_TCX_INGRESS, 0);
		if (device->link_fd >= 0)
			return 0;
		/* A kernel that does not know it. */
		if (errno != EINVAL)
			return errno;
	}
	device->link_fd = -1;
	failed = attach_filter(fast, index);
	if (!failed)
		fast->uses_clsact = true;
	return -failed;
}

#else /* VOS_FAST_OBJECT */

static void detach_filter(unsigned device)
{
	(void)device;
}

static int attach_one(struct fast *fast, struct fast_device *device, unsigned index)
{
	(void)fast;
	(void)device;
	(void)index;
	return ENOSYS;
}

#endif

static void release(struct fast_device *device, bool is_gone)
{
	fast_xdp_detach(device);
	if (device->link_fd >= 0)
		close(device->link_fd);
	else if (!is_gone)
		detach_filter(device->index);
	device->index = 0;
}

static bool is_local(const struct fast *fast, const struct sockaddr *address)
{
	struct addr addr = {0};

	if (!address || (address->sa_family != AF_INET && address->sa_family != AF_INET6))
		return false;
	addr_from_sockaddr(address, &addr);
	for (size_t i = 0; i < fast->options.local_count; i++) {
		const struct addr *local = &fast->options.locals[i];

		/* The loopback answers for its whole network. */
		if (addr_ip_eq(&addr, local) ||
		    (addr_is_loopback(&addr) && addr_is_loopback(local)))
			return true;
	}
	return false;
}

/* Packets of other kinds have no Ethernet header, and the program looks for one. */
static bool is_ethernet(const char *name)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_one;

	if (fd < 0)
		return false;
	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	is_one = ioctl(fd, SIOCGIFHWADDR, &request) == 0 &&
		 (request.ifr_hwaddr.sa_family == ARPHRD_ETHER ||
		  request.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK);
	close(fd);
	return is_one;
}

static struct fast_device *device_of(struct fast *fast, unsigned index)
{
	for (int i = 0; i < FAST_DEVICES_MAX; i++)
		if (fast->devices[i].index == index)
			return &fast->devices[i];
	return NULL;
}

static bool attach_at(struct fast *fast, const char *name, struct vos_fault *fault)
{
	unsigned index = if_nametoindex(name);
	struct fast_device *device;
	int error;

	if (!index || device_of(fast, index) || !is_ethernet(name))
		return false;
	device = device_of(fast, 0);
	if (!device)
		return false;
	error = attach_one(fast, device, index);
	if (error) {
		fault_set(fault, FAULT_STATE, 0, "it cannot be attached to %s: %s", name,
			  strerror(error));
		return false;
	}
	device->index = index;
	device->xdp_fd = -1;
	if (fast->options.use_xdp)
		fast_xdp_attach(fast, device);
	return true;
}

static bool let_go_of_lost(struct fast *fast)
{
	char name[IF_NAMESIZE];
	bool has_changed = false;

	for (int i = 0; i < FAST_DEVICES_MAX; i++) {
		if (!fast->devices[i].index || if_indextoname(fast->devices[i].index, name))
			continue;
		release(&fast->devices[i], true);
		has_changed = true;
	}
	return has_changed;
}

bool fast_attach(struct fast *fast, struct vos_fault *fault)
{
	struct ifaddrs *all;
	bool has_changed = false;

	pthread_mutex_lock(&fast->lock);
	if (!fast->is_stopped && getifaddrs(&all) == 0) {
		has_changed = let_go_of_lost(fast);
		for (const struct ifaddrs *at = all; at; at = at->ifa_next)
			if (is_local(fast, at->ifa_addr) && attach_at(fast, at->ifa_name, fault))
				has_changed = true;
		freeifaddrs(all);
	}
	pthread_mutex_unlock(&fast->lock);
	return has_changed;
}

void fast_detach(struct fast *fast)
{
	for (int i = 0; i < FAST_DEVICES_MAX; i++)
		if (fast->devices[i].index)
			release(&fast->devices[i], false);
}

unsigned fast_attached_count(const struct fast *fast)
{
	unsigned count = 0;

	for (int i = 0; i < FAST_DEVICES_MAX; i++)
		count += fast->devices[i].index != 0;
	return count;
}
