#!/bin/sh
# judge_compile.sh kept|broken accepted|rejected LOG SOURCE
#
# LOG is what a compiler printed about SOURCE, and a last line `exit status N`.
# "accepted" demands N = 0. "rejected" demands that N is not 0, that SOURCE
# begins with at least one line `// message: TEXT`, and that LOG has each TEXT.
# Exit status: 0 if the demand is kept; with "broken", 0 if it is not.

verdict=$1
expect=$2
log=$3
source=$4

fail() {
  cat "$log"
  echo "$source: $1"
  if [ "$verdict" = broken ]; then exit 0; else exit 1; fi
}

check_messages() {
  messages=$(sed -n '/^\/\/ message: /!q; s///p' "$source")
  [ -n "$messages" ] || fail "does not begin with a line '// message: TEXT'"
  printf '%s\n' "$messages" | while IFS= read -r message; do
    grep -qF -e "$message" "$log" || {
      echo "not in the compiler's output: $message"
      exit 1
    }
  done || fail "the compiler does not say why"
}

status=$(sed -n '$s/^exit status //p' "$log")
case "$expect:$status" in
  accepted:0) ;;
  accepted:*) fail "has to compile, and does not" ;;
  rejected:0) fail "compiles, and must not" ;;
  rejected:[1-9]*) check_messages ;;
  *) fail "has no exit status in its log" ;;
esac
if [ "$verdict" = broken ]; then
  echo "$source: the expectation '$expect' is met, and must not be"
  exit 1
fi
