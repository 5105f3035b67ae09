/*
 * mpi.c - the plug-in libjackdaw-mpi.so: bytes between ranks by MPI.  It stands alone, so that the library and the program
 * need no MPI; base/ranks.h is all that it shares with them.
 */
#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ranks.h"

static jd_transport me;

/* MPI counts with int: counts in bytes, and places from the sums of the counts before. */
static int *plan(const size_t *counts)
{
    int *count = malloc(2 * (size_t)me.size * sizeof *count), *at = count ? count + me.size : NULL;
    size_t sum = 0;
    for (int r = 0; count && r < me.size; r++) {
        if (counts[r] > INT_MAX || sum > INT_MAX) {
            free(count);
            return NULL;
        }
        count[r] = (int)counts[r];
        at[r] = (int)sum;
        sum += counts[r];
    }
    return count;
}

static int gather(const void *mine, size_t bytes, void *all, const size_t *counts)
{
    int *count = plan(counts);
    const int bad = !count || MPI_Allgatherv(mine, (int)bytes, MPI_BYTE, all, count, count + me.size, MPI_BYTE,
                                             MPI_COMM_WORLD) != MPI_SUCCESS;
    free(count);
    return bad;
}

static int exchange(const void *out, const size_t *out_counts, void *in, const size_t *in_counts)
{
    int *send = plan(out_counts), *take = plan(in_counts);
    const int bad = !send || !take ||
                    MPI_Alltoallv(out, send, send + me.size, MPI_BYTE, in, take, take + me.size, MPI_BYTE,
                                  MPI_COMM_WORLD) != MPI_SUCCESS;
    free(send);
    free(take);
    return bad;
}

static void leave(void)
{
    MPI_Finalize();
}

__attribute__((visibility("default"))) const jd_transport *jd_transport_mpi(char *message, size_t size);
const jd_transport *jd_transport_mpi(char *message, size_t size)
{
    int given = 0;
    if (me.size) return &me;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &given) != MPI_SUCCESS) {
        snprintf(message, size, "MPI does not start");
        return NULL;
    }
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    me = (jd_transport){.abi = JD_TRANSPORT_ABI, .gather = gather, .exchange = exchange, .leave = leave};
    MPI_Comm_rank(MPI_COMM_WORLD, &me.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &me.size);
    return &me;
}
