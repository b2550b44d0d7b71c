from __future__ import annotations

import json
from pathlib import Path

import pytest

from globalner import Document, Entity, EntityExtractor, read_documents, write_documents
from globalner.config import load_recipe, resolve_recipe_data
from globalner.errors import DataError, OutputError
from globalner.workflows import (
    PredictOptions,
    RunOptions,
    evaluate_file,
    predict_documents,
    read_inputs,
    train_recipe,
    write_predictions,
)
from globalner.workflows.dictionary_baseline import DictionaryBaseline
from globalner.workflows.file_form import FileForm
from globalner.workflows.train import read_split


def options(folder: Path, **rest: object) -> RunOptions:
    return RunOptions(output_dir=folder, device="cpu", **rest)


def test_a_run_leaves_what_the_design_says(tiny_recipe: Path, tmp_path: Path) -> None:
    recipe = resolve_recipe_data(load_recipe(tiny_recipe, [f"data.test={tmp_path / 'own.jsonl'}[:8]"]))
    run = train_recipe(recipe, options(tmp_path / "run"))
    made = {path.relative_to(tmp_path / "run").as_posix() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert {"config.yaml", "history.csv", "metrics.json", "metrics_dev.json", "model/model.safetensors"} <= made
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["split"] == "test"
    assert metrics["documents"] == 8
    assert metrics.keys() >= {"micro", "macro", "types", "mode"}
    assert set(metrics["micro"]) == {"precision", "recall", "f1", "support"}
    assert json.loads((tmp_path / "run" / "metrics_dev.json").read_text())["split"] == "dev"
    assert load_recipe(tmp_path / "run" / "config.yaml").recipe == recipe
    assert run.result is not None
    assert run.result.to_dict() == metrics


def test_the_card_of_the_best_model_has_the_final_scores_and_no_path(tiny_recipe: Path, tmp_path: Path) -> None:
    loaded = load_recipe(tiny_recipe, [f"data.test={tmp_path / 'own.jsonl'}[:8]"])
    run = train_recipe(resolve_recipe_data(loaded), options(tmp_path / "run", written=loaded.recipe))
    card = (run.model / "README.md").read_text(encoding="utf-8")
    assert run.result is not None
    micro = run.result.micro
    scores = f"{micro.precision:.4f} | {micro.recall:.4f} | {micro.f1:.4f} | {micro.support}"
    test = card.split("## Scores on test")[1].split("## ")[0]
    assert "8 documents, nested decoding" in test
    assert f"| **micro** | {scores} |" in test
    assert "## Scores on dev" in card
    assert "| train | own.jsonl | 12 | 32 |" in card
    assert f"| test | {tmp_path.name}/own.jsonl\\[:8\\] | 8 | 32 |".replace("_", r"\_") in card
    assert str(tmp_path) not in card


def test_a_flat_run_is_scored_flat(flat_run: Path, trained_model: Path) -> None:
    own = flat_run.parent / "own.jsonl"
    for name, split in (("metrics.json", "test"), ("metrics_dev.json", "dev")):
        metrics = json.loads((flat_run / name).read_text("utf-8"))
        assert (metrics["mode"], metrics["split"]) == ("flat", split)
        assert metrics["micro"]["recall"] < 1
    assert "8 documents, flat decoding" in (flat_run / "model" / "README.md").read_text("utf-8")
    extractor = EntityExtractor.from_pretrained(flat_run / "model", device="cpu")
    assert evaluate_file(extractor, own).result.to_dict() == {**metrics, "split": "own"}
    nested = evaluate_file(extractor, own, mode="nested").result
    assert (nested.mode, nested.micro.recall) == ("nested", 1)
    flat = evaluate_file(EntityExtractor.from_pretrained(trained_model, device="cpu"), own, mode="flat").result
    assert (flat.mode, flat.micro) == ("flat", evaluate_file(extractor, own).result.micro)


def test_resuming_a_finished_run_changes_nothing(tiny_recipe: Path, tmp_path: Path) -> None:
    recipe, said = resolve_recipe_data(load_recipe(tiny_recipe)), []
    train_recipe(recipe, options(tmp_path / "run"))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()}
    again = train_recipe(recipe, options(tmp_path / "run", resume=True, say=said.append))
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()} == before
    assert again.result is None
    assert "nothing to do" in said[-1]


def test_a_run_is_not_resumed_with_another_recipe(tiny_recipe: Path, tmp_path: Path) -> None:
    train_recipe(resolve_recipe_data(load_recipe(tiny_recipe)), options(tmp_path / "run"))
    other = resolve_recipe_data(load_recipe(tiny_recipe, ["training.epochs=3"]))
    with pytest.raises(OutputError, match=r"training\.epochs: 2 is now 3"):
        train_recipe(other, options(tmp_path / "run", resume=True))


def test_a_data_error_does_not_cost_the_old_run(tiny_recipe: Path, tmp_path: Path) -> None:
    recipe = resolve_recipe_data(load_recipe(tiny_recipe))
    train_recipe(recipe, options(tmp_path / "run"))
    Path(recipe.data.train).write_text('{"text": "half', encoding="utf-8")
    with pytest.raises(DataError, match=r"own\.jsonl:1"):
        train_recipe(recipe, options(tmp_path / "run", overwrite=True))
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("records", "asked"),
    [
        ("[8:20]", "8 up to and without 20"),
        ("[0:13]", "0 up to and without 13"),
        ("[:13]", "0 up to and without 13"),
        ("[12:]", "12 up to the end"),
        ("[20:30]", "20 up to and without 30"),
        ("[0:99999999999999999]", "0 up to and without 99999999999999999"),
    ],
)
def test_records_that_are_not_there_are_an_error(tiny_recipe: Path, tmp_path: Path, records: str, asked: str) -> None:
    recipe = resolve_recipe_data(load_recipe(tiny_recipe, [f"data.dev={tmp_path / 'own.jsonl'}{records}"]))
    with pytest.raises(DataError) as caught:
        train_recipe(recipe, options(tmp_path / "run"))
    assert str(caught.value) == (
        f"{tmp_path / 'own.jsonl'}: holds 12 documents, but data.dev asks for the records {asked}, counted from 0"
    )


@pytest.mark.parametrize(
    ("records", "part"),
    [("[2:5]", slice(2, 5)), ("[10:12]", slice(10, 12)), ("[9:]", slice(9, None)), ("[:3]", slice(0, 3))],
)
def test_records_are_the_ones_asked_for(tiny_recipe: Path, tmp_path: Path, records: str, part: slice) -> None:
    recipe = resolve_recipe_data(load_recipe(tiny_recipe, [f"data.dev={tmp_path / 'own.jsonl'}{records}"]))
    assert read_split(recipe, "dev", lambda _: None) == list(read_documents(tmp_path / "own.jsonl"))[part]


def test_what_stands_behind_the_last_record_asked_for_is_not_read(tiny_recipe: Path, tmp_path: Path) -> None:
    with (tmp_path / "own.jsonl").open("a", encoding="utf-8") as file:
        file.write("broken\n")
    recipe = resolve_recipe_data(load_recipe(tiny_recipe, [f"data.dev={tmp_path / 'own.jsonl'}[:12]"]))
    assert len(read_split(recipe, "dev", lambda _: None)) == 12


def test_a_recipe_says_how_its_files_are_read(tiny_recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "tim.conll").write_bytes("José\tB-PER\n1999\tTIM\n".encode("latin-1"))
    changes = ["data.dev=tim.conll", "data.encoding=latin-1", "data.format_options.outside_tags=TIM"]
    recipe = resolve_recipe_data(load_recipe(tiny_recipe, changes))
    (document,) = read_split(recipe, "dev", lambda _: None)
    assert (document.text, [entity.text for entity in document.entities]) == ("José 1999", ["José"])
    for change, message in (("data.encoding=utf-8", "is not UTF-8"), ("data.format_options.outside=x", "outside_tags")):
        recipe = resolve_recipe_data(load_recipe(tiny_recipe, [*changes[:2], change]))
        with pytest.raises(DataError, match=message):
            read_split(recipe, "dev", lambda _: None)


@pytest.fixture(scope="module")
def extractor(trained_model: Path) -> EntityExtractor:
    return EntityExtractor.from_pretrained(trained_model, device="cpu")


def test_evaluation_counts_unknown_labels_as_missed(
    extractor: EntityExtractor, documents: list[Document], tmp_path: Path
) -> None:
    write_documents([*documents, Document("Rua Nova", (Entity(0, 8, "STREET"),))], tmp_path / "gold.jsonl")
    evaluation = evaluate_file(extractor, tmp_path / "gold.jsonl")
    assert evaluation.unknown_labels == {"STREET": 1}
    assert evaluation.result.types["STREET"].recall == 0
    assert evaluation.result.micro.recall < 1
    assert evaluation.result.split == "gold"


def test_evaluation_of_flat_data_agrees_with_seqeval(extractor: EntityExtractor, tmp_path: Path) -> None:
    lines = ["Ana B-PER", "Reis I-PER", "left O", "Lisbon B-LOC", ". O", "", "Porto B-LOC", "rains O", ". O", ""]
    (tmp_path / "flat.conll").write_text("\n".join(lines), encoding="utf-8")
    evaluation = evaluate_file(extractor, tmp_path / "flat.conll", mode="flat", with_seqeval=True)
    assert evaluation.seqeval is not None
    micro = next(line.split() for line in evaluation.seqeval.splitlines() if "micro avg" in line)
    ours = evaluation.result.micro
    assert [float(value) for value in micro[2:5]] == pytest.approx([ours.precision, ours.recall, ours.f1], abs=1e-4)


def test_files_to_evaluate_and_predict_on_are_read_as_told(extractor: EntityExtractor, tmp_path: Path) -> None:
    path = tmp_path / "gold.txt"
    path.write_bytes("Ana B-PER\nReis I-PER\nchegou\xe0 TIM\n".encode("latin-1"))
    reading = FileForm("columns", {"outside_tags": "TIM"}, "latin-1")
    assert evaluate_file(extractor, path, reading=reading).result.micro.support == 1
    assert [document.text for document in read_inputs(str(path), reading=reading)] == ["Ana Reis chegou\xe0"]
    with pytest.raises(DataError, match="is not UTF-8"):
        evaluate_file(extractor, path, reading=FileForm("columns"))


def test_a_file_without_entities_cannot_be_evaluated(extractor: EntityExtractor, tmp_path: Path) -> None:
    write_documents([Document("nothing")], tmp_path / "gold.jsonl")
    with pytest.raises(DataError, match="holds no entity"):
        evaluate_file(extractor, tmp_path / "gold.jsonl")


def test_predictions_come_one_line_for_each_input_in_order(extractor: EntityExtractor, tmp_path: Path) -> None:
    texts = [
        "Ana Reis of the University of Porto left Porto.",
        "",
        "\ufeff北京大学的王芳去了北京。",
        "👩🏽\u200d🚀 e\u0301",
    ]
    (tmp_path / "in.txt").write_bytes(("\r\n".join(texts) + "\r\n").encode())
    done: list[int] = []
    found = predict_documents(extractor, read_inputs(str(tmp_path / "in.txt")), PredictOptions(advance=done.append))
    assert write_predictions(found, tmp_path / "out.jsonl") == (4, 0)
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [record["text"] for record in records] == texts
    for record in records:
        for entity in record["entities"]:
            assert entity["text"] == record["text"][entity["start"] : entity["end"]]
            assert 0.5 < entity["score"] < 1
    assert sum(done) == 4
    assert next(iter(read_documents(tmp_path / "out.jsonl"))).entities


def test_what_a_line_carries_survives(extractor: EntityExtractor, tmp_path: Path) -> None:
    line = {"id": "a", "text": "Ana Reis", "tokens": [[0, 3], [4, 8]], "meta": {"source": "own"}}
    (tmp_path / "in.jsonl").write_text(json.dumps(line) + "\n")
    write_predictions(
        predict_documents(extractor, read_inputs(str(tmp_path / "in.jsonl")), PredictOptions()), tmp_path / "out.jsonl"
    )
    record = json.loads((tmp_path / "out.jsonl").read_text())
    assert {key: record[key] for key in line} == line


def test_whole_file_is_one_document(extractor: EntityExtractor, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("Ana Reis left.\nAna Reis came.\n", encoding="utf-8")
    found = list(predict_documents(extractor, read_inputs(str(tmp_path / "in.txt"), whole_file=True), PredictOptions()))
    assert len(found) == 1
    assert found[0].text == "Ana Reis left.\nAna Reis came.\n"


def test_the_dictionary_finds_what_it_has_seen_at_word_edges() -> None:
    seen = [
        Document("Ana in Lisbon", (Entity(0, 3, "PER"), Entity(7, 13, "LOC"))),
        Document("北京大学", (Entity(0, 4, "ORG"), Entity(0, 2, "LOC"))),
        Document("Ana Ana", (Entity(0, 3, "LOC"), Entity(4, 7, "PER"))),
    ]
    found = DictionaryBaseline(seen).extract([Document("Anatomy of Ana in 北京大学"), Document("Lisbon's")])
    assert [entity.key for entity in found[0].entities] == [(11, 14, "PER"), (18, 20, "LOC"), (18, 22, "ORG")]
    assert [entity.key for entity in found[1].entities] == [(0, 6, "LOC")]
