/*
 * limits.h - what a file may demand.  A count, length or offset is read as uint64_t, compared with one of these and with
 * what the file still holds, and only then used.
 */
#ifndef JD_BASE_LIMITS_H
#define JD_BASE_LIMITS_H

#include <stdint.h>

#define JD_LIMIT_RANK         8
#define JD_LIMIT_DATA_DIM     UINT64_C(0x7fffffff) /* one dimension in a data file */
#define JD_LIMIT_MODEL_DIM    (UINT64_C(1) << 40)  /* one dimension in a model file */
#define JD_LIMIT_TENSOR_BYTES (UINT64_C(1) << 40)  /* one tensor */
#define JD_LIMIT_TENSORS      UINT64_C(1000000)    /* tensors in a file */
#define JD_LIMIT_NAME         UINT64_C(1024)       /* bytes of a name */
#define JD_LIMIT_NESTING      64                   /* JSON, protobuf */
#define JD_LIMIT_METADATA     (UINT64_C(16) << 20) /* bytes of metadata */
#define JD_LIMIT_ST_HEADER    UINT64_C(100000000)  /* safetensors: bytes of the header */
#define JD_LIMIT_NPY_HEADER   UINT64_C(10000)      /* npy: bytes of the header */
#define JD_LIMIT_ZIP_ENTRIES  UINT64_C(65535)      /* npz: members */
#define JD_LIMIT_INFLATE      UINT64_C(1100)       /* deflate cannot honestly expand more than about 1032 times */
#define JD_LIMIT_EVENT        (UINT64_C(64) << 20) /* TensorBoard: bytes of one record */

#endif
