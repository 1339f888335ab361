#!/bin/sh
# A classifier of photos in three requests, with curl alone.
#
#   sh classify.sh http://localhost:8080 photos.zip new.jpg
#
# photos.zip has a folder a class, as when its folder is zipped. With API keys: API_KEY=... sh classify.sh ...
set -eu
url=$1
photos=$2
new=$3

ask() {
  curl --silent --show-error --fail-with-body -H "X-API-Key: ${API_KEY:-none}" "$@"
}

task=$(ask -H 'Content-Type: application/zip' --data-binary "@$photos" "$url/v1/tasks")
id=$(printf '%s' "$task" | sed -n 's/.*"id": *"\([0-9a-f]\{32\}\)".*/\1/p')
echo "task $id" >&2

ask -F "images=@$new" "$url/v1/tasks/$id/predictions"
echo

ask --output m-nas.onnx "$url/v1/tasks/$id/model"
echo "m-nas.onnx: its input, labels and preprocessing are in the task's description:" >&2
echo "  curl $url/v1/tasks/$id" >&2
