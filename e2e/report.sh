# shellcheck shell=bash
# What e2e/test counts and prints at its end. Sourced, never run.

# One line a part: seconds, passed, failed, skipped, name.
parts=$(mktemp)

# Counts the tests in the reports of Surefire and Failsafe.
count() { # name, seconds, folders with reports...
  local name=$1 seconds=$2
  shift 2
  find "$@" -name 'TEST-*.xml' -exec cat {} + 2>/dev/null | awk -v name="$name" -v seconds="$seconds" '
    function attribute(key) {
      return match(suite, " " key "=\"[0-9]+\"") ? substr(suite, RSTART + length(key) + 3, RLENGTH - length(key) - 4) : 0
    }
    BEGIN { RS = "<testsuite " }
    NR > 1 {
      suite = " " substr($0, 1, index($0, ">"))
      tests += attribute("tests"); skipped += attribute("skipped")
      failed += attribute("failures") + attribute("errors")
    }
    END { print seconds + 0, tests - failed - skipped, failed + 0, skipped + 0, name }' >>"$parts"
}

# A part that did not get as far as its tests counts as one failure.
broken() { # name, seconds
  echo "$2 0 1 0 $1" >>"$parts"
}

failed_tests() {
  awk '{ failed += $3 } END { print failed + 0 }' "$parts"
}

figures() { # log of the end-to-end tests, name=file of images...
  local log=$1 image
  shift
  sed -n 's/^FIGURE /  /p' "$log"
  for image in "$@"; do
    printf '  %-36s %d MB\n' "${image%%=*} image:" $(($(stat -c %s "${image#*=}") / 1000000))
  done
}

summary() {
  awk '
    BEGIN { printf "\n%-42s %6s %6s %7s %7s\n", "", "passed", "failed", "skipped", "time" }
    {
      name = $0; sub(/^([0-9]+ ){4}/, "", name)
      printf "%-42s %6d %6d %7d %6ds\n", name, $2, $3, $4, $1
      passed += $2; failed += $3
    }
    END { printf "\n%d passed, %d failed\n", passed, failed }' "$parts"
}
