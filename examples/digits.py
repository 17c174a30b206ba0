"""Trains the generated LeNet-5 on the 1,797 digits that come with scikit-learn; prints the held-out accuracy.

    python examples/digits.py [EPOCHS]

The last line is the accuracy on a fifth of the images that training never saw. Exits with 1 below 97 %.
"""

from __future__ import annotations

import sys

import torch
from sklearn.datasets import load_digits
from torch.nn import functional as F

import netc


def load_images() -> tuple[torch.Tensor, torch.Tensor]:
    """The digits as N x 1 x 32 x 32, enlarged from 8x8 to 24x24 and padded, in [0, 1]; and their classes."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    enlarged = images.repeat_interleave(3, dim=2).repeat_interleave(3, dim=3)
    return F.pad(enlarged, (4, 4, 4, 4)), torch.tensor(digits.target)


def train(epochs: int = 10, seed: int = 0) -> float:
    """Accuracy on the held-out fifth after `epochs` passes over the rest."""
    torch.manual_seed(seed)
    images, classes = load_images()
    order = torch.randperm(len(images))
    held_out, training = order[: len(order) // 5], order[len(order) // 5 :]
    module = netc.load("lenet5").module()
    batches = -(-len(training) // 32)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=epochs * batches)
    for epoch in range(epochs):
        module.train()
        for batch in training[torch.randperm(len(training))].split(32):
            optimizer.zero_grad()
            loss = F.cross_entropy(module(images[batch]), classes[batch])
            loss.backward()
            optimizer.step()
            schedule.step()
        module.eval()
        with torch.inference_mode():
            accuracy = (module(images[held_out]).argmax(1) == classes[held_out]).float().mean().item()
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}, held-out accuracy {accuracy:.1%}")
    return accuracy


if __name__ == "__main__":
    sys.exit(train(int(sys.argv[1]) if len(sys.argv) > 1 else 10) < 0.97)
