# The site as an image; compose.yaml puts PostgreSQL beside it. docs/operations/container.md says how.
FROM python:3.12-slim-trixie

# Where packages come from, if not from the usual place: --build-arg PIP_INDEX_URL=…
ARG PIP_INDEX_URL

# For backups: pg_dump must not be older than the server of compose.yaml.
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /srv/yiwu-vote
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements.txt

COPY . .
# The program is root's, so that the site cannot change it; only its volume is its own.
RUN useradd --system --uid 10001 --no-create-home vote \
    && install -d -o vote -g vote -m 700 /var/lib/yiwu-vote
USER vote

# Inside a container 127.0.0.1 is the container; compose.yaml lets in whom it should.
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    VAR_DIR=/var/lib/yiwu-vote \
    GRANIAN_HOST=0.0.0.0 \
    PORT=8000
VOLUME /var/lib/yiwu-vote
EXPOSE 8000

HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]

ENTRYPOINT ["python", "manage.py"]
CMD ["serve"]
