"""The published static model, EMO-AffectNet: a ResNet-50 that came from TensorFlow, by the names of its checkpoint."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from avcer.models.networks.head import class_activation

EXPANSION = 4
EPSILON = 0.001
"""Of the batch norms: TensorFlow's default, not PyTorch's."""


class EmoAffectNet(nn.Module):
    """BGR minus the means of VGGFace2, ``(N, 3, 224, 224)`` -> logits ``(N, 7)`` in the order of ``labels.VISUAL``,
    features ``(N, 512)`` before ReLU, heat ``(N, 7, 7)``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv_layer_s2_same = nn.Conv2d(3, 64, 7, stride=2, bias=False)
        self.batch_norm1 = nn.BatchNorm2d(64, EPSILON)
        self.layer1 = _stage(64, 64, blocks=3, stride=1)
        self.layer2 = _stage(256, 128, blocks=4, stride=2)
        self.layer3 = _stage(512, 256, blocks=6, stride=2)
        self.layer4 = _stage(1024, 512, blocks=3, stride=2)
        self.fc1 = nn.Linear(2048, 512)
        self.fc2 = nn.Linear(512, 7)

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, features and heat of a batch of faces."""
        # TensorFlow's 'same' padding of a 7x7 kernel at stride 2 and an even size: two before, three after.
        x = self.conv_layer_s2_same(functional.pad(faces, (2, 3, 2, 3)))
        x = functional.max_pool2d(self.batch_norm1(x).relu(), 3, stride=2)
        activations = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        features = self.fc1(activations.mean((2, 3)))
        logits = self.fc2(features.relu())
        return logits, features, class_activation(activations, features, logits, self.fc1, self.fc2)


class _Bottleneck(nn.Module):
    """1x1, 3x3, 1x1; the stride sits on the first, as in TensorFlow."""

    def __init__(self, inputs: int, width: int, stride: int, project: bool) -> None:
        super().__init__()
        outputs = width * EXPANSION
        self.conv1 = nn.Conv2d(inputs, width, 1, stride, bias=False)
        self.batch_norm1 = nn.BatchNorm2d(width, EPSILON)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.batch_norm2 = nn.BatchNorm2d(width, EPSILON)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.batch_norm3 = nn.BatchNorm2d(outputs, EPSILON)
        self.i_downsample: nn.Module = nn.Identity()
        if project:
            convolution = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.i_downsample = nn.Sequential(convolution, nn.BatchNorm2d(outputs, EPSILON))

    def forward(self, x: Tensor) -> Tensor:
        y = self.batch_norm1(self.conv1(x)).relu()
        y = self.batch_norm2(self.conv2(y)).relu()
        y = self.batch_norm3(self.conv3(y))
        return functional.relu(y + self.i_downsample(x))


def _stage(inputs: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    first = _Bottleneck(inputs, width, stride, project=True)
    others = [_Bottleneck(width * EXPANSION, width, 1, project=False) for _ in range(blocks - 1)]
    return nn.Sequential(first, *others)
