# Assay in a container:
#   docker build -t assay .
#   docker run -p 8740:8740 -v assay-data:/data assay
ARG NODE_IMAGE=node:26-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE}
# A repository without `upstreams` mirrors the index that pip is configured with, PIP_INDEX_URL included, and pip's own default is asked of pip.
# `git:` of the configuration needs git.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git python3-pip \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY config/*.yaml config/
COPY src src
RUN mkdir /data && chown node:node /data
USER node
ENV NODE_ENV=production MALLOC_ARENA_MAX=2 ASSAY_LISTEN_HOST=0.0.0.0 ASSAY_LISTEN_PORT=8740 ASSAY_DATA=/data
VOLUME /data
EXPOSE 8740
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ASSAY_LISTEN_PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Without a shell or npm between them, SIGTERM reaches Assay itself, which then finishes what is under way.
ENTRYPOINT ["node", "src/main.ts"]
CMD ["serve"]
