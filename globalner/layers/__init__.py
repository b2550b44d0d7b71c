"""Layers: heads, rotary position, attention. Each takes keyword-only scalars; depends on torch only."""

from globalner.layers.convolution import TokenConvolution
from globalner.layers.entropy_scale import scale_by_length
from globalner.layers.feed_forward import FeedForward
from globalner.layers.gated_attention import GatedAttentionUnit, Normalizer
from globalner.layers.global_pointer import EfficientGlobalPointer, GlobalPointer
from globalner.layers.linear_attention import FeatureMap, LinearAttention, linear_attention
from globalner.layers.mixed_chunk_attention import MixedChunkAttention
from globalner.layers.options import check_option
from globalner.layers.performer import PerformerAttention, default_num_features, favor_attention, orthogonal_features
from globalner.layers.query_key_value import Bias, QueryKeyValue
from globalner.layers.rms_norm import RmsNorm
from globalner.layers.rotary import (
    RotaryLayout,
    Rotation,
    apply_rotary,
    convert_rotary_weight,
    make_rotation,
    rotary_angles,
    rotate,
)
from globalner.layers.scale_norm import ScaleNorm
from globalner.layers.scale_offset import ScaleOffset
from globalner.layers.softmax_attention import AttentionScale, SoftmaxAttention
from globalner.layers.transformer import NormPlacement, TransformerBlock

__all__ = [
    "AttentionScale",
    "Bias",
    "EfficientGlobalPointer",
    "FeatureMap",
    "FeedForward",
    "GatedAttentionUnit",
    "GlobalPointer",
    "LinearAttention",
    "MixedChunkAttention",
    "NormPlacement",
    "Normalizer",
    "PerformerAttention",
    "QueryKeyValue",
    "RmsNorm",
    "RotaryLayout",
    "Rotation",
    "ScaleNorm",
    "ScaleOffset",
    "SoftmaxAttention",
    "TokenConvolution",
    "TransformerBlock",
    "apply_rotary",
    "check_option",
    "convert_rotary_weight",
    "default_num_features",
    "favor_attention",
    "linear_attention",
    "make_rotation",
    "orthogonal_features",
    "rotary_angles",
    "rotate",
    "scale_by_length",
]
