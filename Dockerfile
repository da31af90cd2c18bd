# One image for both servers of a domain:
#
#   docker build -t hawser .
#   docker run --network host -v ./alpha:/data:ro … hawser homeserver --config /data/site.yaml
#   docker run --network host -v ./alpha:/data:ro … hawser sft --config /data/site.yaml
#
# The media server needs its UDP ports as they are in the configuration; --network host is the simplest way to that.

FROM node:24-bookworm AS build
WORKDIR /hawser
COPY package.json package-lock.json ./
# As cli/setup/packages.ts does, and why it does not use npm ci.
RUN npm install --no-save --ignore-scripts --no-audit --no-fund

# The media worker, by the same code as on a machine; a layer of its own because it takes minutes and changes rarely.
COPY cli ./cli
COPY patches ./patches
RUN node cli/setup/patches.ts
RUN worker="$(node cli/setup/worker.ts)" && cp "$worker" /usr/local/bin/mediasoup-worker

COPY . .
RUN node -e "import('/hawser/web/build.ts').then(({ buildWeb }) => buildWeb())"
# What only building needs stays behind: development packages, and the worker's sources.
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund && rm -rf node_modules/mediasoup/worker

FROM node:24-bookworm-slim
# The libraries that the worker is linked with, in the versions of Debian 12.
RUN apt-get update \
  && apt-get install -y --no-install-recommends libabsl20220623 libssl3 libuv1 \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/mediasoup-worker /usr/local/bin/mediasoup-worker
# Called by itself the worker ends with 41; with a library missing it would be 127, and better found out now.
RUN mediasoup-worker; test $? -eq 41
COPY --from=build /hawser /hawser
ENV NODE_ENV=production MEDIASOUP_WORKER_BIN=/usr/local/bin/mediasoup-worker
RUN mkdir /data && chown node:node /data
WORKDIR /data
USER node
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["node", "/hawser/cli/health.ts"]
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "/hawser/cli/main.ts"]
CMD ["--help"]
