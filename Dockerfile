# Two stages from one base: the first builds the wheel and installs it, the second holds what runs.
# Each RUN stands on its own and needs no builder's extensions; `make image-steps` runs them by hand.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_CONSTRAINT=/src/constraints.txt
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY constraints.txt ./
RUN python3 -m venv /opt/build \
    && /opt/build/bin/pip install build cython setuptools
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE ./
COPY _core _core
COPY caxton caxton
RUN /opt/build/bin/python -m build --no-isolation --wheel --outdir /wheels
# The environment is copied to the same path in the second stage; it holds no pip, so nothing is added later.
RUN python3 -m venv --without-pip /opt/caxton \
    && /opt/build/bin/pip --python /opt/caxton/bin/python install /wheels/caxton-*.whl

FROM ${BASE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*
# A fixed number, so that volumes and security policies can name it; the data is for this user alone.
RUN groupadd --gid 10001 caxton \
    && useradd --uid 10001 --gid caxton --no-create-home --home-dir /var/lib/caxton --no-log-init \
        --shell /usr/sbin/nologin caxton \
    && install --directory --owner caxton --group caxton --mode 0700 /var/lib/caxton
# Inside the container all interfaces; what publishes the port is the proxy that ends TLS. Mount a file over this
# one, or name another in CAXTON_CONFIG_PATH, for anything else.
RUN mkdir -p /etc/caxton \
    && printf '%s\n' 'server:' '  host: 0.0.0.0' 'security:' '  behind_proxy: true' \
        'storage:' '  data_dir: /var/lib/caxton' > /etc/caxton/config.yaml
COPY --from=build /opt/caxton /opt/caxton
ENV PATH=/opt/caxton/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    CAXTON_CONFIG_PATH=/etc/caxton/config.yaml
USER 10001:10001
WORKDIR /var/lib/caxton
VOLUME ["/var/lib/caxton"]
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 CMD ["caxton", "health"]
ENTRYPOINT ["caxton"]
CMD ["serve"]
