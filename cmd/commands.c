/* commands.c - the table of commands: it feeds help, man pages, completions and the dispatcher. */
#include "cli.h"

#define CSV                                                                                                            \
    {                                                                                                                  \
        "csv", 0, NULL, "comma-separated values with a header line; the default when a folder is given", false         \
    }
#define SKIP_BAD                                                                                                       \
    {                                                                                                                  \
        "skip-bad", 0, NULL, "pass over files or samples that cannot be used, and say how many", false                 \
    }
static const cli_option systems_options[] = {{"brief", 0, NULL, "a line for each: year, name, title", false},
                                             {"runs", 0, "DIR", "where earlier runs lie (default runs)", false},
                                             CLI_JSON,
                                             CLI_HELP,
                                             CLI_END};

static const cli_option run_options[] = {
    {"scale", 0, "quick|cpu|full", "quick: a minute; cpu: a quarter of an hour; full: the paper's protocol", false},
    {"seed", 0, "N", "the seed (default 1); with --seeds the first of them", false},
    {"seeds", 0, "N", "N runs with N seeds, each in its own folder, and a summary", false},
    {"data", 0, "NAME", "another data set than the system's own", false},
    {"out", 'o', "DIR", "output folder (default runs/NAME-SEED)", false},
    {"set", 0, "KEY=VALUE", "change a setting of the system (`jackdaw systems NAME` lists them)", true},
    {"config", 0, "FILE", "the settings of an earlier run: its result.json", false},
    SKIP_BAD,
    {"resume", 0, NULL, "go on from the newest checkpoint, bit for bit", false},
    {"shards", 0, "N", "batches of a training step, shared out over the ranks of mpirun (default: one each)", false},
    {"checkpoint-every", 0, "STEPS", "steps between checkpoints (default: about 30 s)", false},
    CLI_THREADS,
    CLI_DEVICE,
    CLI_JSON,
    CLI_QUIET,
    CLI_HELP,
    CLI_END};

static const cli_option train_options[] = {
    {"data", 'd', "NAME|FILE|DIR", "image set of the registry, IDX file of images, table, or folder of pictures",
     false},
    {"labels", 0, "FILE", "IDX or npy file of the labels (default: beside the images, or y of an npz)", false},
    {"test-data", 0, "FILE", "samples to measure the model on at the end", false},
    {"test-labels", 0, "FILE", "their labels", false},
    {"masks", 0, "DIR", "masks of the pictures: a net that says what each pixel is (default: DATA/masks, if there)",
     false},
    {"test-masks", 0, "DIR", "masks of the --test-data (default: beside them)", false},
    {"mask-values", 0, "KIND", "values of masks are classes, or number objects (default auto: by how many there are)",
     false},
    {"size", 0, "HxW", "size of the pictures of a folder (default: their own, or 48x48); HxWx1: grey", false},
    {"columns", 0, "LIST", "input columns of a table: names, numbers, 3-7, *, -NAME (default: all others)", false},
    {"target", 0, "LIST", "column of the label or target (default: the last); with --loss mse several, as --columns",
     false},
    {"missing", 0, "refuse|drop|mean", "rows with empty cells or, with mean, new words (default: refuse the file)",
     false},
    {"method", 0, "gradient|gmdh", "train a network (default), or grow one of polynomial units from a table", false},
    {"net", 0, "SPEC",
     "the network, a line such as \"conv 20 5 relu, maxpool 2, dense 10\" (default: what suits the data)", false},
    {"unit", 0, "KIND", "gmdh: quadratic (default), linear, bilinear or cubic units", false},
    {"width", 0, "N", "gmdh: units kept in a layer (default 20)", false},
    {"layers", 0, "N", "gmdh: layers at most (default 12)", false},
    {"loss", 0, "xent|mse|ctc", "cross entropy of classes (default), squared error of a target, or texts of recordings",
     false},
    {"epochs", 0, "N", "passes over the data (default 10, more for 2000 steps; gmdh: 0, the weights as they grew)",
     false},
    {"batch", 0, "N", "samples in a step (default 32)", false},
    {"optimizer", 0, "NAME", "sgd, momentum, nesterov (default), rmsprop or adam (default of recurrent nets)", false},
    {"lr", 0, "RATE", "learning rate (default 0.01; 0.001 for rmsprop and adam, 0.005 with recurrent nets)", false},
    {"schedule", 0, "NAME", "constant (default), geometric, linear or cosine, from --lr to --lr-end", false},
    {"lr-end", 0, "RATE", "learning rate at the end (default: a hundredth of --lr)", false},
    {"momentum", 0, "M", "momentum (default 0.9)", false},
    {"clip", 0, "NORM", "scale the gradient down to this norm (default: off)", false},
    {"weight-decay", 0, "W", "pull of the weights to zero (default 0)", false},
    {"validation", 0, "SHARE", "share of the samples kept for validation (default 0.1)", false},
    {"patience", 0, "N", "stop after N validations without a better one (default: never)", false},
    {"deform", 0, NULL, "deform the images anew in every epoch (elastic, rotation, scaling)", false},
    {"seed", 0, "N", "the seed (default 1)", false},
    {"out", 'o', "DIR", "output folder (default runs/train-DATA-SEED; an earlier one there becomes .1, .2...)", false},
    {"config", 0, "FILE", "options of an earlier training: its result.json", false},
    SKIP_BAD,
    {"resume", 0, NULL, "go on from the newest checkpoint, bit for bit", false},
    {"shards", 0, "N", "batches of a training step, shared out over the ranks of mpirun (default: one each)", false},
    {"checkpoint-every", 0, "STEPS", "steps between checkpoints (default: about 30 s)", false},
    CLI_THREADS,
    CLI_DEVICE,
    CLI_JSON,
    CLI_QUIET,
    CLI_HELP,
    CLI_END};

static const cli_option eval_options[] = {
    {"data", 'd', "NAME|FILE", "the same as DATA: set of the registry, or a file or folder as above", false},
    {"labels", 0, "FILE", "IDX or npy file of the labels (default: beside the images, or y of an npz); translations",
     false},
    {"masks", 0, "DIR", "masks of the pictures, of a model that was trained from masks (default: beside them)", false},
    {"split", 0, "train|test|all", "which part, where the data has parts (default test)", false},
    {"output", 'o', "FILE", "write a report: confusion, filters, worst mistakes", false},
    CLI_THREADS,
    CLI_DEVICE,
    CLI_JSON,
    CLI_HELP,
    CLI_END};

static const cli_option predict_options[] = {CSV, SKIP_BAD, CLI_THREADS, CLI_DEVICE, CLI_JSON, CLI_HELP, CLI_END};

static const cli_option scan_options[] = {
    {"output", 'o', "FILE", "the result: OUT.png, grey 0 to 255 for probability 0 to 1, or OUT.npy, all classes",
     false},
    {"class", 0, "K", "the class whose probability a PNG shows (default 1)", false},
    {"overlay", 0, NULL, "OUT.png is the picture, the redder the more probable the class", false},
    {"labels", 0, NULL, "OUT.png holds each pixel's likeliest class: its mask's value, or its number", false},
    {"mask", 0, "P", "OUT.png is white where the class's probability is above P, else black", false},
    SKIP_BAD,
    {"tile", 0, "N", "compute squares of at most N x N pixels, which bounds the memory (default 256)", false},
    CLI_THREADS,
    CLI_DEVICE,
    CLI_QUIET,
    CLI_HELP,
    CLI_END};
static const cli_option read_options[] = {CSV, SKIP_BAD, CLI_THREADS, CLI_DEVICE, CLI_JSON, CLI_HELP, CLI_END};
static const cli_option serve_options[] = {{"port", 0, "N", "port of 127.0.0.1 (default: a free one)", false},
                                           CLI_THREADS,
                                           CLI_DEVICE,
                                           CLI_JSON,
                                           CLI_HELP,
                                           CLI_END};

static const cli_option export_options[] = {
    {"c", 0, "DIR", "write DIR/NAME.c and DIR/NAME.h, which need nothing but libm", false},
    {"name", 0, "NAME", "what the names of the C file begin with (default net)", false},
    {"half", 0, NULL, "C: matrices of 16 bits an element, half the size; weights change by 0.4 % at most", false},
    {"onnx", 0, "FILE", "write an ONNX model (IR version 8, operator set 17)", false},
    {"primitives", 0, NULL, "ONNX: recurrent layers as Scan of primitive operators, without LSTM, GRU, RNN", false},
    {"lengths", 0, NULL, "ONNX: a second input, the lengths of a batch's sequences", false},
    {"states", 0, NULL, "ONNX: states of recurrent layers come in and go out, for sequences that arrive in pieces",
     false},
    {"logits", 0, NULL, "leave the softmax at the end out", false},
    {"member", 0, "K", "of a committee only the K-th network", false},
    {"prepared", 0, NULL, "the file takes pictures that have been prepared (resized, their contrast changed...)",
     false},
    CLI_HELP,
    CLI_END};

static const cli_option inspect_options[] = {CLI_JSON, CLI_HELP, CLI_END};

static const cli_option plan_options[] = {
    {"net", 0, "SPEC", "the network, a line such as \"conv 20 5 relu, maxpool 2, dense 10\"", false},
    {"input", 0, "SHAPE", "HxWxC for images, TxC for sequences, N for vectors", false},
    {"batch", 0, "N", "samples at once (default 1)", false},
    {"train", 0, NULL, "the whole training step: forward, backward, update", false},
    {"dry-run", 0, NULL, "do not run it, so there are no times", false},
    CLI_THREADS,
    CLI_DEVICE,
    CLI_JSON,
    CLI_HELP,
    CLI_END};

static const cli_option data_options[] = {
    {"from", 0, "DIR", "get: copy the set from this folder", false},
    {"target", 0, "NAME", "windows: the column to forecast", false},
    {"history", 0, "N", "windows: lines that are looked back at, that of now among them (default 24)", false},
    {"ahead", 0, "N", "windows: lines from now to what is forecast (default 1)", false},
    {"output", 'o', "FILE", "windows: the table to write; NAME_TRAIN.csv puts the last fifth into NAME_TEST.csv",
     false},
    {"newest", 0, NULL, "windows: only the last window, without its target, to be given to `predict`", false},
    CLI_JSON,
    CLI_QUIET,
    CLI_HELP,
    CLI_END};

static const cli_option report_options[] = {
    {"output", 'o', "FILE", "write the report there", false},
    {"rebuild", 0, NULL, "make it anew from result.json and metrics.csv", false},
    {"table", 0, NULL, "of a folder of runs: print the table as Markdown too", false},
    CLI_HELP,
    CLI_END};

static const cli_option version_options[] = {
    {"features", 0, NULL, "what this build can do", false}, CLI_JSON, CLI_HELP, CLI_END};

static const cli_option help_options[] = {{"man", 0, NULL, "as a man page (roff)", false},
                                          {"man-pages", 0, "DIR", "write the man pages of all commands there", false},
                                          CLI_HELP,
                                          CLI_END};

static const cli_option completion_options[] = {CLI_HELP, CLI_END};

static const cli_option bench_options[] = {
    {"rounds", 0, "N", "time each workload N times (default: for 1.5 s)", false},
    {"rivals", 0, NULL, "the same work by the libraries that were built in", false},
    {"list", 0, NULL, "the workloads, without running them", false},
    CLI_THREADS,
    CLI_DEVICE,
    CLI_JSON,
    CLI_HELP,
    CLI_END};

static const cli_option selftest_options[] = {
    {"timed", 0, NULL, "print the seconds of each case", false}, CLI_THREADS, CLI_DEVICE, CLI_HELP, CLI_END};

const cli_command cli_commands[] = {
    {"systems", "list the systems by year, the papers' figures and ours", "[NAME|WORD] [OPTIONS]",
     "  jackdaw systems --brief\n  jackdaw systems handwriting      those that speak of it\n"
     "  jackdaw systems lstm-adding      with its settings\n",
     NULL, systems_options, cmd_systems, 0, 1},
    {"run", "train and measure one of the systems", "NAME [OPTIONS]",
     "  jackdaw run lstm-adding\n  jackdaw run lstm-reber --scale cpu --seeds 5\n"
     "  jackdaw run lstm-adding --set hidden=32 --json\n  jackdaw run mnist-mlp --scale cpu --resume\n",
     "Writes result.json, metrics.csv, model.safetensors, report.html, checkpoints and TensorBoard events to the\n"
     "output folder.  Ctrl-C saves a checkpoint first; --resume goes on from it.",
     run_options, cmd_run, 1, 1},
    {"train", "train a network of your own on pictures, sounds, sequences or a table",
     "--data NAME [--net SPEC | --method gmdh] [OPTIONS]",
     "  jackdaw train --data table.csv                      # the last column is the class\n"
     "  jackdaw train --data fashion-mnist --net \"conv 20 5 relu, maxpool 2, dense 100 relu, dense 10\" --epochs 3\n"
     "  jackdaw train --data cells/                         # cells/images and cells/masks\n"
     "  jackdaw train --data table.csv --net \"dense 20 tanh, dense 1\" --loss mse --optimizer adam\n"
     "  jackdaw train --data houses.csv --method gmdh --columns rooms,age,5-8 --target price --missing drop\n"
     "  jackdaw train --data birds/ --size 48x48 --net \"conv 20 5 relu, maxpool 2, dense 100 relu, dense 3\" "
     "--deform\n"
     "  jackdaw train --data words/ --net \"blstm 32, mean, dense 4\" --optimizer adam --lr 0.01\n"
     "  jackdaw train --data talk/ --loss ctc --net \"blstm 64, dense 29\" --optimizer adam --lr 0.005 --batch 4\n"
     "  jackdaw train --data my-images-idx3-ubyte --labels my-labels-idx1-ubyte --net \"dense 100 tanh, dense 10\"\n",
     "A table is text with commas, semicolons, tabs, | or blanks between its fields, with or without a line of names; "
     "its\n"
     "classes are words or numbers, and an input column of words becomes a number for each word.  Dates become days, "
     "and\n"
     "places in the week and the year; 1.234,50, $3.50, 45% and 1.5 kg are numbers where a whole column is written "
     "so;\n"
     "columns that tell nothing (numbers of rows, constants, words that are all different) are left out.  The model's "
     "file\n"
     "remembers all that.  A last column with fractions, or with many different whole numbers, is learned as a "
     "number.\n"
     "In a folder each class\n"
     "has a folder of its name with its pictures (PNG, JPEG, WebP, BMP, GIF, TIFF, PGM, PPM) or recordings (WAV, "
     "AIFF,\n"
     "AU, FLAC, Ogg, MP3, SPHERE), or there are such folders called train, test and perhaps val, or a table index.tsv, "
     "labels.csv or "
     "train.csv\n"
     "with the columns file, class and perhaps split; --data may also be such a table.  NumPy's npz holds x and y, or\n"
     "x_train, y_train, x_test, y_test: rows (N,C), pictures (N,H,W) or (N,H,W,C) of 0 to 255 or 0 to 1, sequences\n"
     "(N,T,C), the shorter ones with NaN behind.\n"
     "Time series of the UEA and UCR archives are read as they are, NAME_TRAIN.ts or .tsv with NAME_TEST beside it, "
     "and so "
     "are\n"
     "series of many lengths, one a line with its class at an end, tables in LIBSVM's format and folders of .gnt "
     "files.  To\n"
     "forecast a column from its past, `jackdaw data windows` makes the table.\n\n"
     "A net with lstm and the like reads sequences: recordings as 39 features every 20 ms, arrays (N,T,C), time "
     "series,\n"
     "of a table's rows a number at each step.  It needs `mean` where the steps become one answer.  With --loss ctc a "
     "net\n"
     "without `mean` learns to write what is said: recordings in a folder whose index.tsv has the columns file and "
     "text.\n\n"
     "Without --net it takes one that suits the data, tells its line, and takes a learning rate that falls along a "
     "cosine,\n"
     "a pull of the weights to zero and a batch that suit it, unless they are given.\n\n"
     "Pictures with masks, DIR/images and DIR/masks under the same names or two folders, make a net that says of every "
     "pixel\n"
     "what it is; --net, if given, is one for a small window around a pixel.  Without it the pictures are deformed "
     "too, "
     "and\n"
     "turned in all ways unless classes lie higher or lower in them.\n\n"
     "The layers: conv MAPS SIZE, maxpool SIZE, avgpool SIZE, dense UNITS, dropout RATE, noise SIGMA, flatten, and "
     "for\n"
     "sequences lstm, blstm, gru, bgru, srn, bsrn UNITS, clockwork UNITS MODULES, mean, and window STEPS with `dense\n"
     "UNITS each` behind it, which is a convolution over time; highway LAYERS, layernorm, batchnorm; each may end with "
     "tanh, sigmoid, relu or scaled-tanh.",
     train_options, cmd_train, 0, 0},
    {"eval", "measure a model on a data set", "MODEL DATA [OPTIONS]",
     "  jackdaw eval runs/train-fashion-mnist-1 fashion-mnist\n"
     "  jackdaw eval runs/traffic-signs-1 signs/ --output signs.html\n"
     "  jackdaw eval runs/keyword-spotting-1/model.safetensors recordings/\n"
     "  jackdaw eval runs/handwriting-online-1/model.safetensors words.tsv.gz --output words.html\n"
     "  jackdaw eval runs/pyramid-lstm-1/model.safetensors brains/\n"
     "  jackdaw eval runs/translation-1 test.en --labels test.fr\n",
     "DATA is a set of the registry, or what the model's kind asks for:\n"
     "  pictures   an IDX file; a folder of pictures for each class, or of such folders called train and test;\n"
     "             a table of file and class (or label), alone or in a folder as test.tsv, index.tsv, labels.csv or\n"
     "             train.csv.  They are fitted to the model's size\n"
     "  tables     a table; for sequences arrays (npy, npz) or time series (.ts) too\n"
     "  sounds,    a tab-separated table, or a folder with one called index.tsv: `file` names files beside it, "
     "`text`,\n"
     "  lines      `word`, `digit`, `label` or `class` the truth, `split` the part; or folders of recordings for each\n"
     "             class; or recordings whose names begin with what is said and '_', as 7_jackson_3.wav\n"
     "  ink        files (tsv, InkML) that tell the text\n"
     "  volumes    a folder with image/, label/ under the same names, and perhaps a table test.tsv with `file`\n"
     "  membranes  a folder with image/ and label/ (white inside of cells) under the same names\n"
     "  points     a folder with image/ and a table points.tsv (or test_points.tsv) of image, x, y and area\n"
     "  chains     a table of sequence and dssp3 or dssp8, or a folder with one called test.tsv\n"
     "  sentences  a text and, with --labels, its translation line by line; or one text with a tab between both\n"
     "  text       any text; tells the bits of a character",
     eval_options, cmd_eval, 1, 2},
    {"predict", "what a model says to files", "MODEL FILE|FOLDER... [OPTIONS]",
     "  jackdaw predict model.safetensors shoe.png\n"
     "  jackdaw predict model.safetensors t10k-images-idx3-ubyte.gz --csv\n"
     "  jackdaw predict runs/keyword-spotting-1/model.safetensors recordings/ > words.csv\n"
     "  jackdaw predict runs/pyramid-lstm-1/model.safetensors brain.nii.gz\n"
     "  jackdaw predict runs/translation-1/model.safetensors \"Two dogs play in the snow.\"\n"
     "  jackdaw predict runs/text-compression-1 \"My fellow \"\n",
     "A file is a picture of any size, which is fitted to the model's, an IDX file of images, an index of mosaics "
     "(.tsv),\n"
     "an npy or npz array, a time series (.ts) or a CSV table with the model's columns, by their names or in their "
     "order;\n"
     "for models that read or hear it is what `jackdaw read` takes.  A model that labels voxels takes NIfTI and TIFF\n"
     "volumes, and the labels of NAME.nii.gz go into NAME-labels.nii.gz; one that learned from masks writes "
     "NAME-mask.png.\n"
     "A folder stands for all such files in it.\n"
     "A model that translates or parses takes a text, a sentence a line, or sentences in the place of files.  One "
     "that\n"
     "knows characters (text-compression) goes on where a text ends: its last lines, or a text in the place of a file.",
     predict_options, cmd_predict, 2, -1},
    {"scan", "a model of small pictures at every pixel of a large one",
     "MODEL IMAGE|FOLDER... -o OUT.png|OUT.csv|FOLDER [OPTIONS]",
     "  jackdaw scan runs/em-segmentation-1/model.safetensors slice.png -o inside.png\n"
     "  jackdaw scan model.safetensors slides/ --overlay -o found/\n"
     "  jackdaw scan model.safetensors slide.png --class 1 -o all.npy\n"
     "  jackdaw scan runs/mitosis-1 slides/ -o nuclei.csv\n",
     "The model is a classifier of pictures made of convolutions, pooling and dense layers.  Each pixel gets what the\n"
     "model says to the picture around it; beyond the edges the image is mirrored.\n"
     "The results of several pictures, or of those in a folder, go into the folder OUT under the same names; those of "
     "a stack\n"
     "of slices in one TIFF file are OUT-00.png, OUT-01.png...\n"
     "A model that finds points (mitosis) writes a table of them, OUT.csv: image, x and y in pixels, score; or "
     "OUT.png,\n"
     "the picture with its points in rings.",
     scan_options, cmd_scan, 2, -1},
    {"read", "the text in files of handwriting or speech", "MODEL FILE|FOLDER... [OPTIONS]",
     "  jackdaw read runs/handwriting-online-1/model.safetensors note.inkml\n"
     "  jackdaw read runs/handwriting-offline-1/model.safetensors line.png\n"
     "  jackdaw read runs/speech-digits-1/model.safetensors recordings/ --skip-bad > digits.csv\n",
     "For a model that reads strokes a file is InkML, a table of strokes, or plain text: a point `x y` a line, an "
     "empty\n"
     "line between strokes.  For one that reads pictures of lines it may also be a picture of one line, dark on light "
     "or\n"
     "light on dark.  For one that hears it is WAV, FLAC or NIST SPHERE.  A folder stands for all such files in it.",
     read_options, cmd_read, 2, -1},
    {"serve", "write, draw or speak to a model on a web page of this machine", "MODEL [OPTIONS]",
     "  jackdaw serve runs/handwriting-online-1/model.safetensors\n"
     "  jackdaw serve runs/mnist-mpcnn-1/model.safetensors --port 8017\n",
     "Prints the address of a page where a handwriting model reads while the pen moves, and a classifier of pictures "
     "names\n"
     "what is drawn or dropped.  Only programs on this machine can reach it, and only with the whole address.",
     serve_options, cmd_serve, 1, 1},
    {"export", "a model as a C file or as ONNX", "MODEL --c DIR|--onnx FILE [OPTIONS]",
     "  jackdaw export runs/mnist-mpcnn-1/model.safetensors --c build --name digits\n"
     "  jackdaw export runs/handwriting-online-1/model.safetensors --onnx reader.onnx\n",
     "The C file has one function, NAME_run, and for nets that read forwards in time NAME_step, which keeps its state "
     "in\n"
     "a struct of the caller.  The input is what the model was trained on: pixels of 0 to 255, or features before "
     "their\n"
     "normalisation, which is part of what is written.  All layers but those of volumes (pyramid, cube, uncube) can "
     "be\n"
     "exported; dropout and noise do nothing; symbols outside the table of embed are rows of zeros.  A committee "
     "becomes one\n"
     "net, the mean of its members, unless these see pictures prepared in several ways: then --member and --prepared "
     "take one.",
     export_options, cmd_export, 1, 1},
    {"inspect", "what is in a file", "FILE... [--json]",
     "  jackdaw inspect runs/lstm-adding-1/model.safetensors\n  jackdaw inspect t10k-images-idx3-ubyte.gz speech.wav\n",
     "Knows safetensors, npy, npz, IDX, PNG, JPEG, WebP, BMP, GIF, TIFF, PGM, PPM, WAV, AIFF, AU, FLAC, Ogg, MP3, "
     "NIfTI, "
     "CSV\n"
     "and TensorBoard event files and time series (.ts), most of them by their contents.",
     inspect_options, cmd_inspect, 1, -1},
    {"plan", "the instructions of a network, with kernels, FLOPs, bytes and times",
     "--net SPEC --input SHAPE [OPTIONS]",
     "  jackdaw plan --net \"conv 20 4 tanh, maxpool 2, dense 10\" --input 28x28x1 --batch 32 --train\n"
     "  jackdaw plan --net \"blstm 64, dense 11\" --input 100x39 --dry-run\n",
     NULL, plan_options, cmd_plan, 0, 0},
    {"data", "the registry of data sets; tables to forecast from", "list|get|verify|locate [NAME...] | windows FILE",
     "  jackdaw data list\n  jackdaw data verify fashion-mnist\n  jackdaw data get mnist --from ~/Downloads/mnist\n"
     "  jackdaw data windows power.csv --target load --history 24 --ahead 6 -o load_TRAIN.csv   # to forecast with\n"
     "  jackdaw data windows power.csv --target load --history 24 --ahead 6 --newest -o now.csv\n",
     "A set is looked for in $JACKDAW_DATA/NAME, where its Debian package puts it, and in the user's cache.\n\n"
     "`windows` makes a table to forecast from out of one whose lines follow one another in time: in each line the "
     "last values of\n"
     "all columns of numbers, the other columns as they are now, and the value to be forecast.  `jackdaw train` learns "
     "from it as\n"
     "from any table; the parts to learn from and to test on do not overlap in time.",
     data_options, cmd_data, 1, -1},
    {"bench", "time the workloads against what this machine can do", "[NAME...] [OPTIONS]",
     "  jackdaw bench lstm_h256_l1            one workload against the machine's limit\n"
     "  jackdaw bench cnn_gtsrb_b32 --rivals  the same work by the libraries that were built in\n"
     "  jackdaw bench --json > bench.json     all workloads, a line each\n",
     "A NAME may end in * (lstm_*).  Times are of one training step unless the workload says otherwise.  The limit is\n"
     "computed from peaks measured in the same run; `share` is limit / time.",
     bench_options, cmd_bench, 0, -1},
    {"report", "find or rebuild the report of a run, or one page of many runs", "DIR [-o FILE]",
     "  jackdaw report runs/lstm-adding-1\n  jackdaw report runs/lstm-adding-1 --rebuild -o adding.html\n"
     "  jackdaw report runs                  all runs in it on one page, runs/index.html\n",
     "A folder that is no run itself but holds runs is shown as one page: each system with the paper's figure, ours "
     "seed\n"
     "by seed, and what is asked for.",
     report_options, cmd_report, 1, 1},
    {"selftest", "check the library's operations on this machine", "[ops|digest] [PART-OF-NAME] [OPTIONS]",
     "  jackdaw selftest ops\n  jackdaw selftest ops lstm --timed\n"
     "  jackdaw selftest ops --device cuda\n",
     "ops: every operation against its reference, its gradient against finite differences, and the fast kernels for "
     "all\n"
     "numbers of threads.  digest: the checksum of three short trainings, the same on every machine.",
     selftest_options, cmd_selftest, 0, 2},
    {"version", "the version and what this build can do", "[--features] [--json]", "  jackdaw version --features\n",
     NULL, version_options, cmd_version, 0, 0},
    {"help", "help and man pages", "[COMMAND] [--man] [--man-pages DIR]",
     "  jackdaw help train\n  jackdaw help --man train | man -l -\n", NULL, help_options, cmd_help, 0, 1},
    {"completion", "completions for a shell", "bash|zsh|fish",
     "  jackdaw completion bash > /etc/bash_completion.d/jackdaw\n"
     "  jackdaw completion zsh > ~/.zfunc/_jackdaw\n"
     "  jackdaw completion fish > ~/.config/fish/completions/jackdaw.fish\n",
     "`cmake --install` puts them where the shells look.", completion_options, cmd_completion, 1, 1},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0}};
