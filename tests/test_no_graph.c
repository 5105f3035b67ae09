/* test_no_graph.c - every function that adds to a graph, on none: the null node, and nothing else happens. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "jackdaw/jackdaw.h"

static void without_a_graph(void **state)
{
    (void)state;
    assert_int_equal(jd_conv2d_dilated(NULL, (jd_node){0}, (jd_node){0}, (int){0}, (int){0}).id, 0);
    assert_int_equal(jd_connections(NULL, NULL, (int64_t){0}, (int64_t){0}).id, 0);
    assert_int_equal(jd_conv2d_partial_opt(NULL, "x", (jd_node){0}, (jd_partial_options){0}).id, 0);
    assert_int_equal(jd_local_contrast_opt(NULL, (jd_node){0}, (jd_contrast_options){0}).id, 0);
    assert_int_equal(jd_gmdh_graph(NULL, NULL, (jd_node){0}).id, 0);
    assert_null(jd_graph_ctx(NULL));
    (void)jd_real(NULL);
    (void)jd_type_of(NULL, (jd_node){0});
    (void)jd_dim(NULL, (jd_node){0}, (int){0});
    (void)jd_rank(NULL, (jd_node){0});
    jd_scope_push(NULL, "x");
    jd_scope_pop(NULL);
    assert_int_equal(jd_named(NULL, "x", (jd_node){0}).id, 0);
    assert_int_equal(jd_arg(NULL, "x").id, 0);
    (void)jd_has_arg(NULL, "x");
    assert_int_equal(jd_const(NULL, (double){0}, (jd_dims){0}).id, 0);
    assert_int_equal(jd_iota(NULL, (int64_t){0}).id, 0);
    assert_int_equal(jd_param(NULL, "x", (jd_init){0}, (jd_dims){0}).id, 0);
    jd_weight_noise(NULL, (double){0}, (jd_node){0});
    assert_int_equal(jd_state(NULL, "x", (jd_dtype){0}, (jd_dims){0}).id, 0);
    jd_result(NULL, "x", (jd_node){0});
    assert_int_equal(jd_add(NULL, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_sub(NULL, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_mul(NULL, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_div(NULL, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_max(NULL, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_min(NULL, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_greater(NULL, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_where(NULL, (jd_node){0}, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_neg(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_exp(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_log(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_tanh(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_sigmoid(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_sin(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_cos(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_relu(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_sqrt(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_square(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_abs(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_softplus(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_affine(NULL, (jd_node){0}, (double){0}, (double){0}).id, 0);
    assert_int_equal(jd_real_of(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_reshape(NULL, (jd_node){0}, (jd_dims){0}).id, 0);
    assert_int_equal(jd_transpose(NULL, (jd_node){0}, NULL).id, 0);
    assert_int_equal(jd_broadcast_to(NULL, (jd_node){0}, (jd_dims){0}).id, 0);
    assert_int_equal(jd_slice(NULL, (jd_node){0}, (int){0}, (int64_t){0}, (int64_t){0}).id, 0);
    assert_int_equal(jd_pad(NULL, (jd_node){0}, (int){0}, (int64_t){0}, (int64_t){0}).id, 0);
    assert_int_equal(jd_concat(NULL, NULL, (int){0}, (int){0}).id, 0);
    assert_int_equal(jd_reverse(NULL, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_sum(NULL, (jd_node){0}, (unsigned){0}, (bool){0}).id, 0);
    assert_int_equal(jd_mean(NULL, (jd_node){0}, (unsigned){0}, (bool){0}).id, 0);
    assert_int_equal(jd_amax(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_argmax(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_sum_to(NULL, (jd_node){0}, (jd_dims){0}).id, 0);
    assert_int_equal(jd_matmul_opt(NULL, (jd_node){0}, (jd_node){0}, (jd_matmul_options){0}).id, 0);
    assert_int_equal(jd_gather(NULL, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_scatter_add(NULL, (jd_node){0}, (jd_node){0}, (int64_t){0}).id, 0);
    assert_int_equal(jd_onehot(NULL, (jd_node){0}, (int64_t){0}).id, 0);
    assert_int_equal(jd_random_uniform(NULL, "x", (jd_node){0}, (jd_dims){0}).id, 0);
    assert_int_equal(jd_random_normal(NULL, "x", (jd_node){0}, (jd_dims){0}).id, 0);
    assert_int_equal(jd_conv2d_raw(NULL, (jd_node){0}, (jd_node){0}, (jd_conv_options){0}).id, 0);
    assert_int_equal(jd_maxpool_opt(NULL, (jd_node){0}, (jd_pool_options){0}).id, 0);
    assert_int_equal(jd_avgpool_opt(NULL, (jd_node){0}, (jd_pool_options){0}).id, 0);
    assert_int_equal(jd_softmax(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_log_softmax(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_softmax_xent_each(NULL, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_softmax_xent(NULL, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_sigmoid_xent_each(NULL, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_ctc(NULL, (jd_node){0}, (jd_node){0}, (jd_node){0}, (jd_node){0}, (int){0}).id, 0);
    (void)jd_lstm_raw(NULL, (jd_lstm_args){0});
    (void)jd_mdlstm_raw(NULL, (jd_mdlstm_args){0});
    (void)jd_convlstm_raw(NULL, (jd_convlstm_args){0});
    (void)jd_srn_raw(NULL, (jd_rnn_args){0});
    (void)jd_gru_raw(NULL, (jd_rnn_args){0});
    (void)jd_clockwork_raw(NULL, (jd_clockwork_args){0});
    jd_grad(NULL, (jd_node){0}, (jd_node){0}, NULL, (int){0}, NULL);
    assert_int_equal(jd_grad_params(NULL, (jd_node){0}).id, 0);
    assert_int_equal(jd_stop(NULL, (jd_node){0}).id, 0);
    jd_update_sgd_opt(NULL, (jd_node){0}, (jd_node){0}, (jd_update_options){0});
    jd_update_adam_opt(NULL, (jd_node){0}, (jd_node){0}, (jd_update_options){0});
    jd_update_rmsprop_opt(NULL, (jd_node){0}, (jd_node){0}, (jd_update_options){0});
    jd_update_average(NULL, (jd_node){0}, (jd_node){0}, (double){0});
    jd_update_rprop_opt(NULL, (jd_node){0}, (jd_node){0}, (jd_update_options){0});
    assert_int_equal(jd_activate(NULL, (jd_node){0}, (jd_activation){0}).id, 0);
    assert_int_equal(jd_dense_opt(NULL, "x", (jd_node){0}, (jd_dense_options){0}).id, 0);
    assert_int_equal(jd_highway_opt(NULL, "x", (jd_node){0}, (jd_highway_options){0}).id, 0);
    assert_int_equal(jd_layernorm_opt(NULL, "x", (jd_node){0}, (jd_norm_options){0}).id, 0);
    assert_int_equal(jd_batchnorm_opt(NULL, "x", (jd_node){0}, (jd_norm_options){0}).id, 0);
    assert_int_equal(jd_conv2d_opt(NULL, "x", (jd_node){0}, (jd_conv2d_options){0}).id, 0);
    assert_int_equal(jd_dropout(NULL, "x", (jd_node){0}, (double){0}).id, 0);
    assert_int_equal(jd_gauss_noise(NULL, "x", (jd_node){0}, (double){0}).id, 0);
    assert_int_equal(jd_embedding(NULL, "x", (jd_node){0}, (int64_t){0}, (int64_t){0}).id, 0);
    (void)jd_lstm_full(NULL, "x", (jd_node){0}, (jd_lstm_options){0});
    assert_int_equal(jd_lstm_opt(NULL, "x", (jd_node){0}, (jd_lstm_options){0}).id, 0);
    assert_int_equal(jd_blstm_opt(NULL, "x", (jd_node){0}, (jd_lstm_options){0}).id, 0);
    assert_int_equal(jd_mdlstm_opt(NULL, "x", (jd_node){0}, (jd_mdlstm_options){0}).id, 0);
    assert_int_equal(jd_convlstm_opt(NULL, "x", (jd_node){0}, (jd_convlstm_options){0}).id, 0);
    assert_int_equal(jd_pyramid_opt(NULL, "x", (jd_node){0}, (jd_pyramid_options){0}).id, 0);
    assert_int_equal(jd_blocks_opt(NULL, (jd_node){0}, NULL, (jd_blocks_options){0}).id, 0);
    assert_int_equal(jd_unblocks_opt(NULL, (jd_node){0}, (jd_blocks_options){0}).id, 0);
    assert_int_equal(jd_collapse(NULL, (jd_node){0}).id, 0);
    (void)jd_srn_full(NULL, "x", (jd_node){0}, (jd_rnn_options){0});
    (void)jd_gru_full(NULL, "x", (jd_node){0}, (jd_rnn_options){0});
    assert_int_equal(jd_srn_opt(NULL, "x", (jd_node){0}, (jd_rnn_options){0}).id, 0);
    assert_int_equal(jd_gru_opt(NULL, "x", (jd_node){0}, (jd_rnn_options){0}).id, 0);
    (void)jd_clockwork_full(NULL, "x", (jd_node){0}, (jd_clockwork_options){0});
    assert_int_equal(jd_clockwork_opt(NULL, "x", (jd_node){0}, (jd_clockwork_options){0}).id, 0);
    assert_int_equal(jd_polynomial_opt(NULL, "x", (jd_node){0}, (jd_node){0}, (jd_polynomial_options){0}).id, 0);
    assert_int_equal(jd_time_mask(NULL, (jd_node){0}, (int64_t){0}).id, 0);
    assert_int_equal(jd_time_mean(NULL, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_time_window(NULL, (jd_node){0}, (int64_t){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_net(NULL, "x", (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_rbm_hidden(NULL, "x", (jd_node){0}, (jd_rbm){0}).id, 0);
    assert_int_equal(jd_rbm_visible(NULL, "x", (jd_node){0}, (int64_t){0}, (jd_rbm){0}).id, 0);
    assert_int_equal(jd_rbm_free_energy(NULL, "x", (jd_node){0}, (jd_rbm){0}).id, 0);
    assert_int_equal(jd_rbm_label_energies(NULL, "x", (jd_node){0}, (jd_rbm){0}).id, 0);
    assert_int_equal(jd_bernoulli(NULL, "x", (jd_node){0}, (jd_node){0}).id, 0);
    (void)jd_rbm_divergence(NULL, "x", (jd_node){0}, (jd_node){0}, (jd_rbm){0}, (jd_divergence_options){0});
    assert_int_equal(jd_autoencoder_loss(NULL, "x", (jd_node){0}, (jd_node){0}, (jd_autoencoder){0}).id, 0);
    assert_int_equal(jd_dbn_up_down(NULL, "x", (jd_node){0}, (jd_node){0}, (jd_node){0}, (jd_dbn){0}).id, 0);
    assert_int_equal(jd_dbn_logits(NULL, "x", (jd_node){0}, (jd_dbn){0}).id, 0);
    assert_int_equal(jd_dbn_dream(NULL, "x", (jd_node){0}, (jd_node){0}, (jd_node){0}, (int){0}, (jd_dbn){0}).id, 0);
    assert_int_equal(jd_policy_loss(NULL, (jd_node){0}, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_gauss_policy_loss(NULL, (jd_node){0}, (jd_node){0}, (jd_node){0}, (jd_node){0}).id, 0);
    assert_int_equal(jd_scan_net(NULL, "x", (jd_node){0}, (int64_t){0}, (int64_t){0}).id, 0);
    assert_int_equal(jd_scan_net_every(NULL, "x", (jd_node){0}, (int64_t){0}, (int64_t){0}, (int64_t){0}).id, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(without_a_graph)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
