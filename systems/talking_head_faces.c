/* talking_head_faces.c - principal components of faces; see talking_head.h. */
#include "talking_head.h"

/* Makes A diagonal; the columns of V become its eigenvectors (Jacobi 1846). */
static void diagonal(double A[PHONES_FACE][PHONES_FACE], double V[PHONES_FACE][PHONES_FACE])
{
    enum { N = PHONES_FACE };
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) V[i][j] = i == j;
    for (int sweep = 0; sweep < 40; sweep++)
        for (int p = 0; p < N; p++)
            for (int q = p + 1; q < N; q++) {
                if (fabs(A[p][q]) < 1e-18) continue;
                const double theta = (A[q][q] - A[p][p]) / (2 * A[p][q]);
                const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
                const double c = 1 / sqrt(t * t + 1), s = t * c;
                for (int k = 0; k < N; k++) {
                    const double a = A[k][p], b = A[k][q];
                    A[k][p] = c * a - s * b;
                    A[k][q] = s * a + c * b;
                }
                for (int k = 0; k < N; k++) {
                    const double a = A[p][k], b = A[q][k], u = V[k][p], v = V[k][q];
                    A[p][k] = c * a - s * b;
                    A[q][k] = s * a + c * b;
                    V[k][p] = c * u - s * v;
                    V[k][q] = s * u + c * v;
                }
            }
}

void head_components(const float *face, int64_t n, head_faces *f)
{
    enum { N = PHONES_FACE };
    double A[N][N] = {{0}}, V[N][N], all = 0, sum = 0;
    bool taken[N] = {false};
    *f = (head_faces){0};
    for (int64_t t = 0; t < n; t++)
        for (int i = 0; i < N; i++) f->mean[i] += (double)face[t * N + i] / (double)n;
    for (int64_t t = 0; t < n; t++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                A[i][j] += ((double)face[t * N + i] - f->mean[i]) * ((double)face[t * N + j] - f->mean[j]) / (double)n;
    diagonal(A, V);
    for (int i = 0; i < N; i++) all += A[i][i];
    while (f->kept < N && (f->kept == 0 || sum < .999 * all)) {
        int best = -1, large = 0;
        for (int i = 0; i < N; i++)
            if (!taken[i] && (best < 0 || A[i][i] > A[best][best])) best = i;
        for (int i = 0; i < N; i++)
            if (fabs(V[i][best]) > fabs(V[large][best])) large = i;
        for (int i = 0; i < N; i++) f->component[f->kept][i] = V[large][best] < 0 ? -V[i][best] : V[i][best];
        taken[best] = true;
        sum += A[best][best];
        f->variance[f->kept++] = A[best][best];
    }
}

void head_coefficients(const head_faces *f, const float *face, float *c)
{
    for (int k = 0; k < f->kept; k++) {
        double sum = 0;
        for (int i = 0; i < PHONES_FACE; i++) sum += ((double)face[i] - f->mean[i]) * f->component[k][i];
        c[k] = (float)sum;
    }
}

void head_face(const head_faces *f, const float *c, float *face)
{
    for (int i = 0; i < PHONES_FACE; i++) {
        double v = f->mean[i];
        for (int k = 0; k < f->kept; k++) v += (double)c[k] * f->component[k][i];
        face[i] = (float)v;
    }
}
