# PostgreSQL under Patroni with the files of deploy/patroni; a data node, or by another command the voter:
#   docker build -f deploy/docker/patroni.Dockerfile -t image-spider-patroni .
# What differs on each node comes as PATRONI_... variables, which win over patroni.yml (deploy/compose/compose.yaml).
ARG POSTGRES_IMAGE=postgres:18.1-bookworm

FROM ${POSTGRES_IMAGE}
# Debian's Python, whatever its patch level: its security updates replace one version by another.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
COPY constraints.txt /etc/patroni/constraints.txt
RUN python3 -m venv /opt/patroni \
    && /opt/patroni/bin/pip install --no-cache-dir -c /etc/patroni/constraints.txt 'patroni[raft]' pysyncobj psycopg2-binary
COPY deploy/patroni/patroni.yml deploy/patroni/voter.yml /etc/patroni/
COPY --chmod=755 deploy/patroni/create_catalog.sh /etc/patroni/create_catalog.sh
RUN install -d -o postgres -g postgres -m 0700 /var/lib/patroni
ENV PATH=/opt/patroni/bin:/usr/lib/postgresql/18/bin:$PATH
VOLUME /var/lib/patroni
# postgres
USER 999:999
EXPOSE 5432 8008 2222
# Patroni is told, and stops PostgreSQL in order; as process 1 it reaps what is left behind.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8008/readiness', timeout=4)"]
ENTRYPOINT []
CMD ["patroni", "/etc/patroni/patroni.yml"]
