#!/usr/bin/env bash
# Prints the SSLConfig for the server's --ssl_config_file, which holds the PEM texts themselves:
#
#   bash serving/config/make_ssl_config.sh server.key server.pem ca.pem > ssl.config
#
# With the third file, clients must show a certificate that one of its authorities has signed.
set -euo pipefail

if (($# < 2 || $# > 3)); then
  echo "usage: $0 SERVER_KEY SERVER_CERTIFICATE [CLIENT_AUTHORITIES]" >&2
  exit 2
fi

# A PEM file as one line of an ascii protocol buffer.
field() {
  if [[ ! -r $2 ]] || ! grep -q -e '-----BEGIN' "$2"; then
    echo "$0: $2 is no PEM file that can be read" >&2
    exit 1
  fi
  printf '%s: "' "$1"
  awk '{ sub(/\r$/, ""); printf "%s\\n", $0 }' "$2"
  printf '"\n'
}

# All of it before any of it is printed: half a config would look like one.
config=$(
  field server_key "$1"
  field server_cert "$2"
  if (($# == 3)); then
    field custom_ca "$3"
    echo 'client_verify: true'
  fi
)
echo "$config"
