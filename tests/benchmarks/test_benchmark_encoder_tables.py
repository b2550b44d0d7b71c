"""The tables and the picture of the encoders say what the rows say, and no more."""

from __future__ import annotations

import statistics
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from benchmarks import tables
from benchmarks.causal_pretraining import build_decoder, next_token_scores
from benchmarks.encoder_cases import SIZES, VARIANTS, causal_pretraining
from benchmarks.encoder_claims import CLAIMS, claim_lines
from benchmarks.encoder_flops import BASE, CONTENDERS, fewer_from, formula_flops
from benchmarks.encoder_rows import best_by_dev
from benchmarks.encoder_runs import ATTENTIONS, GROUPS, RATES, TABLE, TIMED, EncoderRun, Place, Value
from benchmarks.encoder_speed import build_encoder, forward_flops
from benchmarks.encoder_tables import ENCODER_TABLES, crossing
from benchmarks.encoders_plot import PICTURE, draw, fingerprint, panels
from benchmarks.paired_interval import Difference, paired_difference
from benchmarks.results_file import read_rows
from globalner.config import load_pretrain_recipe
from globalner.encoders import build_character_tokenizer

ROOT = Path(__file__).resolve().parents[2]
SMALL = SIZES["small"]
PLACE = Place(None, Path())

Row = dict[str, str]


def as_row(run: EncoderRun, value: Value) -> Row:
    return {name: "" if cell is None else str(cell) for name, cell in run.row(value).items()}


def accuracy_rows(group: str, by_variant: Mapping[str, list[list[float]]], lengths: tuple[int, ...]) -> list[Row]:
    """By variant, for each seed the values at the lengths."""
    seeds = range(max(len(values) for values in by_variant.values()))
    rows = []
    for run in GROUPS[group](SMALL, seeds, PLACE):
        assert run.seed is not None
        if run.seed < len(by_variant.get(run.variant, [])):
            values = by_variant[run.variant][run.seed]
            rows += [as_row(run, Value("accuracy", v, length=at)) for v, at in zip(values, lengths, strict=True)]
            rows.append(as_row(run, Value("parameters", 900_000)))
    return rows


MLM = accuracy_rows(
    "mlm",
    {
        "roformer": [[0.30, 0.20], [0.32, 0.22], [0.31, 0.24]],
        "roformer-entropy": [[0.31, 0.23], [0.30, 0.25], [0.31, 0.28]],
        "linear-exp": [[0.20, 0.10]],
    },
    (128, 256),
)


def speed_rows(length: int, time_ms: Mapping[str, float], memory_mib: Mapping[str, float]) -> list[Row]:
    (run,) = [run for run in GROUPS["speed"](SMALL, (), PLACE) if run.length == length]
    rows = []
    for name, ms in time_ms.items():
        values = [Value("time_ms", ms), Value("base_ratio", time_ms[BASE] / ms), Value("memory_mib", memory_mib[name])]
        if name in VARIANTS:
            values.append(Value("flops", formula_flops(SMALL, name, length)))
        rows += [as_row(run, Value(v.metric, v.value, variant=name)) for v in values]
    return rows


SPEED = [
    *speed_rows(
        128,
        {BASE: 100.0, "transformers-bert": 98.0, "linear-exp": 200.0, "flash": 90.0},
        {BASE: 10.0, "transformers-bert": 9.0, "linear-exp": 5.0, "flash": 20.0},
    ),
    *speed_rows(
        512,
        {BASE: 220.0, "transformers-bert": 200.0, "linear-exp": 110.0, "flash": 100.0},
        {BASE: 10.0, "transformers-bert": 9.0, "linear-exp": 5.0, "flash": 20.0},
    ),
]


def test_an_interval_is_that_of_student() -> None:
    # Differences 1, 2, 3: mean 2, deviation 1, t(2) = 4.303.
    found = paired_difference({0: 2.0, 1: 4.0, 2: 6.0, 5: 9.0}, {0: 1.0, 1: 2.0, 2: 3.0, 4: 9.0})
    assert found is not None
    assert (found.mean, found.pairs) == (2.0, 3)
    assert found.half_width == pytest.approx(4.303 / 3**0.5)
    assert found.verdict == "not shown"
    assert str(found) == "+2.00 [-0.48, +4.48]"
    assert paired_difference({0: 1.0}, {1: 1.0}) is None


def test_a_direction_is_shown_only_where_the_interval_excludes_zero() -> None:
    assert Difference(2.0, 1.9, 3).verdict == "yes"
    assert Difference(-2.0, 1.9, 3).verdict == "the reverse"
    assert Difference(2.0, 2.0, 3).verdict == "not shown"
    alone = Difference(2.0, None, 1)
    assert (alone.verdict, str(alone)) == ("not shown", "+2.00 (one seed)")


def test_intervals_agree_with_scipy_for_every_number_of_seeds() -> None:
    stats = pytest.importorskip("scipy.stats")
    for count in range(2, 21):
        ours = {seed: float(seed % 3) for seed in range(count)}
        found = paired_difference(ours, dict.fromkeys(ours, 0.0))
        assert found is not None
        low, high = stats.t.interval(0.95, count - 1, found.mean, statistics.stdev(ours.values()) / count**0.5)
        assert found.half_width == pytest.approx((high - low) / 2, rel=3e-4)
    with pytest.raises(ValueError, match="at most 20 pairs"):
        paired_difference(dict.fromkeys(range(21), 0.0), dict.fromkeys(range(21), 1.0))


def test_accuracy_stands_by_size_kind_and_length() -> None:
    lines = ENCODER_TABLES["encoders-mlm"](MLM).splitlines()
    assert lines[0] == "| size | encoder | million weights | 128 | 256 | 512 | 1024 |"
    assert lines[2:] == [
        "| small | softmax (RoFormer) | 0.90 | 31.0 ± 1.0 | 22.0 ± 2.0 |  |  |",
        "| small | softmax, entropy-invariant scale | 0.90 | 30.7 ± 0.6 | 25.3 ± 2.5 |  |  |",
        "| small | linear, exp | 0.90 | 20.0 | 10.0 |  |  |",
    ]


def test_rows_of_other_settings_are_left_out() -> None:
    others = [row | {"settings": f"{row['settings']} training.batch_size=8", "value": "0.9"} for row in MLM]
    assert ENCODER_TABLES["encoders-mlm"]([*MLM, *others]) == ENCODER_TABLES["encoders-mlm"](MLM)
    assert ENCODER_TABLES["encoders-mlm"](others) == "Not measured yet."


def test_claims_are_judged_by_pairs_of_seeds() -> None:
    lines = {(line[0], line[3]): line[4:] for line in claim_lines(MLM)}
    scale = CLAIMS[0].text
    # +3, +3, +4 points at 256.
    assert lines[scale, "text_zh, 256 tokens"] == ("+3.33 [+1.90, +4.77]", "yes")
    linear = next(claim.text for claim in CLAIMS if claim.than == "linear-exp")
    assert lines[linear, "text_zh, 128 tokens"] == ("+10.00 (one seed)", "not shown")
    assert len(lines) == 2


def test_every_claim_is_about_what_is_measured() -> None:
    for claim in CLAIMS:
        for size in SIZES.values():
            there = {run.variant for run in GROUPS[claim.group](size, (0,), PLACE)}
            if claim.group != "pretraining-gain":
                assert {claim.better, claim.than} <= there
    assert {claim.group for claim in CLAIMS} == GROUPS.keys() - {*TIMED}


def test_the_better_rate_on_dev_counts_for_each_start() -> None:
    rows = []
    dev = {("from scratch", RATES[0]): 0.5, ("from scratch", RATES[1]): 0.4, ("one pass", RATES[1]): 0.7}
    for run in GROUPS["pretraining-gain"](SMALL, (0, 1), PLACE):
        for (start, rate), score in dev.items():
            if run.variant == start and f"training.encoder_learning_rate={rate}" in run.changes:
                rows += [
                    as_row(run, Value("dev_f1", score)),
                    as_row(run, Value("f1", 1 - score + (run.seed or 0) / 10)),
                ]
    best = best_by_dev(rows, SMALL)
    assert best["from scratch", "cluener-fifth"] == pytest.approx({0: 0.5, 1: 0.6})
    assert best["one pass", "cmeee-fifth"] == pytest.approx({0: 0.3, 1: 0.4})
    assert ENCODER_TABLES["encoders-gain"](rows).splitlines()[2:] == [
        "| small | from scratch | 55.0 ± 7.1 | 55.0 ± 7.1 |",
        "| small | one pass | 35.0 ± 7.1 | 35.0 ± 7.1 |",
    ]
    (line, *_) = claim_lines(rows)
    assert line[4:] == ("-20.00 [-20.00, -20.00]", "the reverse")


def test_decoders_stand_side_by_side() -> None:
    runs = list(GROUPS["decoder"](SMALL, (0,), PLACE))
    rows = [as_row(run, Value("f1", 0.1 * place)) for place, run in enumerate(runs, start=1)]
    assert ATTENTIONS == ("causal", "half", "bidirectional")
    assert ENCODER_TABLES["encoders-decoder"](rows).splitlines()[2:] == ["| small | 10.0 | 20.0 | 30.0 |"]
    (half,) = [line for line in claim_lines(rows) if "half of its heads" in line[0]]
    assert half[3:] == ("wnut17", "+10.00 (one seed)", "not shown")


def test_a_crossing_lies_between_the_lengths_where_the_ratio_turns() -> None:
    base = [(128, 1.0), (512, 1.0), (2048, 1.0)]
    assert crossing([(128, 2.0), (512, 0.5)], base) == pytest.approx(256)
    assert crossing([(128, 0.9), (512, 0.5)], base) == 128
    assert crossing([(128, 0.9), (512, 1.5)], base) is None
    assert crossing([(128, 0.5), (512, 4.0), (2048, 0.25)], base) == pytest.approx(1024)
    assert crossing([(64, 0.5)], base) is None


def test_times_memory_and_crossings_stand_by_length() -> None:
    where = "small, cpu, fp32"
    time = ENCODER_TABLES["encoders-time"](SPEED).splitlines()
    assert time[0].startswith("| measured on | encoder | 128 | 256 |")
    assert f"| {where} | softmax (RoFormer) | 100 |  | 220 |  |  |  |  |" in time
    assert f"| {where} | FLASH | 20 |  | 20 |  |  |  |  |" in ENCODER_TABLES["encoders-memory"](SPEED)
    fewer = {name: f"{fewer_from(SMALL, name)}" for name in ("flash", "linear-exp")}
    assert ENCODER_TABLES["encoders-crossing"](SPEED).splitlines()[2:] == [
        f"| {where} | FLASH | 128 | never | {fewer['flash']} |",
        f"| {where} | linear, exp | 256 | 128 | {fewer['linear-exp']} |",
    ]
    assert ENCODER_TABLES["encoders-transformers"](SPEED).splitlines()[2:] == [
        f"| {where} | 128 |  | 1.02 | yes |",
        f"| {where} | 512 |  | 1.10 | no |",
    ]
    pair = as_row(next(iter(GROUPS["pairs"](SMALL, (), PLACE))), Value("base_ratio", 1.01, variant="transformers-bert"))
    assert ENCODER_TABLES["encoders-transformers"]([*SPEED, pair]).splitlines()[2:] == [
        f"| {where} | 128 |  | 1.01 | yes |",
        f"| {where} | 512 |  | 1.10 | no |",
    ]
    assert "| 1.000 | 1.000 | yes |" in ENCODER_TABLES["encoders-flops"](SPEED)


def test_operations_are_those_of_the_post() -> None:
    # Post 8610, base: a layer has 12 n w^2 + 2 n^2 w multiplications, half of them quadratic at n = 6 w.
    w, n = SMALL.width, 6 * SMALL.width
    assert formula_flops(SMALL, BASE, n) == 2 * SMALL.blocks * 2 * 12 * n * w * w
    # Inside the heads linear attention is cheaper from n = d on.
    assert fewer_from(SMALL, "linear-exp") == SMALL.width // SMALL.heads + 1
    assert fewer_from(SMALL, "gau-softmax") is None


@pytest.mark.parametrize("name", sorted(CONTENDERS.keys() & VARIANTS.keys()))
def test_operations_by_formula_are_near_those_that_are_counted(name: str) -> None:
    assert forward_flops(SMALL, name, 300) == pytest.approx(formula_flops(SMALL, name, 300), rel=0.02)


@pytest.mark.parametrize("size", SIZES)
def test_encoders_of_a_size_are_of_one_size(size: str) -> None:
    # The table of angles of the RoFormer of transformers is a parameter, but not one that is trained.
    names = (BASE, "gau-softmax-plus", "flash", "linear-exp", "transformers-roformer")
    encoders = {name: build_encoder(SIZES[size], name, 128) for name in names}
    weights = {
        name: sum(weight.numel() for weight in encoder.parameters() if weight.requires_grad)
        for name, encoder in encoders.items()
    }
    assert all(abs(count / weights[BASE] - 1) < 0.05 for count in weights.values())


def test_a_decoder_sees_no_token_that_it_is_to_find() -> None:
    pretraining = causal_pretraining(SMALL, "query-key-bias")
    recipe = load_pretrain_recipe(pretraining.recipe, pretraining.changes).recipe
    tokenizer = build_character_tokenizer(["abcdefgh"])
    torch.manual_seed(0)
    for biased in (False, True):
        model = build_decoder(recipe, tokenizer, query_key_bias=biased).train(False)
        free = {name for name, w in model.named_parameters() if w.requires_grad and name.endswith("bias")}
        assert {name.split(".")[-2] for name in free} == ({"q_proj", "k_proj"} if biased else set())
        ids = torch.randint(5, len(tokenizer), (2, 8))
        real = torch.ones(2, 8, dtype=torch.bool)
        real[1, 6:] = False
        logits, targets = next_token_scores(model, ids, real)
        assert targets.tolist() == [*ids[0, 1:7].tolist(), *ids[1, 1:5].tolist()]
        changed = ids.clone()
        changed[0, 4] = changed[0, 4] % (len(tokenizer) - 6) + 5 if changed[0, 4] != 5 else 6
        other, _ = next_token_scores(model, changed, real)
        # The token at place 4 is found from the logits in row 3, which do not see it; those in row 4 do.
        torch.testing.assert_close(other[:4], logits[:4])
        assert not torch.allclose(other[4], logits[4])


def test_the_picture_shows_the_rows_and_is_the_same_each_time() -> None:
    rows = [*MLM, *SPEED]
    accuracy, time, memory = panels(rows)
    assert dict(accuracy.lines["roformer"]) == pytest.approx({128: 31.0, 256: 22.0})
    assert time.lines["flash"] == [(128, 90.0), (512, 100.0)]
    assert memory.lines["linear-exp"] == [(128, 5.0), (512, 5.0)]
    picture = draw(rows)
    assert picture == draw(rows)
    text = "".join(ET.fromstring(picture).itertext())
    for part in ("Performer", "not measured yet"):
        assert part not in text
    for part in ("linear, exp", "BERT of transformers", "small, cpu, fp32", "512", fingerprint(rows)):
        assert part in text
    assert "not measured yet" in draw(MLM)
    assert fingerprint(rows) != fingerprint(MLM)


def test_the_picture_of_the_page_shows_what_was_measured() -> None:
    assert fingerprint(read_rows(TABLE)) in PICTURE.read_text("utf-8"), "run: python -m benchmarks.encoders_plot"


def test_the_page_has_every_table_and_every_attention() -> None:
    page = (ROOT / "docs" / "encoders.md").read_text("utf-8")
    for name in ENCODER_TABLES:
        assert f"<!-- table {name} -->" in page
        assert tables.TABLES[name]() in page
    for variant in VARIANTS.values():
        for key in variant.keys:
            name, _, value = key.partition("=")
            assert f"`{name}: {value}`" in page, f"{key} is in no row of docs/encoders.md"
