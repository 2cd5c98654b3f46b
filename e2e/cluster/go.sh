# shellcheck shell=bash disable=SC2154
# How the cluster's programs are built from Go modules. Sourced, never run.

# Go downloads the toolchain that a go.mod asks for by itself, from 1.21 on.
find_go() {
  local dir
  for dir in ${PATH//:/ } /usr/local/go/bin /usr/lib/go-*/bin; do
    if go_is_new_enough "$dir/go"; then
      export PATH="$dir:$PATH"
      return
    fi
  done
  need_packages golang-go ca-certificates
  dir=$(dirname "$(command -v go)")
  go_is_new_enough "$dir/go" || fetch_go
}

# An older Go knows nothing of toolchains, but this one is a module like others.
fetch_go() {
  local version module dir
  version=$(awk '$1 == "go" { print $2 }' "$root/e2e/cluster/kubernetes/go.mod")
  module=golang.org/toolchain@v0.0.1-go$version.linux-amd64
  say "fetching Go $version"
  go mod download "$module" || fail "could not fetch Go $version as the module $module"
  dir=$(go env GOMODCACHE)/$module
  chmod -R u+w "$dir"
  chmod +x "$dir"/bin/* "$dir"/pkg/tool/*/*
  export PATH="$dir/bin:$PATH"
}

go_is_new_enough() { # program
  local version
  [ -x "$1" ] || return 1
  version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
  printf '%s\n' go1.21 "${version%% *}" | sort --version-sort --check=quiet
}

version_of() { # module
  go list -m -f '{{.Version}}' "$1"
}

# Settings for go_build. Go's own cache is to be removed afterwards: it grows to 4.5 GB.
prepare_go() {
  find_go
  export CGO_ENABLED=0 GOFLAGS='-trimpath -buildvcs=false' GOWORK=off GOCACHE=$cache/go-build
}

go_build() { # folder, linker flags, packages...
  local folder=$1 flags=$2 package name started
  shift 2
  for package in "$@"; do
    started=$SECONDS name=${package##*/}
    [ "$package" != go.etcd.io/etcd/server/v3 ] || name=etcd
    with_heartbeat "building $name" "$folder/log" '^go: downloading' \
      go build -ldflags="-s -w $flags" -o "$folder/$name" "$package" || {
      tail -n 40 "$folder/log" >&2
      fail "$package does not build"
    }
    say "built $name in $((SECONDS - started)) s"
  done
  rm -f "$folder/log"
}
