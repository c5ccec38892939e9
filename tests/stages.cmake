# Tests beyond the unit tests of this build, all run by the same ctest so that one summary tells all.
# Builds that only tests need (sanitizers) are ctest fixtures: made when a wanted test needs them, beside other tests.

set(sanitized_tests test_base test_core test_process test_protocol test_store test_engine)
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
