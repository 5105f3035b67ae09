# onnx_check.py DIR: each DIR/NAME.onnx passes ONNX's checker with shape inference, and where onnxruntime is installed gives
# NAME.out.npy for NAME.in.npy.  Exit code 77: the package onnx is not there.
import glob, sys
try:
    import numpy, onnx
except ImportError:
    sys.exit(77)
try:
    import onnxruntime
except ImportError:
    onnxruntime = None
bad = 0
for path in sorted(glob.glob(sys.argv[1] + "/*.onnx")):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    if model.ir_version != 8 or model.opset_import[0].version != 17:
        sys.exit(path + ": other versions than 8 and 17")
    if not onnxruntime:
        continue
    x, y = (numpy.load(path[:-5] + end) for end in (".in.npy", ".out.npy"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feed = {"x": x}
    if path.endswith("-ragged.onnx"):
        feed["lengths"] = numpy.array([7, 2, 5], numpy.int32)
    got = session.run(None, feed)[0]
    worst = float(abs(got - y).max()) if got.shape == y.shape else float("inf")
    print(path.rsplit("/", 1)[-1], got.shape, "largest difference", worst)
    bad += not worst <= 1e-5 * max(1.0, float(abs(y).max()))
print("with onnxruntime" if onnxruntime else "checker only")
sys.exit(bad != 0)
