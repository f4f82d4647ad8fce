# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # the lists are used by those who source this
# Installs the Debian packages that are missing, and nothing else. Sourced by data/quickstart, tests/run
# and .ci/run; call install_packages with the lists that are needed.

# What the programs are built from.
packages_build=(
	gcc libc6-dev make cmake pkg-config
	libsofia-sip-ua-dev liblmdb-dev libsodium-dev libedit-dev libjansson-dev libmd-dev libnftables-dev libssl-dev libsrtp2-dev
	libbpf-dev libmicrohttpd-dev libcurl4-openssl-dev
	uthash-dev libcmocka-dev
)
# What the tests drive the programs with. tshark, nftables and iproute2 serve the network namespaces.
packages_test=(
	python3 sip-tester sipsak sipvicious baresip-core tshark nftables iptables iproute2 tmux sox mandoc libfaketime openssl prometheus
)
# What .ci/run looks the sources over with.
packages_lint=(clang-format cppcheck shellcheck)
# What the fuzz targets are built with, and the program for the kernel (media fast path).
packages_fuzz=(clang)

package_is_installed()
{
	dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

# install_packages NAME...
install_packages()
{
	local missing=() package as_root=()

	for package in "$@"; do
		package_is_installed "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -eq 0 ] && return 0

	if ! command -v apt-get >/dev/null; then
		echo "these packages are missing, and there is no apt-get here: ${missing[*]}" >&2
		return 1
	fi
	if [ "$(id -u)" -ne 0 ]; then
		if ! command -v sudo >/dev/null; then
			echo "run this as root once, or install: ${missing[*]}" >&2
			return 1
		fi
		as_root=(sudo)
	fi
	echo "installing: ${missing[*]}"
	# tshark asks through debconf whether users may capture; the default (no) is right.
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
		"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -q --no-install-recommends "${missing[@]}"
}
