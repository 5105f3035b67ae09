"""Alternating rounds of `jackdaw bench` and a PyTorch worker; see tools/peers.sh."""
import argparse
import json
import os
import statistics
import subprocess
import sys

WORKLOADS = """lstm_h128_l1 lstm_h256_l1 lstm_h256_l2 lstm_h512_l1 blstm_ctc_i123_b1 blstm_ctc_i123_b16 charlm_b1 mlp_b1
mlp_b32 cnn_mnist_b1 cnn_mnist_b32 cnn_gtsrb_b1 cnn_gtsrb_b32 ctc_T150_a28""".split()
HERE = os.path.dirname(os.path.abspath(__file__))


class Torch:
    """A worker process that keeps the network between rounds."""

    def __init__(self, name, threads, device):
        env = dict(os.environ, OMP_NUM_THREADS=str(threads))
        command = [sys.executable, os.path.join(HERE, "torch_steps.py"), name, str(threads)]
        self.process = subprocess.Popen(command + ([device] if device != "cpu" else []), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=env)
        self.version = self.line()

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            sys.exit(f"peers: the PyTorch worker ended early (exit {self.process.wait()})")
        return text.strip()

    def seconds(self, inner):
        print(inner, file=self.process.stdin, flush=True)
        return float(self.line())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def jackdaw_seconds(name, threads, device, inner):
    command = [os.environ["JACKDAW"], "bench", name, "--json", "--rounds", str(inner), "--threads", str(threads),
               "--device", device]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"peers: {' '.join(command)}: {done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[0])["best"]


def compare(name, args):
    torch = Torch(name, args.threads, args.device)
    inner = 5 if torch.seconds(1) < 0.2 else 1
    ours, theirs = [], []
    for i in range(args.rounds):
        for side in ("ours", "theirs") if i % 2 == 0 else ("theirs", "ours"):
            if side == "ours":
                ours.append(jackdaw_seconds(name, args.threads, args.device, inner))
            else:
                theirs.append(torch.seconds(inner))
    torch.close()
    ratios = sorted(a / b for a, b in zip(ours, theirs))
    row = {"workload": name, "peer": torch.version, "threads": args.threads, "device": args.device,
           "rounds": args.rounds,
           "ours": statistics.median(ours), "theirs": statistics.median(theirs), "ratio": statistics.median(ratios),
           "ratio_low": ratios[0], "ratio_high": ratios[-1]}
    if args.json:
        print(json.dumps(row), flush=True)
    else:
        print(f"{name:<20} {row['ours'] * 1e3:11.3f} {row['theirs'] * 1e3:11.3f} {row['ratio']:8.2f}"
              f"   {ratios[0]:.2f}..{ratios[-1]:.2f}", flush=True)
    return torch.version


def main():
    parser = argparse.ArgumentParser(prog="tools/peers.sh", description="Times PyTorch against jackdaw bench.")
    parser.add_argument("workload", nargs="*", default=WORKLOADS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="of both; float32 without TF32")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="a line of JSON for each workload")
    args = parser.parse_args()
    if not args.json:
        print(f"{'workload':<20} {'ours, ms':>11} {'theirs, ms':>11} {'ratio':>8}   lowest..highest  "
              f"({args.threads} thread(s), median of {args.rounds} rounds; under 1: we are faster)")
    for name in args.workload:
        version = compare(name, args)
    if not args.json:
        print("theirs:", version)


if __name__ == "__main__":
    main()
