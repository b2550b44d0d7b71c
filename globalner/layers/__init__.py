"""Layers: heads, rotary position, attention. Each takes keyword-only scalars; depends on torch only."""

from globalner.layers.attention import RotarySelfAttention
from globalner.layers.convolution import TokenConvolution
from globalner.layers.global_pointer import EfficientGlobalPointer, GlobalPointer
from globalner.layers.rotary import apply_rotary, rotary_angles
from globalner.layers.transformer import TransformerBlock

__all__ = [
    "EfficientGlobalPointer",
    "GlobalPointer",
    "RotarySelfAttention",
    "TokenConvolution",
    "TransformerBlock",
    "apply_rotary",
    "rotary_angles",
]
