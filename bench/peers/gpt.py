"""The GPT of bench/engine/gpt.ts in PyTorch."""
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, width, heads, bias=True, eps=1e-6):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, eps, bias=bias), nn.LayerNorm(width, eps, bias=bias)
        self.qkv, self.proj = nn.Linear(width, 3 * width, bias), nn.Linear(width, width, bias)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width, bias), nn.Linear(4 * width, width, bias)

    def forward(self, x, causal=False):
        b, t, e = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, e // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        x = x + self.proj(y.transpose(1, 2).reshape(b, t, e))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class GPT(nn.Module):
    def __init__(self, layers=6, width=384, heads=6, time=256, vocab=8192, bias=True):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab, width), nn.Embedding(time, width)
        nn.init.normal_(self.wte.weight, std=0.02)
        nn.init.normal_(self.wpe.weight, std=0.02)
        self.blocks, self.norm = nn.ModuleList(Block(width, heads, bias, 1e-5) for _ in range(layers)), nn.LayerNorm(width, bias=bias)

    def forward(self, x):
        h = self.wte(x) + self.wpe.weight
        for block in self.blocks:
            h = block(h, causal=True)
        return self.norm(h) @ self.wte.weight.T
