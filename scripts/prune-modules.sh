#!/bin/sh
# Removes from a folder node_modules what the service on this platform never reads: sh prune-modules.sh FOLDER
set -eu
modules="$1"
platform="$(node -p 'process.platform + "/" + process.arch')"

# onnxruntime-node brings its libraries for every platform
find "$modules/onnxruntime-node/bin" -mindepth 3 -maxdepth 3 -type d ! -path "*/$platform" -exec rm -rf {} +
# TensorRT comes with the CUDA libraries; no provider of the service uses it
find "$modules/onnxruntime-node/bin" -name 'libonnxruntime_providers_tensorrt.so' -delete
# of onnxruntime-web the page takes two builds
find "$modules/onnxruntime-web/dist" -type f \
  ! -name 'ort-wasm-simd-threaded.mjs' ! -name 'ort-wasm-simd-threaded.wasm' \
  ! -name 'ort-wasm-simd-threaded.asyncify.*' ! -name 'ort.wasm.min.mjs' ! -name 'ort.webgpu.min.mjs' -delete
# of OpenTelemetry Node takes the CommonJS builds
find "$modules/@opentelemetry" -type d \( -name esm -o -name esnext \) -prune -exec rm -rf {} +
# for debuggers and compilers
find "$modules" -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete
