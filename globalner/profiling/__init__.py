"""What a training step costs, part by part: formulas, and what was counted and timed beside them."""

from globalner.profiling.build import Plan, longest_tokens, plan_profile
from globalner.profiling.profile import Crossing, EncoderProfile, LengthProfile, PartProfile, Profile
from globalner.profiling.run import Settings, find_crossings, profile_encoder

__all__ = [
    "Crossing",
    "EncoderProfile",
    "LengthProfile",
    "PartProfile",
    "Plan",
    "Profile",
    "Settings",
    "find_crossings",
    "longest_tokens",
    "plan_profile",
    "profile_encoder",
]
