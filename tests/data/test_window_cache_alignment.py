"""Windows kept on disk are those of their own `data.alignment`, with what was said of their entities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from globalner import Document, Entity, LabelSet
from globalner.data import (
    Alignment,
    Report,
    TextTokenizer,
    Window,
    WindowCache,
    WindowRules,
    WindowSize,
    survey_documents,
    windows_in_memory,
)

LABELS = LabelSet(("GAME",))
DOCUMENTS = [
    Document("三星wcg2011赛", (Entity(2, 5, "GAME"), Entity(9, 10, "GAME"))),
    Document("cpl 星", (Entity(0, 3, "GAME"),)),
]
REASON = "ends inside a token"
ALIGNMENTS: tuple[Alignment, ...] = ("report", "expand", "split", "characters")


def rules(alignment: Alignment) -> WindowRules:
    pieces = ["[UNK]", *"三星赛wcg012", "wcg2011", "wcg", "cpl", "2011"]
    backend = Tokenizer(models.WordPiece({piece: at for at, piece in enumerate(pieces)}, unk_token="[UNK]"))
    backend.normalizer, backend.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    return WindowRules(TextTokenizer(backend, "word", alignment), LABELS, WindowSize(16, 4))


def plain(windows: list[Window]) -> list[dict[str, object]]:
    return [{k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in vars(w).items()} for w in windows]


def kept(folder: Path, alignment: Alignment) -> tuple[list[Window], Report, Report, bool]:
    left_out, expanded = Report(), Report()
    taken = expanded if alignment == "expand" else None
    digest = survey_documents(DOCUMENTS).digest
    store, were_there = WindowCache(folder).windows(DOCUMENTS, digest, rules(alignment), left_out, taken)
    return list(store), left_out, expanded, were_there


def told(report: Report) -> tuple[dict[str, int], dict[str, list[str]]]:
    return dict(report.counts), dict(report.examples)


def test_each_alignment_has_windows_and_reports_of_its_own(tmp_path: Path) -> None:
    for expected_there in (False, True):
        for alignment in ALIGNMENTS:
            left_out, expanded = Report(), Report()
            taken = expanded if alignment == "expand" else None
            made = list(windows_in_memory(DOCUMENTS, rules(alignment), left_out, taken))
            windows, *reports, were_there = kept(tmp_path, alignment)
            assert were_there == expected_there, alignment
            assert plain(windows) == plain(made)
            assert [told(report) for report in reports] == [told(left_out), told(expanded)]


def test_expanded_entities_are_told_again_when_windows_were_there(tmp_path: Path) -> None:
    kept(tmp_path, "expand")
    windows, left_out, expanded, were_there = kept(tmp_path, "expand")
    assert were_there
    assert not left_out
    assert expanded.counts == {REASON: 1}
    assert "'wcg2011'" in expanded.examples[REASON][0]
    assert sum(len(window.gold) for window in windows) == 3
    windows, left_out, expanded, _ = kept(tmp_path, "report")
    assert left_out.counts == {REASON: 1}
    assert not expanded
    assert sum(len(window.gold) for window in windows) == 2
