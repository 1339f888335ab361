# CPU image of the service. Build: docker build -t m-nas .
# Run: docker run -p 8080:8080 -v m-nas-data:/data m-nas
#
# GPU image of the trainer. Build: docker build --target training-gpu -t m-nas-training .
# Run: docker run --gpus all -v m-nas-runs:/app/runs m-nas-training training/train.ts --engine tfjs --config FILE

FROM node:20-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev \
  # onnxruntime-node brings its libraries for every platform: keep this one's
  && platform="$(node -p 'process.platform + "/" + process.arch')" \
  && find node_modules/onnxruntime-node/bin -mindepth 3 -maxdepth 3 -type d \
     ! -path "*/$platform" -exec rm -rf {} + \
  # of onnxruntime-web the page takes two builds
  && find node_modules/onnxruntime-web/dist -type f \
     ! -name 'ort-wasm-simd-threaded.mjs' ! -name 'ort-wasm-simd-threaded.wasm' \
     ! -name 'ort-wasm-simd-threaded.asyncify.*' ! -name 'ort.wasm.min.mjs' ! -name 'ort.webgpu.min.mjs' -delete

# CUDA 11.2 and cuDNN 8 are what the libtensorflow of @tensorflow/tfjs-node-gpu is built for
FROM nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04 AS training-gpu
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
COPY model model
COPY drawing drawing
COPY images images
COPY engine engine
COPY training training
RUN useradd --create-home node && mkdir runs && chown node:node . runs
USER node
VOLUME /app/runs
ENTRYPOINT ["node", "--import", "tsx"]
CMD ["training/train.ts", "--engine", "tfjs", "--config", "training/configs/quick.yaml"]

FROM node:20-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 MNAS_DATA_DIR=/data
WORKDIR /app
RUN mkdir /data && chown node:node /data
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY model model
COPY drawing drawing
COPY images images
COPY engine engine
COPY checkpoints checkpoints
COPY web web
COPY server server
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# node itself is the main process, so that SIGTERM reaches it
CMD ["node", "--import", "tsx", "server/main.ts"]
