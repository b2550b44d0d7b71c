"""Every command and every Python block of README.md and the guide is run, page by page, in a folder of its own.

Long work is cut short by `SHORTER`; what sets up or tests the project itself (`NOT_HERE`) is run elsewhere.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from globalner import Document, Entity, write_documents

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/guide").glob("*.md"))]
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOT_HERE = ("make ", "pip ", "docker ", "python -m benchmarks", "globalner train wnut17")
FEW = " ".join(f"data.{part}={ROOT / 'datasets/demo' / part}.jsonl[:40]" for part in ("train", "dev", "test"))
SMALL = (
    "model.encoder.hidden_size=16 model.encoder.num_layers=1 training.tokens=500 evaluation.lengths=[32] "
    "tokenizer.vocabulary_size=400 tokenizer.min_count=1"
)
SHORTER = {
    "globalner demo": "globalner demo training.epochs=1 --max-documents 40 --overwrite",
    "globalner pretrain words.yaml": f"globalner pretrain words.yaml {SMALL}",
    "globalner train mine.yaml training.epochs=2": f"globalner train mine.yaml training.epochs=1 {FEW}",
}

EXPORTS = {
    "labelstudio.json": "label-studio",
    "doccano.jsonl": "doccano",
    "corpus": "brat",
    "train.spacy": "docbin",
    "spacy2.json": "spacy-json",
    "offsets.json": "spacy-offsets",
    "saved": "datasets",
    "train.parquet": "parquet",
    "tags.jsonl": "json-tags",
    "table.csv": "csv",
    "annotations.jsonld": "web-annotation",
    "inline.txt": "inline",
    "marked.xml": "xml",
}
HUB_DECODER = "Qwen/Qwen3-0.6B"

# A page that pushes a model does so in earnest up to the two calls that reach for a model hub.
NO_HUB = """
from types import SimpleNamespace
from huggingface_hub import HfApi
HfApi.create_repo = lambda self, repo_id, **_: SimpleNamespace(repo_id=repo_id)
HfApi.upload_folder = lambda self, **_: "https://hub.example/commit"
"""


def blocks_of(page: Path) -> Iterator[tuple[str, str]]:
    for kind, body in BLOCK.findall(page.read_text("utf-8")):
        if kind == "python":
            yield "python", body
            continue
        for line in body.replace("\\\n", " ").splitlines():
            if line.strip() and not line.startswith(("#", *NOT_HERE)):
                yield "bash", line.strip()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Folder:
    """A user's working folder: files of the names that the pages use, and the servers started in it."""

    def __init__(self, path: Path, model: Path, decoder: Path) -> None:
        self.path, self.port, self.decoder = path, free_port(), decoder
        self.servers: list[subprocess.Popen[bytes]] = []
        programs = Path(sys.executable).parent
        self.environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
        (path / "runs" / "demo").mkdir(parents=True)
        (path / "runs" / "demo" / "model").symlink_to(model)
        lines = (ROOT / "datasets/demo/test.jsonl").read_text("utf-8").splitlines()[:20]
        for name in ("test.jsonl", "all.jsonl"):
            (path / name).write_text("\n".join(lines), "utf-8")
        (path / "texts.txt").write_text("\n".join(json.loads(line)["text"] for line in lines), "utf-8")
        (path / "train.conll").write_text("Ada B-PER\nByron I-PER\nleft O\n\n", "utf-8")

    def write_exports(self, shown: str) -> None:
        """The files of other tools that a page names."""
        text = "Ada Byron left London."
        entities = (Entity(0, 9, "PER"), Entity(15, 21, "LOC"))
        document = Document(text, entities, id="7", tokens=((0, 3), (4, 9), (10, 14), (15, 21), (21, 22)))
        for name, form in EXPORTS.items():
            if f" {name} " in shown:
                write_documents([document], self.path / name, form, lossy=True)

    def run(self, kind: str, code: str) -> None:
        for long, short in SHORTER.items():
            if code == long or code.startswith(long + " "):
                code = code.replace(long, short, 1)
        code = code.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}").replace(HUB_DECODER, str(self.decoder))
        if code.startswith("globalner serve"):
            self.serve(code)
            return
        if "push_model" in code:
            code = NO_HUB + code
        environment = self.environment
        if "InferenceClient(model=" in code:
            # It asks a server of ours, which its library takes for a hub.
            environment = environment | {"HF_HUB_OFFLINE": "0"}
        words = [sys.executable, "-c", code] if kind == "python" else ["bash", "-ec", code]
        done = subprocess.run(words, cwd=self.path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"

    def serve(self, code: str) -> None:
        for server in self.servers:
            server.terminate()
            server.wait(30)
        command = ["bash", "-c", f"exec {code} --port {self.port}"]
        self.servers.append(subprocess.Popen(command, cwd=self.path, env=self.environment, stderr=subprocess.DEVNULL))
        for _ in range(600):
            assert self.servers[-1].poll() is None, f"{code} ended at once"
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=5)
                return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        pytest.fail(f"{code}: not ready within a minute")


@pytest.fixture
def folder(tmp_path: Path, trained_model: Path, decoder_folder: Path) -> Iterator[Folder]:
    made = Folder(tmp_path, trained_model, decoder_folder)
    yield made
    for server in made.servers:
        server.terminate()
        server.wait(30)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_everything_a_page_shows_can_be_done(page: Path, folder: Folder) -> None:
    shown = list(blocks_of(page))
    assert shown, f"{page} shows nothing to run"
    folder.write_exports("\n".join(code for _, code in shown))
    for kind, code in shown:
        folder.run(kind, code)
