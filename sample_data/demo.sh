#!/bin/sh
# Fits and applies on the data beside this file, showing each command and what it prints.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

show() {
    printf '\n$ %s\n' "$1"
    eval "$1"
}

export PATH="$PWD/../.venv/bin:$PATH" OUT="$work"
show 'head -4 penguins.csv'
show 'normcli fit penguins.csv -m zscore -x year -p $OUT/penguins.json'
show 'normcli inspect $OUT/penguins.json'
show 'normcli apply penguins.csv -p $OUT/penguins.json -o $OUT/penguins-z.csv'
show 'head -4 $OUT/penguins-z.csv'
show 'normcli apply $OUT/penguins-z.csv -p $OUT/penguins.json --inverse | head -4'
show 'grep -e species -e Gentoo penguins.csv | normcli check -p $OUT/penguins.json || echo "exit code $?"'
show 'normcli fit iris.parquet -m whiten --kind pca -p $OUT/iris.json'
show 'normcli apply iris.parquet -p $OUT/iris.json -o $OUT/iris-w.csv'
show 'head -4 $OUT/iris-w.csv'
