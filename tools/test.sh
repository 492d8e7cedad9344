#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# All tests, or a part: tools/test.sh [unit[/FOLDER[/NAME]] | fuzz[/NAME] | lint | asan | tsan |
#                                      interop[/NAME]]...
# Each step runs even if one before it failed; the last line sums up.
set -uo pipefail
cd "$(dirname "$0")/.."

passed=0 failed=0 failed_steps=()
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
export TBB_ENABLE_SANITIZERS=1 # OpenVINO's TBB then loads its parts so that ASan bears it
export LSAN_OPTIONS=suppressions=$PWD/tools/lsan.supp:print_suppressions=0
# gRPC and Abseil lock with futexes of their own, which TSan only sees in code that was built with it.
export TSAN_OPTIONS=suppressions=$PWD/tools/tsan.supp:halt_on_error=1:second_deadlock_stack=1
TSAN_OPTIONS+=:ignore_noninstrumented_modules=1

add() { # add PASSED FAILED
    passed=$((passed + $1))
    failed=$((failed + $2))
}

step() { # step TITLE COMMAND...
    local title=$1 start=$SECONDS before=$failed
    shift
    printf '\n=== %s\n' "$title"
    "$@" </dev/null
    local status=$?
    if [ $status != 0 ] && [ $failed = $before ]; then
        add 0 1 # it did not get as far as counting
    fi
    [ $failed = $before ] || failed_steps+=("$title")
    printf '=== %s: %s in %d s\n' "$title" \
        "$([ $failed = $before ] && echo passed || echo FAILED)" $((SECONDS - start))
}

configure() { # configure FOLDER COMPILER OPTIONS...
    local folder=$1 compiler=$2
    shift 2
    if [ -f "$folder/build.ninja" ]; then
        meson configure "$folder" -Dtests=true -Dwerror=true
    else
        # What another folder or an earlier run compiled is not compiled again.
        CC="$(command -v ccache) $compiler" meson setup "$folder" -Dtests=true "$@"
    fi
}

build() {
    tools/opus.sh
    tools/hiredis.sh
    tools/codecs.sh
    configure "$@" && ninja -C "$1" || return 1
    ln -sfn src/cmd/auralink-server "$1/auralink-server"
    ln -sfn src/cmd/auralink "$1/auralink"
    ln -sfn src/cmd/auralink-aicore "$1/auralink-aicore"
    tools/models.sh && ln -sfn ../.cache/models "$1/models"
    tools/web.sh && ln -sfn ../.cache/web "$1/web"
}

run_meson() { # run_meson FOLDER ARGUMENTS...
    local folder=$1 counts status
    rm -f "$folder/meson-logs/testlog.json"
    meson test -C "$folder" --no-rebuild --timeout-multiplier 4 --print-errorlogs "${@:2}"
    status=$?
    counts=$(tools/count_tests.py "$folder") || return 1
    # shellcheck disable=SC2086 # two numbers
    add $counts
    return $status
}

counted() { # counted NAME COMMAND...: the command's last line is "NAME: N passed, N failed"
    local name=$1 log counts status
    log=$(mktemp)
    "${@:2}" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    counts=$(sed -nE "s/^$name: ([0-9]+) passed, ([0-9]+) failed.*/\1 \2/p" "$log" | tail -n 1)
    rm -f "$log"
    # shellcheck disable=SC2086
    add ${counts:-0 1}
    return "$status"
}

sanitized() { # sanitized asan|tsan
    case $1 in
    asan) build build-asan clang -Db_sanitize=address,undefined -Db_lundef=false \
        -Dc_args='-fno-omit-frame-pointer -fno-sanitize-recover=all' ;;
    tsan) build build-tsan clang -Db_sanitize=thread -Db_lundef=false \
        -Dc_args='-fno-omit-frame-pointer' ;;
    esac
}

gcc_build() {
    build build gcc
}

selected() { # selected PREFIX: the meson tests of build/ whose name starts so
    local names
    mapfile -t names < <(meson test -C build --list 2>/dev/null | sed 's/.* \/ //' |
        grep -E "^$1(/|\$)")
    [ ${#names[@]} != 0 ] || {
        echo "no test matches $1"
        return 1
    }
    run_meson build "${names[@]}"
}

# Names of tests: net/tcp (a cmocka program), fuzz/stun (replay of seeds).
one() {
    case $1 in
    lint) step "lint" counted lint tools/lint/run.sh ;;
    unit) step "unit tests" run_meson build --suite unit ;;
    unit/*) step "$1" selected "${1#unit/}" ;;
    fuzz | fuzz/*) step "$1" selected "$1" ;;
    asan)
        step "clang, ASan and UBSan: build" sanitized asan
        step "clang, ASan and UBSan: unit tests and fuzz replay" run_meson build-asan
        ;;
    tsan)
        step "clang, TSan: build" sanitized tsan
        step "clang, TSan: unit tests with threads" run_meson build-tsan --suite threads
        ;;
    interop) step "interop with real clients" counted interop tests/interop/run.sh build ;;
    interop/*) step "$1" counted interop tests/interop/run.sh build "${1#interop/}" ;;
    *)
        echo "test.sh: what is $1?" >&2
        add 0 1
        ;;
    esac
}

if [ $# != 0 ]; then
    step "gcc build" gcc_build
    for what in "$@"; do
        one "$what"
    done
else
    step "gcc build" gcc_build
    one lint
    step "gcc: unit tests and fuzz replay" run_meson build
    one asan
    one tsan
    one interop
    step "interop, server with ASan and UBSan" counted interop tests/interop/run.sh build-asan asan
    step "interop, server with TSan" counted interop tests/interop/run.sh build-tsan tsan
fi

for title in "${failed_steps[@]}"; do
    echo "failed: $title"
done
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
