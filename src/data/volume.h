/* volume.h (internal) - what the readers of volumes share. */
#ifndef JD_DATA_VOLUME_H
#define JD_DATA_VOLUME_H

#include "jackdaw/volume.h"

#define JD_LIMIT_VOXELS (1u << 28)

#endif
