# Tests beyond the unit tests of this build, all run by the same ctest so that one summary tells all.
# Builds that only tests need (sanitizers) are ctest fixtures: made when a wanted test needs them, beside other tests.

set(sanitized_tests test_base test_core test_process test_protocol test_panda test_store test_db test_serve
                    test_net test_engine test_monitor)
set(ENV_asan "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1"
             "UBSAN_OPTIONS=print_stacktrace=1")
set(ENV_tsan "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")

# apf_stage_test(NAME name COMMAND ... NEEDS fixture... LABELS label... TIMEOUT seconds PROCESSORS n)
function(apf_stage_test)
  cmake_parse_arguments(T "" "NAME;TIMEOUT;PROCESSORS;SETUP;COST" "COMMAND;NEEDS;LABELS;ENVIRONMENT" ${ARGN})
  add_test(NAME ${T_NAME} COMMAND ${T_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  foreach(pair "TIMEOUT=${T_TIMEOUT}" "PROCESSORS=${T_PROCESSORS}" "FIXTURES_SETUP=${T_SETUP}" "COST=${T_COST}")
    if(pair MATCHES "^([A-Z_]+)=(.+)$")
      set_tests_properties(${T_NAME} PROPERTIES ${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
    endif()
  endforeach()
  set_tests_properties(${T_NAME} PROPERTIES LABELS "${T_LABELS}" FIXTURES_REQUIRED "${T_NEEDS}"
                                            ENVIRONMENT "${T_ENVIRONMENT}")
endfunction()

# ---- sanitizers: asan.test_core runs build/asan/tests/test_core ----
foreach(preset asan tsan)
  set(built "")
  foreach(test ${sanitized_tests})
    if(TARGET ${test})
      list(APPEND built ${test})
      apf_stage_test(NAME ${preset}.${test} NEEDS ${preset} LABELS ${preset} TIMEOUT 600 ENVIRONMENT ${ENV_${preset}}
        COMMAND ${CMAKE_SOURCE_DIR}/build/${preset}/tests/${test} --gtest_brief=1)
    endif()
  endforeach()
  set(also "")
  if(preset STREQUAL asan)
    set(also fuzz_targets)
  endif()
  apf_stage_test(NAME build.${preset} SETUP ${preset} LABELS build TIMEOUT 2400 PROCESSORS 2 COST 1000
    COMMAND ${CMAKE_SOURCE_DIR}/tools/build-preset ${preset} ${built} ${also})
endforeach()

# ---- fuzzing: the corpus and then new inputs for APF_FUZZ_SECONDS (default 10) ----
file(GLOB fuzzers CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/fuzz ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/*_fuzz.cc)
foreach(source ${fuzzers})
  string(REGEX REPLACE "_fuzz\\.cc$" "" name ${source})
  apf_stage_test(NAME fuzz.${name} NEEDS asan LABELS fuzz TIMEOUT 300 ENVIRONMENT ${ENV_asan}
    COMMAND ${CMAKE_SOURCE_DIR}/tools/fuzz one ${name})
endforeach()

# ---- real systems: tests/systems/<system>/*_test.cc (one GoogleTest program) and executable *_test.sh, *_test.py ----
# The HTCondor pool is brought up once (POOL_NAME=test) and wiped at the end; tests run in its environment.
set(pool ${CMAKE_COMMAND} -E env POOL_NAME=test POOL_SCHEDDS=2 ${CMAKE_CURRENT_SOURCE_DIR}/systems/htcondor/pool)
if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/systems/htcondor/pool)
  apf_stage_test(NAME pool.up SETUP htcondor LABELS systems TIMEOUT 900 COST 2000 COMMAND ${pool} up)
  add_test(NAME pool.down COMMAND ${pool} wipe)
  set_tests_properties(pool.down PROPERTIES FIXTURES_CLEANUP htcondor LABELS systems TIMEOUT 120)
endif()
# A pool of their own for tests of faults/, which stop and kill schedds and read what all of a schedd's pilots did.
set(faults_pool ${CMAKE_COMMAND} -E env POOL_NAME=faults POOL_SCHEDDS=4 POOL_SLOTS=80 ${CMAKE_CURRENT_SOURCE_DIR}/systems/htcondor/pool)
apf_stage_test(NAME pool.faults_up SETUP htcondor_faults LABELS systems TIMEOUT 900 COST 2000 COMMAND ${faults_pool} up)
add_test(NAME pool.faults_down COMMAND ${faults_pool} wipe)
set_tests_properties(pool.faults_down PROPERTIES FIXTURES_CLEANUP htcondor_faults LABELS systems TIMEOUT 120)
if(TARGET systems_htcondor)
  apf_stage_test(NAME systems.htcondor NEEDS htcondor LABELS systems TIMEOUT 900 COST 900
    COMMAND ${pool} exec ${CMAKE_BINARY_DIR}/tests/systems_htcondor --gtest_brief=1 --gtest_filter=-HtcondorSlurm.*:HtcondorArc.*)
endif()
set(slurm ${CMAKE_CURRENT_SOURCE_DIR}/systems/slurm/cluster)
if(EXISTS ${slurm})
  apf_stage_test(NAME slurm.up SETUP slurm LABELS systems TIMEOUT 300 COST 900 COMMAND ${slurm} up)
  add_test(NAME slurm.down COMMAND ${slurm} wipe)
  set_tests_properties(slurm.down PROPERTIES FIXTURES_CLEANUP slurm LABELS systems TIMEOUT 120)
endif()
# The monitor's store on PostgreSQL: the tests that run on SQLite among the unit tests.
apf_stage_test(NAME systems.monitor.postgresql LABELS systems TIMEOUT 300 COST 30
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/systems/postgresql/server exec
          sh -c "$<TARGET_FILE:test_db> --gtest_brief=1 && $<TARGET_FILE:test_monitor> --gtest_brief=1")
# Scripts of systems/<system> and of faults/ (kill -9, hanging commands, full disks): *_test.sh and *_test.py, executable.
# A script whose folder or name says htcondor gets a pool, one that says slurm gets the cluster.
file(GLOB scripts CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
  systems/*/*_test.sh systems/*/*_test.py faults/*_test.sh faults/*_test.py)
foreach(script ${scripts})
  string(REGEX REPLACE "_test\\.(sh|py)$" "" name ${script})
  string(REPLACE "/" "." name ${name})
  set(needs "")
  set(pool_name test)
  if(name MATCHES "^faults.*htcondor")
    list(APPEND needs htcondor_faults)
    set(pool_name faults)
  elseif(name MATCHES htcondor)
    list(APPEND needs htcondor)
  endif()
  if(name MATCHES slurm)
    list(APPEND needs slurm)
  endif()
  apf_stage_test(NAME ${name} NEEDS ${needs} LABELS systems TIMEOUT 900 COST 800
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/${script} ENVIRONMENT "POOL_NAME=${pool_name};APF_BIN_DIR=${CMAKE_BINARY_DIR}/bin")
endforeach()

# These stop and kill schedds under each other's feet: one at a time.
set_tests_properties(systems.htcondor systems.htcondor.as_root PROPERTIES RESOURCE_LOCK schedds)

# These have the same slots.
set_tests_properties(faults.shim_views_htcondor PROPERTIES RESOURCE_LOCK view_slots)

# ---- the demo, on each batch system ----
if(EXISTS ${CMAKE_SOURCE_DIR}/tools/demo)
  apf_stage_test(NAME demo.local LABELS demo TIMEOUT 300 COST 700
    COMMAND ${CMAKE_SOURCE_DIR}/tools/demo --jobs 16 --batch local)
  # Green only when the monitor names the node that ruins pilots.
  apf_stage_test(NAME demo.monitor LABELS demo TIMEOUT 300 COST 700
    COMMAND ${CMAKE_SOURCE_DIR}/tools/demo --jobs 64 --bad-node)
  set_tests_properties(demo.monitor PROPERTIES SKIP_RETURN_CODE 77)
  apf_stage_test(NAME demo.htcondor NEEDS htcondor LABELS demo TIMEOUT 600 COST 700
    COMMAND ${CMAKE_SOURCE_DIR}/tools/demo --jobs 16 --batch htcondor ENVIRONMENT POOL_NAME=test)
  apf_stage_test(NAME faults.chaos NEEDS htcondor LABELS demo TIMEOUT 600 COST 700
    COMMAND ${CMAKE_SOURCE_DIR}/tools/demo --jobs 24 --batch htcondor --chaos ENVIRONMENT POOL_NAME=test)
endif()

# ---- the monitor's pages in a browser ----
apf_stage_test(NAME browser.monitor LABELS systems TIMEOUT 600 COST 300
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/browser/run ENVIRONMENT "APF_BIN_DIR=${CMAKE_BINARY_DIR}/bin")

# ---- only in "./dev test full" ----
apf_stage_test(NAME full.browser_monitor LABELS full TIMEOUT 1800
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/browser/run ENVIRONMENT "APF_BIN_DIR=${CMAKE_BINARY_DIR}/bin;APF_PAGES=all")
apf_stage_test(NAME full.monitor_load LABELS full TIMEOUT 900
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/faults/monitor_load_test.py
  ENVIRONMENT "APF_BIN_DIR=${CMAKE_BINARY_DIR}/bin;APF_PAGES=5000;APF_SLOW=200;APF_UPDATES=200000")
# Every expression of docs/grafana.json, asked of a real Prometheus.
apf_stage_test(NAME full.dashboard LABELS full TIMEOUT 600
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/systems/prometheus/dashboard)
apf_stage_test(NAME full.tidy LABELS full TIMEOUT 3600 PROCESSORS 2 COMMAND ${CMAKE_SOURCE_DIR}/tools/tidy --all)
apf_stage_test(NAME full.release LABELS full TIMEOUT 3600 PROCESSORS 2
  COMMAND ${CMAKE_SOURCE_DIR}/tools/build-preset release all)

apf_stage_test(NAME full.arc NEEDS htcondor LABELS full TIMEOUT 1200
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/systems/arc/htcondor_arc ENVIRONMENT APF_BIN_DIR=${CMAKE_BINARY_DIR}/bin)
apf_stage_test(NAME full.sim_sweep LABELS full TIMEOUT 1800 ENVIRONMENT APF_SWEEP_SEEDS=24
  COMMAND ${CMAKE_BINARY_DIR}/tests/test_sim --gtest_brief=1 --gtest_filter=Sweep/*)
# The rest of the matrix of faults/shim_views_htcondor_test.py, and 1000 kills in a real pool.
foreach(situation ramp draining)
  apf_stage_test(NAME full.shim_views_htcondor_${situation} NEEDS htcondor_faults LABELS full TIMEOUT 1800
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/faults/shim_views_htcondor_test.py
    ENVIRONMENT "POOL_NAME=faults;APF_BIN_DIR=${CMAKE_BINARY_DIR}/bin;APF_SITUATIONS=${situation}")
  set_tests_properties(full.shim_views_htcondor_${situation} PROPERTIES RESOURCE_LOCK view_slots)
endforeach()
apf_stage_test(NAME full.kill_htcondor NEEDS htcondor_faults LABELS full TIMEOUT 3600
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/faults/kill_htcondor_test.py
  ENVIRONMENT "POOL_NAME=faults;APF_BIN_DIR=${CMAKE_BINARY_DIR}/bin;APF_KILLS=1000;APF_LOOPS=4")

apf_stage_test(NAME full.full_disk_htcondor LABELS full TIMEOUT 900
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/faults/full_disk_htcondor ENVIRONMENT APF_BIN_DIR=${CMAKE_BINARY_DIR}/bin)

# ---- the tools themselves ----
apf_stage_test(NAME unit.tools LABELS unit TIMEOUT 120 COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tools_test.py)
apf_stage_test(NAME unit.documents LABELS unit TIMEOUT 60 COMMAND ${CMAKE_SOURCE_DIR}/tools/gen-docs --check)
apf_stage_test(NAME unit.documents_reliability LABELS unit TIMEOUT 900 COMMAND ${CMAKE_SOURCE_DIR}/tools/reliability --check
  ENVIRONMENT APF_BUILD_DIR=${CMAKE_BINARY_DIR})
apf_stage_test(NAME unit.documents_true LABELS unit TIMEOUT 60 COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/documents_test.py
  ENVIRONMENT APF_BIN_DIR=${CMAKE_BINARY_DIR}/bin)
# Sanitizers with real systems: the asan build in the pool, and killed at random.
apf_stage_test(NAME full.asan_build SETUP asan_systems NEEDS asan LABELS full TIMEOUT 3600 PROCESSORS 2
  COMMAND ${CMAKE_SOURCE_DIR}/tools/build-preset asan systems_htcondor all)
apf_stage_test(NAME full.asan_htcondor NEEDS asan_systems htcondor LABELS full TIMEOUT 1800 ENVIRONMENT ${ENV_asan}
  COMMAND ${pool} exec ${CMAKE_SOURCE_DIR}/build/asan/tests/systems_htcondor --gtest_brief=1 --gtest_filter=-HtcondorSlurm.*:HtcondorArc.*)
apf_stage_test(NAME full.asan_kill_local NEEDS asan_systems LABELS full TIMEOUT 1800
  ENVIRONMENT "APF_BIN_DIR=${CMAKE_SOURCE_DIR}/build/asan/bin"
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/faults/kill_local_test.py)
