# syntax=docker/dockerfile:1
# CPU image of the service (the default). Build: docker build -t m-nas .
# Run: docker run -p 8080:8080 -v m-nas-data:/data m-nas
#
# CUDA image of the service. Build: docker build --target service-cuda -t m-nas:cuda .
# Run: docker run --gpus all -p 8080:8080 -v m-nas-data:/data m-nas:cuda
#
# GPU image of the trainer. Build: docker build --target training-gpu -t m-nas-training .
# Run: docker run --gpus all -v m-nas-runs:/app/runs m-nas-training training/train.ts --engine tfjs --config FILE
#
# CPU image of the trainer, alone or on several machines. Build: docker build --target training -t m-nas-trainer .
# Run: docker run -v m-nas-runs:/app/runs m-nas-trainer training/train.ts --config FILE
#
# What those for a GPU need of the machine: docs/gpu.md

FROM node:20-bookworm-slim AS installed
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM installed AS dependencies
COPY scripts/prune-modules.sh /tmp/
RUN sh /tmp/prune-modules.sh node_modules

FROM installed AS dependencies-cuda
COPY scripts/prune-modules.sh /tmp/
# downloads onnxruntime's CUDA libraries from NuGet
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/* \
  && npm rebuild onnxruntime-node --ignore-scripts=false --onnxruntime-node-install=cuda12 \
  && sh /tmp/prune-modules.sh node_modules

# what both images of the trainer have beside their packages
FROM node:20-bookworm-slim AS training-source
WORKDIR /app
COPY model model
COPY drawing drawing
COPY images images
COPY engine engine
COPY checkpoints checkpoints
COPY training training

# CUDA 11.2 and cuDNN 8.1 are what the libtensorflow of @tensorflow/tfjs-node-gpu is built for; 11.8 and 8.9, of the same
# names (libcudart.so.11.0, libcublas.so.11, libcudnn.so.8), are the last ones of these that NVIDIA's images still have
FROM nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04 AS training-gpu
# python3, make and g++ build the native part where no ready one fits; without NVIDIA's package lists, whose key changed
RUN rm -f /etc/apt/sources.list.d/cuda*.list /etc/apt/sources.list.d/nvidia*.list \
  && apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates g++ make python3 \
  && rm -rf /var/lib/apt/lists/*
COPY --from=node:20-bookworm-slim /usr/local/bin /usr/local/bin
COPY --from=node:20-bookworm-slim /usr/local/include/node /usr/local/include/node
COPY --from=node:20-bookworm-slim /usr/local/lib/node_modules /usr/local/lib/node_modules
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# the second command downloads libtensorflow; --save-dev, since npm 11 does not install an optional peer otherwise
RUN npm ci \
  && npm install --no-save --save-dev --ignore-scripts=false @tensorflow/tfjs-node-gpu@4.22.0
COPY --from=training-source /app ./
RUN useradd --create-home node && mkdir runs && chown node:node . runs
USER node
VOLUME /app/runs
ENTRYPOINT ["node", "--import", "tsx"]
CMD ["training/train.ts", "--engine", "tfjs", "--config", "training/configs/quick.yaml"]

# with the packages of development: images of icons and glyphs are drawn from some
FROM node:20-bookworm-slim AS training
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY --from=training-source /app ./
# runs, and the planes of images that are computed once
RUN mkdir runs .cache && chown node:node . runs .cache
USER 1000:1000
VOLUME ["/app/runs", "/app/.cache"]
ENTRYPOINT ["node", "--import", "tsx"]
CMD ["training/train.ts", "--config", "training/configs/quick.yaml"]

# what both images of the service have beside their packages
FROM node:20-bookworm-slim AS source
WORKDIR /app
COPY package.json ./
COPY model model
COPY drawing drawing
COPY images images
COPY engine engine
COPY checkpoints checkpoints
COPY LICENSE NOTICE ./
COPY contract contract
COPY client client
COPY web web
COPY openapi.yaml ./
COPY server server

# CUDA 12 and cuDNN 9 are what onnxruntime-node's CUDA libraries are built for
FROM nvidia/cuda:12.6.3-cudnn-runtime-ubuntu24.04 AS service-cuda
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 MNAS_DATA_DIR=/data MNAS_PROVIDER=cuda MNAS_WORKERS=1 \
  MALLOC_MMAP_THRESHOLD_=1048576
COPY --from=node:20-bookworm-slim /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=dependencies-cuda /app/node_modules node_modules
COPY --from=source /app ./
# 1000 as in the CPU image; Ubuntu's image has it as "ubuntu"
RUN mkdir /data && chown 1000:1000 /data
USER 1000:1000
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--import", "tsx", "server/main.ts"]

FROM node:20-bookworm-slim AS service
# the last one: glibc gives blocks of a MiB and more back as soon as they are freed, as server/start.mjs has it
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 MNAS_DATA_DIR=/data MALLOC_MMAP_THRESHOLD_=1048576
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=source /app ./
RUN mkdir /data && chown 1000:1000 /data
USER 1000:1000
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# node itself is the main process, so that SIGTERM reaches it
CMD ["node", "--import", "tsx", "server/main.ts"]
