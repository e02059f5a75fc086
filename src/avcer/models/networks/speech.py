"""The published audio model: wav2vec 2.0, two transformer layers, two convolutions over time, a linear layer."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from transformers import Wav2Vec2Config, Wav2Vec2Model

WIDTH = 1024
POSITIONS = 5000
"""Rows of the table of positions in the checkpoint; a window has 199."""


class Speech(nn.Module):
    """Four seconds at 16 kHz, zero mean and unit variance, ``(N, 64000)`` -> logits ``(N, classes)``, in the order of
    ``labels.AUDIO_8`` (8 classes) or ``labels.BASIC`` (7).
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.wav2vec2 = Wav2Vec2Model(_backbone())
        self.tl1 = _TransformerLayer(heads=32)
        self.tl2 = _TransformerLayer(heads=16)
        self.time_downsample = nn.Sequential(
            nn.Conv1d(WIDTH, WIDTH, 5, stride=3, dilation=2),
            nn.BatchNorm1d(WIDTH),
            nn.MaxPool1d(5),
            nn.ReLU(),
            nn.Conv1d(WIDTH, WIDTH, 3),
            nn.BatchNorm1d(WIDTH),
            nn.AdaptiveAvgPool1d(1),
            nn.ReLU(),
        )
        self.feature_downsample = nn.Linear(WIDTH, classes)

    def forward(self, windows: Tensor) -> Tensor:
        """Logits of a batch of windows."""
        steps, _ = self.wav2vec2.feature_projection(_features(self.wav2vec2.feature_extractor, windows))
        steps = self.wav2vec2.encoder(steps).last_hidden_state
        steps = self.tl2(self.tl1(steps))
        summary = self.time_downsample(steps.transpose(1, 2)).squeeze(2)
        logits: Tensor = self.feature_downsample(summary)
        return logits


def speech_8() -> Speech:
    """With the eighth class, Other."""
    return Speech(8)


def speech_7() -> Speech:
    """With the basic emotions only."""
    return Speech(7)


def _backbone() -> Wav2Vec2Config:
    """wav2vec 2.0 large-robust, pruned to 12 layers (audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim)."""
    return Wav2Vec2Config(
        hidden_size=WIDTH,
        num_hidden_layers=12,
        num_attention_heads=16,
        intermediate_size=4096,
        feat_extract_norm="layer",
        conv_bias=True,
        do_stable_layer_norm=True,
    )


def _features(extractor: nn.Module, windows: Tensor) -> Tensor:
    """What wav2vec 2.0's seven convolutions make of ``(N, 64000)``: ``(N, 199, 512)``.

    Here the channels come last all the way: each of the layer norms in between works along them, and would else need
    the largest arrays of the network turned over twice, a seventh of its time.
    """
    steps = windows[:, :, None]
    for layer in extractor.conv_layers:  # type: ignore[union-attr]
        steps = layer.activation(layer.layer_norm(_convolve(layer.conv, steps)))
    return steps


def _convolve(layer: nn.Conv1d, steps: Tensor) -> Tensor:
    """The convolution of ``(N, T, C)`` along T as matrix products, of neighbours that lie next to each other anyway:
    whole strides at once, then what the kernel has beyond them.
    """
    (size,), (stride,) = layer.kernel_size, layer.stride
    count = (steps.shape[1] - size) // stride + 1
    whole = size - size % stride
    strides = [steps[:, first : first + count * stride] for first in range(0, whole, stride)]
    together = torch.cat([part.reshape(-1, count, stride * steps.shape[2]) for part in strides], 2)
    taps = layer.weight.permute(2, 1, 0)  # (size, C, channels out)
    output = together @ taps[:whole].flatten(0, 1)
    for tap in range(whole, size):
        output = output + steps[:, tap : tap + (count - 1) * stride + 1 : stride] @ taps[tap]
    return output if layer.bias is None else output + layer.bias


class _TransformerLayer(nn.Module):
    """Self-attention and feed-forward, each followed by a residual sum and a layer norm; positions are added inside."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.positional_encoding = _Positions()
        self.self_attention = _Attention(heads)
        self.add_norm_after_attention = _AddNorm()
        self.feed_forward = _FeedForward()
        self.add_norm_after_ff = _AddNorm()

    def forward(self, steps: Tensor) -> Tensor:
        steps = self.positional_encoding(steps)
        steps = self.add_norm_after_attention(self.self_attention(steps), steps)
        output: Tensor = self.add_norm_after_ff(self.feed_forward(steps), steps)
        return output


class _Positions(nn.Module):
    pe: Tensor

    def __init__(self) -> None:
        super().__init__()
        position = torch.arange(POSITIONS)[:, None]
        rate = torch.exp(torch.arange(0, WIDTH, 2) * (-math.log(10000.0) / WIDTH))
        table = torch.stack((torch.sin(position * rate), torch.cos(position * rate)), 2).flatten(1)
        self.register_buffer("pe", table[None])

    def forward(self, steps: Tensor) -> Tensor:
        return steps + self.pe[:, : steps.shape[1]]


class _Attention(nn.Module):
    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_w = nn.Linear(WIDTH, WIDTH, bias=False)
        self.keys_w = nn.Linear(WIDTH, WIDTH, bias=False)
        self.values_w = nn.Linear(WIDTH, WIDTH, bias=False)
        self.ff_layer_after_concat = nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, steps: Tensor) -> Tensor:
        query, keys, values = (
            weights(steps).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for weights in (self.query_w, self.keys_w, self.values_w)
        )
        mixed = nn.functional.scaled_dot_product_attention(query, keys, values)
        output: Tensor = self.ff_layer_after_concat(mixed.transpose(1, 2).flatten(2))
        return output


class _AddNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(WIDTH)

    def forward(self, steps: Tensor, residual: Tensor) -> Tensor:
        normed: Tensor = self.layer_norm(steps + residual)
        return normed


class _FeedForward(nn.Module):
    """Two linear layers. The checkpoint also holds a layer norm here, which the released forward never calls."""

    def __init__(self) -> None:
        super().__init__()
        self.layer_1 = nn.Linear(WIDTH, WIDTH)
        self.layer_2 = nn.Linear(WIDTH, WIDTH)
        self.layer_norm = nn.LayerNorm(WIDTH)

    def forward(self, steps: Tensor) -> Tensor:
        output: Tensor = self.layer_2(self.layer_1(steps).relu())
        return output
