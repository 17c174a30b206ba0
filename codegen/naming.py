"""Names of the language in, CamelCase names of classes out, spelled as the field spells them."""

from __future__ import annotations

import re
from collections.abc import Container

from .python_text import TAKEN, identifier

SPELLED = {
    word.lower(): word
    for word in [
        "AlexNet",
        "BC",
        "BN",
        "BRC",
        "CB",
        "CBA",
        "CBOW",
        "CBR",
        "CIFAR",
        "CNN",
        "ConvNeXt",
        "CR",
        "CSP",
        "CSPDarknet",
        "DenseBlock",
        "DenseNet",
        "DPN",
        "DSN",
        "EfficientNet",
        "ELU",
        "FCN",
        "FitNet",
        "FPN",
        "FractalNet",
        "GELU",
        "GhostNet",
        "GoogLeNet",
        "GRN",
        "HRNet",
        "ImageNet",
        "InceptionResNet",
        "LeNet",
        "LRN",
        "MBConv",
        "MLP",
        "MLPConv",
        "MNASNet",
        "MobileNet",
        "NASNet",
        "NiN",
        "PNASNet",
        "PolyNet",
        "PReLU",
        "PSP",
        "PyramidNet",
        "RegNet",
        "ReLU",
        "ResNet",
        "ResNeSt",
        "ResNeXt",
        "SD",
        "SE",
        "SENet",
        "SepConv",
        "SeResNet",
        "SeResNeXt",
        "ShuffleNet",
        "SK",
        "SkipGram",
        "SqueezeNet",
        "TextCNN",
        "TV",
        "UNet",
        "VGG",
        "ViT",
        "WideResNet",
        "WRN",
        "XResNet",
        "ZFNet",
    ]
}
"""How the papers write what a spec writes in small letters. `cbr` is conv-bn-relu; `tv` torchvision."""


def class_name(text: str, taken: Container[str], kind: str = "Block") -> str:
    """`resnet50` is `ResNet50`, `vgg16_bn` `VGG16BN`, `dense_layer` `DenseLayer`; one that Python has taken
    gets its `kind` (`tensor` is `TensorBlock`), one that the module has a number."""
    name = ""
    for part in re.findall(r"[A-Za-z]+|[0-9]+[a-z0-9]*|_", text):
        if part == "_":
            continue
        if part[0].isdigit():
            name += f"x{part}" if name[-1:].isdigit() else part
        else:
            name += SPELLED.get(part.lower(), part[0].upper() + part[1:])
    name = name if name[:1].isalpha() else f"Net{name}"
    name = identifier(f"{name}{kind}" if name in TAKEN else name)
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}x{number}" if name[-1].isdigit() else f"{name}{number}"
    return candidate
