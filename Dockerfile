# Build:   docker build -t globalner .
# Serve:   docker run --rm -p 8000:8000 -v "$PWD/runs/demo/model:/model:ro" globalner
# By name: docker run --rm -p 8000:8000 -e GLOBALNER_MODEL=owner/name globalner
# Sealed:  docker run --rm -p 8000:8000 --read-only --tmpfs /tmp --cap-drop ALL -v "$PWD/runs/demo/model:/model:ro" globalner
# Any other verb takes the place of the default one: docker run --rm globalner config list

FROM python:3.11-slim AS builder
# Where pip looks besides its usual place. The usual torch brings the libraries of GPUs, some gigabytes; the page "Get
# started" of PyTorch names the index that has it without them: --build-arg PIP_EXTRA_INDEX_URL=...
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
WORKDIR /src
# What we need comes first and alone, so that a change of our own code makes neither this layer nor its download anew.
COPY constraints.txt pyproject.toml ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; print(*p['dependencies'], *p['optional-dependencies']['serve'], sep='\n')" > requirements.txt
RUN /opt/venv/bin/pip install -c constraints.txt -r requirements.txt
COPY README.md LICENSE ./
COPY globalner ./globalner
COPY service ./service
COPY configs ./configs
COPY datasets ./datasets
RUN pip wheel --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 globalner && install -d -o 10001 -g 10001 /cache
COPY --from=builder /opt/venv /opt/venv
RUN --mount=type=bind,from=builder,source=/wheels,target=/wheels \
    /opt/venv/bin/pip install --no-cache-dir --no-deps --no-index /wheels/*.whl && /opt/venv/bin/pip check
# Models that are named, not mounted, are kept in /cache: give it a volume where the root file system is read-only.
ENV PATH="/opt/venv/bin:$PATH" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HF_HOME=/cache GLOBALNER_MODEL=/model
# By number, so that an orchestrator sees that it is not root.
USER 10001:10001
WORKDIR /home/globalner
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=3)"]
ENTRYPOINT ["globalner"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
