/* SPDX-License-Identifier: GPL-2.0-or-later */
/* switchd(8): options, signals, exit code. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/log_ring.h"
#include "switchd/sip/stream.h"
#include "switchd/switchd.h"

#define STOP_GRACE_MS 3000 /* for the answers to our BYEs */

static const char usage[] =
	"usage: switchd [--foreground] [--state DIR] [--socket PATH] [--apply FILE] [--check]\n"
	"               [--version] [--help]\n"
	"\n"
	"  --foreground   log to standard error with the time in front\n"
	"  --state DIR    folder of databases and keys (default /var/lib/switchd)\n"
	"  --socket PATH  control socket for vosctl (default /run/switchd/control.sock)\n"
	"  --apply FILE   merge a configuration file at start, as one commit\n"
	"  --check        open the state, check the configuration (with FILE), and exit\n"
	"\n"
	"Exit codes: 0 stopped as asked, 1 configuration refused, 2 wrong usage, 3 an address or\n"
	"port cannot be bound, 4 the state folder cannot be used.\n";

enum option_code {
	OPT_FOREGROUND = 256,
	OPT_STATE,
	OPT_SOCKET,
	OPT_APPLY,
	OPT_CHECK,
	OPT_VERSION,
	OPT_HELP
};

static const struct option long_options[] = {
	{"foreground", no_argument, NULL, OPT_FOREGROUND},
	{"state", required_argument, NULL, OPT_STATE},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"apply", required_argument, NULL, OPT_APPLY},
	{"check", no_argument, NULL, OPT_CHECK},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

/* True when the program goes on; else *code is its exit code. */
static bool parse_options(int argc, char **argv, struct switchd_options *out, int *code)
{
	int option;

	*out = (struct switchd_options){
		.state_dir = "/var/lib/switchd",
		.socket_path = "/run/switchd/control.sock",
	};
	*code = EXIT_USAGE;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case OPT_FOREGROUND:
			out->is_foreground = true;
			break;
		case OPT_STATE:
			out->state_dir = optarg;
			break;
		case OPT_SOCKET:
			out->socket_path = optarg;
			break;
		case OPT_APPLY:
			out->apply_path = optarg;
			break;
		case OPT_CHECK:
			out->check_only = true;
			break;
		case OPT_VERSION:
			printf("switchd %s\n", VOS_VERSION);
			*code = EXIT_STOPPED;
			return false;
		case OPT_HELP:
			fputs(usage, stdout);
			*code = EXIT_STOPPED;
			return false;
		default:
			fputs(usage, stderr);
			return false;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "switchd: unexpected argument \"%s\"\n%s", argv[optind], usage);
		return false;
	}
	return true;
}

/* sd_notify(3) without its library: one datagram to $NOTIFY_SOCKET. */
static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, strlen(path));
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0)
		fprintf(stderr, "switchd: cannot notify the service manager: %s\n",
			strerror(errno));
	close(fd);
}

/* Blocked in every thread and read here, so that no handler ever runs. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void reload(struct switchd *switchd)
{
	struct vos_fault fault = {0};

	if (!switchd->shared.stream)
		log_notice(&switchd->log, "switchd", "SIGHUP: no certificate is in use");
	/* What is wrong with a file is logged where it is read. */
	else if (stream_reload_certificates(switchd->shared.stream, &fault) != VOS_OK)
		log_error(&switchd->log, "switchd",
			  "SIGHUP: the certificates read before stay in force");
}

/* Waits for the end; returns the grace in ms that calls have to end in. */
static int serve(struct switchd *switchd, int signal_fd)
{
	struct pollfd fds[] = {{.fd = signal_fd, .events = POLLIN},
			       {.fd = switchd->shutdown_fd, .events = POLLIN}};
	struct signalfd_siginfo info;

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			return __atomic_load_n(&switchd->shutdown_grace_s, __ATOMIC_RELAXED) *
				       1000 +
			       STOP_GRACE_MS;
		if (!fds[0].revents || read(signal_fd, &info, sizeof(info)) != sizeof(info))
			continue;
		if (info.ssi_signo != SIGHUP)
			return STOP_GRACE_MS;
		reload(switchd);
	}
}

static enum switchd_exit run(struct switchd *switchd, int signal_fd)
{
	static const char *const transports[] = {
		[CONF_UDP] = "udp", [CONF_TCP] = "tcp", [CONF_TLS] = "tls"};
	enum switchd_exit code = switchd_load(switchd);
	char local[ADDR_TEXT_MAX];
	int grace_ms;

	if (code != EXIT_STOPPED || switchd->options.check_only)
		return code;
	code = switchd_start(switchd);
	if (code != EXIT_STOPPED)
		return code;
	/* What is advertised may change from here on, with a commit. */
	for (int i = 0; i < switchd->shared.workers[0]->socket_count; i++) {
		const struct sip_socket *socket = &switchd->shared.workers[0]->sockets[i];

		log_notice(&switchd->log, "switchd", "listening on %s %s",
			   transports[socket->transport], addr_print(&socket->local, local));
	}
	log_notice(&switchd->log, "switchd", "ready, control socket %s",
		   switchd->options.socket_path);
	notify("READY=1");
	grace_ms = serve(switchd, signal_fd);
	notify("STOPPING=1");
	log_notice(&switchd->log, "switchd", "stopping");
	switchd_stop(switchd, grace_ms);
	return EXIT_STOPPED;
}

int main(int argc, char **argv)
{
	struct switchd switchd = {.shutdown_fd = -1};
	enum switchd_exit code;
	int signal_fd;
	int exit_code;

	if (!parse_options(argc, argv, &switchd.options, &exit_code))
		return exit_code;
	log_open(&switchd.log, LOG_LEVEL_NOTICE);
	switchd.log.ring = log_ring_create();
	if (switchd.options.is_foreground)
		switchd.log.is_journal = false;
	if (sodium_init() < 0) {
		log_error(&switchd.log, "switchd", "the system has no source of randomness");
		return EXIT_STATE;
	}
	signal_fd = open_signals();
	switchd.shutdown_fd = eventfd(0, EFD_CLOEXEC);
	if (signal_fd < 0 || switchd.shutdown_fd < 0) {
		log_error(&switchd.log, "switchd", "cannot open descriptors: %s", strerror(errno));
		return EXIT_STATE;
	}
	switchd.started_ms = clock_wall_ms();
	code = run(&switchd, signal_fd);
	switchd_free(&switchd);
	log_ring_destroy(switchd.log.ring);
	close(signal_fd);
	close(switchd.shutdown_fd);
	return (int)code;
}
