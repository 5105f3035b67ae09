/* kalman.c - see kalman.h. */
#include "kalman.h"

void kalman_predict(kalman *f, const double phi[][KALMAN_MOST], const double *q)
{
    double t[KALMAN_MOST][KALMAN_MOST];
    for (int i = 0; i < f->n; i++)
        for (int j = 0; j < f->n; j++) {
            t[i][j] = 0;
            for (int k = 0; k < f->n; k++) t[i][j] += phi[i][k] * f->P[k][j];
        }
    for (int i = 0; i < f->n; i++)
        for (int j = 0; j <= i; j++) {
            double sum = i == j ? q[i] : 0;
            for (int k = 0; k < f->n; k++) sum += t[i][k] * phi[j][k];
            f->P[i][j] = f->P[j][i] = sum;
        }
}

double kalman_variance(const kalman *f, const double *c, double R)
{
    double s = R;
    for (int i = 0; i < f->n; i++)
        for (int j = 0; j < f->n; j++) s += c[i] * f->P[i][j] * c[j];
    return s;
}

bool kalman_update(kalman *f, const double *c, double innovation, double R, double gate)
{
    const int n = f->n;
    const double s = kalman_variance(f, c, R);
    double gain[KALMAN_MOST], t[KALMAN_MOST][KALMAN_MOST];
    if (innovation * innovation > gate * s) return false;
    for (int i = 0; i < n; i++) {
        gain[i] = 0;
        for (int k = 0; k < n; k++) gain[i] += f->P[i][k] * c[k] / s;
        f->x[i] += gain[i] * innovation;
    }
    for (int i = 0; i < n; i++) /* (I - K c') P */
        for (int j = 0; j < n; j++) {
            double seen = 0;
            for (int k = 0; k < n; k++) seen += c[k] * f->P[k][j];
            t[i][j] = f->P[i][j] - gain[i] * seen;
        }
    for (int i = 0; i < n; i++) {
        double seen = 0;
        for (int k = 0; k < n; k++) seen += t[i][k] * c[k];
        for (int j = 0; j <= i; j++) f->P[i][j] = f->P[j][i] = t[i][j] - seen * gain[j] + gain[i] * R * gain[j];
    }
    return true;
}
