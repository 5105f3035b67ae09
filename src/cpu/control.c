/* control.c - the table of one instruction set. */
#include "cpu/control.h"
#include "cpu/isa.h"

#define JD_STR_(x) #x
#define JD_STR(x)  JD_STR_(x)
const jd_control JD_K(jd__control) = {.name = JD_STR(JD_ISA),
                                      .net = JD_K(jd__net_lanes),
                                      .poles = JD_K(jd__pole_lanes),
                                      .octopus = JD_K(jd__octopus_lanes),
                                      .plane = JD_K(jd__code_plane_rows),
                                      .contract = JD_K(jd__code_contract),
                                      .noise = JD_K(jd__noise),
                                      .separable_move = JD_K(jd__separable_move),
                                      .crew_step = JD_K(jd__crew_step),
                                      .crew_trace = JD_K(jd__crew_trace),
                                      .crew_move = JD_K(jd__crew_move)};
