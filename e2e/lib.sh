# shellcheck shell=bash
# What the scripts below e2e/ share. Sourced, never run.
set -euo pipefail
shopt -s inherit_errexit
umask 022

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=${0##*/}

say() {
  printf '%(%H:%M:%S)T  %s\n' -1 "$*"
}

# One clear line and a non-zero end: 1 where something failed, 2 where what was asked for is wrong.
fail() {
  echo "$program: $*" >&2
  exit 1
}

wrong() {
  echo "$program: $*" >&2
  exit 2
}

# Settings, all optional.
cache=${VMCHECKPOINT_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vmcheckpoint}
STATE=${STATE:-/var/tmp/vmcp}
export STATE
# Tests run it as another user too, who may not enter root's home directory.
jdk_cache=/var/cache/vmcheckpoint

for setting in "VMCHECKPOINT_CACHE=$cache" "STATE=$STATE"; do
  [[ ${setting#*=} =~ ^/[A-Za-z0-9/._-]*[A-Za-z0-9_-]$ ]] ||
    wrong "${setting%%=*} must be an absolute path of letters, digits and . _ - /, not '${setting#*=}'"
done

require_root() {
  [ "$(id -u)" = 0 ] || fail "must be run as root: it makes namespaces, mounts and control groups"
}

# Takes the options that every script without arguments has.
no_arguments() { # usage text, arguments...
  local usage=$1
  shift
  case ${1-} in
    '') ;;
    --help)
      echo "$usage"
      exit 0
      ;;
    *) wrong "unknown argument '$1'; --help lists what there is" ;;
  esac
}

# Installs Debian packages, only those that are not there.
need_packages() {
  local missing=() package log
  for package in "$@"; do
    [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
      missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || fail "apt-get is not there; install by hand: ${missing[*]}"
  require_root
  say "installing ${missing[*]}"
  log=$(mktemp)
  if ! { apt_get update && apt_get install --yes --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    fail "apt-get could not install ${missing[*]}"
  fi
  rm -f "$log"
}

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# Whether apt knows a version of a package, at least this one where a version is given.
apt_offers() { # package, least version
  local candidate
  candidate=$(apt-cache policy "$1" 2>/dev/null | awk '$1 == "Candidate:" { print $2 }')
  [ -n "$candidate" ] && [ "$candidate" != '(none)' ] && dpkg --compare-versions "$candidate" ge "${2:-0}"
}

# The same, of lists that are there and up to date.
may_install() { # package, least version
  apt_offers "$@" || { apt_get update >/dev/null 2>&1 && apt_offers "$@"; }
}

# Runs a command in a process group of its own, so that a signal to this script ends it at once with all
# that it has started: see end_group.
group=
in_group() { # command...
  local status=0
  set -m
  "$@" </dev/null &
  group=$!
  set +m
  wait "$group" || status=$?
  group=
  return "$status"
}

end_group() {
  [ -n "$group" ] || return 0
  kill -TERM -- "-$group" 2>/dev/null || :
  timeout 20 tail --pid="$group" -f /dev/null || kill -KILL -- "-$group" 2>/dev/null || :
}

# Runs a command whose output goes to a file, and says every half minute where it is.
with_heartbeat() { # what it does, log file, pattern of the log's lines worth saying, command...
  local what=$1 log=$2 pattern=$3 running status=0
  shift 3
  exec {running}> >(
    # Ends when the other end is closed.
    while read -rt 30 || [ $? -gt 128 ]; do
      say "... $what: $SECONDS s so far $(grep -aE "$pattern" "$log" | tail -n 1 | cut -c 1-100)"
    done
  )
  "$@" >>"$log" 2>&1 </dev/null {running}>&- || status=$?
  exec {running}>&-
  return "$status"
}

# Builds the images of operator and sidecar from a folder of sources into its modules' target folders, untested.
package_images() { # what it does, log file, folder of sources, further arguments of Maven...
  local what=$1 log=$2 sources=$3
  shift 3
  with_heartbeat "$what" "$log" '^\[INFO\] Building ' \
    maven --file "$sources/pom.xml" -Pimages package -DskipTests -Dspotless.check.skip "$@" \
    --projects operator/sidecar,operator/controller --also-make || {
    grep -aE '^\[ERROR\]' "$log" | head -n 20 >&2
    fail "Maven could not build operator and sidecar: $what"
  }
}

# Maven on a JDK 25, the one that it also builds with.
find_maven() {
  find_jdk
  command -v mvn >/dev/null || need_packages maven
}

find_jdk() {
  local candidate
  for candidate in "${JAVA_HOME:-}" /usr/lib/jvm/*; do
    if grep -qs '^JAVA_VERSION="25[".]' "$candidate/release" && [ -x "$candidate/bin/jlink" ]; then
      export JAVA_HOME=$candidate
      return
    fi
  done
  if may_install openjdk-25-jdk-headless; then
    need_packages openjdk-25-jdk-headless
    export JAVA_HOME=/usr/lib/jvm/java-25-openjdk-amd64
  else
    "$root/e2e/jdk"
    JAVA_HOME=$jdk_cache/$(jdk_product)/jdk
    export JAVA_HOME
  fi
}

maven() { # arguments...
  (cd "$root" && mvn --batch-mode --no-transfer-progress "$@")
}

# The cache: a folder NAME-KEY for each costly product, KEY being a hash of all that decides what it is.
key_of() { # files...
  cat -- "$@" | sha256sum | cut -c 1-16
}

# Makes a product with `COMMAND FOLDER`, unless it is there: in a folder of another name first, so that
# an interrupted run leaves no half product. Removes the same product's older keys.
cached() { # NAME-KEY, command...
  local product=$cache/$1 old
  shift
  [ ! -d "$product" ] || return 0
  mkdir -p "$cache"
  exec 9>"$cache/.lock"
  flock -n 9 || {
    say "waiting for another run that fills $cache"
    flock 9
  }
  if [ ! -d "$product" ]; then
    rm -rf "$cache"/.new-*
    local new=$cache/.new-${product##*/}
    mkdir "$new"
    "$@" "$new"
    mv "$new" "$product"
    for old in "${product%-*}"-*; do
      [ "$old" = "$product" ] || rm -rf "$old"
    done
  fi
  exec 9>&-
}

kubernetes_product() {
  echo "kubernetes-$(key_of "$root"/e2e/cluster/{kubernetes,containerd}/go.{mod,sum} "$root"/e2e/cluster/{build,go.sh})"
}

helm_product() {
  echo "helm-$(key_of "$root"/e2e/cluster/helm/go.{mod,sum} "$root"/e2e/cluster/{build,go.sh})"
}

# What the images of operator and sidecar are made of; not the tests.
programs_product() {
  (
    cd "$root"
    find pom.xml operator/pom.xml operator/images operator/*/pom.xml operator/*/src/main -type f -print0 |
      LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | sed 's/^\(.\{16\}\).*/programs-\1/'
  )
}

jdk_product() {
  echo "jdk-$(key_of "$root/e2e/jdk")"
}

images_product() {
  echo "images-$(key_of "$root/e2e/cluster/images" "$root/e2e/cluster/archive" "$root"/e2e/cluster/guest/*)"
}

# The process that is a node of the running cluster, if there is one.
running_node() { # number
  local pid
  pid=$(cat "$STATE/node$1/node.pid" 2>/dev/null) && grep -qa cluster/node "/proc/$pid/cmdline" 2>/dev/null && echo "$pid"
}

# kubectl, talking to the cluster in $STATE.
use_cluster() {
  local programs
  programs=$cache/$(kubernetes_product)
  export PATH="$programs:$PATH" KUBECONFIG=$STATE/kubeconfig
}
