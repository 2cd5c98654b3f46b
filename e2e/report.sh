# shellcheck shell=bash
# What e2e/test counts and prints at its end. Sourced, never run.

# One line a part: seconds, passed, failed, skipped, name.
parts=$(mktemp)
# One line a test that failed: its name, and how its message begins.
failures=$(mktemp)

# Counts the tests in the reports of Surefire and Failsafe, if the folder has any, and remembers what failed.
count() { # name, folder with reports
  [ -d "$2" ] || return 0
  find "$2" -name 'TEST-*.xml' -exec cat {} + | awk -v name="$1" -v failures="$failures" '
    function attribute(tag, key) {
      return match(tag, " " key "=\"[^\"]*\"") ? substr(tag, RSTART + length(key) + 3, RLENGTH - length(key) - 4) : ""
    }
    function number(tag, key, value) {
      value = attribute(tag, key)
      gsub(",", "", value)
      return value + 0
    }
    function opening(tag) { return substr(tag, 1, index(tag, ">")) }
    BEGIN { RS = "<test" }
    { sub(/<system-(out|err)>.*/, "") }
    /^suite / {
      suite = opening($0)
      seconds += number(suite, "time"); tests += number(suite, "tests"); skipped += number(suite, "skipped")
      failed += number(suite, "failures") + number(suite, "errors")
    }
    /^case / && match($0, /<(failure|error)[ >]/) {
      message = attribute(opening(substr($0, RSTART)), "message")
      gsub(/&#10;|\n/, " ", message); gsub(/&quot;/, "\"", message); gsub(/&lt;/, "<", message)
      gsub(/&gt;/, ">", message); gsub(/&amp;/, "\\&", message)
      test = attribute(opening($0), "classname") "." attribute(opening($0), "name")
      printf "%s: %s\n", test, substr(message, 1, 300) >>failures
    }
    END { if (tests) printf "%d %d %d %d %s\n", seconds, tests - failed - skipped, failed, skipped, name }' >>"$parts"
}

# A part that did not get as far as its tests counts as one failure.
broken() { # name
  echo "0 0 1 0 $1" >>"$parts"
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
      name = $0; sub(/^[0-9]+ [0-9]+ [0-9]+ [0-9]+ /, "", name)
      printf "%-42s %6d %6d %7d %6ds\n", name, $2, $3, $4, $1
    }
    END { printf "\n" }' "$parts"
  sed 's/^/failed: /' "$failures"
  awk '{ passed += $2; failed += $3 } END { printf "%d passed, %d failed\n", passed, failed }' "$parts"
}
