# MuJoCo's header, if it is there: the library itself is opened at run time (src/env/mujoco.c).
find_path(MUJOCO_INCLUDE mujoco/mujoco.h)
if(MUJOCO_INCLUDE)
  set_source_files_properties(src/env/mujoco.c PROPERTIES COMPILE_DEFINITIONS JD_HAVE_MUJOCO)
endif()
