/*
 * fuzz_npy.c - libFuzzer entry of the npy reader.
 */
#include "fuzz_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    return fuzz_reader(jd_npy_parse, data, bytes);
}
