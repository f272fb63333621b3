#!/bin/bash
# Whether the server can answer for the version labelled `stable`: exits with 0 if so, else with 1.
# The image has neither curl nor wget; bash opens the connection itself.
set -euo pipefail

port=${1:-8501}
path=${2:-/v1/models/hashtags/labels/stable/metadata}

exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$path" >&3
read -r _ status _ <&3
[[ $status == 200 ]] || {
  echo "$path: status $status"
  exit 1
}
