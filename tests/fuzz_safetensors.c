/*
 * fuzz_safetensors.c - libFuzzer entry of the safetensors reader.
 */
#include "fuzz_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    return fuzz_reader(jd_safetensors_parse, data, bytes);
}
