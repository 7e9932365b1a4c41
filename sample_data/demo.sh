#!/bin/sh
# Shows what normcli does on the data beside this file: each command, and what it prints. Takes about 10 seconds.
set -eu
cd "$(dirname "$0")"
export PATH="$PWD/../.venv/bin:$PATH" OUT
OUT=$(mktemp -d)
trap 'rm -rf "$OUT"' EXIT

show() { # what it is about, then the commands
    printf '\n\n%s\n' "$1"
    shift
    for command; do
        printf '\n$ %s\n' "$command"
        eval "$command"
    done
}

printf 'normcli learns how to normalize data in one pass, applies it to a stream, and can undo it.\n'
printf 'The files that this demo writes are in %s, and are deleted at its end.' "$OUT"

show '1. The data: 344 penguins, some of whose measurements are missing (NA).' \
    'head -4 penguins.csv'

show '2. Fit: learn the mean and the standard deviation of every numeric column but the year.' \
    'normcli fit penguins.csv -m zscore -x year -p $OUT/penguins.json'

show '3. Inspect: what was learned is a JSON file; here it is as a table.' \
    'normcli inspect $OUT/penguins.json'

show '4. Apply: normalize. The other columns pass through as they are.' \
    'normcli apply penguins.csv -p $OUT/penguins.json -o $OUT/penguins-z.csv' \
    'head -4 $OUT/penguins-z.csv'

show '5. Undo: the original numbers, within rounding, in another file.' \
    'normcli apply $OUT/penguins-z.csv -p $OUT/penguins.json --inverse -o $OUT/penguins-back.csv' \
    'head -4 $OUT/penguins-back.csv'

show '6. Check: do other data look like those that were fitted? One species alone does not: exit code 1.' \
    'grep -e species -e Gentoo penguins.csv | normcli check -p $OUT/penguins.json || echo "exit code $?"'

show '7. Another method and other formats: whiten Parquet, then write the components as CSV.' \
    'normcli fit iris.parquet -m whiten --kind pca -p $OUT/iris.json' \
    'normcli apply iris.parquet -p $OUT/iris.json -o $OUT/iris-w.csv' \
    'head -4 $OUT/iris-w.csv'

show '8. Larger than memory: 1 GB of CSV, made on the fly, through a pipe with 200 MB to use (about 5 seconds).' \
    'python sensors.py 1000000 | normcli fit -m zscore -p $OUT/sensors.json' \
    'python sensors.py 1000000000 | python peak.py normcli apply -p $OUT/sensors.json --max-memory 200M | wc -l'

cat <<'END'


What to try next, here in the repository:

  .venv/bin/normcli fit YOUR.csv -m robust -p params.json     median and quartiles of data of your own
  .venv/bin/normcli apply YOUR.csv -p params.json -o out.csv  normalize them
  .venv/bin/normcli methods                                   the methods, with their formulas
  .venv/bin/normcli methods whiten                            one of them in full, with an example
  README.md                                                   five recipes to paste: pipes, directories, cron …
END
