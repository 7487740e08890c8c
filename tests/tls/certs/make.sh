#!/usr/bin/env bash
# Makes the certificates of the tests anew, with OpenSSL. They are good for a hundred years; `expired` never was.
set -euo pipefail
cd "$(dirname "$0")"

# key NAME: a key of its own.
key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"
}

# authority NAME: one that signs others.
authority() {
    key "$1"
    openssl req -x509 -new -key "$1.key" -days 36500 -subj "/CN=filch tests' authority $1" -out "$1.pem" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign"
}

# signed NAME AUTHORITY EXTENSIONS [DATES..]: a certificate that the authority has signed.
signed() {
    local name="$1" authority="$2" extensions="$3"
    shift 3
    key "$name"
    openssl req -new -key "$name.key" -subj "/CN=$name" -out "$name.csr"
    openssl x509 -req -in "$name.csr" -CA "$authority.pem" -CAkey "$authority.key" -CAcreateserial \
        -extfile <(printf '%s\n' "basicConstraints=critical,CA:FALSE" "$extensions") -out "$name.pem" "$@"
    rm "$name.csr"
}

# expired NAME AUTHORITY: one for localhost that was good for a month of the year 2020.
expired() {
    local work
    work="$(mktemp -d)"
    touch "$work/index.txt"
    printf '%s\n' "[ca]" "default_ca=c" "[c]" "database=$work/index.txt" "new_certs_dir=$work" "rand_serial=yes" \
        "default_md=sha256" "policy=p" "x509_extensions=e" "[p]" "commonName=supplied" "[e]" \
        "basicConstraints=critical,CA:FALSE" "subjectAltName=DNS:localhost" >"$work/config"
    key "$1"
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$work/csr"
    openssl ca -batch -notext -config "$work/config" -cert "$2.pem" -keyfile "$2.key" -in "$work/csr" -out "$1.pem" \
        -startdate 20200101000000Z -enddate 20200201000000Z
    rm -r "$work"
}

authority ca
authority stranger
signed localhost ca "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1" -days 36500
signed renewed ca "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1" -days 36500
signed wild ca "subjectAltName=DNS:*.example.org" -days 36500
signed client ca "extendedKeyUsage=clientAuth" -days 36500
signed unknown stranger "extendedKeyUsage=clientAuth" -days 36500
expired expired ca
rm ./*.srl
