"""One training step in PyTorch: the model of nn/transformer.h (EncoderClassifier), layer by layer,
with the same names of parameters, so that it starts from the same weights."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x):
        B, T, C = x.shape

        def split(y):
            return y.view(B, T, self.heads, C // self.heads).transpose(1, 2)  # (B, H, T, D)

        Q, K, V = split(self.query(x)), split(self.key(x)), split(self.value(x))
        weights = torch.softmax(Q @ K.transpose(-2, -1) / math.sqrt(C // self.heads), -1)
        return self.out((weights @ V).transpose(1, 2).reshape(B, T, C))


class FeedForward(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.linear2(torch.relu(self.linear1(x)))


class EncoderLayer(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.attention, self.feed_forward = Attention(width, heads), FeedForward(width, hidden)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x):
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.feed_forward(x))


def sinusoidal_positions(length, width):
    t = torch.arange(length, dtype=torch.float64)[:, None]
    rate = 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    table = torch.empty(length, width, dtype=torch.float64)
    table[:, 0::2], table[:, 1::2] = torch.sin(t * rate), torch.cos(t * rate)
    return table.float()


class EncoderClassifier(nn.Module):
    def __init__(self, vocab, width, heads, layers, hidden, length):
        super().__init__()
        self.vocab = vocab
        self.input = nn.Linear(vocab, width)
        self.positions = sinusoidal_positions(length, width)
        self.encoder = nn.Sequential(*(EncoderLayer(width, heads, hidden) for _ in range(layers)))
        self.output1, self.output_norm = nn.Linear(width, width), nn.LayerNorm(width)
        self.output2 = nn.Linear(width, vocab)

    def forward(self, tokens):
        x = self.input(F.one_hot(tokens, self.vocab).float()) + self.positions
        x = self.encoder(x)
        return self.output2(torch.relu(self.output_norm(self.output1(x))))


def training_step(tensors, options):
    """Forward, cross entropy, backward, clip, AdamW. Results: the loss of the last step."""
    o = {key: int(value) for key, value in options.items()}
    tokens, target = tensors["tokens"], tensors["target"].flatten()
    model = EncoderClassifier(o["vocab"], o["width"], o["heads"], o["layers"], o["feed_forward"],
                              tokens.shape[1])
    for name, parameter in model.named_parameters():
        parameter.data.copy_(tensors[name])
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.01)
    results = {}

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(tokens).flatten(0, 1), target)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        results["loss"] = loss.detach()

    return step, results
