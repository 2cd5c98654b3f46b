# shellcheck shell=bash
# Starting a node. Sourced, never run.
# shellcheck disable=SC2154

# Makes what is a node's own, and starts it.
start_node() {
  mkdir -p "$NODE_STATE"/{conf,log,containerd,kubelet,varlog,cni/net.d,cni/lib}
  make_node_certificate
  write_node_configuration
  make_cgroups
  start_namespaces
  connect
}

make_cgroups() {
  local hierarchy
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir -p "/sys/fs/cgroup/$CGROUP"
  else
    for hierarchy in /sys/fs/cgroup/*/; do
      mkdir -p "$hierarchy$CGROUP"
    done
  fi
}

start_namespaces() {
  local images outer inner
  images=$cache/$(images_product)
  IMAGES=$images setsid unshare --mount --pid --net --uts --fork --kill-child --mount-proc --propagation private \
    "$root/e2e/cluster/node" "${NODE#node}" >"$NODE_STATE/log/node.log" 2>&1 </dev/null &
  outer=$!
  echo "$outer" >"$NODE_STATE/unshare.pid"
  until inner=$(pgrep -P "$outer"); do
    kill -0 "$outer" 2>/dev/null || fail "the namespaces of $NODE cannot be made: $(cat "$NODE_STATE/log/node.log")"
    sleep 0.05
  done
  echo "$inner" >"$NODE_STATE/node.pid"
}

connect() {
  ip link add "$VETH" type veth peer name eth0 netns "$(cat "$NODE_STATE/node.pid")"
  ip address add "$NET.1/30" dev "$VETH"
  ip link set "$VETH" up
  ip route add "$POD_NET.0/24" via "$NET.2"
}

# Waits for a condition, as long as the node lives and two minutes have not passed.
until_so() { # what, command...
  local what=$1 deadline=$((SECONDS + 120))
  shift
  until "$@" >/dev/null 2>&1; do
    kill -0 "$(cat "$NODE_STATE/node.pid")" 2>/dev/null || fail "$NODE stopped while waiting for: $what"
    [ $SECONDS -lt $deadline ] || fail "not within two minutes: $what"
    sleep 0.2
  done
  say "$what"
}

until_node_ready() {
  until_so "images imported into $NODE" test -e "$NODE_STATE/images.imported"
  until_so "$NODE registered" kubectl get node "$NODE"
  until_so "$NODE ready" kubectl wait --for=condition=Ready "node/$NODE" --timeout=10s
}
