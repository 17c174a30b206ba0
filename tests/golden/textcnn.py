import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["TextCNN"]


class ChannelEmbedding(nn.Embedding):
    """Embedding whose vectors are the channels: (N, L) gives (N, C, L)."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input).movedim(-1, 1)


class TextCNN(nn.Module):
    """Convolutional Neural Networks for Sentence Classification.
    Kim. EMNLP 2014. arXiv:1408.5882

    Input: 64.
    5,990,402 parameters, 21,900,600 multiply-adds.
    Weights are initialised as PyTorch's layers do.
    """

    def __init__(
        self, vocab: int = 18765, dim: int = 300, maps: int = 100, classes: int = 2
    ) -> None:
        super().__init__()
        self.embed = ChannelEmbedding(vocab, dim)
        self.conv3 = nn.Sequential(
            nn.Conv1d(dim, maps, 3), nn.ReLU(inplace=True), nn.AdaptiveMaxPool1d(1)
        )
        self.conv4 = nn.Sequential(
            nn.Conv1d(dim, maps, 4), nn.ReLU(inplace=True), nn.AdaptiveMaxPool1d(1)
        )
        self.conv5 = nn.Sequential(
            nn.Conv1d(dim, maps, 5), nn.ReLU(inplace=True), nn.AdaptiveMaxPool1d(1)
        )
        self.fc = nn.Linear(3 * maps, classes)

    def forward(self, words: Tensor) -> Tensor:
        embed = self.embed(words)  # dim x 64
        x = torch.cat([self.conv3(embed), self.conv4(embed), self.conv5(embed)], 1)
        logits: Tensor = self.fc(
            torch.flatten(F.dropout(x, 0.5, training=self.training), 1)
        )  # classes
        return logits
