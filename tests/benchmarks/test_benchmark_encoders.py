"""The benchmark of the encoders, on texts and sizes that take no time."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import encoder_runs, encoder_speed, encoders
from benchmarks.encoder_cases import BIASES, SIZES, VARIANTS, Size, masked_pretraining
from benchmarks.encoder_flops import BASE, CONTENDERS, TRANSFORMERS
from benchmarks.encoder_runs import GROUPS, EncoderRun, Place, Value
from benchmarks.results_file import read_rows
from globalner.config import load_pretrain_recipe, load_recipe

LINES = ["里斯本大学在里斯本。", "Ana Reis left Lisbon.", "北京大学在北京。", "The rain in Porto.", "王芳去了成都。"]
COLUMNS = "group data size variant seed settings metric length value low high device precision machine versions commit"


ONE_PROCESS = threading.RLock()


def directly(function: Callable[..., object], *arguments: object) -> object:
    """In this process, where one at a time can have the random numbers."""
    with ONE_PROCESS:
        return function(*arguments)


@pytest.fixture
def queue(tmp_path: Path, tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Runs the queue in this process on encoders of a size that is called small; gives the file of rows."""
    (tmp_path / "train.txt").write_text("\n".join(LINES * 6), "utf-8")
    (tmp_path / "heldout.txt").write_text("\n".join(LINES[::-1] * 3), "utf-8")
    text = ("data.train=[train.txt]", "data.heldout=[heldout.txt]", "data.window_tokens=16", "tokenizer.min_count=1")
    text += ("training.tokens=300", "training.batch_size=4", "evaluation.lengths=[8, 16]")
    tiny = Size("small", 16, 1, 2, 8, 16, {"short": text}, (*text, "tokenizer.lowercase=true"))
    monkeypatch.setitem(SIZES, "small", tiny)
    for name in reversed(list(encoder_runs.GAIN_SETS)):  # the last that is taken out comes back first
        monkeypatch.delitem(encoder_runs.GAIN_SETS, name)
    monkeypatch.setitem(encoder_runs.GAIN_SETS, "own", (str(tiny_recipe), ("training.epochs=1",)))
    for name, value in {"LENGTHS": (16,), "RATES": ("1.0e-3",), "DECODER_RECIPE": (str(tiny_recipe), ())}.items():
        monkeypatch.setattr(encoder_runs, name, value)
    monkeypatch.setattr(encoder_speed, "TOKENS", 32)
    monkeypatch.setattr(encoder_speed, "_REPEATS", 3)
    for module in (encoders, encoder_speed):
        monkeypatch.setattr(module, "in_fresh_process", directly)
    monkeypatch.setattr(encoders, "provenance", lambda: {"machine": "m", "versions": "v", "commit": "c"})

    def run(*words: str) -> Path:
        where = ["--data-dir", str(tmp_path), "--keep", str(tmp_path / "keep"), "--table", str(tmp_path / "rows.csv")]
        assert encoders.main([*words, "--device", "cpu", *where]) == 0
        return tmp_path / "rows.csv"

    return run


def test_hidden_tokens_are_counted_at_each_length_and_rows_that_are_there_are_skipped(
    queue: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ("mlm", "--seeds", "0", "--variants", "roformer", "flash")
    rows = read_rows(queue(*first))
    assert list(rows[0]) == COLUMNS.split()
    assert {(row["group"], row["data"], row["size"], row["seed"]) for row in rows} == {("mlm", "text_zh", "small", "0")}
    expected = {(metric, length) for metric in ("accuracy", "loss") for length in ("8", "16")}
    expected |= {("parameters", ""), ("tokens_per_s", "")}
    for variant in ("roformer", "flash"):
        values = {(row["metric"], row["length"]): float(row["value"]) for row in rows if row["variant"] == variant}
        assert values.keys() == expected
        assert 0 <= values["accuracy", "8"] <= 1
        assert values["parameters", ""] > 1000
    assert "model.encoder.attention=flash" in {word for row in rows for word in row["settings"].split()}

    monkeypatch.setattr(encoders, "_measure", lambda run: pytest.fail(f"{run} is measured again"))
    assert read_rows(queue(*first)) == rows
    assert capsys.readouterr().out.count("there already") == 2
    monkeypatch.setattr(encoders, "_measure", lambda _: ("", [Value("accuracy", 0.5, length=8)]))
    queue("mlm", "--seeds", "1", "--variants", "flash")
    (new,) = [row for row in read_rows(queue(*first)) if row["seed"] == "1"]
    assert (new["variant"], new["value"], new["length"]) == ("flash", "0.5000", "8")


def test_what_is_pretrained_is_kept_for_other_groups(queue: Callable[..., Path], tmp_path: Path) -> None:
    queue("mlm", "--seeds", "0", "--variants", "roformer")
    (kept,) = (tmp_path / "keep").iterdir()
    before = (kept / "model" / "model.safetensors").stat().st_mtime_ns
    rows = [row for row in read_rows(queue("pretraining-gain", "--seeds", "0")) if row["group"] == "pretraining-gain"]
    assert (kept / "model" / "model.safetensors").stat().st_mtime_ns == before
    assert [path.name for path in (tmp_path / "keep").iterdir()] == [kept.name]
    assert {(row["variant"], row["data"]) for row in rows} == {("from scratch", "own"), ("short", "own")}
    assert {"f1", "dev_f1"} <= {row["metric"] for row in rows}
    settings = {row["variant"]: row["settings"] for row in rows}
    assert " after " in settings["short"]
    assert " after " not in settings["from scratch"]
    assert not any(str(tmp_path / "keep") in row["settings"] for row in rows)


def test_decoders_go_on_with_each_attention(queue: Callable[..., Path], tmp_path: Path) -> None:
    rows = read_rows(queue("decoder", "extrapolation", "--seeds", "0"))
    assert {row["variant"] for row in rows if row["metric"] == "f1"} == {"causal", "half", "bidirectional"}
    found = {(row["variant"], row["length"]) for row in rows if row["metric"] == "accuracy"}
    assert found == {(bias, length) for bias in BIASES for length in ("8", "16")}
    assert len(list((tmp_path / "keep").iterdir())) == 2


def test_all_contenders_are_timed(queue: Callable[..., Path]) -> None:
    rows = read_rows(queue("speed"))
    assert all(row["length"] == "16" and row["settings"].startswith("2 texts, ") for row in rows)
    for metric in ("time_ms", "memory_mib", "base_ratio"):
        assert {row["variant"] for row in rows if row["metric"] == metric} == set(CONTENDERS)
    assert {row["variant"] for row in rows if row["metric"] == "flops"} == CONTENDERS.keys() & VARIANTS.keys()
    times = [row for row in rows if row["metric"] == "time_ms"]
    assert all(0 < float(row["low"]) <= float(row["value"]) <= float(row["high"]) for row in times)
    assert {row["value"] for row in rows if (row["variant"], row["metric"]) == ("roformer", "base_ratio")} == {"1.0000"}
    assert read_rows(queue("speed")) == rows


def test_softmax_attention_is_timed_beside_each_of_transformers(
    queue: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder_speed, "_PAIR_S", 0.001)
    rows = read_rows(queue("pairs"))
    assert [(row["variant"], row["metric"], row["length"]) for row in rows] == [
        (name, "base_ratio", "16") for name in TRANSFORMERS
    ]
    assert all(0 < float(row["low"]) <= float(row["value"]) <= float(row["high"]) for row in rows)
    assert all(row["settings"].endswith(" passes") for row in rows)
    assert read_rows(queue("pairs")) == rows


def test_times_of_the_passes_of_a_pair_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def alternate(workloads: dict[str, object], *, repeats: int, **_: object) -> dict[str, list[float]]:
        ours, theirs = [1000.0, 3000.0] * 9, [1000.0 * (1 + at // 2) for at in range(18)]
        return {name: (ours if name == BASE else theirs)[:repeats] for name in workloads}

    monkeypatch.setattr(encoder_speed, "in_fresh_process", directly)
    monkeypatch.setattr(encoder_speed, "_workload", lambda *_: None)
    monkeypatch.setattr(encoder_speed, "alternate_ms", alternate)
    run = EncoderRun("pairs", SIZES["small"], Place(None, tmp_path, table=tmp_path / "rows.csv"), length=128)
    for value in encoder_speed.measure_pairs(run):
        # 4 seconds by 2, 4, 6, ... 18
        assert (value.value, value.high) == pytest.approx((0.4, 0.8))
        assert str(value.settings).startswith("64 texts, ")
        assert str(value.settings).endswith(" 2 passes")


def test_what_would_not_fit_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(None, tmp_path, most_gib=1.0, table=tmp_path / "rows.csv")
    runs = {run.length: run for run in GROUPS["speed"](SIZES["small"], (), place)}
    monkeypatch.setattr(encoders, "in_fresh_process", lambda *_: ("", [Value("memory_mib", 300.0, variant="flash")]))
    monkeypatch.setattr(encoders, "provenance", lambda: {"machine": "m"})
    encoders.measure_missing([runs[1024]])
    assert [encoder_speed._fits(runs[length], "flash") for length in (512, 2048, 4096)] == [True, True, False]
    assert encoder_speed._fits(runs[4096], "roformer")


def test_runs_are_told_apart_by_their_keys_and_go_to_other_processes(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path)
    for size in SIZES.values():
        runs = [run for of_group in GROUPS.values() for run in of_group(size, (0, 1), place)]
        assert len({tuple(run.key.items()) for run in runs}) == len(runs)
        assert pickle.loads(pickle.dumps(runs)) == runs
        for run in runs:
            row = {name: "" if cell is None else str(cell) for name, cell in run.row(Value("f1", 0.5)).items()}
            assert row.items() >= run.key.items()


def test_precision_and_device_matter_for_times_only() -> None:
    def key(group: str, place: Place) -> dict[str, str]:
        return next(GROUPS[group](SIZES["small"], (0,), place)).key

    here, there = Place(None, Path()), Place(None, Path(), device="cuda", precision="bf16")
    assert key("mlm", here) == key("mlm", there)
    assert key("speed", here) != key("speed", there)


def every_run() -> Iterator[EncoderRun]:
    for size in SIZES.values():
        for group in GROUPS.values():
            yield from group(size, (0,), Place(None, Path()))


@pytest.mark.parametrize("run", list(every_run()), ids=str)
def test_every_run_is_a_valid_recipe(run: EncoderRun) -> None:
    if run.pretraining is not None:
        load_pretrain_recipe(run.pretraining.recipe, run.pretraining.changes)
    if run.recipe is not None:
        given = ("model.encoder.kind=pretrained", "model.encoder.name=x") if run.pretraining else ()
        load_recipe(run.recipe, (*given, *run.changes))


def test_all_kinds_are_pretrained(tmp_path: Path) -> None:
    for size in SIZES.values():
        runs = list(GROUPS["mlm"](size, (0, 1), Place(None, tmp_path)))
        assert [(run.seed, run.variant) for run in runs] == [(seed, variant) for seed in (0, 1) for variant in VARIANTS]


def test_other_settings_go_to_another_folder(tmp_path: Path) -> None:
    size = SIZES["small"]
    pretrainings = [masked_pretraining(size, variant, long) for variant in VARIANTS for long in size.masked]
    names = {pretraining.folder_name(seed) for pretraining in pretrainings for seed in (0, 1)}
    assert len(names) == len(pretrainings) * 2
    run = EncoderRun("mlm", size, Place(None, tmp_path), seed=1, pretraining=pretrainings[0])
    assert run.folder == tmp_path / pretrainings[0].folder_name(1)
    with pytest.raises(ValueError, match="nothing is pretrained for speed"):
        EncoderRun("speed", size, Place(None, tmp_path), length=128).folder  # noqa: B018


def test_several_runs_at_once_measure_the_same_but_for_speed(queue: Callable[..., Path], tmp_path: Path) -> None:
    alone = read_rows(queue("decoder", "mlm", "--seeds", "0"))
    together = read_rows(queue("decoder", "mlm", "--seeds", "0", "--jobs", "3", "--keep", str(tmp_path / "again")))
    assert together == alone
    (tmp_path / "rows.csv").unlink()
    together = read_rows(queue("decoder", "mlm", "--seeds", "0", "--jobs", "3"))

    def what(rows: list[dict[str, str]]) -> set[tuple[str, ...]]:
        return {tuple(row.values()) for row in rows if not row["metric"].endswith("_per_s")}

    assert what(together) == what(alone)
    assert not any(row["metric"].endswith("_per_s") for row in together)


def test_speed_is_measured_alone(queue: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        queue("speed", "--jobs", "2")
    assert "measure speed and pairs with --jobs 1" in capsys.readouterr().err


def test_a_group_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        encoders.main(["mln"])
    assert "pretraining-gain" in capsys.readouterr().err
