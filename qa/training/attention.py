"""Attention as plain matrix products, for training on a CPU.

PyTorch's fused attention takes twice as long in bfloat16 there (eval/LOG.md).
"""

import torch


def attended(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(B, H, T, D), (B, K, S, D) twice, mask (B, 1, T, S) -> (B, H, T, D)."""
    batch, heads, length, size = query.shape
    shared = key.shape[1]
    grouped = query.reshape(batch, shared, heads // shared * length, size)
    scores = torch.matmul(grouped, key.transpose(-1, -2)).view(batch, heads, length, -1)
    weights = torch.softmax(scores + mask, -1).view(batch, shared, heads // shared * length, -1)
    return torch.matmul(weights, value).view(batch, heads, length, size)


def added(seen: torch.Tensor, precision: torch.dtype) -> torch.Tensor:
    """What is seen as a mask to be added to scores."""
    return torch.zeros(seen.shape, dtype=precision).masked_fill(~seen, torch.finfo(precision).min / 2)
