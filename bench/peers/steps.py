"""What the peers of a comparison do: read "steps N" lines and answer each with a line of JSON."""
import json
import resource
import sys
import time

import torch

torch.set_num_threads(2)
torch.manual_seed(1)


def inference(model, x):
    model.eval()

    def run():
        with torch.inference_mode():
            model(x)

    return run


def training(model, loss_of, optimizer):
    def step():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        loss.item()

    return step


def serve(inferences, workloads):
    """Each makes its workload when it is called: a run, or a model, its loss and an optimizer."""
    name = sys.argv[1]
    step = inferences[name]() if name in inferences else training(*workloads[name]())
    for line in sys.stdin:
        times = []
        for _ in range(int(line.split()[1])):
            begin = time.perf_counter()
            step()
            times.append(1000 * (time.perf_counter() - begin))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"times": times, "memory": memory, "torch": torch.__version__}), flush=True)
