"""The workloads of `jackdaw bench` written for PyTorch, and a worker that times them.

A step: clear the gradients, forward, loss, backward, plain SGD with learning rate 0.01 (the CTC workloads: loss and
gradient only).  float32, fixed random data made before the clock starts.

    torch_steps.py WORKLOAD THREADS [cuda]      for each line read from standard input, times some rounds and prints the best
                                         seconds of a step; the first line printed names the version
"""
import re
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Recurrent(nn.Module):
    """[embedding], LSTM layers, [linear]; the output is what the loss sees."""

    def __init__(self, inputs, hidden, layers=1, both=False, outputs=0, symbols=0):
        super().__init__()
        self.embedding = nn.Embedding(symbols, inputs) if symbols else None
        self.lstm = nn.LSTM(inputs, hidden, layers, bidirectional=both)
        self.out = nn.Linear(hidden * (2 if both else 1), outputs) if outputs else None

    def forward(self, x):
        x = x if self.embedding is None else self.embedding(x)
        x, _ = self.lstm(x)
        return x if self.out is None else self.out(x)


def trainer(net, x, loss):
    sgd = torch.optim.SGD(net.parameters(), lr=0.01)

    def step():
        sgd.zero_grad(set_to_none=True)
        loss(net(x)).backward()
        sgd.step()

    return step


def lstm(hidden, layers, both, batch=32):
    frames, inputs = 100, 64
    net = Recurrent(inputs, hidden, layers, both)
    target = torch.rand(frames, batch, hidden * (2 if both else 1))
    return trainer(net, torch.rand(frames, batch, inputs) * 2 - 1, lambda y: F.mse_loss(y, target))


def blstm_ctc(inputs, batch):
    frames, symbols, labels = 300, 62, 40
    net = Recurrent(inputs, 250, 3, True, symbols)
    target = torch.randint(1, symbols, (batch, labels))
    length, count = torch.full((batch,), frames), torch.full((batch,), labels)

    def loss(y):
        return F.ctc_loss(F.log_softmax(y, -1), target, length, count)

    return trainer(net, torch.rand(frames, batch, inputs) * 2 - 1, loss)


def charlm(batch):
    frames, symbols = 100, 96
    net = Recurrent(symbols, 512, outputs=symbols, symbols=symbols)
    target = torch.randint(0, symbols, (frames * batch,))
    return trainer(net, torch.randint(0, symbols, (frames, batch)),
                   lambda y: F.cross_entropy(y.view(-1, symbols), target))


def dense(sizes):
    layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers += [nn.Tanh()] if i else []
        layers += [nn.Linear(a, b)]
    return layers


def mlp(batch):
    net = nn.Sequential(*dense([784, 2500, 2000, 1500, 1000, 500, 10]))
    target = torch.randint(0, 10, (batch,))
    return trainer(net, torch.rand(batch, 784), lambda y: F.cross_entropy(y, target))


def cnn(kind, batch, channels_last):
    channels, side, maps, full = {
        "mnist": (1, 29, [(20, 4, 2), (40, 5, 3)], [150, 10]),
        "gtsrb": (3, 48, [(100, 7, 2), (150, 4, 2), (250, 4, 2)], [300, 43]),
    }[kind]
    x = torch.rand(batch, channels, side, side) * 2 - 1
    layers = []
    for count, window, pool in maps:
        layers += [nn.Conv2d(channels, count, window), nn.Tanh(), nn.MaxPool2d(pool)]
        channels, side = count, (side - window + 1) // pool
    net = nn.Sequential(*layers, nn.Flatten(), *dense([channels * side * side] + full))
    if channels_last:
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    target = torch.randint(0, full[-1], (batch,))
    return trainer(net, x, lambda y: F.cross_entropy(y, target))


def ctc(frames, symbols):
    batch, labels = 32, frames // 5
    x = (torch.rand(frames, batch, symbols) * 2 - 1).requires_grad_()
    target = torch.randint(1, symbols, (batch, labels))
    for i in range(1, labels):
        twice = target[:, i] == target[:, i - 1]
        target[twice, i] = target[twice, i] % (symbols - 1) + 1
    length, count = torch.full((batch,), frames), torch.full((batch,), labels)

    def step():
        x.grad = None
        F.ctc_loss(F.log_softmax(x, -1), target, length, count, reduction="sum").backward()

    return step


def candidates(name):
    """The ways in which PyTorch can do this work; the worker keeps the fastest."""
    for pattern, makers in (
        (r"lstm_h(\d+)_(l1|l2|bi)", lambda h, k: [lambda: lstm(int(h), 2 if k == "l2" else 1, k == "bi")]),
        (r"lstm_b(\d+)_h(\d+)", lambda b, h: [lambda: lstm(int(h), 1, False, int(b))]),
        (r"blstm_ctc_i(\d+)_b(\d+)", lambda i, b: [lambda: blstm_ctc(int(i), int(b))]),
        (r"charlm_b(\d+)", lambda b: [lambda: charlm(int(b))]),
        (r"mlp_b(\d+)", lambda b: [lambda: mlp(int(b))]),
        (r"cnn_(mnist|gtsrb)_b(\d+)",
         lambda k, b: [lambda last=last: cnn(k, int(b), last) for last in (False, True)]),
        (r"ctc_T(\d+)_a(\d+)", lambda t, a: [lambda: ctc(int(t), int(a))]),
    ):
        found = re.fullmatch(pattern, name)
        if found:
            return makers(*found.groups())
    return []


def wait():
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()


def best_of(step, rounds, seconds):
    """Seconds of a step in the best of some rounds of at least `seconds`."""
    wait()
    start = time.perf_counter()
    step()
    wait()
    took = time.perf_counter() - start
    count = max(1, int(seconds / took) + 1)
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(count):
            step()
        wait()
        best = min(best, (time.perf_counter() - start) / count)
    return best


def main():
    name, threads = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    if len(sys.argv) > 3:
        torch.set_default_device(sys.argv[3])
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    makers = candidates(name)
    if not makers:
        sys.exit(f"no such workload: {name}")
    steps = [make() for make in makers]
    for step in steps:
        step()
    step = min(steps, key=lambda s: best_of(s, 2, 0.02)) if len(steps) > 1 else steps[0]
    print("PyTorch", torch.__version__, flush=True)
    for line in sys.stdin:
        print(best_of(step, int(line), 0.02), flush=True)


if __name__ == "__main__":
    main()
