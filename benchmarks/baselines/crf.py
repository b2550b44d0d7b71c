"""A linear-chain conditional random field over the BIO tags of words (Lafferty, McCallum and Pereira, 2001).

score(y | x) = start[y_1] + sum_t emission[t, y_t] + sum_t transition[y_(t-1), y_t] + end[y_W]
loss = log sum_y' exp score(y' | x) - score(y | x)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from benchmarks.baselines.tagger import Tagger, gold_tags, words_of
from benchmarks.baselines.tagging import Words, number_of_tags
from globalner.data import Batch

__all__ = ["CrfTagger", "LinearChainCrf"]


class LinearChainCrf(nn.Module):
    """Scores of whole tag sequences; starts at zero, where it is a softmax for each word.

    In all methods `emissions` is (B, W, T) and `mask` (B, W) bool, true for words, which stand on the left of a row. A
    row without words has the score 0 and one sequence, the empty one.

    Args:
        num_tags: T.
    """

    def __init__(self, num_tags: int) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.zeros(num_tags))
        self.end = nn.Parameter(torch.zeros(num_tags))
        self.transitions = nn.Parameter(torch.zeros(num_tags, num_tags))

    def log_partition(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """(B,): log of the sum of exp(score) over all tag sequences."""
        reached = self.start + emissions[:, 0]
        for word in range(1, emissions.shape[1]):
            further = torch.logsumexp(reached[:, :, None] + self.transitions, dim=1) + emissions[:, word]
            reached = torch.where(mask[:, word, None], further, reached)
        return torch.where(mask[:, 0], torch.logsumexp(reached + self.end, dim=1), 0.0)

    def path_score(self, emissions: Tensor, mask: Tensor, tags: Tensor) -> Tensor:
        """(B,): scores of given tag sequences, (B, W)."""
        real = mask.to(emissions.dtype)
        score = (emissions.gather(2, tags[:, :, None])[:, :, 0] * real).sum(dim=1)
        score = score + (self.transitions[tags[:, :-1], tags[:, 1:]] * real[:, 1:]).sum(dim=1)
        last = (mask.sum(dim=1) - 1).clamp(min=0)
        edges = self.start[tags[:, 0]] + self.end[tags.gather(1, last[:, None])[:, 0]]
        return score + edges * real[:, 0]

    def best_path(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """(B, W): the tags with the highest score (Viterbi); 0 on padding."""
        best = self.start + emissions[:, 0]
        origins = []
        for word in range(1, emissions.shape[1]):
            further, origin = (best[:, :, None] + self.transitions).max(dim=1)
            best = torch.where(mask[:, word, None], further + emissions[:, word], best)
            origins.append(origin)
        tag = (best + self.end).argmax(dim=1)
        path = [tag]
        for word in range(len(origins), 0, -1):
            # Beyond its end a row waits at its last tag.
            tag = torch.where(mask[:, word], origins[word - 1].gather(1, tag[:, None])[:, 0], tag)
            path.append(tag)
        return torch.stack(path[::-1], dim=1) * mask


class CrfHead(nn.Module):
    """Emissions by one linear layer, and the field over them.

    Args:
        hidden_size: H.
        num_tags: T.
    """

    def __init__(self, hidden_size: int, num_tags: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden_size, num_tags)
        self.crf = LinearChainCrf(num_tags)


class CrfTagger(Tagger):
    """Encoder, dropout 0.1, one linear layer to 2 C + 1 emissions, linear-chain CRF in fp32.

    Args:
        encoder: Any encoder of hidden width H.
        num_types: C.
    """

    head: CrfHead

    def __init__(self, encoder: PreTrainedModel, num_types: int) -> None:
        super().__init__(encoder, CrfHead(encoder.config.hidden_size, number_of_tags(num_types)))

    def loss(self, batch: Batch) -> Tensor:
        """Negative log-likelihood of the gold tags, divided by the number of words."""
        words = words_of(batch)
        mask = torch.from_numpy(words.real).to(self.device)
        tags = gold_tags(batch, words).to(self.device)
        emissions = self.head.linear(self.word_vectors(batch, words)).float()
        crf = self.head.crf
        likelihoods = crf.path_score(emissions, mask, tags) - crf.log_partition(emissions, mask)
        return -likelihoods.sum() / max(1, int(words.real.sum()))

    def best_tags(self, batch: Batch, words: Words) -> Tensor:
        """(B, W) the tag sequences with the highest score."""
        emissions = self.head.linear(self.word_vectors(batch, words)).float()
        return self.head.crf.best_path(emissions, torch.from_numpy(words.real).to(self.device))
