# Sourced by private_broker and private_cluster: RabbitMQ nodes of one's own, each
# with all of its files in one directory.
# shellcheck shell=bash

program=$(basename "$0")

die() {
  echo "$program: $*" >&2
  exit 1
}

misuse() {
  echo "$program: $*" >&2
  usage >&2
  exit 2
}

# Debian's /usr/sbin/rabbitmq-server changes to the user rabbitmq; the one
# beneath it runs as whoever starts it.
find_tool() {
  local candidate
  for candidate in "/usr/lib/rabbitmq/bin/$1" "$(type -P "$1" || true)"; do
    if [[ -x $candidate ]]; then
      echo "$candidate"
      return
    fi
  done
  die "$1 is not installed; to install it: apt-get install rabbitmq-server"
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the kernel's range for outgoing connections, which take ports by chance.
free_port() {
  local port
  for _ in {1..100}; do
    port=$((15000 + (RANDOM * 32768 + RANDOM) % 17000))
    listening "$port" || {
      echo "$port"
      return
    }
  done
  die "found no free port on 127.0.0.1 between 15000 and 32000"
}

running() { [[ -n ${1:-} ]] && kill -0 "$1" 2>/dev/null; }

end_process() { # PID SECONDS: asks it to end, and kills it when it has not
  running "$1" || return 0
  # One that is stopped would not see the request.
  kill -TERM "$1" 2>/dev/null || true
  kill -CONT "$1" 2>/dev/null || true
  for ((i = 0; i < $2 * 20; i++)); do
    running "$1" || return 0
    sleep 0.05
  done
  kill -KILL "$1" 2>/dev/null || true
}

# A node's own shape of RABBITMQ_*, ERL_* and HOME, which its tools need too.
node_environment() { # DIR NAME AMQP_PORT EPMD_PORT DISTRIBUTION_PORT
  cat <<END
export HOME=$(printf %q "$1/home")
export LANG=C.UTF-8 LC_ALL=C.UTF-8
export ERL_CRASH_DUMP=$(printf %q "$1/log/erl_crash.dump")
export ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$4
export RABBITMQ_CONF_ENV_FILE=/dev/null
export RABBITMQ_ADVANCED_CONFIG_FILE=/dev/null
export RABBITMQ_CONFIG_FILE=$(printf %q "$1/rabbitmq")
export RABBITMQ_ENABLED_PLUGINS_FILE=$(printf %q "$1/enabled_plugins")
export RABBITMQ_LOG_BASE=$(printf %q "$1/log")
export RABBITMQ_MNESIA_BASE=$(printf %q "$1/mnesia")
export RABBITMQ_PID_FILE=$(printf %q "$1/node.pid")
export RABBITMQ_NODENAME=$2@localhost
export RABBITMQ_NODE_IP_ADDRESS=127.0.0.1
export RABBITMQ_NODE_PORT=$3
export RABBITMQ_DIST_PORT=$5
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none'
export RABBITMQ_CTL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
END
}

# Files of an earlier node in DIR are gone: each start is a first start.
prepare_directory() { # DIR CONFIG PLUGINS
  rm -rf "${1:?}/home" "$1/log" "$1/mnesia"
  mkdir -p "$1/home" "$1/log" "$1/mnesia"
  (
    umask 277
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$1/home/.erlang.cookie"
  )
  {
    echo 'heartbeat = 10'
    echo 'vm_memory_high_watermark.absolute = 1GB'
    echo 'disk_free_limit.absolute = 50MB'
    if [[ -n $2 ]]; then cat "$2"; fi
  } >"$1/rabbitmq.conf"
  echo "[$3]." >"$1/enabled_plugins"
}

start_epmd() { # DIR PORT; sets epmd
  setsid epmd -port "$2" -address 127.0.0.1 >"$1/log/epmd" 2>&1 </dev/null &
  epmd=$!
  until listening "$2"; do
    running "$epmd" || return 1
    sleep 0.02
  done
}

# With this variable set the script becomes the node instead of its parent.
launch_node() { # DIR, with the node's environment; sets node
  (cd "$1" && RUNNING_UNDER_SYSTEMD=true exec setsid "$(find_tool rabbitmq-server)") \
    >"$1/log/output" 2>&1 </dev/null &
  node=$!
}

await_node() { # DIR PORT PID; false if it ends instead of listening
  local until=$((SECONDS + 120))
  until listening "$2"; do
    running "$3" || return 1
    if ((SECONDS > until)); then
      echo "it did not listen within 120 s" >>"$1/log/output"
      return 1
    fi
    sleep 0.05
  done
}

# Last, and at once: who finds the file finds all of it.
write_env() { # DIR NAME AMQP_PORT EPMD_PORT DISTRIBUTION_PORT
  {
    node_environment "$@"
    echo "RPC_TEST_BROKER_URL=amqp://guest:guest@127.0.0.1:$3"
    echo "RPC_TEST_BROKER_PID=$node"
    echo "RPC_TEST_BROKER_EPMD_PID=$epmd"
  } >"$1/env.new"
  mv "$1/env.new" "$1/env"
}

watch() { # DIR PID EPMD: ends what is in DIR when PID is gone, unless EPMD is before
  setsid "$BASH" -c '
    while kill -0 "$2" 2>/dev/null && kill -0 "$3" 2>/dev/null; do sleep 0.5; done
    exec "$BASH" "$0" stop "$1"' "$self" "$1" "$2" "$3" >/dev/null 2>&1 </dev/null &
}

# With its ports and its files; ends it first, in good order, if it still runs.
restart_node() { # DIR
  end_process "$(recorded_pid "$1" RPC_TEST_BROKER_PID)" 20
  # shellcheck disable=SC1091
  . "$1/env"
  # One that was killed a moment ago may still have its port, and would be taken
  # for the new one.
  local until=$((SECONDS + 20))
  while listening "$RABBITMQ_NODE_PORT"; do
    ((SECONDS < until)) || die "the node in $1 has not ended"
    sleep 0.02
  done
  epmd=$RPC_TEST_BROKER_EPMD_PID
  launch_node "$1"
  # At once, so that a node which does not come up can be ended, too.
  write_env "$1" "${RABBITMQ_NODENAME%@*}" "$RABBITMQ_NODE_PORT" "$ERL_EPMD_PORT" "$RABBITMQ_DIST_PORT"
  await_node "$1" "$RABBITMQ_NODE_PORT" "$node" && return
  report_failure "$1/log" >&2
  exit 1
}

check_tools() {
  find_tool rabbitmq-server >/dev/null
  type -P epmd >/dev/null || die "epmd is not installed; to install it: apt-get install erlang-base"
}

# Where Erlang gives up, the reason comes first and pages of its consequences
# follow; the end may be of another matter, so both are shown.
report_failure() { # LOG_DIRECTORY
  echo "$program: the broker did not start"
  [[ -s $1/epmd ]] && sed 's/^/  epmd: /' "$1/epmd"
  if [[ -s $1/output ]]; then
    echo "$program: its first errors:"
    grep -m 12 '\[error\]' "$1/output" | sed 's/^[^[]*\[error\] <[0-9.]*>/ /' || true
    echo "$program: its last lines:"
    tail -n 8 "$1/output" | sed 's/^/  /'
  fi
  echo "$program: all that it said is in $1"
}

recorded() { # DIR NAME: what DIR/env says
  sed -n "s/^$2=//p" "$1/env"
}

# A pid in an old file may be another process by now.
recorded_pid() { # DIR NAME
  local pid
  pid=$(recorded "$1" "$2")
  if grep -qsaE 'beam|epmd|rabbitmq-server' "/proc/$pid/cmdline"; then echo "$pid"; fi
}

run_ctl() { # DIR ARGUMENT...
  local tool
  tool=$(find_tool rabbitmqctl)
  # shellcheck disable=SC1091
  . "$1/env"
  shift
  exec "$tool" --quiet --node "$RABBITMQ_NODENAME" "$@"
}
