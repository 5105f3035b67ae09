/*
 * jackdaw.h - everything.  Start with graph.h (how a model is written), fn.h (how it runs), layers.h, train.h; then model.h,
 * stream.h and export.h (models in products).
 */
#ifndef JACKDAW_H
#define JACKDAW_H

#include "jackdaw/audio.h"
#include "jackdaw/augment.h"
#include "jackdaw/base.h"
#include "jackdaw/calibration.h"
#include "jackdaw/code.h"
#include "jackdaw/convolve.h"
#include "jackdaw/data.h"
#include "jackdaw/decode.h"
#include "jackdaw/device.h"
#include "jackdaw/env.h"
#include "jackdaw/exp.h"
#include "jackdaw/export.h"
#include "jackdaw/fn.h"
#include "jackdaw/gmdh.h"
#include "jackdaw/graph.h"
#include "jackdaw/ink.h"
#include "jackdaw/io.h"
#include "jackdaw/layers.h"
#include "jackdaw/metrics.h"
#include "jackdaw/midi.h"
#include "jackdaw/minimize.h"
#include "jackdaw/model.h"
#include "jackdaw/ngram.h"
#include "jackdaw/population.h"
#include "jackdaw/prepare.h"
#include "jackdaw/pretrain.h"
#include "jackdaw/protein.h"
#include "jackdaw/ranks.h"
#include "jackdaw/report.h"
#include "jackdaw/reward.h"
#include "jackdaw/rtrl.h"
#include "jackdaw/scan.h"
#include "jackdaw/search.h"
#include "jackdaw/series.h"
#include "jackdaw/sets.h"
#include "jackdaw/stream.h"
#include "jackdaw/system.h"
#include "jackdaw/train.h"
#include "jackdaw/treeplot.h"
#include "jackdaw/volume.h"

#endif
