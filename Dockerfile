# Sluice on distroless Node: no shell, no package manager, nothing that user 65532 could write.
#
#   docker build --build-arg SLUICE_REVISION="$(git rev-parse HEAD)" -t sluice .
#   docker buildx build --platform linux/amd64,linux/arm64 …
#   docker run --read-only --cap-drop ALL -p 8080:8080 -v "$PWD/sluice.yaml:/etc/sluice/sluice.yaml:ro" sluice
#
# docs/image.md describes the image and says how to renew the digests.

# Builders know it by themselves; older ones want it named.
ARG BUILDPLATFORM
# Sluice has no native code: whatever platform the image is for, all of it is made on this machine's, without emulation.
FROM --platform=$BUILDPLATFORM docker.io/library/node:24.21.0-trixie-slim@sha256:173f125896c3b47ddf056734c7ea789d04595a6a08769a8f78e0df642781fb66 AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY scripts/third-party.ts scripts/
# Node strips no types under node_modules, so no TypeScript there can ever run. Source maps serve debuggers, tests and
# benchmarks their authors, manuals nobody who reads them here. zod comes twice, and its CommonJS half, which nothing
# requires, takes 1.2 MB, and its old interface 0.2; yaml comes for browsers too, uPlot for pages without modules, and
# bcryptjs for whoever requires it.
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
    && node scripts/third-party.ts node_modules > THIRD-PARTY.md \
    && find node_modules -type d \( -name test -o -name 'benchmark*' -o -name docs -o -name .github -o -path node_modules/yaml/browser -o -path node_modules/zod/v3 -o -path node_modules/bcryptjs/umd \) -prune -exec rm -r {} + \
    && find node_modules -type f \( -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.map' -o -iname 'readme*.md' -o -iname 'changelog*.md' -o -path 'node_modules/zod/*.cjs' -o -name 'uPlot.iife*.js' \) -exec rm {} +
COPY LICENSE ./
COPY config config
COPY src src
# A checkout made under a strict umask has files that only their owner may read.
RUN chmod -R u=rwX,go=rX /app

# What V8 makes of the program, its types stripped. Made by the very Node and the user that will run it, or it would not
# count; so there is none for another architecture than this machine's, where a start takes 0.4 s longer.
# The base below without its tag, so that builders that look images up by name keep the two platforms apart.
FROM --platform=$BUILDPLATFORM gcr.io/distroless/nodejs24-debian13@sha256:9eeb7f5887d0e239e78264b06f7f11d2e14be534050481803a9e4728fcdd278e AS compiled
# No WORKDIR before /app is there: made for the base's user, 65532, it would be writable.
COPY --from=build /app /app
WORKDIR /app
ARG TARGETARCH
COPY scripts/compile-cache.ts scripts/
RUN ["/nodejs/bin/node", "scripts/compile-cache.ts", "/tmp/compile-cache"]

FROM gcr.io/distroless/nodejs24-debian13:nonroot@sha256:9eeb7f5887d0e239e78264b06f7f11d2e14be534050481803a9e4728fcdd278e
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/package.json /app/LICENSE /app/THIRD-PARTY.md /app/
COPY --from=build /app/config /app/config
COPY --from=build /app/config/sluice.yaml /etc/sluice/sluice.yaml
COPY --from=build /app/src /app/src
WORKDIR /app
ENV NODE_ENV=production
# Given from the beginning, it need not be given by a process that begins anew (src/cli/small-process.ts).
ENV MALLOC_ARENA_MAX=1
COPY --from=compiled --chown=0:0 /tmp/compile-cache /app/.compile-cache
ENV NODE_COMPILE_CACHE=/app/.compile-cache
USER 65532:65532
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
ENTRYPOINT ["/nodejs/bin/node", "/app/src/main.ts"]
CMD ["serve", "--config", "/etc/sluice/sluice.yaml"]

ARG SLUICE_VERSION=0.2.0
ARG SLUICE_REVISION=
# What sluice_build_info reports.
ENV SLUICE_REVISION=$SLUICE_REVISION
LABEL org.opencontainers.image.title="Sluice" \
      org.opencontainers.image.description="A WebSocket gateway that enforces, explains and measures message limits" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$SLUICE_VERSION" \
      org.opencontainers.image.revision="$SLUICE_REVISION" \
      org.opencontainers.image.base.name="gcr.io/distroless/nodejs24-debian13:nonroot"
