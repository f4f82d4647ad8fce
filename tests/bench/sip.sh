#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Registrations and calls a second, CPU time and memory of switchd beside Kamailio, in one run on one
# machine: one core for the server, one for the load. Prints a table; writes nothing else.
#
#   tests/bench/sip.sh [--rounds N] [--bindings N] [--held N] [--settle SECONDS] [--port PORT]
#
# VOS_BENCH_DIR holds the load generator (sipblast.c) and its driver (bench.py), by default
# ../shared/bench/sip beside the checkout. VOS_BUILD_DIR holds the programs, by default build/.
# SERVER_CPU and LOAD_CPU choose the cores (default 1 and 0).
#
# Both answer the same load: realm bench.test, users from 1000 with password "pw", no authentication of
# INVITE, calls go to 127.0.0.1:5080, no media. --settle is how long held calls rest before their memory
# is read, so that no transaction is counted.
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bench_dir=${VOS_BENCH_DIR:-$source_dir/../shared/bench/sip}
build_dir=${VOS_BUILD_DIR:-$source_dir/build}
rounds=3
bindings=80000
held=5000
settle=36
port=5060

while [ $# -gt 0 ]; do
	case $1 in
	--rounds) rounds=$2 ;;
	--bindings) bindings=$2 ;;
	--held) held=$2 ;;
	--settle) settle=$2 ;;
	--port) port=$2 ;;
	*)
		sed -n '3,14s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	esac
	shift 2
done

need()
{
	[ -e "$1" ] || {
		echo "sip.sh: $1 is missing; $2" >&2
		exit 1
	}
}
need "$bench_dir/sipblast.c" "set VOS_BENCH_DIR"
need "$bench_dir/bench.py" "set VOS_BENCH_DIR"
need "$build_dir/switchd" "build first, or set VOS_BUILD_DIR"
command -v kamailio >/dev/null || {
	echo "sip.sh: install kamailio" >&2
	exit 1
}

# An answer from somebody else's server would be measured instead.
for taken in "$port" 5080 6000; do
	if grep -qE "^ *[0-9]+: [0-9A-F]{8}:$(printf '%04X' "$taken") " /proc/net/udp; then
		echo "sip.sh: UDP port $taken is in use" >&2
		exit 1
	fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O2 -w -o "$work/sipblast" "$bench_dir/sipblast.c" -lm

# switch_conf FILE USERS
switch_conf()
{
	{
		cat <<-TEXT
		SS_SIP_AUTHENTICATION_REALM = bench.test
		SS_SIP_SIGNALLING_THREADS = 1
		SS_MEDIA_PROXY_MODE = off
		SS_AUTHENTICATION_MAX_RETRY = 0
		SS_SIP_GUARD_RATE = 0
		SS_MAX_CPS = 100000
		mapping-gateway bench
		 address 127.0.0.1
		 exit
		routing-gateway bench
		 address 127.0.0.1:5080
		 exit
		listen bench
		 udp 127.0.0.1:$port
		 exit
		TEXT
		seq 1000 $((999 + $2)) | sed 's/.*/phone &\n password plain "pw"\n exit/'
		echo end
	} >"$1"
}
switch_conf "$work/few.conf" 1000
switch_conf "$work/many.conf" "$bindings"

# binding_memory LABEL SERVER COMMAND...: what registrations add to the server's own memory. Pages of
# database files are not counted: they are the kernel's, which takes them back when it needs them.
binding_memory()
{
	python3 - "$work" "$port" "$bindings" "$@" <<'TEXT'
import json
import re
import subprocess
import sys
import time

work, port, bindings, label, *command = sys.argv[1:]
server = f'127.0.0.1:{port}'


def blast(*words):
    return subprocess.run([f'{work}/sipblast', '-s', server, *words], capture_output=True, text=True)


def own_bytes():
    """Anonymous and shared memory of all processes of the server's session."""
    out = subprocess.run(['ps', '-o', 'pid=', '--sid', str(process.pid)], capture_output=True, text=True).stdout
    total = 0
    for pid in out.split():
        with open(f'/proc/{pid}/smaps_rollup') as rollup:
            total += sum(int(size) for size in re.findall(r'^Pss_(?:Anon|Shmem): +(\d+) kB', rollup.read(), re.M))
    return total * 1024


with open(f'{work}/{label}.log', 'wb') as log:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
try:
    deadline = time.monotonic() + 60
    while 'ok=1 ' not in blast('-m', 'opt', '-n', '1', '-d', '1').stdout:
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f'{label} does not answer')
    time.sleep(1)

    def register(first, count):
        """Bytes after so many registrations of users from `first` on."""
        done = blast('-m', 'reg', '-b', str(first), '-u', str(count), '-n', str(count), '-w', '64', '-d', '60')
        if f'ok={count} ' not in done.stdout:
            sys.exit(f'{label}: {done.stdout}')
        time.sleep(3)  # the storage thread writes once a second
        return own_bytes()

    # The slope: what is there once (nonce and lockout tables, pools) is touched by the first quarter.
    quarter = int(bindings) // 4
    before = register(1000, quarter)
    each = (register(1000 + quarter, 3 * quarter) - before) / (3 * quarter)
    with open(f'{work}/{label}.binding', 'w') as result:
        print(json.dumps({'bytes_per_held': each}), file=result)
finally:
    process.terminate()
    process.wait(30)
TEXT
}

# measure LABEL RESULT-NAME LOAD BENCH-OPTIONS... -- SERVER COMMAND...
measure()
{
	local label=$1 name=$2 load=$3
	shift 3
	if [ "$name" = binding ]; then
		while [ "$1" != -- ]; do
			shift
		done
		binding_memory "$label" "${@:2}"
		return
	fi
	python3 "$bench_dir/bench.py" --blast "$work/sipblast" --scpu "${SERVER_CPU:-1}" \
		--lcpu "${LOAD_CPU:-0}" --json "$work/$label.$name" --log "$work/$label.log" \
		--port "$port" --load "$load -s 127.0.0.1:$port" "$@" >/dev/null || {
		echo "sip.sh: $label, $name failed" >&2
		tail -n 5 "$work/$label.log" >&2
		exit 1
	}
}

run_switchd()
{
	local name=$1 load=$2 conf=$3
	shift 3
	rm -rf "$work/state"
	measure switchd "$name" "$load" "$@" switchd -- "$build_dir/switchd" --foreground \
		--state "$work/state" --socket "$work/control.sock" --apply "$conf"
}

run_kamailio()
{
	local name=$1 load=$2 define=$3
	shift 3
	local options=()
	[ -z "$define" ] || options=(-A "$define")
	measure kamailio "$name" "$load" "$@" kamailio -- kamailio -x tlsf -f "$source_dir/tests/bench/kamailio.cfg" \
		-DD -E -m 2048 -M 32 -n 1 -P "$work/kamailio.pid" -Y "$work" -A "LISTEN=udp:127.0.0.1:$port" \
		-A 'CALLEE="sip:127.0.0.1:5080"' "${options[@]}"
}

register='-m reg -n 60000 -w 64 -d 4'
call='-m call -n 30000 -w 64 -d 4'
hold="-m call -n $held -w 64 -d 60 -K -H $((settle + 2))"

for ((round = 1; round <= rounds; round++)); do
	echo "round $round of $rounds"
	run_switchd register "$register" "$work/few.conf"
	run_kamailio register "$register" ''
	run_switchd call "$call" "$work/few.conf"
	run_kamailio call "$call" ''
done
echo "memory of $bindings bindings"
run_switchd binding '' "$work/many.conf"
run_kamailio binding '' ''
echo "memory of $held held calls"
run_switchd held "$hold" "$work/few.conf" --held-delay "$settle"
run_kamailio held "$hold" WITH_DIALOG --held-delay "$settle"

python3 - "$work" <<'TEXT'
import json
import statistics
import sys


def median(label, name, key):
    with open(f'{sys.argv[1]}/{label}.{name}') as lines:
        return statistics.median(json.loads(line)[key] for line in lines)


# what, load, key, digits, bar: a ratio to Kamailio's (at least) or a figure of our own (at most)
ROWS = (
    ('registrations/s', 'register', 'rate', 0, ('>=', 1.1)),
    ('  CPU us each', 'register', 'cpu_us_per_unit', 1, None),
    ('  p99 us', 'register', 'p99', 0, None),
    ('calls/s', 'call', 'rate', 0, ('>=', 2.0)),
    ('  CPU us each', 'call', 'cpu_us_per_unit', 1, None),
    ('  p99 us', 'call', 'p99', 0, None),
    ('bytes a binding', 'binding', 'bytes_per_held', 0, ('<=', 400)),
    ('bytes a held call', 'held', 'bytes_per_held', 0, ('<=', 4096)),
)
print(f'\n{"":20} {"switchd":>12} {"kamailio":>12} {"ratio":>8}   bar')
for what, name, key, digits, bar in ROWS:
    ours, theirs = (median(label, name, key) for label in ('switchd', 'kamailio'))
    ratio = ours / theirs if theirs else float('inf')
    verdict = ''
    if bar:
        kind, limit = bar
        reached = ratio >= limit if kind == '>=' else ours <= limit
        of_what = 'times' if kind == '>=' else 'bytes'
        verdict = f'{kind} {limit} {of_what}: {"reached" if reached else "missed"}'
    print(f'{what:20} {ours:12,.{digits}f} {theirs:12,.{digits}f} {ratio:8.2f}   {verdict}')
TEXT
