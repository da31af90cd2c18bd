# One image for both servers of a domain:
#
#   docker build -t hawser .
#   docker run --rm hawser --help
#
# deploy/compose/ and deploy/helm/ run it with what it needs and nothing else: docs/guides/containers.md. A site is looked for in
# /etc/hawser/site/hawser.yaml, what a homeserver keeps is in /data, and nothing else is written: the root file system may be read-only.

# The Node of the launcher, `hawser`; Debian 12 as it is on the day of the build, with its security updates. Both can be given as digests, so that
# a build is of exactly what was looked at: docs/guides/containers.md, The image.
ARG NODE_IMAGE=node:24.21.0-bookworm
ARG DEBIAN_IMAGE=debian:bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /hawser
COPY package.json package-lock.json ./
# As cli/setup/packages.ts does, and why it does not use npm ci.
RUN npm install --no-save --ignore-scripts --no-audit --no-fund

# The media worker, by the same code as on a machine. It takes minutes, so that only what it is made of is there before: a change of
# anything else leaves this layer as it is.
COPY patches ./patches
COPY cli/errors.ts ./cli/errors.ts
COPY cli/setup ./cli/setup
COPY cli/worker ./cli/worker
RUN node cli/setup/patches.ts
RUN worker="$(node cli/setup/worker.ts)" && cp "$worker" /usr/local/bin/mediasoup-worker

COPY . .
RUN node -e "import('/hawser/web/build.ts').then(({ buildWeb }) => buildWeb())"
# What only building needs stays behind: development packages, and the worker's sources. The last line looks whether what is left is whole.
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/mediasoup/worker \
  && NODE_ENV=production node -e "import('/hawser/cli/setup/packages.ts').then(({ ensurePackages }) => ensurePackages())"

# Debian itself and not Node's slim image, which brings npm, yarn and corepack along.
FROM ${DEBIAN_IMAGE}
# The libraries that Node and the worker are linked with, in the versions of Debian 12, the one user, and no program that makes more of him.
RUN apt-get update \
  && apt-get install -y --no-install-recommends libabsl20220623 libssl3 libstdc++6 libuv1 \
  && rm -rf /var/lib/apt/lists/* \
  && groupadd --gid 10001 hawser \
  && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin hawser \
  && mkdir -p /data /etc/hawser/site \
  && chown hawser:hawser /data \
  && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /usr/local/bin/mediasoup-worker /usr/local/bin/mediasoup-worker
# Called by itself the worker ends with 41; with a library missing it would be 127, and better found out now.
RUN mediasoup-worker; test $? -eq 41
# Root's, as is all but /data: whoever breaks into a server changes no program.
COPY --from=build /hawser /hawser
RUN ln -s /hawser/hawser /usr/local/bin/hawser && hawser --help > /dev/null

# Which sources it was made of: docker build --build-arg VERSION=0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" .
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Hawser" \
  org.opencontainers.image.description="Federated conferencing that organisations run themselves: homeserver and media server" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
# Compiled code is kept in /tmp, where that can be written, and nowhere otherwise.
ENV NODE_ENV=production MEDIASOUP_WORKER_BIN=/usr/local/bin/mediasoup-worker NODE_COMPILE_CACHE=/tmp/hawser-compiled
WORKDIR /etc/hawser/site
# By number, because Kubernetes cannot tell whether a name is root's.
USER 10001:10001
# Both servers end in order at SIGTERM. The launcher gives its place to Node, which is process 1 and gets it.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["node", "--disable-warning=ExperimentalWarning", "/hawser/cli/health.ts"]
ENTRYPOINT ["/hawser/hawser"]
CMD ["--help"]
