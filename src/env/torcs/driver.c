/*
 * driver.c - the module that TORCS 1.3.7 loads as its only robot: it lends the car to Jackdaw (protocol.h).
 *
 * TORCS publishes no C headers.  This file knows the offsets of the few fields it needs (x86-64, measured), and refuses
 * to drive when what it finds there cannot be a track and a car.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol.h"

#define PI 3.14159265358979323846f

enum { /* bytes */
       MODULE_NAME = 0,
       MODULE_DESCRIPTION = 8,
       MODULE_INIT = 16,
       MODULE_INDEX = 28,
       MODULES_SIZE = 400,
       ROBOT_NEW_TRACK = 0,
       ROBOT_NEW_RACE = 8,
       ROBOT_DRIVE = 24,
       ROBOT_INDEX = 48,
       ROBOT_SIZE = 56,
       CAR_POSE = 328,
       CAR_VELOCITY = 352,
       CAR_SEGMENT = 544,
       CAR_TO_START = 556,
       CAR_TO_RIGHT = 560,
       CAR_TO_MIDDLE = 564,
       CAR_TO_LEFT = 568,
       CAR_RACED = 784,
       CAR_AT = 788,
       CAR_GEAR = 1344,
       CAR_RPM = 1352,
       CAR_REDLINE = 1356,
       CAR_DAMAGE = 1496,
       CAR_CONTROL = 1536,
       CONTROL_SIZE = 172,
       CONTROL_STEER = 0,
       CONTROL_ACCELERATE = 4,
       CONTROL_BRAKE = 8,
       CONTROL_GEAR = 16,
       SITUATION_TIME = 40,
       TRACK_NAME = 0,
       TRACK_SEGMENTS = 48,
       TRACK_LENGTH = 56,
       TRACK_WIDTH = 60,
       TRACK_SEGMENT = 144,
       SEGMENT_TYPE = 12,
       SEGMENT_LENGTH = 24,
       SEGMENT_AT = 40,
       SEGMENT_ARC = 56,
       SEGMENT_CENTER = 60,
       SEGMENT_VERTEX = 72,
       SEGMENT_ANGLE = 120,
       SEGMENT_NEXT = 232
};
enum { RIGHT_CURVE = 1, LEFT_CURVE, STRAIGHT };
enum { SPACING = 4, GEAR_PAUSE = 10, HANGS = 60 /* s: a process that computes for so long ends itself */ };

typedef struct vec {
    float x, y, z;
} vec;

static torcs_hello hello = {.magic = TORCS_MAGIC};
static torcs_section section[TORCS_SECTIONS];
static int control = TORCS_CONTROL, episode = -1;
static torcs_order order;
static float top_speed;
static int steps_left, pause_left, wanted_gear = 1;

static float f32(const void *p, int at)
{
    float x;
    memcpy(&x, (const char *)p + at, sizeof x);
    return x;
}

static int32_t i32(const void *p, int at)
{
    int32_t x;
    memcpy(&x, (const char *)p + at, sizeof x);
    return x;
}

static void *pointer(const void *p, int at)
{
    void *x;
    memcpy(&x, (const char *)p + at, sizeof x);
    return x;
}

static vec point(const void *p, int at)
{
    return (vec){f32(p, at), f32(p, at + 4), f32(p, at + 8)};
}

static void refuse(const char *why, double found)
{
    hello.sections = 0;
    snprintf(hello.name, sizeof hello.name, "%s (%g)", why, found);
    send(control, &hello, sizeof hello, MSG_NOSIGNAL);
    _exit(1);
}

/* Written so that what is not a number fails. */
static void require(const char *what, double x, double low, double high)
{
    if (!(x >= low && x <= high)) refuse(what, x);
}

/* ---- the track -----------------------------------------------------------------------------------------------------------*/

static vec between(vec a, vec b, float u)
{
    return (vec){a.x + u * (b.x - a.x), a.y + u * (b.y - a.y), a.z + u * (b.z - a.z)};
}

/* The edge that runs from a to b around the centre c, after the fraction u of the angle `turn`. */
static vec around(vec a, vec b, vec c, float turn, float u)
{
    const float ra = hypotf(a.x - c.x, a.y - c.y), rb = hypotf(b.x - c.x, b.y - c.y), r = ra + u * (rb - ra);
    const float angle = atan2f(a.y - c.y, a.x - c.x) + u * turn;
    return (vec){c.x + r * cosf(angle), c.y + r * sinf(angle), a.z + u * (b.z - a.z)};
}

static void add_section(const void *seg, float u)
{
    if (hello.sections >= TORCS_SECTIONS) refuse("the track has too many pieces", hello.sections);
    const int type = i32(seg, SEGMENT_TYPE), v = SEGMENT_VERTEX;
    const vec a = point(seg, v), b = point(seg, v + 12), c = point(seg, v + 24), d = point(seg, v + 36);
    const vec center = point(seg, SEGMENT_CENTER);
    const float turn = type == LEFT_CURVE ? f32(seg, SEGMENT_ARC) : -f32(seg, SEGMENT_ARC);
    const vec left = type == STRAIGHT ? between(a, c, u) : around(a, c, center, turn, u);
    const vec right = type == STRAIGHT ? between(b, d, u) : around(b, d, center, turn, u);
    require("an edge of the road lies far away", fabsf(left.x) + fabsf(left.y) + fabsf(left.z), 0, 1e6);
    section[hello.sections++] = (torcs_section){
        f32(seg, SEGMENT_AT) + u * f32(seg, SEGMENT_LENGTH), {left.x, left.y, left.z}, {right.x, right.y, right.z}};
}

/* The list is a ring that ends at the start line. */
static void new_track(int index, void *track, void *car_handle, void **car_parameters, void *situation)
{
    (void)index, (void)car_handle, (void)situation;
    *car_parameters = NULL;
    const int n = i32(track, TRACK_SEGMENTS);
    const float length = f32(track, TRACK_LENGTH), width = f32(track, TRACK_WIDTH);
    require("number of segments", n, 3, 100000);
    require("length of the track", length, 100, 100000);
    require("width of the track", width, 3, 100);
    const char *name = pointer(track, TRACK_NAME), *seg = pointer(track, TRACK_SEGMENT);
    float sum = 0;
    for (int i = 0; i < n; i++) {
        seg = pointer(seg, SEGMENT_NEXT);
        const float piece = f32(seg, SEGMENT_LENGTH);
        require("type of a segment", i32(seg, SEGMENT_TYPE), RIGHT_CURVE, STRAIGHT);
        require("length of a segment", piece, 0, length);
        require("place of a segment", f32(seg, SEGMENT_AT) - sum, -1, 1);
        const int pieces = 1 + (int)(piece / SPACING);
        for (int k = 0; k < pieces; k++) add_section(seg, (float)k / (float)pieces);
        sum += piece;
    }
    require("sum of the segments' lengths", sum - length, -1, 1);
    hello.length = length;
    hello.width = width;
    snprintf(hello.name, sizeof hello.name, "%s", name);
}

static void new_race(int index, void *car, void *situation)
{
    (void)index, (void)situation;
    require("width of the road at the car", f32(car, CAR_TO_LEFT) + f32(car, CAR_TO_RIGHT), 3, 100);
    require("redline of the engine", f32(car, CAR_REDLINE), 100, 3000);
}

/* ---- the car -------------------------------------------------------------------------------------------------------------*/

/* Between -pi and pi. */
static float wrapped(float angle)
{
    while (angle > PI) angle -= 2 * PI;
    while (angle < -PI) angle += 2 * PI;
    return angle;
}

static float road_direction(const void *car)
{
    const void *seg = pointer(car, CAR_SEGMENT);
    const float angle = f32(seg, SEGMENT_ANGLE), to_start = f32(car, CAR_TO_START);
    const int type = i32(seg, SEGMENT_TYPE);
    return type == STRAIGHT ? angle : type == RIGHT_CURVE ? angle - to_start : angle + to_start;
}

static void tell(const void *car, const void *situation)
{
    torcs_state s = {.vx = f32(car, CAR_VELOCITY),
                     .vy = f32(car, CAR_VELOCITY + 4),
                     .x = f32(car, CAR_POSE),
                     .y = f32(car, CAR_POSE + 4),
                     .z = f32(car, CAR_POSE + 8),
                     .roll = f32(car, CAR_POSE + 12),
                     .pitch = f32(car, CAR_POSE + 16),
                     .yaw = f32(car, CAR_POSE + 20),
                     .to_middle = f32(car, CAR_TO_MIDDLE),
                     .width = f32(car, CAR_TO_LEFT) + f32(car, CAR_TO_RIGHT),
                     .raced = f32(car, CAR_RACED),
                     .at = f32(car, CAR_AT),
                     .top_speed = top_speed,
                     .rpm = f32(car, CAR_RPM),
                     .damage = i32(car, CAR_DAMAGE),
                     .gear = i32(car, CAR_GEAR),
                     .pid = (int32_t)getpid()};
    memcpy(&s.time, (const char *)situation + SITUATION_TIME, sizeof s.time);
    s.heading = wrapped(s.yaw - road_direction(car));
    if (send(episode, &s, sizeof s, MSG_NOSIGNAL) != (ssize_t)sizeof s) _exit(0);
}

/* Returns in the process of a new episode. */
static void serve(void)
{
    send(control, &hello, sizeof hello, MSG_NOSIGNAL);
    for (int i = 0; i < hello.sections; i += TORCS_CHUNK) {
        const int n = hello.sections - i < TORCS_CHUNK ? hello.sections - i : TORCS_CHUNK;
        if (send(control, section + i, (size_t)n * sizeof *section, MSG_NOSIGNAL) < 0) _exit(1);
    }
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        union {
            struct cmsghdr head;
            char bytes[CMSG_SPACE(sizeof(int))];
        } extra;
        char byte;
        struct iovec part = {&byte, 1};
        struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &extra, .msg_controllen = sizeof extra};
        if (recvmsg(control, &m, 0) <= 0) _exit(0);
        const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        if (!c || c->cmsg_type != SCM_RIGHTS) continue;
        memcpy(&episode, CMSG_DATA(c), sizeof episode);
        if (fork() == 0) {
            close(control);
            return;
        }
        close(episode);
    }
}

static void put_f32(void *car, int at, float x)
{
    memcpy((char *)car + CAR_CONTROL + at, &x, sizeof x);
}

/* Shifts up near the redline and down when the engine is slow, not twice within GEAR_PAUSE steps. */
static int choose_gear(const void *car)
{
    const float share = f32(car, CAR_RPM) / f32(car, CAR_REDLINE);
    const int gear = i32(car, CAR_GEAR);
    if (pause_left > 0) {
        pause_left--;
        return wanted_gear;
    }
    const int next = gear < 1 ? 1 : share > .9f && gear < 6 ? gear + 1 : share < .45f && gear > 1 ? gear - 1 : gear;
    if (next != wanted_gear) pause_left = GEAR_PAUSE;
    return wanted_gear = next;
}

static void drive(int index, void *car, void *situation)
{
    (void)index;
    double time;
    memcpy(&time, (const char *)situation + SITUATION_TIME, sizeof time);
    memset((char *)car + CAR_CONTROL, 0, CONTROL_SIZE);
    if (episode < 0) {
        const int32_t first = 1;
        memcpy((char *)car + CAR_CONTROL + CONTROL_GEAR, &first, sizeof first);
        if (time < 0) return;
        serve();
    }
    if (steps_left == 0) {
        alarm(0);
        tell(car, situation);
        if (recv(episode, &order, sizeof order, 0) != (ssize_t)sizeof order) _exit(0);
        alarm(HANGS);
        steps_left = order.steps > 0 ? order.steps : 1;
    }
    steps_left--;
    const float vx = f32(car, CAR_VELOCITY);
    if (vx > top_speed) top_speed = vx;
    const int32_t gear = choose_gear(car);
    put_f32(car, CONTROL_STEER, order.steer);
    put_f32(car, CONTROL_ACCELERATE, order.accelerate);
    put_f32(car, CONTROL_BRAKE, order.brake);
    memcpy((char *)car + CAR_CONTROL + CONTROL_GEAR, &gear, sizeof gear);
}

/* ---- what TORCS looks for ------------------------------------------------------------------------------------------------*/

static int init(int index, void *robot)
{
    void (*const track)(int, void *, void *, void **, void *) = new_track;
    void (*const race)(int, void *, void *) = new_race, (*const go)(int, void *, void *) = drive;
    char *r = robot;
    memset(r, 0, ROBOT_SIZE);
    memcpy(r + ROBOT_NEW_TRACK, &track, sizeof track);
    memcpy(r + ROBOT_NEW_RACE, &race, sizeof race);
    memcpy(r + ROBOT_DRIVE, &go, sizeof go);
    memcpy(r + ROBOT_INDEX, &index, sizeof index);
    return 0;
}

/* Has the name of its file. */
__attribute__((visibility("default"))) int jd(void *modules);
int jd(void *modules)
{
    static const char name[] = "jd", description[] = "drives for Jackdaw";
    const char *const n = name, *const d = description;
    int (*const start)(int, void *) = init;
    const int32_t index = 1;
    char *m = modules;
    memset(m, 0, MODULES_SIZE);
    memcpy(m + MODULE_NAME, &n, sizeof n);
    memcpy(m + MODULE_DESCRIPTION, &d, sizeof d);
    memcpy(m + MODULE_INIT, &start, sizeof start);
    memcpy(m + MODULE_INDEX, &index, sizeof index);
    return 0;
}
