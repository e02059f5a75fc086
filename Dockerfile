# The service of avcer, for the processor alone: docker compose up
FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
RUN python -m venv /opt/avcer \
 && /opt/avcer/bin/pip install --no-cache-dir --constraint constraints.txt ".[serve]"

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 avcer && install --directory --owner avcer /jobs
COPY --from=build /opt/avcer /opt/avcer
ENV PATH=/opt/avcer/bin:$PATH \
    AVCER_HOME=/tmp/avcer \
    PYTHONDONTWRITEBYTECODE=1
USER avcer
WORKDIR /home/avcer
VOLUME /jobs
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8765/api/health', timeout=4)"]
ENTRYPOINT ["sh", "-c", "exec avcer serve --host 0.0.0.0 --port 8765 --jobs /jobs --token \"$AVCER_TOKEN\" \"$@\"", "avcer"]
