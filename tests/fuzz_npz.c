/*
 * fuzz_npz.c - libFuzzer entry of the npz reader.
 */
#include "fuzz_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    return fuzz_reader(jd_npz_parse, data, bytes);
}
