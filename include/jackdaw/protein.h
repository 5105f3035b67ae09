/*
 * protein.h - chains of amino acids: from FASTA files and from tables with their secondary structure.
 *
 *     jd_chains c = {0};
 *     jd_read_chains(ctx, "test.tsv.gz", &c);
 *     for (size_t i = 0; i < c.count; i++) printf("%s: %zu residues\n", c.items[i].id, c.items[i].length);
 *
 * Residues are numbered by JD_RESIDUES: the twenty amino acids in the order of their letters, then X for all else (B, J,
 * O, U, Z and X itself).  The eight states of DSSP (Kabsch and Sander 1983) are numbered by JD_STATES8; as three they are
 *     helix H = {H, G, I}     strand E = {E, B}     coil C = the rest.
 */
#ifndef JACKDAW_PROTEIN_H
#define JACKDAW_PROTEIN_H

#include "jackdaw/data.h"

#ifdef __cplusplus
extern "C" {
#endif

#define JD_RESIDUES "ACDEFGHIKLMNPQRSTVWYX"
#define JD_STATES3  "HEC"
#define JD_STATES8  "HGIEBTSC"
enum { JD_RESIDUE_COUNT = 21 };

typedef struct jd_chain {
    const char *id;
    size_t length;
    const char *letters;    /* (length): as the file has them, capitals; not ended by a zero */
    const int32_t *residue; /* (length): 0 .. 20 */
    const int32_t *q3, *q8; /* (length): -1 where it is not known or does not count; NULL: the file says nothing */
} jd_chain;

typedef struct jd_chains {
    size_t count;
    jd_chain *items;
    char *text; /* what the pointers point into */
    int32_t *codes;
} jd_chains;

/* Reads, plain or gzip-ed,
 *   FASTA (the file begins with '>'): the id is the first word after '>'; gaps ('-', '.') and a final '*' are left out;
 *   a table (jd_read_tsv) with the columns `id`, `sequence` and, as far as they are there, `dssp8` and `dssp3` (a state
 *   for each residue; coil may also be written L, _ or -, and without `dssp3` the three states follow from the eight)
 *   and `mask` (0: the residue does not count); or with commas and the names that NetSurfP's tables have (`input`, `cb513_mask`),
 *   blanks between letters and no id;
 *   an array as in cb513+profile_split1.npy (Zhou, Troyanskaya, ICML 2014): (chains, 39900) or (chains, 700, 57), float32 or float64.
 * Errors name file and line: JD_EDATA (a letter that is none, columns of different length, a chain without residues, no
 * chain at all), JD_ENOINPUT. */
JD_API jd_status jd_read_chains(jd_ctx *ctx, const char *path, jd_chains *out);
JD_API void jd_chains_free(jd_ctx *ctx, jd_chains *chains);

/* The number of a residue's letter, either case, -1 for a character that is no letter. */
JD_API int32_t jd_residue_of(char letter);
/* H, E or C, by its number in JD_STATES3, of one of the eight states. */
JD_API int32_t jd_state3_of_state8(int32_t state8);

#ifdef __cplusplus
}
#endif
#endif
