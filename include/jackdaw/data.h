/*
 * data.h - files into memory, the registry of data sets, batches, prefetch threads.
 *
 *     jd_images train = { 0 };
 *     jd_load_images(ctx, "mnist", JD_TRAIN, &train);                  // finds the files, see jd_dataset_locate
 *     jd_images_batch(&train, order, 32, 0.f, 1.f, x, y);              // x (32,28,28,1) in [0,1], y (32)
 *
 * Every reader takes its file as hostile: each declared size is compared with what the file can still hold before any
 * memory is taken, and an error names the file, the byte or line, what disagrees and how to repair it.  A reader that
 * fails leaves `*out` as it was.  Status codes: JD_ENOINPUT (no such file), JD_EDATA (wrong contents), JD_EUSAGE.
 */
#ifndef JACKDAW_DATA_H
#define JACKDAW_DATA_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- IDX ----------------------------------------------------------------------------------------------------------- */

/* The values of an IDX file (http://yann.lecun.com/exdb/mnist), row-major, last index fastest. */
typedef enum jd_idx_type {
    JD_IDX_U8 = 0x08,
    JD_IDX_I8 = 0x09,
    JD_IDX_I16 = 0x0B,
    JD_IDX_I32 = 0x0C,
    JD_IDX_F32 = 0x0D,
    JD_IDX_F64 = 0x0E
} jd_idx_type;

typedef struct jd_idx {
    jd_idx_type type;
    int rank;       /* 1..8 */
    size_t size[8]; /* each 1..2^31-1 */
    size_t count;   /* the product of the sizes */
    void *data;     /* in the machine's byte order */
} jd_idx;

/* Reads an IDX file, plain or gzip-ed (told by its contents, not by its name).  The file must hold exactly the declared
 * number of values. */
JD_API jd_status jd_read_idx(jd_ctx *ctx, const char *path, jd_idx *out);
JD_API void jd_idx_free(jd_ctx *ctx, jd_idx *idx);
/* Writes an IDX file, not compressed; `count` need not be set.  Errors: JD_EUSAGE, JD_EIO. */
JD_API jd_status jd_write_idx(jd_ctx *ctx, const char *path, const jd_idx *idx);
/* Bytes of one value of the type; 0 for an unknown type. */
JD_API size_t jd_idx_value_bytes(jd_idx_type type);

/* Reads a file whole and inflates it if it is gzip-ed; at most `limit` bytes come out (0: 4 GiB).  One NUL byte follows
 * the data.  Give the result to jd_free. */
JD_API void *jd_read_gz(jd_ctx *ctx, const char *path, size_t limit, size_t *bytes);

/* ---- images -------------------------------------------------------------------------------------------------------- */

/* Images of one size, 8 bits a channel, channels last, with their classes. */
typedef struct jd_images {
    size_t count;
    int height, width, channels;
    int classes;     /* labels are 0..classes-1; 0 where there are no labels */
    uint8_t *pixels; /* (count, height, width, channels) */
    int32_t *labels; /* (count), or NULL */
    int32_t
        *groups; /* (count) or NULL: pictures of one number show one thing, so validation sets must not divide them */
} jd_images;

/* Images (count,H,W) or (count,H,W,C) of bytes and labels (count) of bytes from two IDX files; `labels_path` may be
 * NULL.  Checks that the counts agree and that each label is below `classes`. */
JD_API jd_status jd_images_read_idx(jd_ctx *ctx, const char *images_path, const char *labels_path, int classes,
                                    jd_images *out);
JD_API void jd_images_free(jd_ctx *ctx, jd_images *images);

/* Pictures cut from mosaics: PNG files beside the index, a table (jd_read_tsv) with a row for each picture.  Its columns:
 * `mosaic` (the file's name), `tile` (number `tile` from the upper left, row by row), `class`; if it is there, `track`
 * (pictures of one class and track become a group; -1: of none); and, if they are there, `orig_w` `orig_h` `roi_x1`
 * `roi_y1` `roi_x2` `roi_y2`: the box of the sign, inclusive, in a picture of orig_w x orig_h pixels that was resized to the
 * tile.  The box is cut out and resized to the tile's size (jd_resize_bilinear).  `side`: of a tile, in pixels; the result
 * is RGB.  Errors name the line of the index. */
JD_API jd_status jd_images_read_mosaics(jd_ctx *ctx, const char *index_path, int side, int classes, jd_images *out);

/* Picture files laid end to end in X.bin, beside the index X.tsv with a row for each: its columns `offset`, `length` (bytes)
 * and `label`.  All pictures must be of one size; they become gray (channels 1) or RGB (3).  Errors name the line of the
 * index. */
JD_API jd_status jd_images_read_blob(jd_ctx *ctx, const char *index_path, int channels, int classes, jd_images *out);

/* Puts the pictures in a random order, a function of the seed alone; groups stay together, in their order inside. */
JD_API jd_status jd_images_mix(jd_ctx *ctx, jd_images *images, uint64_t seed);

/* out[i] = low + (high-low) p[i]/255, rounded once. */
JD_API void jd_pixels_to_float(const uint8_t *p, size_t n, float low, float high, float *out);

/* Copies the images index[0..n-1] into x (n,H,W,C), pixel 0 as `low`, 255 as `high`, and their labels into y (n), which
 * may be NULL.  Safe to call from several threads. */
JD_API void jd_images_batch(const jd_images *images, const uint32_t *index, size_t n, float low, float high, float *x,
                            int32_t *y);

/* One picture, 8 bits a channel, rows from the top, channels last: 1 gray, 3 RGB. */
typedef struct jd_picture {
    int height, width, channels;
    uint8_t *pixels; /* (height, width, channels) */
} jd_picture;

/* Reads a PNG, JPEG, WebP, BMP, GIF, PGM, PPM or TIFF file (told by its contents) as gray (channels 1), RGB (3) or as it is stored (0: gray stays
 * gray).  An alpha channel is laid over black, palettes become colours, 16 bits become 8, CMYK becomes RGB.  Refuses more
 * than 2^26 pixels before it decodes any.  Errors: JD_EDATA with the byte and a repair; JD_EABSENT (a JPEG, TIFF or
 * WebP, built without its library). */
JD_API jd_status jd_read_picture(jd_ctx *ctx, const char *path, int channels, jd_picture *out);
/* The same for a file in memory; `name` stands in errors. */
JD_API jd_status jd_decode_picture(jd_ctx *ctx, const char *name, const void *data, size_t bytes, int channels,
                                   jd_picture *out);
/* Whether this build reads "png", "pnm", "jpeg". */
JD_API bool jd_picture_can(const char *format);
JD_API jd_status jd_write_png(jd_ctx *ctx, const char *path, const jd_picture *picture);
JD_API void jd_picture_free(jd_ctx *ctx, jd_picture *picture);

/* A picture whose values are labels. */
typedef struct jd_mask {
    int height, width;
    uint32_t *value; /* (height,width) */
} jd_mask;
/* Reads one as it is stored: the numbers of grey PNG and TIFF files of up to 16 bits, the places in a PNG's palette; colours as
 * 0xRRGGBB.  What changes values, JPEG and WebP, is refused.  Errors as of jd_read_picture. */
JD_API jd_status jd_read_mask(jd_ctx *ctx, const char *path, jd_mask *out);
JD_API void jd_mask_free(jd_ctx *ctx, jd_mask *mask);

/* ---- sound --------------------------------------------------------------------------------------------------------- */

typedef struct jd_sound {
    int rate; /* samples a second */
    size_t count;
    float *samples; /* mono, full scale is [-1,1] */
} jd_sound;

/* Reads WAV, AIFF, AU, FLAC, Ogg (Vorbis, Opus), NIST SPHERE and, where the build found libmpg123, MP3 (told by the contents),
 * channels averaged to one; at most 2^27 samples. */
JD_API jd_status jd_read_sound(jd_ctx *ctx, const char *path, jd_sound *out);
JD_API jd_status jd_write_wav(jd_ctx *ctx, const char *path, const jd_sound *sound); /* 16 bits */
JD_API void jd_sound_free(jd_ctx *ctx, jd_sound *sound);

/* ---- tables -------------------------------------------------------------------------------------------------------- */

typedef struct jd_csv_options {
    /* 0: of comma, semicolon, tab, blanks and | the one that cuts the most numbers out of the first row.  Where it is no comma,
     * 3,5 is a number too. */
    char separator;
    bool missing_is_nan; /* an empty field, ?, NA, N/A, n/a, <NA>, #N/A or null is NaN; without it, an error */
    /* Columns may hold dates, times, and numbers with units, currencies, commas (cells.h): their forms are found by all their cells and
     * stand in jd_table.forms.  A column is one of words where more than half of its cells are.  "-" among numbers is a missing cell. */
    bool forms;
    const char *known_forms; /* NULL, or the forms of another table of the same columns, by which this one is read */
    /* `*` leaves out columns that tell nothing: the same in every row, empty, counting the rows from 0 or 1, whole numbers all different and
     * called like a number (customer_id), words most of which are different.  With `forms` alone; jd_table.left_out lists them. */
    bool leave_out;
    /* The columns wanted, in this order: names, numbers from 1, ranges 3-7, `last`, and `*` for all that are not named
     * elsewhere, with commas between them; what stands in quotes is always a name.  -NAME is a column that `*` leaves out; a
     * list of such alone begins with `*`, and so does NULL.  `*` also leaves a first column out that counts the rows: without a
     * name in the header, as pandas and R write it, or with one such as id or index.  Columns that are not wanted may hold anything. */
    const char *select;
    /* NULL, or columns in the same language, without `*`, that stand behind those of `select`, whose `*` leaves them out. */
    const char *targets;
    /* Columns may hold categories: one whose first cell is a word.  Its values are then places in its list in
     * jd_table.categories, of at most JD_LIMIT_CATEGORIES words. */
    bool categories;
    /* NULL, or the categories of another table of the same columns, by which this one is read: a word that is not among them
     * is an error, or, with `strangers`, -1: jd_table.strangers counts these cells. */
    const char *known;
    bool strangers;
    size_t *skipped; /* not NULL: lines that are no rows of numbers are passed over, and counted here */
    bool last_words; /* the last column wanted may hold words: it is kept in `words` too */
} jd_csv_options;

/* A table of numbers. */
typedef struct jd_table {
    size_t rows, cols;
    double *values;  /* (rows, cols) */
    char **names;    /* (cols), or NULL when the file has no header line */
    size_t *columns; /* (cols): where each column stands in the file, from 1 */
    size_t *lines;   /* (rows): where each row stands in the file, from 1 */
    char *
        *words; /* (rows), or NULL: the last column as it is written, "" a missing cell; its value is NaN for a word */
    /* NULL where no column holds categories.  Else the columns with \n between them, each with its words, sorted, with | between
     * them; nothing for a column of numbers, and none behind the last column of words. */
    char *categories;
    char
        *forms; /* NULL where all cells are plain numbers or words; else a form for each column, with \n between them */
    char *left_out;     /* NULL, or "COLUMN: WHY" of what leave_out left out, with \n between them */
    size_t row_numbers; /* the column that `*` left out because it counts the rows, or 0 */
    size_t strangers;   /* cells whose words are not known */
    size_t strange[2];  /* line and column of the first of them */
    size_t targets;     /* how many of the columns, the last ones, were asked for as targets */
} jd_table;
enum { JD_LIMIT_CATEGORIES = 1000 };

/* Reads numbers separated by commas, plain or gzip-ed.  Fields may stand in quotes, with line ends in them.  In LIBSVM's format,
 * LABEL INDEX:VALUE..., the label is column 1 and `last`, index i column i + 1, and what is not listed 0.  The first line is a header if one of its
 * fields that are wanted is no number.  Empty lines and lines that start with # are skipped.  Errors name line and column.
 *     jd_read_csv(ctx, "houses.csv", &(jd_csv_options){.select = "rooms,age,5-8,price"}, &t); */
JD_API jd_status jd_read_csv(jd_ctx *ctx, const char *path, const jd_csv_options *o, jd_table *out);
JD_API void jd_table_free(jd_ctx *ctx, jd_table *table);

/* A table of words with a header line, as the index files of data sets have: fields separated by tabs, no quoting. */
typedef struct jd_tsv {
    size_t rows, cols;
    char **names;  /* (cols) */
    char **fields; /* (rows, cols) */
    size_t *lines; /* (rows): where each row stands in the file, from 1 */
    char *text;    /* what the pointers point into */
} jd_tsv;

JD_API jd_status jd_read_tsv(jd_ctx *ctx, const char *path, jd_tsv *out);
/* The same with another separator, such as ';'. */
JD_API jd_status jd_read_words(jd_ctx *ctx, const char *path, char separator, jd_tsv *out);
/* The column called `name`; -1 and JD_EDATA, with the nearest name, where there is none. */
JD_API int jd_tsv_column(jd_ctx *ctx, const jd_tsv *tsv, const char *name);
JD_API void jd_tsv_free(jd_ctx *ctx, jd_tsv *tsv);

/* ---- the registry of data sets ------------------------------------------------------------------------------------- */

typedef enum jd_split { JD_TRAIN, JD_TEST, JD_ALL } jd_split;

typedef struct jd_dataset_file {
    const char *name;   /* below the set's directory; stored plain or with ".gz" added */
    const char *sha256; /* of the file after gunzip; NULL: not recorded */
    uint64_t bytes;     /* after gunzip; 0: not recorded */
} jd_dataset_file;

/* How jd_load_images reads the set. */
typedef enum jd_dataset_format {
    JD_SET_OTHER,   /* not as classified pictures */
    JD_SET_IDX,     /* files: images and labels to train, images and labels to test */
    JD_SET_MOSAICS, /* files: two indices, to train and to test, and mosaics (jd_images_read_mosaics) */
    JD_SET_BLOB,    /* files: two indices and their blobs (jd_images_read_blob) */
    JD_SET_CIFAR,   /* files: batches, the last one to test (sets.h) */
    JD_SET_NORB,    /* files: dat, cat, info to train, then to test (sets.h) */
    JD_SET_GTSRB,   /* files: one index of the training set, and that of the test set (sets.h) */
    JD_SET_GNT,     /* files: one of the folder to train, one of the folder to test (sets.h) */
} jd_dataset_format;

typedef struct jd_dataset {
    const char *name, *title, *home, *licence;
    const char *package;          /* the Debian package that holds it, or NULL */
    const char *directory;        /* where that package puts it, or NULL */
    const char *download;         /* an https URL that ends in '/', to which file names + ".gz" are added; or NULL */
    const char *obtain;           /* one sentence: how to get it by hand */
    const jd_dataset_file *files; /* ended by a NULL name */
    int classes;
    jd_dataset_format format;
    const char *const *folders; /* what its archives unpack to, ended by NULL; or NULL */
    const char *const
        *official; /* a file or folder, each of which tells that the set lies there as it is distributed, where
                                  * `files` are another form; ended by NULL; or NULL */
} jd_dataset;

/* Entry i of the registry; NULL after the last. */
JD_API const jd_dataset *jd_dataset_at(int i);
/* The entry called `name`; NULL and JD_EUSAGE, with the nearest name, where there is none. */
JD_API const jd_dataset *jd_dataset_find(jd_ctx *ctx, const char *name);
/* The directory that holds the set: $JACKDAW_DATA/NAME, the Debian package's, ${XDG_CACHE_HOME:-~/.cache}/jackdaw/NAME,
 * the first that has its files, itself or in the folder that the set's archive unpacks to.  Give the path to jd_free.  NULL and JD_ENOINPUT, with what to do, where there is none. */
JD_API char *jd_dataset_locate(jd_ctx *ctx, const jd_dataset *set);
/* The folder meant by `where` for the set called `name`: with NULL or the name itself that of jd_dataset_locate, else the
 * folder `where`, or the one in it that the set's archive unpacks to.  For jd_free.  NULL and JD_ENOINPUT: no such folder. */
JD_API char *jd_dataset_folder(jd_ctx *ctx, const char *name, const char *where);
/* Where the file `file` of the set called `name` is, with ".gz" added where it is stored so; for jd_free.  NULL and an error
 * as of jd_dataset_find and jd_dataset_locate.  A path in the place of the name is a folder laid out like a set. */
JD_API char *jd_dataset_path(jd_ctx *ctx, const char *name, const char *file);
/* Checks the set in `dir`: sizes and SHA-256 of each recorded file; for sets without recorded files, that each file can
 * be read.  `say`, if not NULL, gets one line of text for each file or finding.  Errors: JD_EDATA, JD_ENOINPUT. */
JD_API jd_status jd_dataset_verify(jd_ctx *ctx, const jd_dataset *set, const char *dir,
                                   void (*say)(void *user, const char *line), void *user);
/* Brings the set into the user cache and verifies it there: copies it from the directory `from`, or, if that is NULL and
 * the set has a download URL, runs curl.  Returns the directory (for jd_free).  A set that is installed already is only
 * verified.  Errors: JD_ENOINPUT with what to do by hand, JD_EDATA, JD_EIO, JD_EABSENT (no curl). */
JD_API char *jd_dataset_get(jd_ctx *ctx, const jd_dataset *set, const char *from);

/* The set of classified pictures whose files lie in the folder `dir`; NULL where no set's do, without an error.  Sets of the
 * same files (mnist, fashion-mnist) are one here. */
JD_API const jd_dataset *jd_dataset_in(jd_ctx *ctx, const char *dir);
/* Finds and reads one split of a set of classified pictures ("mnist", "cifar10_jpeg", "norb"...): those whose format is
 * not JD_SET_OTHER.  `name` may also be a folder with the files of such a set, whatever pictures they hold; of IDX files the
 * classes are as many as their labels tell. */
JD_API jd_status jd_load_images(jd_ctx *ctx, const char *name, jd_split split, jd_images *out);

/* SHA-256 (FIPS 180-4). */
typedef struct jd_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
} jd_sha256;
JD_API void jd_sha256_init(jd_sha256 *h);
JD_API void jd_sha256_add(jd_sha256 *h, const void *data, size_t bytes);
JD_API void jd_sha256_hex(jd_sha256 *h, char hex[65]); /* ends the sum */

/* ---- spoken digits ------------------------------------------------------------------------------------------------- */

typedef struct jd_utterance {
    int digit, take;
    int speaker; /* index into `speaker_names` */
    size_t count;
    float *samples;
} jd_utterance;

typedef struct jd_speech {
    int rate;
    size_t count;
    jd_utterance *items; /* sorted by digit, speaker's name, take */
    int speakers;
    char **speaker_names; /* sorted */
} jd_speech;

typedef struct jd_fsdd_options {
    const char *dir;     /* NULL: the registry finds "fsdd" */
    jd_split split;      /* the set's own rule: takes 0-4 test, the others train */
    const char *only;    /* this speaker alone; NULL: all */
    const char *without; /* all but this speaker */
    /* Asked when a recording cannot be used, with the context's error pending; true, and no error any more: go on with the
     * next (jd_run_skip).  NULL: the error stands. */
    bool (*skip)(void *user);
    void *user;
} jd_fsdd_options;

/* Free Spoken Digit Dataset: reads the files {digit}_{speaker}_{take}.wav of DIR, DIR/wav or DIR/recordings, whatever
 * speakers are there.
 *     jd_speech others = { 0 }, george = { 0 };                               // leave one speaker out
 *     jd_load_fsdd(ctx, &(jd_fsdd_options){ .split = JD_ALL, .without = "george" }, &others);
 *     jd_load_fsdd(ctx, &(jd_fsdd_options){ .split = JD_ALL, .only = "george" }, &george); */
JD_API jd_status jd_load_fsdd(jd_ctx *ctx, const jd_fsdd_options *o, jd_speech *out);
JD_API void jd_speech_free(jd_ctx *ctx, jd_speech *speech);

/* ---- batches ------------------------------------------------------------------------------------------------------- */

/* order[0..n-1] becomes the permutation of 0..n-1 for this epoch: a function of seed and epoch alone. */
JD_API void jd_epoch_order(uint64_t seed, uint64_t epoch, uint32_t *order, size_t n);

typedef struct jd_batches_options {
    size_t count;          /* samples */
    size_t batch;          /* samples of a batch; the last may be smaller */
    const int32_t *length; /* (count) of each sequence, or NULL where all are alike */
    bool shuffle;          /* false: in the samples' order, or from the longest to the shortest */
    uint64_t seed, epoch;
    size_t pool;    /* sort by length within pools of this many batches; 0: over the whole set (least padding) */
    bool drop_last; /* leave a smaller last batch out */
} jd_batches_options;

/* The batches of an epoch: batch b holds the samples index[offset[b]] .. index[offset[b+1]-1].  With lengths, samples of
 * similar length share a batch, sorted by decreasing length inside, and with `shuffle` the batches come in random order. */
typedef struct jd_batches {
    size_t count;
    size_t *offset;  /* (count+1) */
    uint32_t *index; /* (samples) */
} jd_batches;

JD_API jd_status jd_batches_make(jd_ctx *ctx, const jd_batches_options *o, jd_batches *out);
JD_API void jd_batches_free(jd_ctx *ctx, jd_batches *batches);

/* ---- prefetch ------------------------------------------------------------------------------------------------------ */

/* Threads that fill batches ahead of their use.  `fill` must depend on `batch` alone: then what the consumer sees is the
 * same for any number of threads.  `thread` (0..threads-1) is for scratch memory of its own.  On failure it returns a
 * status and may put a sentence into `message`; the consumer gets it when that batch is due. */
#define JD_PREFETCH_MESSAGE 256
typedef jd_status (*jd_fill_fn)(void *user, int thread, uint64_t batch, void *slot, char message[JD_PREFETCH_MESSAGE]);

typedef struct jd_prefetch_options {
    jd_fill_fn fill;
    void *user;
    int threads;       /* 0: none, jd_prefetch_next fills by itself (as thread 0) */
    int slots;         /* batches held at once; 0: threads + 2 */
    size_t slot_bytes; /* memory of one batch, aligned to 64 */
    uint64_t first;    /* the first batch's number: where a resumed run goes on */
    uint64_t count;    /* batches; 0: no end */
} jd_prefetch_options;

typedef struct jd_prefetch jd_prefetch;

/*     jd_prefetch *p = jd_prefetch_new(ctx, &(jd_prefetch_options){ .fill = fill, .user = &data, .threads = 1,
 *                                                                   .slot_bytes = sizeof(my_batch), .count = n });
 *     for (const my_batch *b; (b = jd_prefetch_next(p)) != NULL;) train(b);
 *     jd_prefetch_free(p); */
JD_API jd_prefetch *jd_prefetch_new(jd_ctx *ctx, const jd_prefetch_options *o);
/* The next batch in order; it stays valid until the next call.  NULL at the end, or after an error (jd_error tells). */
JD_API void *jd_prefetch_next(jd_prefetch *p);
/* Stops the threads (each ends the batch it is filling) and frees all.  NULL is allowed. */
JD_API void jd_prefetch_free(jd_prefetch *p);

#ifdef __cplusplus
}
#endif
#endif
