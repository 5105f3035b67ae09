# Allocations and system calls that fail on purpose (tests/faults.h).
target_sources(test_oom PRIVATE tests/faults.c tests/oom_files.c tests/oom_learning.c tests/oom_tools.c)
