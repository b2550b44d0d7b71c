# Build:  docker build -t globalner .
# Serve:  docker run --rm -p 8000:8000 -v "$PWD/runs/demo/model:/model:ro" globalner
# By name: docker run --rm -p 8000:8000 -e GLOBALNER_MODEL=owner/name globalner
# Any other verb takes the place of the default one: docker run --rm globalner config list

FROM python:3.11-slim AS builder
# Settings that pip reads from its environment, such as where to find a CPU build of torch, may be given as build arguments.
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
WORKDIR /src
COPY constraints.txt ./
COPY pyproject.toml README.md LICENSE ./
COPY globalner ./globalner
COPY service ./service
COPY configs ./configs
COPY datasets ./datasets
RUN pip wheel --no-deps --wheel-dir /wheels .
RUN wheel=$(ls /wheels/globalner-*.whl) && /opt/venv/bin/pip install -c constraints.txt "${wheel}[serve]"

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 globalner
COPY --from=builder /opt/venv /opt/venv
ENV PATH="/opt/venv/bin:$PATH" PYTHONUNBUFFERED=1 GLOBALNER_MODEL=/model
USER globalner
WORKDIR /home/globalner
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=3)"]
ENTRYPOINT ["globalner"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
