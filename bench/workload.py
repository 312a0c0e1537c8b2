# SPDX-License-Identifier: BSD-2-Clause
"""The file workload: the same files and the same commands wherever it is measured."""

import random

COMMAND = """set -e
cd /files/tree
find . -type f | sort | xargs md5sum | gzip > /tmp/sums.gz
grep -rc that . | sort > /tmp/counts
find . -type f | sort | xargs cat | tr -cs a-z '\\n' | sort | uniq -c | sort -rn > /tmp/words
tar cf /tmp/all.tar .
mkdir /tmp/copy
tar xf /tmp/all.tar -C /tmp/copy
diff -r . /tmp/copy
find . -name '*.txt' | sort | xargs awk '{n += NF} END {print n}' > /tmp/count
find . -type f | sort | xargs sed -n 's/the/THE/p' | wc -c > /tmp/sed
rm -r /tmp/copy
"""

FOLDERS = 20
FILES = 25  # a folder
WORDS = 2000


def make_files(top):
    """500 files of words below `top`, about 4.5 MB, always the same."""
    source = random.Random(1)
    words = ["the", "that"] + ["".join(source.choices("etaoinshrdlu", k=source.randint(2, 12)))
                               for _ in range(WORDS)]
    for folder in range(FOLDERS):
        place = top / f"folder{folder}"
        place.mkdir(parents=True)
        for number in range(FILES):
            text = " ".join(source.choices(words, k=source.randint(50, 2300)))
            lines = text.replace(" the ", "\nthe ") + "\n"
            (place / f"file{number}.{source.choice(('txt', 'c'))}").write_text(lines)
