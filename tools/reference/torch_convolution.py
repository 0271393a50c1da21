"""Outputs and gradients of PyTorch's convolutions, pools and norms → packages/nn/test/fixtures/torch-convolution.json.

Weights and inputs are given by a formula that the test computes too, so only results are stored (pip install torch).
"""
import torch
from torch import nn
from torch.nn import functional as F

from torch_parity import fill, fill_module, result, store

cases = {}


def layer(name, module, *shape):
    fill_module(module)
    x = fill(*shape, phase=3.0).requires_grad_()
    cases[name] = result([module(x)], [x], module)


layer("plain", nn.Conv2d(3, 4, 3), 2, 3, 5, 6)
layer("padded", nn.Conv2d(3, 4, 3, padding=1, bias=False), 2, 3, 5, 6)
layer("strided", nn.Conv2d(3, 4, 3, stride=2, padding=1), 2, 3, 7, 6)
layer("uneven", nn.Conv2d(2, 3, (2, 3), stride=(3, 2), padding=(0, 1)), 2, 2, 8, 7)
layer("dilated", nn.Conv2d(2, 3, 3, dilation=2, padding=2, stride=2), 2, 2, 8, 7)
layer("pointwise", nn.Conv2d(3, 4, 1), 2, 3, 4, 5)
layer("pointwiseSmall", nn.Conv2d(8, 10, 1), 2, 8, 1, 2)
layer("pointwiseStrided", nn.Conv2d(3, 4, 1, stride=2), 2, 3, 5, 6)
layer("grouped", nn.Conv2d(4, 6, 3, groups=2, padding=1), 2, 4, 5, 5)
layer("depthwise", nn.Conv2d(4, 4, 3, groups=4, padding=1), 2, 4, 5, 5)
layer("depthwiseStrided", nn.Conv2d(4, 4, 3, groups=4, stride=2, padding=1), 2, 4, 6, 5)
layer("depthwiseBlocks", nn.Conv2d(16, 16, 3, groups=16, padding=1), 2, 16, 5, 4)
layer("depthwiseBlocksStrided", nn.Conv2d(16, 16, 3, groups=16, stride=2, padding=1, bias=False), 2, 16, 4, 5)
layer("depthwiseBlocksUneven", nn.Conv2d(16, 16, (3, 2), groups=16, stride=3, padding=1, dilation=(2, 1)), 2, 16, 8, 6)
layer("same", nn.Conv2d(2, 3, 4, padding="same"), 2, 2, 5, 6)
layer("conv1d", nn.Conv1d(3, 4, 3, stride=2, padding=1), 2, 3, 9)
layer("transposed", nn.ConvTranspose2d(3, 4, 3), 2, 3, 4, 5)
layer("transposedStrided", nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1), 2, 3, 4, 5)
layer("transposedGrouped", nn.ConvTranspose2d(4, 6, 2, stride=2, groups=2, bias=False), 2, 4, 3, 3)
layer("groupNorm", nn.GroupNorm(2, 6), 2, 6, 3, 4)
layer("rmsNorm", nn.RMSNorm(6, eps=1e-5), 2, 3, 6)


def function(name, f, *shape):
    x = fill(*shape, phase=3.0).requires_grad_()
    cases[name] = result([f(x)], [x], nn.Identity())


function("maxPool", lambda x: F.max_pool2d(x, 2), 2, 3, 6, 5)
function("maxPoolOverlapping", lambda x: F.max_pool2d(x, 3, stride=2, padding=1), 2, 3, 7, 6)
function("maxPoolCeil", lambda x: F.max_pool2d(x, 3, stride=2, ceil_mode=True), 2, 3, 6, 6)
function("avgPool", lambda x: F.avg_pool2d(x, 2), 2, 3, 6, 5)
function("avgPoolPadded", lambda x: F.avg_pool2d(x, 3, stride=2, padding=1), 2, 3, 7, 6)
function("avgPoolExcluded", lambda x: F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False), 2, 3, 7, 6)
function("avgPoolCeil", lambda x: F.avg_pool2d(x, 3, stride=2, ceil_mode=True), 2, 3, 6, 6)
function("globalAverage", lambda x: F.adaptive_avg_pool2d(x, 1), 2, 3, 5, 6)
function("adaptiveAverage", lambda x: F.adaptive_avg_pool2d(x, (3, 2)), 2, 3, 7, 5)
function("adaptiveMax", lambda x: F.adaptive_max_pool2d(x, (3, 2)), 2, 3, 7, 5)
function("nearest", lambda x: F.interpolate(x, size=(7, 4)), 2, 3, 4, 6)
function("bilinear", lambda x: F.interpolate(x, size=(7, 4), mode="bilinear"), 2, 3, 4, 6)
function("corners", lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True), 2, 3, 3, 4)
function("instanceNorm", lambda x: F.instance_norm(x), 2, 3, 4, 5)
function("localResponse", lambda x: F.local_response_norm(x, 3, alpha=0.5, beta=0.75, k=2.0), 2, 6, 3, 2)
function("localResponseEven", lambda x: F.local_response_norm(x, 4, alpha=2.0, beta=0.5), 2, 5, 2, 3)


def batch_norm(momentum):
    """Two training passes, then one with the running statistics."""
    norm = nn.BatchNorm2d(3, momentum=momentum)
    norm.weight.data, norm.bias.data = fill(3, phase=1.0), fill(3, phase=2.0)
    x = fill(4, 3, 3, 2, phase=3.0).requires_grad_()
    first = result([norm(x)], [x], norm)
    norm(fill(4, 3, 3, 2, phase=5.0))
    buffers = {k: v.flatten().tolist() for k, v in norm.named_buffers()}
    norm.eval()
    return {"training": first, "buffers": buffers, "inference": norm(x).detach().flatten().tolist()}


cases["batchNorm"] = {"default": batch_norm(0.1), "cumulative": batch_norm(None)}
store("packages/nn/test/fixtures/torch-convolution.json", cases)
