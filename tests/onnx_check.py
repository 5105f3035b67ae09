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
    pieces = path.endswith("-states.onnx")
    x, y = (numpy.load(path[:-12 if pieces else -5] + end) for end in (".in.npy", ".out.npy"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feed = {"x": x}
    if path.endswith("-ragged.onnx"):
        feed["lengths"] = numpy.array([7, 2, 5], numpy.int32)
    if pieces:  # in two of them
        names = [o.name for o in session.get_outputs()]
        for i in session.get_inputs()[1:]:
            feed[i.name] = numpy.zeros((x.shape[1], i.shape[1]), numpy.float32)
        outs = []
        for piece in (x[:3], x[3:]):
            feed["x"] = piece
            said = dict(zip(names, session.run(None, feed)))
            outs.append(said.pop("y"))
            feed.update((name[:-5], state) for name, state in said.items())
        got = numpy.concatenate(outs)
    else:
        got = session.run(None, feed)[0]
    worst = float(abs(got - y).max()) if got.shape == y.shape else float("inf")
    print(path.rsplit("/", 1)[-1], got.shape, "largest difference", worst)
    bad += not worst <= 1e-5 * max(1.0, float(abs(y).max()))
print("with onnxruntime" if onnxruntime else "checker only")
sys.exit(bad != 0)
