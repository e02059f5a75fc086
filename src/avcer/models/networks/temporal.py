"""The published dynamic model: two recurrent layers over the features of ten faces, five a second."""

from __future__ import annotations

from torch import Tensor, nn


class TemporalLSTM(nn.Module):
    """LSTM 512 -> 512, LSTM 512 -> 256, linear 256 -> 7 on the last step (AVCER, section on the dynamic model).

    Takes ``(N, 10, 512)``, ReLU of the static model's fc1; gives logits ``(N, 7)`` in the order of ``labels.VISUAL``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lstm1 = nn.LSTM(512, 512, batch_first=True)
        self.lstm2 = nn.LSTM(512, 256, batch_first=True)
        self.fc = nn.Linear(256, 7)

    def forward(self, windows: Tensor) -> Tensor:
        """Logits of a batch of windows."""
        steps, _ = self.lstm1(windows)
        steps, _ = self.lstm2(steps)
        logits: Tensor = self.fc(steps[:, -1])
        return logits
