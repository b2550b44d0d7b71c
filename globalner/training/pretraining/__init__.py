"""Pretraining with Lightning: a masked-language model on plain text, round by round."""
