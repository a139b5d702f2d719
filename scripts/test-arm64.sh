#!/usr/bin/env bash
# Runs the tests of `bootstrap` with a host for arm64, which qemu runs on this machine: the suite `bootstrap` but for the tests
# below, and AWS's Runtime Interface Emulator. Called by scripts/test.sh, which sets the variables that the tests read.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

# The tests that qemu cannot run, by module where it can run few of a module.
without=(
  # They measure the memory, page faults or file descriptors of the process, and qemu has its own.
  hostile:: memory:: page_faults:: policy::coredump::a_dump_takes_little_memory_and_disk_space

  # They bound a time that the host takes or need much of the CPU, and qemu takes several times as long.
  next_in_time:: policy::limits::the_margin
  answers::an_instance_finds_nothing_that_an_earlier_one_wrote_to_its_memory
  concurrency::a_deadline_of_one_worker_leaves_the_others_alone
  concurrency::start_code_that_fails_in_other_workers_costs_invocations_and_not_the_process
  exceptions::a_kept_instance_throws_and_catches_without_end
  exceptions::exceptions_that_are_held_count_as_the_functions_memory
  http::after_the_answer::the_answer_does_not_wait_for_the_work_after_it
  http::limits::a_rest_api_gets_text_as_text
  http::streamed::chunks_arrive_while_the_function_works
  http::streamed::an_error_after_the_first_byte_is_in_the_trailers
  streaming_function::a_failure_before_the_first_byte_takes_the_answers_place
  emulator_rie::a_timeout_is_the_functions_own_answer_and_costs_no_process

  # The memory of qemu counts as the process's, which says after a failure that it cannot restart.
  log::a_crash_is_one_json_line log::a_failure_has_its_type_and_the_invocations_duration

  # They need what the kernel does for a process, and qemu does not: Landlock, seccomp, and the states of threads.
  policy::lockdown:: places:: stuck::

  # They load the artifact or start `bootstrap` themselves, without qemu, or find it by its name in the process.
  unused_imports:: start::without_a_task_root_it_is_the_folder_of_bootstrap start::relocated_tables_cannot_be_written

  # qemu 7.2 refuses the `mprotect` of no bytes, which a memory without pages asks for.
  misfits::types::an_export_of_another_type misfits::types::an_init_of_another_type

  # They need the small variant, which is not built for them.
  small::

  # They pass, and take minutes.
  outbound::
)

tests=(cargo test --release --workspace --exclude lambda-wasm-bench --no-fail-fast --target-dir target)

# A test that was renamed would run, and fail by chance.
names=$("${tests[@]}" --test bootstrap --test real_tools -- --list)
for name in "${without[@]}"; do
  [[ $names == *"$name"* ]] || die "scripts/test-arm64.sh names a test that is not there: $name"
done

# run TEST [FILTER]: a test that fails beside the others is tried again alone, since qemu slows down those that wait for a time.
run() {
  local log=target/test-arm64-$1.log failed
  local command=("${tests[@]}" --test "$1" --)
  if "${command[@]}" "${without[@]/#/--skip=}" "${@:2}" 2>&1 | tee "$log"; then return; fi
  mapfile -t failed < <(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log")
  [ ${#failed[@]} -gt 0 ] || die "the tests of $1 did not run on arm64"
  say "again, one after another: ${failed[*]}"
  "${command[@]}" --exact --test-threads=1 "${failed[@]}"
}

export LAMBDA_WASM_TEST_ARCH=aarch64
run bootstrap
run real_tools emulator_rie::
