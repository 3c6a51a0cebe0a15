"""Mutation run: change the code in one place, and see whether a test fails.

python -m tests.mutation                                  # all of it
python -m tests.mutation reid_fusedloss/losses --tests tests/losses --again survived
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from .mutants import Source
from .trial import Trial, read_results

SOURCES = [
    'reid_fusedloss/losses',
    'reid_fusedloss/datasets/pk_sampler.py',
    'reid_fusedloss/functional',
]
TESTS = [
    'tests/functional',
    'tests/losses',
    'tests/datasets/test_pk_sampler.py',
    'tests/datasets/test_joint_epoch.py',
]
EQUIVALENT = Path(__file__).with_name('equivalent.md')


def main() -> int:
    parser = argparse.ArgumentParser(prog='python -m tests.mutation', description=__doc__)
    parser.add_argument('sources', nargs='*', default=SOURCES, help='files or folders to mutate')
    parser.add_argument(
        '--tests', nargs='+', default=TESTS, help="files, folders or ids of pytest's"
    )
    parser.add_argument('--out', type=Path, default=Path('build/mutation.jsonl'))
    parser.add_argument('--again', nargs='*', default=[], help='statuses to try again')
    parser.add_argument('--per-file', type=int, help='a random sample of so many mutants per file')
    parser.add_argument(
        '--most-tests', type=int, help='a random sample of so many tests per mutant'
    )
    parser.add_argument('--seed', type=int, default=0, help='of the samples')
    parser.add_argument('--report', action='store_true', help='print the results, try nothing')
    args = parser.parse_args()

    paths = [Path(name) for name in args.sources]
    files = [f for path in paths for f in (sorted(path.rglob('*.py')) if path.is_dir() else [path])]
    sources = [source for source in map(Source, files) if source.mutants]
    known = set(re.findall(r'^- `(.*?)`:', EQUIVALENT.read_text(), re.MULTILINE))
    if not args.report:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        sample = args.per_file, args.most_tests, args.seed
        trial = Trial(sources, args.out, known, tuple(args.again), *sample)
        options = '-q --disable-warnings -p no:cacheprovider -p no:xdist -p no:faulthandler'.split()
        code = pytest.main([*options, '-m', 'not slow', *args.tests], plugins=[trial])
        if code:
            return int(code)
    return report(sources, read_results(args.out), known)


def report(sources: list[Source], results: dict[str, dict[str, Any]], known: set[str]) -> int:
    """Print the table of files and the survivors not known as equivalent; 1 if under 95 %."""
    total = [0, 0, 0, 0]
    print('| file | mutants | killed | equivalent | survivors |\n|---|---|---|---|---|')
    survivors = []
    for source in sources:
        equivalent = [mutant for mutant in source.mutants if mutant.key in known]
        rows = [results[m.key] for m in source.mutants if m.key in results and m.key not in known]
        rows = [row for row in rows if row['status'] != 'unfit']
        alive = [row for row in rows if row['status'] in ('survived', 'no tests')]
        counts = [len(rows) + len(equivalent), len(rows) - len(alive), len(equivalent), len(alive)]
        total = [a + b for a, b in zip(total, counts)]
        print('|', ' | '.join(map(str, [source.name, *counts])), '|')
        survivors += alive
    print('| all |', ' | '.join(map(str, total)), '|\n')
    names = tuple(f'{source.name} ' for source in sources)
    for key in sorted(known - {mutant.key for source in sources for mutant in source.mutants}):
        if key.startswith(names):
            print(f'listed as equivalent, but no mutant any more: {key}')
    for row in survivors:
        print(f'{row["status"]}: {row["key"]}\n    line {row["line"]}: {row["text"]}')
    score = total[1] / max(total[1] + total[3], 1)
    print(f'{score:.1%} of the mutants that are not equivalent are killed')
    return int(score < 0.95)


if __name__ == '__main__':
    sys.exit(main())
