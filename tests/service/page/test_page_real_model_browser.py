"""The page around a real, small model: every setting shows what the extractor gives for it."""

from __future__ import annotations

import pytest

from globalner import EntityExtractor
from globalner_service import ServiceSettings, create_app

pytestmark = pytest.mark.browser


def test_the_page_shows_what_the_extractor_finds(reader_of, serve_app, trained_model, documents):
    extractor = EntityExtractor.from_pretrained(trained_model, device="cpu")
    text = "\n".join(document.text for document in documents[:6])
    app = create_app(ServiceSettings(model=str(trained_model), device="cpu", served_name="tiny"))
    with serve_app(app) as url:
        reader = reader_of(url)
        reader.page.open()
        sizes = set()
        for mode, threshold in (("nested", 0.5), ("flat", 0.5), ("flat", 0.2), ("nested", 0.06), ("nested", 0.95)):
            found = extractor(text, mode=mode, threshold=threshold).entities
            sizes.add(len(found))
            reader.run("document.querySelector(`input[value=${arguments[0]}]`).click()", mode)
            reader.slide(threshold)
            if not reader.rows():
                reader.write(text)
                reader.find("#extract").click()
            wanted = [[one.label, one.text.replace("\n", " "), str(one.start), str(one.end)] for one in found]
            reader.until(lambda wanted=wanted: [row[:4] for row in reader.rows()] == wanted)
        assert len(sizes) > 1
        assert max(sizes) > 5
