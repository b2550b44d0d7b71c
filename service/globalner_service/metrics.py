"""What Prometheus sees of a server. One registry for each app, so that several may live in one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

from globalner.types import Document

__all__ = ["ServiceMetrics"]

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0)
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_TOKENS = (16, 64, 256, 1024, 4096, 8192, 16_384, 32_768, 65_536)
_CHARS = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)
_RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class ServiceMetrics:
    """Counters, gauges and histograms under the prefix `globalner_`.

    Attributes:
        registry: Holds them all, and what is known of the process.
        requests: Answers by route and status code.
        request_duration: From the head of a request to the end of its answer, by route.
        rejected: Requests without a result, by the `type` of their error; lines of streams too.
        queue_duration: How long a window waited for the model.
        tokenize_duration: Tokenising the texts of one request.
        inference_duration: One batch in the model.
        decode_duration: Merging, decoding and formatting of one request.
        batch_size: Windows of a batch.
        batch_tokens: Tokens of a batch, padding counted.
        batch_fill_ratio: Share of a batch that is no padding.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        counter, seconds = self._counter, self._seconds
        self.requests = counter("requests", "Answers by route and status code.", ("route", "code"))
        self.request_duration = seconds("request", "From the head of a request to the end of its answer.", ("route",))
        self.rejected = counter("rejected", "Requests without a result, by the type of their error.", ("reason",))
        self.queue_duration = seconds("queue", "How long a window waited for the model.")
        self.tokenize_duration = seconds("tokenize", "Tokenising the texts of one request.")
        self.inference_duration = seconds("inference", "One batch in the model.")
        self.decode_duration = seconds("decode", "Merging, decoding and formatting of one request.")
        self.batch_size = self._histogram("batch_size", "Windows of a batch.", _COUNTS)
        self.batch_tokens = self._histogram("batch_tokens", "Tokens of a batch, padding counted.", _TOKENS)
        self.batch_fill_ratio = self._histogram("batch_fill_ratio", "Share of a batch that is no padding.", _RATIOS)
        self._input_chars = self._histogram("input_chars", "Characters of a text.", _CHARS)
        self._windows = self._histogram("windows_per_document", "Windows of a text.", _COUNTS)
        self._truncated = counter("truncated", "Results that max_entities cut; texts are never cut.")
        self._entities = counter("entities", "Entities in answers, by type.", ("type",))

    def watch(self, *, queue_size: Callable[[], float], in_flight: Callable[[], float]) -> None:
        """Makes two gauges that read the state of the worker whenever they are asked."""
        size = Gauge("globalner_queue_size", "Windows that wait for the model.", registry=self.registry)
        size.set_function(queue_size)
        inside = Gauge("globalner_in_flight", "Accepted requests without an answer yet.", registry=self.registry)
        inside.set_function(in_flight)

    def batch(self, lengths: Sequence[int], elapsed_s: float) -> None:
        """Notes one batch: the tokens of each window and how long the model took."""
        padded = len(lengths) * max(lengths)
        self.inference_duration.observe(elapsed_s)
        self.batch_size.observe(len(lengths))
        self.batch_tokens.observe(padded)
        self.batch_fill_ratio.observe(sum(lengths) / padded if padded else 1.0)

    def results(self, documents: Sequence[Document]) -> None:
        """Notes the texts of an answer."""
        for document in documents:
            self._input_chars.observe(len(document.text))
            self._windows.observe(document.windows or 0)
            self._truncated.inc(document.limited)
            for entity in document.entities:
                self._entities.labels(entity.label).inc()

    def _counter(self, name: str, meaning: str, labels: Sequence[str] = ()) -> Counter:
        return Counter(f"globalner_{name}_total", meaning, labels, registry=self.registry)

    def _seconds(self, name: str, meaning: str, labels: Sequence[str] = ()) -> Histogram:
        full_name = f"globalner_{name}_duration_seconds"
        return Histogram(full_name, meaning, labels, buckets=_SECONDS, registry=self.registry)

    def _histogram(self, name: str, meaning: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(f"globalner_{name}", meaning, buckets=buckets, registry=self.registry)
