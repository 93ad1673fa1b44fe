"""PyTorch as a peer of ./qkv bench: a process that does one piece of work at a time when it is told.

A request is a line on stdin, the answer a line on stdout; numbers travel as raw bytes.

    tensor NAME float32|int64 ROWSxCOLUMNS...      then the bytes            -> ok
    make WORK [key=value ...]                      prepare a piece of work   -> ok
    run                                            do it one time            -> ok
    time N                                         do it N times             -> seconds
    get NAME                                       a result, float32         -> its size, the bytes
    memory                                         the largest so far        -> bytes

The first line it writes is "ready VERSION". Next: torch_step.py, the model.
"""
import ctypes
import sys
import time

import torch

import torch_step

aten = torch.ops.aten


def softmax(t, _):
    y = torch.empty_like(t["x"])
    return lambda: aten._softmax.out(t["x"], -1, False, out=y), {"y": y}


def softmax_backward(t, _):
    dx, y = torch.empty_like(t["x"]), torch.softmax(t["x"], -1)
    work = aten._softmax_backward_data.out
    return lambda: work(t["dy"], y, -1, torch.float32, grad_input=dx), {"dx": dx}


def layer_norm(t, _):
    x, y = t["x"], torch.empty_like(t["x"])
    mean, inverse = torch.empty(len(x), 1), torch.empty(len(x), 1)
    work = aten.native_layer_norm.out
    return (lambda: work(x, x.shape[1:], t["gamma"], t["beta"], 1e-5, out0=y, out1=mean,
                         out2=inverse)), {"y": y}


def layer_norm_backward(t, _):
    x, gamma, beta, results = t["x"], t["gamma"], t["beta"], {}
    _, mean, inverse = aten.native_layer_norm(x, x.shape[1:], gamma, beta, 1e-5)

    def work():
        results["dx"], results["dgamma"], results["dbeta"] = aten.native_layer_norm_backward(
            t["dy"], x, x.shape[1:], mean, inverse, gamma, beta, [True, True, True])

    return work, results


def elementwise(t, options):
    f = {"exp": torch.exp, "log": torch.log, "tanh": torch.tanh, "sigmoid": torch.sigmoid,
         "gelu": lambda x, out: torch._C._nn.gelu(x, out=out)}[options["function"]]
    y = torch.empty_like(t["x"])
    return lambda: f(t["x"], out=y), {"y": y}


def attention(t, _):
    """Forward and backward; the plain composition is what this version of PyTorch has."""
    Q, K, V = (t[name].clone().requires_grad_() for name in "QKV")
    results = {}

    def work():
        Q.grad = K.grad = V.grad = None
        weights = torch.softmax(Q @ K.transpose(-2, -1) * Q.shape[-1] ** -0.5, -1)
        O = weights @ V
        O.backward(t["dO"])
        results.update(O=O.detach(), dQ=Q.grad, dK=K.grad, dV=V.grad)

    return work, results


WORKS = {"softmax": softmax, "softmax_backward": softmax_backward, "layer_norm": layer_norm,
         "layer_norm_backward": layer_norm_backward, "elementwise": elementwise,
         "attention": attention, "step": torch_step.training_step}


def peak_memory():
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def seconds(work, calls):
    if calls > 1:
        work()
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return time.perf_counter() - start


def read_tensor(kind, shape):
    shape = [int(n) for n in shape.split("x")]
    dtype, size = {"float32": (torch.float32, 4), "int64": (torch.int64, 8)}[kind]
    for n in shape:
        size *= n
    return torch.frombuffer(bytearray(sys.stdin.buffer.read(size)), dtype=dtype).reshape(shape)


def main():
    torch.set_num_threads(1)
    out = sys.stdout.buffer
    out.write(f"ready {torch.__version__}\n".encode())
    out.flush()
    tensors, work, results = {}, None, {}
    while line := sys.stdin.buffer.readline().decode().split():
        answer, data = "ok", b""
        if line[0] == "tensor":
            tensors[line[1]] = read_tensor(line[2], line[3])
        elif line[0] == "make":
            options = dict(word.split("=") for word in line[2:])
            work, results = WORKS[line[1]](tensors, options)
        elif line[0] == "run":
            work()
        elif line[0] == "time":
            answer = repr(seconds(work, int(line[1])))
        elif line[0] == "memory":
            answer = str(peak_memory())
        elif line[0] == "get":
            result = results[line[1]].contiguous()
            data = ctypes.string_at(result.data_ptr(), 4 * result.numel())
            answer = str(len(data))
        out.write(answer.encode() + b"\n" + data)
        out.flush()


main()
